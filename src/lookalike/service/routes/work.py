"""Long work: begin it, watch it, cancel it."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from lookalike.gallery import Gallery
from lookalike.service import job_functions, schemas
from lookalike.service.media_types import CheckedRoute
from lookalike.service.problems import Refused
from lookalike.service.service import Server, Service, Writable

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=CheckedRoute)

HEARTBEAT_SECONDS = 5.0  # seconds without news after which a comment keeps the connection open


@router.post("/index", status_code=202, response_model=schemas.Job, dependencies=[Writable])
async def index(server: Server, body: schemas.IndexRequest) -> dict[str, object]:
    """Bring the gallery up to date with its folders, or with the given ones: a job."""
    folders = await server.gallery.ask(lambda opened: _folders(opened, body.folders, server.settings.folders))
    job = server.jobs.begin("index", job_functions.index, server.settings.gallery, folders, body.retry_failed)
    return job.to_dict()


@router.get("/jobs", response_model=schemas.JobList)
async def jobs(server: Server) -> dict[str, object]:
    """The jobs of this server, the newest first."""
    return {"jobs": [job.to_dict() for job in server.jobs.all()]}


@router.get("/jobs/{name}", response_model=schemas.Job)
async def job(server: Server, name: str) -> dict[str, object]:
    """One job."""
    return server.jobs.get(name).to_dict()


@router.get(
    "/jobs/{name}/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}}
)
async def events(server: Server, name: str) -> StreamingResponse:
    """The job as server-sent events, whenever it changes, until it has ended."""
    server.jobs.get(name)
    return StreamingResponse(_events(server, name), media_type="text/event-stream")


@router.delete("/jobs/{name}", status_code=202, response_model=schemas.Job, dependencies=[Writable])
async def cancel(server: Server, name: str) -> dict[str, object]:
    """Cancel a job. What it did so far is kept."""
    return (await server.jobs.cancel(name)).to_dict()


async def _events(server: Service, name: str) -> AsyncIterator[bytes]:
    """Until the job has ended, the server is about to, or the client has gone: then this is cancelled while it waits,
    and nothing of it is left running."""
    async with aclosing(server.jobs.watch(name, HEARTBEAT_SECONDS)) as changes:
        async for job in changes:
            if server.stopping():
                return
            yield b": still here\n\n" if job is None else f"event: job\ndata: {json.dumps(job.to_dict())}\n\n".encode()


def _folders(gallery: Gallery, asked: Sequence[str] | None, allowed: Sequence[str]) -> list[str]:
    """The folders to be read. Raises Refused for one that is not below the gallery's or the server's."""
    own = list(gallery.info().folders)
    if asked is None:
        if not own:
            raise Refused("this gallery has no folders yet; name one that the server may read (--folder)")
        return own
    for folder in asked:
        if not any(_within(folder, root) for root in (*own, *allowed)):
            raise Refused(f"{folder}: only folders of the gallery are indexed, and those that --folder names")
    return list(asked)


def _within(path: str, root: str) -> bool:
    """Whether a path lies in a folder, links followed."""
    try:
        inner, outer = os.path.realpath(path), os.path.realpath(root)
        return os.path.commonpath([inner, outer]) == outer
    except ValueError:
        return False
