"""The rule library as a Pulumi policy pack (CrossGuard): resources in, violations out.

`Pack` judges and is plain Python. `serve` is the process that the engine starts; only `policies/__main__.py` calls it,
since it does not return.
"""

from slipway.policy.enforcement import Enforcement, Level, read_enforcement
from slipway.policy.pack import Judgement, Pack, Verdict
from slipway.policy.resources import Resource, objects_of
from slipway.policy.service import Service, serve
from slipway.policy.unknowns import NotYetKnown, Unknown
from slipway.policy.values import SECRET, decode

__all__ = [
    "SECRET",
    "Enforcement",
    "Judgement",
    "Level",
    "NotYetKnown",
    "Pack",
    "Resource",
    "Service",
    "Unknown",
    "Verdict",
    "decode",
    "objects_of",
    "read_enforcement",
    "serve",
]
