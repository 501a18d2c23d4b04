"""Kubernetes objects out of files, folders, kustomizations, Git and live namespaces, each with its place.

    batch = read(["k8s/", "-"])                    # files, folders, standard input
    batch.documents[0].object                      # a plain dict
    batch.documents[0].line(("spec", "replicas"))  # the line of the file, found when asked
    batch.problems                                 # what could not be read: file, line, code, message, remedy

    render("apps/web/k8s/overlays/prod", kustomize)     # what kustomize makes of a folder
    with checkout("main", repository) as tree: ...      # the files of a commit
    live("web-prod", kubectl, kubeconfig)               # what was written into a namespace

Bad content never raises: it becomes a `Problem`. Only a wrong call does (`UsageError`).
"""

from slipway.manifests.files import STDIN, read, read_bytes
from slipway.manifests.gitref import checkout
from slipway.manifests.live import live
from slipway.manifests.model import LIMITS, Batch, Document, Limits, Object, Path, Problem, dotted
from slipway.manifests.render import render

__all__ = [
    "LIMITS",
    "STDIN",
    "Batch",
    "Document",
    "Limits",
    "Object",
    "Path",
    "Problem",
    "checkout",
    "dotted",
    "live",
    "read",
    "read_bytes",
    "render",
]
