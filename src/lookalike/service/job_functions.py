"""What jobs do, each in a process of its own: (progress, ...) -> result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lookalike.actions import dedupe_actions
from lookalike.actions.dedupe_actions import RemovalReport, trash
from lookalike.actions.removal_plan import CLEARED, NOT_VERIFIED, Selection, plan_removals
from lookalike.descriptors.video import DESCRIPTOR
from lookalike.gallery import Gallery
from lookalike.service.duplicate_results import FoundDuplicates
from lookalike.types import AddReport, Failure, ForgetReport, Pair, Progress, Relation


@dataclass(frozen=True, slots=True)
class FacesFound:
    """``described``: images that were looked at now; ``persons``, and faces that are ``grouped``, ``alone`` or too bad
    to be compared."""

    described: int
    persons: int
    grouped: int
    alone: int
    flawed: int
    failed: tuple[Failure, ...] = ()


def index(progress: Progress, gallery: str, folders: Sequence[str], retry_failed: bool) -> AddReport:
    """Bring the gallery up to date with these folders."""
    with Gallery.open(gallery) as opened:
        report = opened.add(list(folders), progress=progress, retry_failed=retry_failed)
        opened.describe_lacking(progress=progress)  # what is left of an upgrade; the gallery tells how many still lack
        return report


def faces(progress: Progress, gallery: str, by: str) -> FacesFound:
    """Look for faces in the images that were not looked at yet, and group all of them."""
    with Gallery.open(gallery) as opened:
        report = opened.add_descriptor(by, progress=progress)
        grouped = opened.group_faces(by=by)
        return FacesFound(
            report.updated, len(grouped.persons), grouped.grouped, grouped.alone, grouped.flawed, report.failed
        )


def forget_person(progress: Progress, gallery: str, who: str, by: str | None) -> ForgetReport:
    """Delete the vectors of a person's faces, and make sure that they are gone."""
    progress(0, 0)
    with Gallery.open(gallery) as opened:
        return opened.forget_person(who, by=by)


def duplicates(progress: Progress, gallery: str, precision: float, by: str | None) -> FoundDuplicates:
    """Find the copies, and the videos that share segments; not these ``by`` a descriptor that videos lack."""
    with Gallery.open(gallery) as opened:
        groups = opened.duplicates(precision=precision, by=by, progress=progress)
        if not opened.video_count or by not in (None, DESCRIPTOR):
            return FoundDuplicates(groups)
        videos = opened.video_duplicates(precision=precision, progress=progress)
        return FoundDuplicates((*groups, *videos.groups), videos.pairs)


def remove_copies(
    progress: Progress, gallery: str, pairs: Sequence[tuple[int, int]], also: Sequence[Relation]
) -> RemovalReport:
    """Move copies to the trash: (id of the copy, id of the one that is kept). Each pair is compared anew: identical and
    re-encoded copies go, and those of the relations in ``also``."""
    with Gallery.open(gallery) as opened:
        verified = []
        for done, (copy, keep) in enumerate(pairs):
            progress(done, len(pairs))
            verified.append(opened.verified_pair(opened.row(keep).path, opened.row(copy).path))
        plan = plan_removals(opened, verified, "trashed", _chosen(verified, also))
        report = dedupe_actions.remove_copies(opened, plan, trash())
    progress(len(pairs), len(pairs))
    return replace(report, failed=(*report.failed, *(Failure(one.path, _why_left(one.reason)) for one in plan.left)))


def _chosen(pairs: Sequence[Pair], also: Sequence[Relation]) -> Selection:
    """What a person chose one by one: so a video of other bytes may go as well."""
    return Selection((*CLEARED, *also), only={pair.b for pair in pairs})


def _why_left(reason: str) -> str:
    if reason == NOT_VERIFIED:
        return "left: one of the two files is gone, or changed since it was indexed"
    return f"left: {reason}"
