"""Only exact images have names: tags that move and digests that are none are refused."""

from __future__ import annotations

import pytest

from slipway.errors import UsageError
from slipway.images import ImageRef, parse, repository_of

DIGEST = "sha256:" + "ab" * 32


def test_an_app_has_its_image_name() -> None:
    assert repository_of("app1") == "ghcr.io/slipway-gitops/app1"


@pytest.mark.parametrize("tag", ["git-0123456789ab", "1.2.3", "v1", "git-0123456789ab-dirty-01234567"])
def test_a_tag_with_and_without_its_digest_is_read(tag: str) -> None:
    assert parse(tag) == ImageRef(tag)
    assert parse(f"{tag}@{DIGEST}") == ImageRef(tag, DIGEST)
    assert parse(f"{tag}@{DIGEST}").of("ghcr.io/o/a") == f"ghcr.io/o/a:{tag}@{DIGEST}"


@pytest.mark.parametrize("tag", ["latest", "main", "dev", "staging", "prod", "stable"])
def test_a_tag_that_moves_is_refused(tag: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(tag)
    assert raised.value.code == "MUTABLE_TAG"


@pytest.mark.parametrize("text", ["", "-x", "a b", "app1:1.0", "a/b", "x" * 129, f"@{DIGEST}"])
def test_what_is_no_tag_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(text)
    assert raised.value.code == "IMAGE_TAG"


@pytest.mark.parametrize("digest", ["", "sha256:12", "sha256:" + "AB" * 32, "md5:" + "0" * 32])
def test_what_is_no_digest_is_refused(digest: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(f"1.0.0@{digest}")
    assert raised.value.code == "IMAGE_DIGEST"
