"""The offline schemas in the form that the rules ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path as File

from slipway.errors import UsageError
from slipway.manifests import read
from slipway.paths import mirror_dir
from slipway.rules import NotAssessed, Object, Path
from slipway.schema import SchemaError, Schemas, platform_crds

__all__ = ["KnownSchemas", "definitions_in", "known_schemas"]

_READ_BY_OTHERS = ("kustomize.config.k8s.io/", "slipway.dev/")
"""Groups that no API server has: kustomize reads its own strictly, and the other is ours."""
_DEFINITION = "CustomResourceDefinition"


class KnownSchemas:
    """`slipway.rules.Schemas` on `slipway.schema.Schemas`."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._last: tuple[Object, list[SchemaError]] | None = None

    def faults(self, item: Object) -> Iterable[tuple[str, Path, str]]:
        """Each fault as (code, path, message). Raises `NotAssessed` for a kind that has no schema here."""
        # Two rules ask about each object, one after the other.
        if self._last is None or self._last[0] is not item:
            self._last = (item, self._check(item))
        errors = self._last[1]
        return [(error.code, error.path, error.message) for error in errors] if errors else []

    def _check(self, item: Object) -> list[SchemaError]:
        if str(item.get("apiVersion")).startswith(_READ_BY_OTHERS):
            return []
        if not self._schemas.knows(item):
            raise NotAssessed(
                f"no schema of {item.get('kind')} {item.get('apiVersion')}; name its definition by --crds"
            )
        return self._schemas.check(item)


def known_schemas(version: tuple[int, int], crds: Sequence[Object] = ()) -> KnownSchemas:
    """Kubernetes' own kinds, the platform's where the mirror has them, and those that `crds` define."""
    return KnownSchemas(Schemas(version, crds=crds, custom=platform_crds(mirror_dir())))


def definitions_in(paths: Iterable[File]) -> list[Object]:
    """The CustomResourceDefinitions in files and folders. Raises `UsageError` where there is none."""
    found: list[Object] = []
    for path in paths:
        batch = read([path])
        if batch.problems:
            problem = batch.problems[0]
            raise UsageError(
                problem.message, code="CRDS", where=f"{problem.file}:{problem.line}", remedy=problem.remedy
            )
        own = [item for item in batch.objects if item.get("kind") == _DEFINITION]
        if not own:
            raise UsageError(f"holds no {_DEFINITION}", code="CRDS", where=str(path), remedy="name another file")
        found += own
    return found
