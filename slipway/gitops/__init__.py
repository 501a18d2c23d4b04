"""The GitOps repository: what Argo CD reads. Every change to an application is a commit here."""

from slipway.gitops.connection import Connection, read_connection
from slipway.gitops.overlay import image_in, with_image
from slipway.gitops.repository import GitOpsRepository

__all__ = ["Connection", "GitOpsRepository", "image_in", "read_connection", "with_image"]
