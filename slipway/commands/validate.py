"""`slipway validate`: do the manifests keep the rules?"""

from __future__ import annotations

import typer

from slipway.commands.checking import check, deliver
from slipway.commands.request import Request, takes_request

__all__ = ["validate"]


@takes_request()
def validate(request: Request) -> None:
    """Check manifests: schema, security, production readiness, resources. Needs no cluster.

    Exit status: 0 when they pass; 1 for a finding at or above --fail-on or an unreadable file; 2 for bad usage.

    Examples:

      slipway validate
      every overlay of every application under apps/

      slipway validate apps/app1 --env prod
      one environment of one application

      helm template my-chart | slipway validate - --fail-on high
      what another program renders

      slipway validate --ref main --format html --output report.html
      a commit, as a page

      slipway validate --live app1-dev
      what runs in a namespace
    """
    from slipway.reports import print_findings

    outcome = check(request)
    deliver(outcome, request, print_findings)
    if not outcome.passed:
        raise typer.Exit(1)
