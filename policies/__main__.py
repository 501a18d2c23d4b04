"""The policy pack: every rule of the library. `enforcement.yaml` beside this file says which ones stop an update."""

from pathlib import Path

from slipway.checks import read_exemptions
from slipway.policy import Service, read_enforcement, serve
from slipway.rules import RULES

HERE = Path(__file__).parent
EXEMPTIONS = HERE.parent / "exemptions.yaml"


def pack() -> Service:
    """All rules but those about schemas, which the Kubernetes provider and the API server check in a preview."""
    rules = {name: rule for name, rule in RULES.items() if not name.startswith("schema-")}
    exemptions = read_exemptions(EXEMPTIONS) if EXEMPTIONS.is_file() else []
    return Service(rules.values(), read_enforcement(HERE / "enforcement.yaml", rules), exemptions)


serve(pack)
