"""The platform as the command sees it: the Pulumi stack of an environment, Argo CD's view, and the answer to a user."""

from slipway.platform.argocd import Application, application, initial_password, wait_for_application, webhook_urls
from slipway.platform.smoke import Probe, smoke
from slipway.platform.stack import ENVIRONMENTS, Changes, Stack, declared

__all__ = [
    "ENVIRONMENTS",
    "Application",
    "Changes",
    "Probe",
    "Stack",
    "application",
    "declared",
    "initial_password",
    "smoke",
    "wait_for_application",
    "webhook_urls",
]
