"""`slipway up`: from nothing to an application that answers, one timed step after the other; `slipway down`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from sandbox import gitserver, node, preflight
from sandbox.images import PYTHON_BASE
from slipway import images
from slipway.commands.shared import Environment, Json, cluster, connection, stack
from slipway.console import Step, err, out, print_json, seconds, step
from slipway.errors import CheckFailed, UsageError
from slipway.gitops import GitOpsRepository
from slipway.images.registry import path_in
from slipway.paths import project_dir, sandbox_dir
from slipway.platform import ENVIRONMENTS, Probe, declared, wait_for_application, webhook_urls
from slipway.platform.argocd import server_address
from slipway.platform.smoke import wait_until_it_answers
from slipway.platform.workloads import wait_for_workloads
from tools import locate
from tools.builder import build as build_tools

APP = "app1"
"""The application that proves the platform."""


def up(environment: Environment = "dev", as_json: Json = False) -> None:
    """Bring up the sandbox and the platform on it, deploy app1, and wait until it answers through the ingress.

    Every step may have been done before: a second run takes seconds and changes nothing.
    """
    run = BringUp(environment)
    if as_json:
        print_json(run.go())
    else:
        run.go()
        run.tell()


class BringUp:
    """The steps of `slipway up`, with the time and the result of each."""

    def __init__(self, environment: str) -> None:
        self.environment = environment
        self.steps: list[dict[str, Any]] = []
        self.host = ""
        self.probes: list[Probe] = []

    def go(self) -> dict[str, Any]:
        """Run every step; return the report that `--json` prints."""
        started = time.monotonic()
        # Before half an hour of building, not after it.
        self._check()
        self._step("tools", self._tools)
        self._step("sandbox", self._sandbox)
        self._step("GitOps repository", self._repository)
        self._step("image of app1", self._image)
        self._step(f"pulumi up -s {self.environment}", self._platform)
        self._step("webhooks", self._webhooks)
        self._step(f"Application {APP}-{self.environment}", self._application)
        self._step("HTTP through the ingress", self._answer)
        self._step("platform workloads", self._workloads)
        return {
            "environment": self.environment,
            "seconds": round(time.monotonic() - started, 1),
            "steps": self.steps,
            "endpoints": [vars(probe) for probe in self.probes],
        }

    def _check(self) -> None:
        provider = self._declared("cluster").get("provider", "sandbox")
        if provider != "sandbox":
            raise UsageError(
                f"`slipway up` brings up the sandbox, and {self.environment} is on a cluster of its own ({provider})",
                code="OWN_CLUSTER",
                where=f"Pulumi.{self.environment}.yaml: slipway:cluster.provider",
                remedy=f"`pulumi up -s {self.environment}`, with the settings of `slipway env {self.environment}`",
            )
        preflight.require_root()

    def _declared(self, key: str) -> dict[str, Any]:
        return declared(project_dir(), self.environment, key)

    def _automated(self) -> bool:
        return bool(self._declared("sync").get("automated"))

    def _step(self, title: str, action: Any) -> None:
        with step(title) as current:
            current.result = action(current) or ""
        self.steps.append({"step": title, "result": current.result, "seconds": round(current.elapsed, 1)})

    def _tools(self, _: Step) -> str:
        built = build_tools()
        return f"built {len(built)}" if built else "all there"

    def _sandbox(self, current: Step) -> str:
        node.up(current.say)
        connection.cache_clear()
        return f"node Ready at {connection()['node_ip']}"

    def _git(self) -> GitOpsRepository:
        git = connection()["git"]
        return GitOpsRepository(git["url"], git["username"], git["password"], kustomize=locate("kustomize"))

    def _repository(self, _: Step) -> str:
        seeded = self._git().seed(project_dir() / "apps")
        return f"seeded from apps/ at {seeded[:12]}" if seeded else "seeded before"

    def _image(self, current: Step) -> str:
        registry = connection()["registry"]
        image = images.build(APP, registry, base_image=PYTHON_BASE, say=current.say)
        made = f"built in {seconds(image.seconds)}" if image.built else "in the registry already"
        git = self._git()
        runs = git.image(APP, self.environment)
        if runs.tag == image.tag and runs.digest == image.digest:
            return f"{image.tag}, {made}, deployed already"
        if images.digest_of(registry, path_in(images.repository_of(APP)), runs.tag):
            # Somebody chose it: an update, a promotion, a rollback. That is Git's to say, not a bring-up's.
            return f"{image.tag}, {made}; Git says {runs.tag} (slipway image set {APP} {self.environment} {image.tag})"
        commit = git.set_image(APP, self.environment, image, trigger="slipway up")
        return f"{image.tag}, {made}, commit {(commit or git.head())[:12]}"

    def _platform(self, current: Step) -> str:
        own = stack(self.environment)
        own.prepare()
        same = own.made_for(Path(connection()["kubeconfig"]))
        if not same:
            current.say("the state is of an earlier sandbox: looking up what is in this one")
        return str(own.up(current.say, refresh=not same))

    def _webhooks(self, _: Step) -> str:
        gitserver.write_webhooks(sandbox_dir(), webhook_urls(cluster()))
        return "pushes are announced to Argo CD"

    def _application(self, current: Step) -> str:
        head = self._git().head()
        if not self._automated():
            return f"waits for a person to sync it to {head[:12]}"
        name = f"{APP}-{self.environment}"
        wait_for_application(cluster(), name, head, timeout=240, say=current.say)
        return f"Synced and Healthy at {head[:12]}"

    def _answer(self, current: Step) -> str:
        if not self._automated():
            return "not asked: nothing is deployed until somebody syncs"
        ingress = connection()["ingress"]
        host = f"{APP}.{self.environment}.{ingress['domain']}"
        address = f"127.0.0.1:{ingress['http_port']}"
        self.host = f"{host}:{ingress['http_port']}"
        self.probes = wait_until_it_answers(
            APP, self.environment, address=address, host=host, timeout=60, say=current.say
        )
        if bad := [probe for probe in self.probes if not probe.ok]:
            raise CheckFailed(
                f"{bad[0].url} does not answer as it should: {bad[0].status} {bad[0].detail}", code="NO_ANSWER"
            )
        return f"{len(self.probes)}/{len(self.probes)} endpoints answer 200"

    def _workloads(self, current: Step) -> str:
        # Last: applications are deployed before Argo CD's API server, to which the printed login goes, has started.
        count = wait_for_workloads(cluster(), timeout=240, say=current.say)
        return f"{count}/{count} Ready"

    def tell(self) -> None:
        """Say what stands, how to log in, and what to do next."""
        if self.host:
            out.print(f"\n[bold]app1[/bold]      http://{self.host}/   (also /health and /metrics)")
        out.print(f"[bold]Argo CD[/bold]   argocd login {server_address(cluster())} --plaintext --username admin")
        out.print("          (it asks for the password that `slipway argocd password` prints)")
        out.print(f"[bold]Git[/bold]       {connection()['git']['url']}   (check it out: slipway gitops clone DIR)")
        out.print("\nNext:")
        out.print(
            '  eval "$(.venv/bin/slipway env)"   # pulumi, kubectl, argocd and slipway on PATH, and their settings'
        )
        out.print("  kubectl get pods -A")
        out.print(f"  slipway smoke {APP} {self.environment}")


def down(
    keep_platform: Annotated[
        bool, typer.Option(help="Stop the sandbox as it is; the next `up` finds the platform installed.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Stop the sandbox and take everything of it off this machine; its state stays for the next `up`.

    With `--no-keep-platform`, `pulumi destroy` runs first on every stack that was brought up.
    """
    if not keep_platform and (sandbox_dir() / "connection.json").exists():
        # Those that attach go before the one that installed.
        for environment in reversed(ENVIRONMENTS):
            own = stack(environment)
            if own.exists():
                own.prepare()
                with step(f"pulumi destroy -s {environment}") as current:
                    own.destroy(current.say)
    with step("sandbox down") as current:
        stopped = node.down(current.say)
        current.result = "stopped" if stopped else "was not running"
    if as_json:
        print_json({"stopped": stopped})
    elif not stopped:
        err.print("nothing to stop")
