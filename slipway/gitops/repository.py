"""The GitOps repository as operations: seed it, set an application's image, read what it says.

Every operation works on a fresh shallow clone and pushes one commit; nothing is left on disk, and the user's checkout
is never touched. A push that lost a race is done again on top of the winner.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from slipway.errors import CheckFailed, SlipwayError, UsageError
from slipway.gitops.git import Git, PushRejected
from slipway.gitops.overlay import image_in, image_name, with_image
from slipway.images.naming import ImageRef
from slipway.run import CommandFailed, run

__all__ = ["BRANCH", "GitOpsRepository"]

BRANCH = "main"
_ATTEMPTS = 5
_README = """\
# GitOps repository

Argo CD reads this repository: `apps/<app>/k8s/overlays/<environment>` is what runs.
Change it by commits, or with `slipway image set`.
"""


class GitOpsRepository:
    """The repository at a URL, with an account that may push."""

    def __init__(self, url: str, username: str = "", password: str = "", *, kustomize: Path | None = None) -> None:
        self.url = url
        self._git = Git(url, username, password)
        self._kustomize = kustomize

    def head(self) -> str:
        """The commit that `main` names; empty while the repository has none."""
        return self._git("ls-remote", self.url, f"refs/heads/{BRANCH}").partition("\t")[0]

    def seed(self, source: Path) -> str | None:
        """Make the first commit from `apps/` of a checkout; None when the repository has commits already.

        Files that Git ignores in the checkout stay out.
        """
        if self.head():
            return None
        with tempfile.TemporaryDirectory(prefix="slipway-gitops-") as scratch:
            tree = Path(scratch)
            for path in _listed(source):
                target = tree / "apps" / path
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source / path, target, follow_symlinks=False)
            (tree / "README.md").write_text(_README, encoding="utf-8")
            self._git("init", "--quiet", "--initial-branch", BRANCH, cwd=tree)
            self._commit(tree, "Seed the applications\n\ntrigger: slipway gitops seed")
            try:
                return self._push(tree)
            except PushRejected:
                # Another seed was faster: there is a first commit, which is what was asked for.
                return None

    def clone(self, target: Path, credential_helper: str = "") -> str:
        """Clone for a person to work in. The helper is asked for the password, which is stored nowhere."""
        if target.exists() and not target.is_dir():
            raise UsageError("it is a file", code="NOT_A_FOLDER", where=str(target), remedy="give a new folder")
        if target.exists() and any(target.iterdir()):
            raise UsageError("the folder is not empty", code="NOT_EMPTY", where=str(target), remedy="give a new folder")
        self._git("clone", "--quiet", "--branch", BRANCH, self.url, target)
        if credential_helper:
            # The empty one first: it drops the user's own helpers, which would be asked to store the password.
            for helper in ("", credential_helper):
                self._git("config", "--add", "credential.helper", helper, cwd=target)
        return self._git("rev-parse", "HEAD", cwd=target)

    def image(self, app: str, env: str) -> ImageRef:
        """The image that the overlay sets."""
        with self._clone() as tree:
            found = image_in(_overlay(tree, app, env).read_text("utf-8"), app)
        if found is None or not found.tag:
            raise SlipwayError(
                f"the overlay sets no image for {app}",
                code="NO_IMAGE",
                where=f"apps/{app}/k8s/overlays/{env}/kustomization.yaml",
                remedy=f"slipway image set {app} {env} <tag>",
            )
        return found

    def set_image(self, app: str, env: str, image: ImageRef, trigger: str = "slipway image set") -> str | None:
        """Commit and push this image for one environment; None when the overlay says so already.

        Only `overlays/<env>/kustomization.yaml` changes, and it must render to this very image before it is pushed.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._clone() as tree:
                    return self._set_image(tree, app, env, image, trigger)
            except PushRejected:
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _set_image(self, tree: Path, app: str, env: str, image: ImageRef, trigger: str) -> str | None:
        overlay = _overlay(tree, app, env)
        before = overlay.read_text("utf-8")
        after = with_image(before, app, image)
        if after == before:
            return None
        overlay.write_text(after, encoding="utf-8")
        reference = image.of(image_name(after, app))
        self._check_rendered(overlay.parent, reference)
        fields = {"environment": env, "component": app, "image": reference, "trigger": trigger}
        body = "\n".join(f"{key}: {value}" for key, value in fields.items())
        self._commit(tree, f"{app} {env}: {image.tag}\n\n{body}")
        return self._push(tree)

    def _check_rendered(self, overlay: Path, reference: str) -> None:
        wanted = _name(reference)
        images = [found for found in _images(self._render(overlay)) if _name(found) == wanted]
        if not images or any(found != reference for found in images):
            raise CheckFailed(
                f"the overlay renders {', '.join(images) or 'no container of this image'}, not {reference}",
                code="RENDERED_IMAGE",
                where=f"overlays/{overlay.name}/kustomization.yaml",
                remedy="base and overlay must use the image by its plain name, without a tag of their own",
            )

    def _render(self, overlay: Path) -> str:
        kustomize = self._kustomize or shutil.which("kustomize")
        if kustomize is None:
            raise SlipwayError("kustomize is missing", code="TOOL_MISSING", remedy="slipway tools build")
        try:
            return run([kustomize, "build", overlay], timeout=60).stdout
        except CommandFailed as failure:
            raise CheckFailed(
                failure.what,
                code="RENDER_FAILED",
                where=f"overlays/{overlay.name}",
                remedy="correct the manifests in Git",
            ) from failure

    @contextmanager
    def _clone(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="slipway-gitops-") as scratch:
            tree = Path(scratch) / "tree"
            if not self.head():
                raise SlipwayError(
                    "the GitOps repository has no commit yet",
                    code="NOT_SEEDED",
                    where=self.url,
                    remedy="slipway gitops seed",
                )
            self._git("clone", "--quiet", "--depth", "1", "--branch", BRANCH, self.url, tree)
            yield tree

    def _commit(self, tree: Path, message: str) -> None:
        self._git("add", "--all", cwd=tree)
        self._git("commit", "--quiet", "--no-verify", "--message", message, cwd=tree)

    def _push(self, tree: Path) -> str:
        self._git("push", "--quiet", self.url, f"HEAD:refs/heads/{BRANCH}", cwd=tree)
        return self._git("rev-parse", "HEAD", cwd=tree)


def _listed(source: Path) -> list[Path]:
    """The files that Git would commit, relative to the folder; symbolic links included."""
    try:
        listing = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=source).stdout
    except CommandFailed as failure:
        raise UsageError(
            "not a folder of a Git checkout", code="NOT_A_CHECKOUT", where=str(source), remedy="give a checkout's apps/"
        ) from failure
    names = sorted({name for name in listing.split("\0") if name})
    # A tracked file that was deleted in the work tree is listed, too.
    return [Path(name) for name in names if (source / name).is_symlink() or (source / name).is_file()]


def _overlay(tree: Path, app: str, env: str) -> Path:
    overlay = tree / "apps" / app / "k8s" / "overlays" / env / "kustomization.yaml"
    # Git keeps symbolic links as they are: one that leads out of the clone would be followed when it is written.
    if not overlay.is_file() or overlay.resolve() != tree.resolve() / overlay.relative_to(tree):
        known = sorted(
            f"{path.parts[-5]} {path.parts[-2]}" for path in tree.glob("apps/*/k8s/overlays/*/kustomization.yaml")
        )
        raise UsageError(
            f"the GitOps repository has no overlay {env!r} of {app!r}",
            code="UNKNOWN_OVERLAY",
            where=str(overlay.relative_to(tree)),
            remedy=f"application and environment are one of: {', '.join(known) or 'none yet'}",
        )
    return overlay


def _images(rendered: str) -> list[str]:
    """The images of every container in rendered manifests."""
    found: list[str] = []
    waiting = list(yaml.safe_load_all(rendered))
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            for key in ("containers", "initContainers", "ephemeralContainers"):
                if isinstance(node.get(key), list):
                    found += [str(container.get("image", "")) for container in node[key]]
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return found


def _name(reference: str) -> str:
    plain = reference.partition("@")[0]
    head, slash, last = plain.rpartition("/")
    return head + slash + last.partition(":")[0]
