"""`slipway validate` beside kube-score and kubeconform, on the same generated files, in the same run.

Makes folders of 100, 1,000, 10,000 (and with `--large` 50,000) objects, ten kinds to a file, and lets each program
check all of them with two cores. kube-score runs its rules, kubeconform its schemas; `slipway validate` does both, so
it is also timed with its schema rules alone. Prints wall time, time per object and the peak of memory.

    .venv/bin/slipway tools build --group kube-score --group kubeconform
    .venv/bin/python benchmarks/validate.py [--large]
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from tools import locate

SIZES = (100, 1_000, 10_000)
LARGE = 50_000
OBJECTS_PER_FILE = 10
KUBERNETES = "1.36"
LIMIT_S = 600

APPLICATION = Template(
    """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: app$n, namespace: team$t}
automountServiceAccountToken: false
---
apiVersion: v1
kind: ConfigMap
metadata: {name: app$n, namespace: team$t}
data:
  LOG_LEVEL: info
  GREETING: hello from app$n
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app$n
  namespace: team$t
  labels:
    app.kubernetes.io/name: app$n
spec:
  replicas: 3
  selector:
    matchLabels:
      app.kubernetes.io/name: app$n
  template:
    metadata:
      labels:
        app.kubernetes.io/name: app$n
    spec:
      serviceAccountName: app$n
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: web
          image: registry.example.com/app$n:1.2.$n
          imagePullPolicy: Always
          ports:
            - name: http
              containerPort: 8080
          envFrom:
            - configMapRef:
                name: app$n
          readinessProbe:
            httpGet: {path: /ready, port: http}
          livenessProbe:
            httpGet: {path: /health, port: http}
            failureThreshold: 5
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
              ephemeral-storage: 64Mi
            limits:
              cpu: 500m
              memory: 128Mi
              ephemeral-storage: 64Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: $readonly
            capabilities:
              drop:
                - ALL
---
apiVersion: v1
kind: Service
metadata: {name: app$n, namespace: team$t}
spec:
  selector:
    app.kubernetes.io/name: app$n
  ports:
    - name: http
      port: 80
      targetPort: http
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: app$n, namespace: team$t}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      app.kubernetes.io/name: app$n
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: app$n, namespace: team$t}
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: app$n
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: ingress
  egress:
    - ports:
        - {port: 53, protocol: UDP}
        - {port: 53, protocol: TCP}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: app$n, namespace: team$t}
spec:
  tls:
    - hosts: [app$n.example.com]
      secretName: app$n-tls
  rules:
    - host: app$n.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: app$n
                port:
                  name: http
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: app$n, namespace: team$t}
spec:
  schedule: "15 3 * * *"
  jobTemplate:
    spec:
      template:
        metadata:
          labels:
            app.kubernetes.io/name: app$n-report
        spec:
          restartPolicy: Never
          serviceAccountName: app$n
          containers:
            - name: report
              image: registry.example.com/report:$tag
              resources:
                requests: {cpu: 50m, memory: 64Mi}
                limits: {memory: 64Mi}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: app$n, namespace: team$t}
rules:
  - apiGroups: [""]
    resources: [configmaps]
    verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: app$n, namespace: team$t}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: app$n
subjects:
  - kind: ServiceAccount
    name: app$n
    namespace: team$t
"""
)


@dataclass(frozen=True)
class Run:
    """One program's run over one folder."""

    program: str
    seconds: float
    peak_mib: float
    status: int


def write(folder: Path, objects: int) -> list[Path]:
    """Files of ten objects each. One application in ten has a writable root and a mutable tag."""
    written = []
    for n in range(objects // OBJECTS_PER_FILE):
        faulty = n % 10 == 0
        values = {
            "n": n,
            "t": n // 20,
            "readonly": "false" if faulty else "true",
            "tag": "latest" if faulty else "1.0.3",
        }
        file = folder / f"app{n:05}.yaml"
        file.write_text(APPLICATION.substitute(values))
        written.append(file)
    return written


def standalone(folder: Path) -> str:
    """Upstream's schemas, each with the definitions that it needs, as kubeconform reads them from a folder."""
    upstream = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{KUBERNETES}.0-local-strict"
    definitions = json.loads((upstream / "_definitions.json").read_text())["$defs"]
    for entry in upstream.iterdir():
        if entry.name == "_definitions.json":
            continue
        schema = json.loads(entry.read_text())
        schema.pop("$id", None)
        needed, wanted = {}, _referred(schema)
        while wanted:
            name = wanted.pop()
            if name not in needed:
                needed[name] = definitions[name]
                wanted |= _referred(definitions[name])
        text = json.dumps(schema | {"$defs": needed}).replace("/api/_definitions.json#", "#")
        (folder / entry.name).write_text(text)
    return f"{folder}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"


def _referred(schema: object) -> set[str]:
    return set(re.findall(r'"\$ref": "[^"]*#/\$defs/([^"]+)"', json.dumps(schema)))


def timed(
    program: str,
    argv: Sequence[str | Path],
    *,
    once_per: int = 0,
    inputs: Sequence[Path] = (),
    allowed: Sequence[int] = (0,),
) -> Run:
    """Run `argv` (with `inputs` in groups of `once_per`, where a command line would be too long)."""
    groups = [inputs[i : i + once_per] for i in range(0, len(inputs), once_per)] if once_per else [()]
    started, peak, worst = time.monotonic(), 0.0, 0
    for group in groups:
        process = subprocess.Popen([*argv, *group], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        worst = max(worst, process.returncode)
        peak = max(peak, usage.ru_maxrss / 1024)
    if worst not in allowed:
        raise SystemExit(f"{program} ended with status {worst}: its time means nothing")
    return Run(program, time.monotonic() - started, peak, worst)


def main() -> int:
    """Print one table."""
    # Two cores for each, whatever the machine has; children inherit it.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    os.environ["GOMAXPROCS"] = "2"
    slipway = Path(sys.executable).parent / "slipway"
    print(f"{'objects':>8}  {'program':<36} {'wall s':>8} {'µs/object':>10} {'peak MiB':>9}  status")
    for size in (*SIZES, *((LARGE,) if "--large" in sys.argv else ())):
        with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as schemas:
            folder, location = Path(scratch), standalone(Path(schemas))
            inputs = write(folder, size)
            common = [slipway, "validate", folder, "--fail-on", "none", "--format", "json", "--output", os.devnull]
            only_schema = ["--rule", "schema-invalid", "--rule", "schema-unknown-field"]
            runs = [
                timed("slipway validate", common),
                timed("slipway validate, schemas only", [*common, *only_schema]),
                timed(
                    "kube-score score",
                    [locate("kube-score"), "score", "-o", "json"],
                    once_per=5_000,
                    inputs=inputs,
                    allowed=(0, 1),
                ),
                timed(
                    "kubeconform -strict -n 2",
                    [
                        locate("kubeconform"),
                        "-strict",
                        "-n",
                        "2",
                        "-schema-location",
                        location,
                        "-output",
                        "json",
                        folder,
                    ],
                ),
            ]
            for run in runs:
                figures = f"{run.seconds:>8.2f} {run.seconds / size * 1e6:>10.0f} {run.peak_mib:>9.0f}"
                print(f"{size:>8}  {run.program:<36} {figures}  {run.status}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
