"""The app: routes, the page, and what stands around them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from lookalike.service import api_docs, problems, schemas
from lookalike.service.gallery_thread import GalleryThread
from lookalike.service.guard import Guard
from lookalike.service.jobs import Jobs
from lookalike.service.metrics import Counting, Metrics
from lookalike.service.openapi import documented
from lookalike.service.routes import duplicates, health, images, networks, people, search, shop, work
from lookalike.service.service import Service
from lookalike.service.settings import Settings
from lookalike.service.workers import Workers
from lookalike.version import __version__

WORKER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"

PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"model": schemas.Problem, "content": {problems.MEDIA_TYPE: {}}, "description": what}
    for code, what in {
        400: "The request is malformed",
        401: "A token is needed",
        403: "The server does not do this",
        404: "It is not there",
        409: "It is another one by now",
        410: "It is gone",
        413: "Too large",
        415: "The body is of another kind than is taken here",
        422: "The request, or the image, makes no sense",
        429: "Too many requests",
        507: "No room on the disk",
    }.items()
}


def create_app(settings: Settings, stopping: Callable[[], bool] = lambda: False) -> FastAPI:
    """The server of one gallery. ``stopping``: whether it is about to end. Raises GalleryError."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service = Service(settings, GalleryThread(settings.gallery), Workers(settings), Jobs(), metrics, stopping)
        app.state.service = service
        warming = asyncio.create_task(service.warm())
        try:
            yield
        finally:
            warming.cancel()
            await service.stop()

    app = FastAPI(
        title="Lookalike", version=__version__, summary="Which images are related, how, and why",
        lifespan=lifespan, docs_url=None,
        generate_unique_id_function=lambda route: route.name, redoc_url=None, responses=PROBLEMS,
    )  # fmt: skip
    problems.install(app)
    for one in (images, search, networks, people, shop, duplicates, work, health):
        app.include_router(one.router)
    _page(app)
    app.openapi_schema = documented(app.openapi())
    _docs(app)
    app.add_middleware(GZipMiddleware, minimum_size=2000, compresslevel=3)
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(Counting, metrics=metrics)
    return app


def _docs(app: FastAPI) -> None:
    """The API for people to read: our own page, so that it needs no other host."""
    page = api_docs.render(app.openapi())

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page, headers={"Cache-Control": "no-cache"})

    @app.get("/docs/style.css", include_in_schema=False)
    async def style() -> Response:
        return Response(api_docs.style(), media_type="text/css", headers={"Cache-Control": "no-cache"})


def _page(app: FastAPI) -> None:
    """The page: files as they lie in the package, checked for news at every visit."""
    folder = str(resources.files("lookalike").joinpath("page"))

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(f"{folder}/index.html", headers={"Cache-Control": "no-cache"})

    app.mount("/page", StaticFiles(directory=folder, check_dir=False), name="page")
    runtime = networks.runtime_folder()
    if runtime is not None:
        app.mount("/web", RuntimeFiles(directory=runtime), name="web")


class RuntimeFiles(StaticFiles):
    """Of the runtime in the browser: large, so a browser may keep them and asks for news. Its worker alone may compile
    WebAssembly, by the policy of its own script: the page may not."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["Content-Security-Policy"] = WORKER_POLICY
        return response
