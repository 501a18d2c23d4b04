"""`slipway score`: how well the manifests are made, in five numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from slipway.commands.checking import check, deliver
from slipway.commands.request import FailOn, Request, takes_request

__all__ = ["score"]

EXPLAIN = "explain"


def _minimum(of: str) -> typer.models.OptionInfo:
    return typer.Option(min=0, max=100, metavar="SCORE", help=f"Exit 1 when {of} of any set is lower.")  # type: ignore[no-any-return]


@takes_request(fail_on=FailOn.NONE)
def score(
    request: Request,
    min_overall: Annotated[float | None, _minimum("the overall")] = None,
    min_schema: Annotated[float | None, _minimum("schema compliance")] = None,
    min_security: Annotated[float | None, _minimum("security")] = None,
    min_production: Annotated[float | None, _minimum("production readiness")] = None,
    min_resources: Annotated[float | None, _minimum("resource optimisation")] = None,
) -> None:
    """Score manifests, 0 to 100: an overall, and schema, security, production readiness and resources.

    `slipway score explain [TARGET]...` prints the formula and every lost point with the objects that lost it.

    Examples:

      slipway score
      every overlay of every application under apps/

      slipway score apps/app1 --env prod --min-overall 92 --min-security 95
      exit 1 below these

      slipway score explain apps/app1/k8s/overlays/prod
      where the points went

      slipway score --json
      everything needed to compute it again
    """
    from slipway.reports import print_explanation, print_scores

    targets = list(request.targets or [])
    explain = targets[:1] == [EXPLAIN]
    if explain:
        request = replace(request, targets=targets[1:] or None)
    given = {
        "overall": min_overall,
        "schema": min_schema,
        "security": min_security,
        "production": min_production,
        "resources": min_resources,
    }
    outcome = check(request, {name: least for name, least in given.items() if least is not None})
    deliver(outcome, request, print_explanation if explain else print_scores)
    if not outcome.passed:
        raise typer.Exit(1)
