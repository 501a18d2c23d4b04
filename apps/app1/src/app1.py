"""app1: says what it is and where it runs.

`GET /health` answers whether the process serves requests, `GET /` names application, environment and version.
Metrics are served on a port of their own, so that each environment decides who sees them.
"""

from __future__ import annotations

import os
import time

from flask import Flask, Response, g, jsonify, request
from prometheus_client import Counter, Histogram

__all__ = ["APP", "VERSION", "create_app"]

APP = "app1"
VERSION = "1.0.0"

REQUESTS = Counter("app1_http_requests", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram("app1_http_request_duration_seconds", "Time to answer a request.", ["method", "route"])


def create_app(environment: str | None = None) -> Flask:
    """The application; `environment` comes from the variable ENVIRONMENT when it is not given."""
    app = Flask(APP)
    name = environment or os.environ.get("ENVIRONMENT", "local")

    @app.get("/health")
    def health() -> Response:
        return jsonify(status="ok")

    @app.get("/")
    def index() -> Response:
        return jsonify(app=APP, environment=name, version=VERSION)

    app.before_request(_start_clock)
    app.after_request(_count)
    return app


def _start_clock() -> None:
    g.started = time.perf_counter()


def _count(response: Response) -> Response:
    # The route, not the path: whoever asks for random paths must not grow the number of series.
    route = request.url_rule.rule if request.url_rule else "unknown"
    REQUESTS.labels(request.method, route, response.status_code).inc()
    SECONDS.labels(request.method, route).observe(time.perf_counter() - g.started)
    return response
