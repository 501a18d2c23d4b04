"""Offline validation: is the object what its kind prescribes, in this version of Kubernetes?

    schemas = Schemas((1, 36), custom=platform_crds(mirror))
    for error in schemas.check(item):       # [] when all is well
        error.path, error.code, error.message
    schemas.knows(item)                     # False: no schema at hand, so nothing was assessed
    removed(item, (1, 36))                  # the API is gone; says since when and what to use
    deprecated(item, (1, 24))               # it will be

Codes: `unknown-field`, `wrong-type`, `missing`, `invalid-value`. No cluster and no network is asked.
"""

from slipway.schema.builtin import Version, supported_versions
from slipway.schema.crd import CustomKind, custom_kinds
from slipway.schema.lifecycle import REMOVALS, Removal, deprecated, removed
from slipway.schema.model import Code, SchemaError
from slipway.schema.platform import platform_crds
from slipway.schema.schemas import Schemas

__all__ = [
    "REMOVALS",
    "Code",
    "CustomKind",
    "Removal",
    "SchemaError",
    "Schemas",
    "Version",
    "custom_kinds",
    "deprecated",
    "platform_crds",
    "removed",
    "supported_versions",
]
