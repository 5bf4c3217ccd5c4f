"""What is counted, for Prometheus."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The numbers of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        names = ["method", "route", "status"]
        self.requests = Counter("lookalike_requests", "Requests that were answered", names, registry=self.registry)
        self.seconds = Histogram(
            "lookalike_request_seconds", "Seconds until the answer began", ["route"], buckets=BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self.waiting = Gauge(
            "lookalike_waiting", "Requests with or before the worker processes", registry=self.registry
        )
        self.images = Gauge("lookalike_images", "Images in the gallery", registry=self.registry)

    def text(self) -> bytes:
        """In Prometheus' own format."""
        return generate_latest(self.registry)


class Counting:
    """ASGI middleware that counts what the routes answer."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")  # never the address itself: there is no end of them
                self._metrics.requests.labels(scope["method"], route, message["status"]).inc()
                self._metrics.seconds.labels(route).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, counted)
