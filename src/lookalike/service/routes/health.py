"""For whoever watches over the server."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response

from lookalike.service.problems import problem
from lookalike.service.service import Server

router = APIRouter(tags=["health"])


@router.get("/healthz", response_class=PlainTextResponse)
async def alive() -> str:
    """The process answers."""
    return "ok\n"


@router.get("/readyz", response_class=PlainTextResponse)
async def ready(server: Server) -> Response:
    """The gallery can be asked, and the networks are loaded."""
    if not server.ready:
        return problem(503, "the networks and vectors are being loaded")
    await server.gallery.ask(len)
    return PlainTextResponse("ok\n")


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(server: Server) -> Response:
    """The numbers of this server, for Prometheus."""
    server.metrics.waiting.set(server.workers.waiting)
    server.metrics.images.set(await server.gallery.ask(len))
    return Response(server.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
