"""What jobs do, each in a process of its own: (progress, ...) -> result."""

from __future__ import annotations

from collections.abc import Sequence

from lookalike.actions import dedupe_actions
from lookalike.actions.dedupe_actions import RemovalReport, trash
from lookalike.gallery import Gallery
from lookalike.types import AddReport, Group, Progress


def index(progress: Progress, gallery: str, folders: Sequence[str], retry_failed: bool) -> AddReport:
    """Bring the gallery up to date with these folders."""
    with Gallery.open(gallery) as opened:
        return opened.add(list(folders), progress=progress, retry_failed=retry_failed)


def duplicates(progress: Progress, gallery: str, precision: float, by: str | None) -> list[Group]:
    """Find the copies."""
    with Gallery.open(gallery) as opened:
        return opened.duplicates(precision=precision, by=by, progress=progress)


def remove_copies(progress: Progress, gallery: str, pairs: Sequence[tuple[int, int]]) -> RemovalReport:
    """Move copies to the trash: (id of the copy, id of the one that is kept)."""
    reports: list[RemovalReport] = []
    with Gallery.open(gallery) as opened:
        act = trash()
        for copy, keep in pairs:
            progress(len(reports), len(pairs))
            group = Group(opened.row(keep).path, (opened.row(copy).path,), ())
            reports.append(dedupe_actions.remove_copies(opened, [group], act))
    progress(len(pairs), len(pairs))
    return RemovalReport(
        tuple(path for one in reports for path in one.done),
        sum(one.bytes for one in reports),
        tuple(failure for one in reports for failure in one.failed),
    )
