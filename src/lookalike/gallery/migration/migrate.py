"""The way of a migration: open both, refuse what is something else, move, verify."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from lookalike.descriptors import get
from lookalike.errors import GalleryError, UserError
from lookalike.gallery.ingest.backfill import mark_regions
from lookalike.gallery.library import Library, create_library
from lookalike.gallery.migration.move_annotations import move_faces, move_labels
from lookalike.gallery.migration.move_images import move_images, unknown_rows
from lookalike.gallery.migration.move_tables import move_tables
from lookalike.gallery.migration.verify import Verified, verify
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.engines import engine_of
from lookalike.gallery.storage.place import place_of
from lookalike.paths import PathLike
from lookalike.types import Progress

ROUNDS = 3  # so often what was written to the source meanwhile is moved as well


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """``images`` and ``videos`` are in both galleries; ``moved`` were written now, ``present`` were there already, from
    an earlier run. ``verified``: kind of content -> how many are the same in both. ``searches``: how many images were
    searched for in both, and of their nearest the target's own index found the ``recall``."""

    source: str
    target: str
    images: int
    videos: int
    moved: int
    present: int
    verified: dict[str, int]
    searches: int
    recall: float


def migrate(source: PathLike, target: PathLike, progress: Progress | None = None) -> MigrationReport:
    """As ``Gallery.migrate``."""
    before = Library.open(source)
    with closing(before.store):
        after = _target(before, target)
        with closing(after.store):
            count = _Counter(2 * before.store.count(), progress)
            moved = _move(before, after, count)
            checked = _verified(before, after, count)
            images, videos = after.store.count(), after.store.frames.videos()
            return MigrationReport(
                before.place, after.place, images - videos, videos, moved, images - moved, checked.counts,
                checked.searches, checked.recall,
            )  # fmt: skip


class _Counter:
    """How many images were moved and verified, of twice as many as there are."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def __call__(self, more: int) -> None:
        self._done = min(self._done + more, self._total)
        if self._progress:
            self._progress(self._done, self._total)


def _target(source: Library, place: PathLike) -> Library:
    """The gallery to move into, made if it is not there. Raises UserError for one that holds something else."""
    if not engine_of(place).exists(place_of(place)):
        store = source.store
        create_library(place, list(store.fingerprints()), store.keeps_keypoints(), store.privacy.retention)
    opened = Library.open(place)
    try:
        _refuse(source, opened)
        _prepare(source.store, opened.store)
        return opened
    except BaseException:
        opened.store.close()
        raise


def _refuse(source: Library, target: Library) -> None:
    """Raises UserError where nothing can be moved without a mixture of two galleries."""
    ours, theirs = source.store, target.store
    if ours.uuid() == theirs.uuid():
        raise UserError(f"{target.place}: is the same gallery, or a copy of it; choose a new place")
    if theirs.read_only:
        raise UserError(f"{target.place}: read only; choose a place that can be written")
    kinds = (_kind(ours), _kind(theirs))
    if kinds[0] != kinds[1]:
        raise UserError(f"{target.place}: was made for other vectors than {source.place} has; choose a new place")
    if found := _something_else(ours, theirs):
        raise UserError(f"{target.place}: holds something else already, {found}; choose a new place")


def _kind(store: GalleryStorage) -> object:
    return store.fingerprints(), store.keeps_keypoints(), store.privacy.retention


def _something_else(ours: GalleryStorage, theirs: GalleryStorage) -> str | None:
    """Something that the target holds and the source does not."""
    if (row := next(unknown_rows(ours, theirs), None)) is not None:
        return f"such as {row.path}"
    beside = {
        "a folder": set(theirs.roots()) - set(ours.roots()),
        "a verdict": set(theirs.verdicts()) - set(ours.verdicts()),
        "an item": set(theirs.items.codes()) - set(ours.items.codes()),
        "a person": {*theirs.faces.persons().values()} - {*ours.faces.persons().values()},
    }
    return next((f"{what} that the other has not" for what, found in beside.items() if found), None)


def _prepare(source: GalleryStorage, target: GalleryStorage) -> None:
    """An empty target is told what the source is in the middle of, and how it calls its files."""
    if target.count():
        return
    with target.transaction():
        if source.privacy.opaque and target.privacy.key != source.privacy.key:
            target.take_over_names(source.privacy.key)
        for name in source.unfinished():
            if name not in target.unfinished():
                target.replace_descriptor(get(name).card)
                mark_regions(target, name)


def _move(source: Library, target: Library, count: _Counter) -> int:
    """Everything; what is written to the source meanwhile as well. Returns how many images were written."""
    written = 0
    for _ in range(ROUNDS):
        version = source.store.version()
        with target.store.transaction():
            target.store.forget([row.path for row in unknown_rows(source.store, target.store)])
        numbers, new = move_images(source, target, count)
        written += new
        move_labels(source.store, target.store, numbers)
        move_faces(source, target, numbers)
        move_tables(source.store, target.store)
        if source.store.version() == version:
            return written
    raise GalleryError(
        f"{source.place}: is written to all the time; stop what writes to it, and say it again: what was moved stays"
    )


def _verified(source: Library, target: Library, count: _Counter) -> Verified:
    version = source.store.version()
    try:
        return verify(source, target, count)
    except GalleryError:
        if source.store.version() != version:
            raise GalleryError(
                f"{source.place}: was written to while the two were compared; say it again: what was moved stays"
            ) from None
        raise
