"""Brings a gallery up to date with files on the disk, a committed batch at a time."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial

from lookalike.descriptors.video import DESCRIPTOR
from lookalike.errors import StorageFull, UserError
from lookalike.gallery.elsewhere.address import is_folder_elsewhere
from lookalike.gallery.ingest.backfill import add_lacking, lacking_any
from lookalike.gallery.ingest.extract import ExtractionSpec, Job, Outcome, SameBytes, Unusable, gallery_spec, read_all
from lookalike.gallery.ingest.leave_out import NO_FRAMES, NO_READER, LeaveOut
from lookalike.gallery.ingest.listed import LeftOut, Listed, ListedFile, Skipped
from lookalike.gallery.ingest.on_ray import read_all_on_ray
from lookalike.gallery.ingest.roots import is_gone, leave_out_of, remember_root
from lookalike.gallery.ingest.scan import walk
from lookalike.gallery.library import Library
from lookalike.gallery.storage.base import GalleryStorage, NewImage
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.thumbnails import FILE as THUMBNAILS
from lookalike.gallery.storage.thumbnails import Thumbnails
from lookalike.imaging import MAX_PIXELS
from lookalike.imaging.frame_sequence import FPS
from lookalike.imaging.video import reads_videos
from lookalike.imaging.video_file import size_and_time
from lookalike.paths import PathLike, WalkPatterns, absolute
from lookalike.types import AddReport, Failure, Progress

BATCH = 256  # outcomes per transaction
BATCH_SECONDS = 2.0  # and at least this often: what a killed process can lose


Reader = Callable[[Iterable[Job], ExtractionSpec, int], Iterator[Outcome]]


class Ingestor:
    """One run of ``add``: sorts the listed files, reads what is new, writes batches, counts everything."""

    def __init__(
        self,
        store: GalleryStorage,
        spec: ExtractionSpec,
        max_pixels: int,
        retry_failed: bool,
        progress: Progress | None,
        thumbnails: Thumbnails | None = None,
        lacking: Collection[int] = (),
        reader: Reader = read_all,
    ) -> None:
        """``lacking``: images that lack a descriptor, and whose files are to be read although they are known.
        ``reader``: who reads and describes files, as ``read_all`` does; in any order."""
        self._reader = reader
        self._thumbnails, self._lacking = thumbnails, lacking
        self._store = store
        self._spec = spec
        self._max_pixels = max_pixels
        self._retry_failed = retry_failed
        self._progress = progress
        self._counts = dict.fromkeys(("added", "updated", "unchanged", "moved", "skipped"), 0)
        self._failed: list[Failure] = []
        self._left_out = Counter[str]()
        self._batch: list[Outcome] = []
        self._again: list[ListedFile] = []
        self._written = time.monotonic()

    def run(self, listed: Sequence[Listed]) -> AddReport:
        """Take in all of these. Interrupted at any moment, what was read so far is committed first."""
        self._total = sum(not isinstance(entry, LeftOut) for entry in listed)
        try:
            for outcome in self._reader(self._jobs(listed), self._spec, self._max_pixels):
                self._take(outcome)
        except StorageFull:
            raise
        except BaseException:
            self._write()
            raise
        self._write()
        self._read_again()
        return AddReport(**self._counts, failed=tuple(self._failed), left_out=dict(self._left_out))

    def _jobs(self, listed: Iterable[Listed]) -> Iterator[Job]:
        for entry in listed:
            if isinstance(entry, ListedFile) and not self._settled(entry):
                yield Job(entry, self._known(entry))
            elif isinstance(entry, Skipped):
                self._count("skipped")
            elif isinstance(entry, LeftOut):
                self._left_out[entry.reason] += 1
            elif isinstance(entry, Failure):
                self._fail(entry)

    def _known(self, file: ListedFile) -> frozenset[str]:
        """Digests of images that this file may be a copy of, so that it need not be decoded."""
        return frozenset() if self._lacks(self._store.row_of(file.path)) else self._store.sha256_by_size(file.bytes)

    def _lacks(self, row: Row | None) -> bool:
        return row is not None and row.id in self._lacking

    def _settled(self, file: ListedFile) -> bool:
        """Whether the gallery knows this very file, so that it need not be read."""
        row = self._store.row_of(file.path)
        if row is not None and file.is_that_of(row) and not self._lacks(row):
            self._count("unchanged")
            return True
        failure = None if self._retry_failed else self._store.known_failure(file.path, file.bytes, file.mtime_ns)
        if failure is not None:
            self._fail(failure)
        return failure is not None

    def _take(self, outcome: Outcome) -> None:
        self._batch.append(outcome)
        if len(self._batch) >= BATCH or time.monotonic() - self._written > BATCH_SECONDS:
            self._write()

    def _write(self) -> None:
        batch, self._batch = self._batch, []
        if batch:
            self._keep_thumbnails(batch)
            with self._store.transaction():
                results = [self._apply(outcome) for outcome in batch]
            for result in results:
                self._count(result) if isinstance(result, str) else self._fail(result)
        self._written = time.monotonic()

    def _keep_thumbnails(self, batch: Sequence[Outcome]) -> None:
        """Before the images themselves: killed in between, there is one too many, and never one too few."""
        if self._thumbnails is not None:
            new = [one for one in batch if isinstance(one, NewImage) and one.thumbnail is not None]
            self._thumbnails.put_all((one.row.sha256, one.thumbnail) for one in new if one.thumbnail is not None)

    def _apply(self, outcome: Outcome) -> str | Failure:
        if isinstance(outcome, NewImage):
            return self._apply_new(outcome)
        if isinstance(outcome, SameBytes):
            return self._apply_same(outcome.file, outcome.sha256)
        return self._apply_unusable(outcome)

    def _apply_new(self, image: NewImage) -> str:
        before = self._store.row_of(image.row.path)
        if before is not None and before.sha256 == image.row.sha256:  # another process was quicker
            self._store.touch(before.id, image.row.mtime_ns)
            if not self._lacks(before):
                return "unchanged"
            add_lacking(self._store, [replace(image, row=before)])
            return "updated"
        self._store.put(image)
        return "added" if before is None else "updated"

    def _apply_same(self, file: ListedFile, sha256: str) -> str:
        rows = self._store.same_bytes(sha256)
        here = next((row for row in rows if row.path == self._store.privacy.name(file.path)), None)
        if here is not None:
            self._store.touch(here.id, file.mtime_ns)
            return "unchanged"
        if not rows:  # removed by another process meanwhile
            self._again.append(file)
            return "again"
        return self._apply_elsewhere(file, rows)

    def _apply_elsewhere(self, file: ListedFile, rows: Sequence[Row]) -> str:
        before = self._store.row_of(file.path)
        gone = None if self._store.privacy.opaque else _gone(rows)
        if gone is not None and before is None:
            self._store.move(gone.id, file.path, file.mtime_ns)
            return "moved"
        self._store.put_copy(_placed(rows[0], file), rows[0].id)
        return "added" if before is None else "updated"

    def _apply_unusable(self, outcome: Unusable) -> Failure:
        if not outcome.passing and not self._lacks(self._store.row_of(outcome.file.path)):
            self._store.put_failure(outcome.failure, outcome.file.bytes, outcome.file.mtime_ns)
        return outcome.failure

    def _read_again(self) -> None:
        again, self._again = self._again, []
        for outcome in read_all(map(Job, again), self._spec, self._max_pixels):
            self._take(outcome)
        self._write()

    def _count(self, name: str) -> None:
        if name != "again":
            self._counts[name] += 1
            self._report()

    def _fail(self, failure: Failure) -> None:
        self._failed.append(failure)
        self._report()

    def _report(self) -> None:
        if self._progress is not None:
            self._progress(sum(self._counts.values()) + len(self._failed), self._total)


def _gone(rows: Sequence[Row]) -> Row | None:
    """One of these whose file lies there no more. Not to be known where no paths are kept."""
    return next((row for row in rows if is_gone(row.path)), None)


def _placed(row: Row, file: ListedFile) -> Row:
    return replace(row, id=0, path=file.path, bytes=file.bytes, mtime_ns=file.mtime_ns)


def add_sources(
    library: Library,
    paths: Sequence[PathLike],
    max_pixels: int,
    retry_failed: bool,
    progress: Progress | None,
    exclude: Sequence[str] | None = None,
    include: Sequence[str] | None = None,
    ray: str | None = None,
) -> AddReport:
    """As ``Gallery.add``."""
    store = library.store
    spec = gallery_spec(library)
    with store.transaction():
        for path in filter(_is_root, map(absolute, paths)):
            remember_root(store, path, exclude, include)
    with _thumbnails(library) as kept:
        reader = read_all if ray is None else partial(read_all_on_ray, address=ray)
        ingestor = Ingestor(store, spec, max_pixels, retry_failed, progress, kept, _lacking(store), reader)
        listed = list(walk(paths, str(library.path), _leave_out(store, exclude, include), videos=True))
        if reason := _no_videos(library):
            listed = [LeftOut(one.path, reason) if _is_video(one) else one for one in listed]
        report = ingestor.run(listed)
    sweep(library)
    return report


def _is_root(path: str) -> bool:
    """Whether what lies there has this as its prefix."""
    return is_folder_elsewhere(path) or os.path.isdir(path)


def add_frame_folder(library: Library, path: PathLike, fps: float | None, progress: Progress | None) -> AddReport:
    """As ``Gallery.add_frames``."""
    if DESCRIPTOR not in library.cards:
        raise UserError(f"this gallery takes no videos: it was made without the descriptor {DESCRIPTOR!r}")
    folder = absolute(path)
    size, time = size_and_time(folder)
    with _thumbnails(library) as kept:
        ingestor = Ingestor(library.store, gallery_spec(library), MAX_PIXELS, True, progress, kept)
        report = ingestor.run([ListedFile(folder, size, time, is_video=True, fps=fps or FPS)])
    sweep(library)
    return report


def _no_videos(library: Library) -> str | None:
    """Why no video can be taken in, a key of leave_out.REASONS; None if they can."""
    if DESCRIPTOR not in library.cards:
        return NO_FRAMES
    return None if reads_videos() else NO_READER


def _is_video(entry: Listed) -> bool:
    return isinstance(entry, ListedFile) and entry.is_video


def _lacking(store: GalleryStorage) -> frozenset[int]:
    """Where no paths are kept, images are described anew when their files come by; else backfill.py does it."""
    return frozenset(lacking_any(store, store.unfinished())) if store.privacy.opaque else frozenset()


def _leave_out(
    store: GalleryStorage, exclude: Sequence[str] | None, include: Sequence[str] | None
) -> Callable[[str], LeaveOut]:
    """What was remembered; where nothing is, what is said now."""
    if store.privacy.opaque:
        return partial(LeaveOut, patterns=WalkPatterns(tuple(exclude or ()), tuple(include or ())))
    return partial(leave_out_of, store)


def forget_sources(library: Library, paths: Sequence[PathLike]) -> int:
    """As ``Gallery.remove``."""
    named = [(path, library.store.row_named(path)) for path in map(absolute, paths)]
    with library.store.transaction():
        count = library.store.forget(path if row is None else row.path for path, row in named)
    sweep(library)
    return count


@contextmanager
def _thumbnails(library: Library) -> Iterator[Thumbnails | None]:
    """Those that the gallery keeps by itself; others are made when they are asked for."""
    if library.store.privacy.retention != "thumbnails":
        yield None
        return
    with closing(Thumbnails(library.path)) as thumbnails:
        yield thumbnails


def sweep(library: Library) -> None:
    """No thumbnail outlives its image."""
    if (library.path / THUMBNAILS).exists():
        with closing(Thumbnails(library.path)) as thumbnails:
            thumbnails.sweep(library.store.digests())
