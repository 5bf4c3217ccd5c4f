"""Copies within the library: find them, say what is none, clear them away."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from lookalike.gallery import Gallery
from lookalike.service import job_functions, schemas
from lookalike.service.cursors import cursor, place
from lookalike.service.duplicate_results import Found
from lookalike.service.jobs import Job
from lookalike.service.problems import Refused
from lookalike.service.service import Server, Service, Writable
from lookalike.types import Group

router = APIRouter(prefix="/v1", tags=["duplicates"])

ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"model": schemas.Job, "description": "They are being found"}}


@router.get("/duplicates", response_model=schemas.Groups, responses=ACCEPTED)
async def duplicates(
    server: Server,
    precision: Annotated[float, Query(ge=0.5, lt=1)] = 0.99,
    by: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor_: Annotated[str | None, Query(alias="cursor", max_length=200)] = None,
    fresh: bool = False,
) -> Any:
    """Tight groups of copies, if they were found since images were added last; otherwise the job that finds them.

    ``fresh``: find them again in any case."""
    after = place(cursor_)
    job = await _search_for(server, precision, by, fresh)
    if job.state == "failed":
        raise Refused(job.error or "they could not be found")
    if job.value is None or job.state == "cancelled":
        return JSONResponse(job.shown(), 202)
    told, following = await server.front.ask(lambda opened: job.value.page(opened, after, limit))
    return {**told, "next": None if following is None else cursor(following)}


async def _search_for(server: Service, precision: float, by: str | None, fresh: bool) -> Job:
    """The job that finds these copies: one that has ended, or runs, or has just been put in the queue."""
    last, by_ = await server.front.ask(lambda opened: (opened.last_id(), opened.default_duplicates(by)))
    key = (precision, by_, last)
    known = server.duplicates.get(key)
    job = server.jobs.find(known) if known else None
    if job is None or fresh or job.state in ("failed", "cancelled"):
        work, folder = job_functions.duplicates, server.settings.gallery

        def kept(groups: list[Group]) -> Found:
            return Found(groups, last)

        job = server.jobs.begin("duplicates", work, folder, precision, by, keep=kept, shown=_counts)
        server.duplicates = {key: job.id}
    return job


def _counts(found: Found) -> dict[str, Any]:
    return {"groups": len(found.groups), "pairs": sum(len(group.pairs) for group in found.groups)}


@router.post("/decisions", response_model=schemas.Decided, dependencies=[Writable])
async def decide(server: Server, body: schemas.Decisions) -> dict[str, object]:
    """Remember that the two images of each pair are the same, or different: no group holds different ones again."""

    def decided(opened: Gallery) -> dict[str, object]:
        opened.add_verdicts(_paths(opened, body.pairs), body.verdict)
        return {"decided": len(body.pairs)}

    return await server.front.ask(decided)


@router.delete("/decisions", response_model=schemas.Forgotten, dependencies=[Writable])
async def undecide(server: Server, body: schemas.Pairs) -> dict[str, object]:
    """Take a word back."""
    forgotten = await server.front.ask(lambda opened: opened.remove_verdicts(_paths(opened, body.pairs)))
    return {"forgotten": forgotten}


@router.post("/clear", status_code=202, response_model=schemas.Job, dependencies=[Writable])
async def clear(server: Server, body: schemas.Clear) -> dict[str, object]:
    """Move copies to the system's trash, one by one, after both files were read again: a job."""
    pairs = [(one.copy_, one.keep) for one in body.pairs]
    await server.front.ask(lambda opened: [opened.row(number) for pair in pairs for number in pair])
    return server.jobs.begin("clear", job_functions.clear, server.settings.gallery, pairs).shown()


def _paths(gallery: Gallery, pairs: list[list[int]]) -> list[tuple[str, str]]:
    return [(gallery.row(a).path, gallery.row(b).path) for a, b in pairs]
