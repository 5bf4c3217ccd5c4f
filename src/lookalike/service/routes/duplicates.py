"""Copies within the library: find them, say which are none, remove them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from lookalike.gallery import Gallery
from lookalike.service import job_functions, schemas
from lookalike.service.cursors import cursor, place
from lookalike.service.duplicate_results import DuplicateResults, FoundDuplicates
from lookalike.service.jobs import Job
from lookalike.service.media_types import CheckedRoute
from lookalike.service.problems import Refused
from lookalike.service.service import Server, Service, Writable

router = APIRouter(prefix="/v1", tags=["duplicates"], route_class=CheckedRoute)

Precision = Annotated[float, Query(ge=0.5, lt=1)]
Limit = Annotated[int, Query(ge=1, le=500)]
Cursor = Annotated[str | None, Query(alias="cursor", max_length=200)]
ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"model": schemas.Job, "description": "They are being found"}}


@router.get("/duplicates", response_model=schemas.DuplicateGroups, responses=ACCEPTED)
async def duplicates(
    server: Server,
    precision: Precision = 0.99,
    by: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 50,
    cursor_: Cursor = None,
    fresh: bool = False,
) -> Any:
    """Tight groups of copies, if they were found since images were added last; otherwise the job that finds them.

    ``fresh``: find them again in any case."""
    return await _page(server, await _job_for(server, precision, by, fresh), DuplicateResults.page, cursor_, limit)


@router.get("/videos/shared", response_model=schemas.SharedSegmentsList, responses=ACCEPTED)
async def shared_segments(
    server: Server,
    precision: Precision = 0.99,
    limit: Limit = 50,
    cursor_: Cursor = None,
    fresh: bool = False,
) -> Any:
    """Videos that share segments, and are no whole copies, as far as they are known; otherwise the job of
    ``GET /v1/duplicates``, which finds them."""
    return await _page(server, await _job_for(server, precision, None, fresh), DuplicateResults.shared, cursor_, limit)


async def _page(
    server: Service,
    job: Job,
    part: Callable[[DuplicateResults, Gallery, int, int], tuple[dict[str, Any], int | None]],
    after: str | None,
    limit: int,
) -> Any:
    """A part of what the job found, or the job as long as it has not."""
    begin = place(after)
    if job.state == "failed":
        raise Refused(job.error or "they could not be found")
    if job.value is None or job.state == "cancelled":
        return JSONResponse(job.to_dict(), 202)
    page, following = await server.gallery.ask(lambda opened: part(job.value, opened, begin, limit))
    return {**page, "next": None if following is None else cursor(following)}


async def _job_for(server: Service, precision: float, by: str | None, fresh: bool) -> Job:
    """The job that finds these copies: one that has ended, or runs, or has just been put in the queue."""
    last_id, measures = await server.gallery.ask(lambda opened: (opened.last_id(), opened.duplicate_measures(by)))
    key = (precision, ",".join(measures), last_id)
    known = server.duplicates.get(key)
    job = server.jobs.find(known) if known else None
    if job is None or fresh or job.state in ("failed", "cancelled"):
        work, folder = job_functions.duplicates, server.settings.gallery

        def keep(found: FoundDuplicates) -> DuplicateResults:
            return DuplicateResults(found, last_id)

        job = server.jobs.begin("duplicates", work, folder, precision, by, keep=keep, summarize=_counts)
        server.duplicates = {key: job.id}
    return job


def _counts(results: DuplicateResults) -> dict[str, Any]:
    groups, shared = results.found.groups, results.found.shared
    return {"groups": len(groups), "pairs": sum(len(group.pairs) for group in groups), "shared": len(shared)}


@router.post("/verdicts", response_model=schemas.VerdictsAdded, dependencies=[Writable])
async def add_verdicts(server: Server, body: schemas.VerdictRequest) -> dict[str, object]:
    """Remember that the two images of each pair are the same, or different: no group holds different ones again."""

    def added(opened: Gallery) -> dict[str, object]:
        opened.add_verdicts(_paths(opened, body.pairs), body.verdict)
        return {"added": len(body.pairs)}

    return await server.gallery.ask(added)


@router.delete("/verdicts", response_model=schemas.VerdictsRemoved, dependencies=[Writable])
async def remove_verdicts(server: Server, body: schemas.PairList) -> dict[str, object]:
    """Take verdicts back."""
    removed = await server.gallery.ask(lambda opened: opened.remove_verdicts(_paths(opened, body.pairs)))
    return {"removed": removed}


@router.post("/removals", status_code=202, response_model=schemas.Job, dependencies=[Writable])
async def remove_copies(server: Server, body: schemas.RemovalRequest) -> dict[str, object]:
    """Move copies to the system's trash, one by one, after both files were read again: a job.

    Each pair is compared anew, of two videos by a few frames. Identical and re-encoded copies go, and those of the
    relations in ``also``; what is left is among the failures. `lookalike undo` brings everything back."""
    pairs = [(one.copy_, one.keep) for one in body.removals]
    await server.gallery.ask(lambda opened: [opened.row(number) for pair in pairs for number in pair])
    folder, also = server.settings.gallery, body.also
    return server.jobs.begin("removals", job_functions.remove_copies, folder, pairs, also).to_dict()


def _paths(gallery: Gallery, pairs: list[list[int]]) -> list[tuple[str, str]]:
    return [(gallery.row(a).path, gallery.row(b).path) for a, b in pairs]
