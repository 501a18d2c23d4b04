"""How app1 is served: one process with threads, logs in one format, metrics beside it.

On SIGTERM gunicorn stops accepting, finishes the requests it has, and exits with 0.
"""

from __future__ import annotations

import logging
import os
import tempfile
from typing import Any

from prometheus_client import start_http_server

METRICS_PORT = int(os.environ.get("METRICS_PORT", "9090"))

bind = f"0.0.0.0:{os.environ.get('HTTP_PORT', '8080')}"
# One worker: the metrics live in its memory. More capacity is more replicas.
workers = 1
worker_class = "gthread"
threads = 8
graceful_timeout = 20
# The worker's heartbeat file: /tmp is memory in the pod, and the rest of the file system is read-only.
worker_tmp_dir = tempfile.gettempdir()

_LEVEL = os.environ.get("LOG_LEVEL", "info").upper()
_LOGGER = {"level": _LEVEL, "handlers": ["stdout"], "propagate": False}
logconfig_dict: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s - app1 - %(levelname)s - %(message)s"}},
    "handlers": {"stdout": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stdout"}},
    "root": {"level": _LEVEL, "handlers": ["stdout"]},
    "loggers": {
        "gunicorn.error": _LOGGER,
        # Requests are counted in the metrics; a line for every probe would bury what matters.
        "gunicorn.access": {**_LOGGER, "level": "WARNING"},
        "app1": _LOGGER,
    },
}


def post_worker_init(worker: object) -> None:
    """Serve the metrics of this worker."""
    start_http_server(METRICS_PORT)
    logging.getLogger("app1").info("Metrics server started on port %d", METRICS_PORT)
