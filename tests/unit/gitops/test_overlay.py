"""An image is set in an overlay without touching anything else that its author wrote."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import SlipwayError
from slipway.gitops import image_in, with_image
from slipway.gitops.overlay import image_name
from slipway.images import ImageRef

DIGEST = "sha256:" + "ab" * 32
OVERLAY = """\
# Development: one replica.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: "app1-dev"  # quoted on purpose
resources:
  - ../../base
images:
  # Written by a command.
  - name: ghcr.io/acme/app1
    newTag: 1.0.0 # the release
  - name: ghcr.io/acme/sidecar
    newTag: 2.0.0
patches:
  - target:
      kind: HTTPRoute
    patch: |-
      - op: replace
        path: /spec/hostnames/0
        value: app1.dev.localhost
"""


def test_only_the_lines_of_this_image_change() -> None:
    after = with_image(OVERLAY, "app1", ImageRef("git-0123456789ab", DIGEST))

    expected = OVERLAY.replace("newTag: 1.0.0 #", "newTag: git-0123456789ab #")
    expected = expected.replace("the release\n", f"the release\n    digest: {DIGEST}\n")
    assert after == expected


def test_lists_that_are_not_indented_stay_so() -> None:
    flush = "kind: Kustomization\nresources:\n- ../../base\nimages:\n- name: ghcr.io/acme/app1\n  newTag: a\n"

    assert with_image(flush, "app1", ImageRef("b")) == flush.replace("newTag: a", "newTag: b")


def test_a_digest_without_a_successor_is_removed() -> None:
    with_digest = with_image(OVERLAY, "app1", ImageRef("x", DIGEST))

    assert "digest" not in with_image(with_digest, "app1", ImageRef("y"))


def test_an_overlay_without_images_gets_the_entry() -> None:
    text = "kind: Kustomization\nresources:\n  - ../../base\n"
    after = with_image(text, "app1", ImageRef("x", DIGEST))

    assert after.startswith(text)
    assert image_in(after, "app1") == ImageRef("x", DIGEST)
    assert image_name(after, "app1") == "ghcr.io/slipway-gitops/app1"


def test_the_overlays_own_image_name_is_kept() -> None:
    assert image_name(OVERLAY, "app1") == "ghcr.io/acme/app1"
    assert image_in(OVERLAY, "other") is None


@given(
    tag=st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=40).filter(
        lambda t: t[0] not in ".-"
    )
)
def test_any_tag_reads_back_as_it_was_set_and_setting_it_again_changes_nothing(tag: str) -> None:
    # Tags like 1e5, 0123, true or null are something else to YAML when they are not quoted.
    once = with_image(OVERLAY, "app1", ImageRef(tag, DIGEST))

    assert image_in(once, "app1") == ImageRef(tag, DIGEST)
    assert with_image(once, "app1", ImageRef(tag, DIGEST)) == once


@pytest.mark.parametrize(
    "text", ["", "- a\n- b\n", "just words", "a: [1,\n", "images:\n  - name: x/app1\n  - name: y/app1\n"]
)
def test_what_is_no_overlay_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(SlipwayError) as raised:
        with_image(text, "app1", ImageRef("x"))
    assert raised.value.where == "kustomization.yaml"
