"""Which of some incoming files a library has already: each is searched for, and what is near is verified.

Nothing is added to the library. The incoming files are not compared with one another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from lookalike.errors import LoadError
from lookalike.gallery.dedup.preferred_folders import PreferredFolders
from lookalike.gallery.elsewhere.read import load_path
from lookalike.gallery.ingest.leave_out import LeaveOut
from lookalike.gallery.ingest.listed import ListedFile
from lookalike.gallery.ingest.scan import walk
from lookalike.gallery.library import Library
from lookalike.gallery.search.options import SearchOptions
from lookalike.gallery.search.pipeline import SearchPipeline
from lookalike.gallery.storage.row import Row
from lookalike.paths import PathLike, WalkPatterns
from lookalike.types import Failure, Hit, Pair, Progress

NEAREST = 10  # images of the library that are looked at for each incoming one
CANDIDATE = 0.5  # the probability, by vectors alone, from which on they are verified


@dataclass(frozen=True, slots=True)
class IncomingReport:
    """``new``: paths that the library has not. ``pairs``: of those that it has, the library's image (a) and the
    incoming one (b). ``rows``: path -> what is known of an incoming file, its id being 0. ``failed``: what could not be
    read."""

    new: tuple[str, ...]
    pairs: tuple[Pair, ...]
    rows: dict[str, Row]
    failed: tuple[Failure, ...]


def compare_incoming(
    library: Library,
    sources: Sequence[PathLike],
    measures: Sequence[str],
    precision: float,
    verify: bool,
    patterns: WalkPatterns,
    progress: Progress | None,
) -> IncomingReport:
    """As ``Gallery.compare_incoming``."""
    listed = list(walk(sources, str(library.path), partial(LeaveOut, patterns=patterns)))
    files = [one for one in listed if isinstance(one, ListedFile)]
    search = _IncomingSearch(library, PreferredFolders.of(sources).protects, measures, precision, verify)
    failed = [one for one in listed if isinstance(one, Failure)]
    new: list[str] = []
    pairs: list[Pair] = []
    rows: dict[str, Row] = {}
    for done, file in enumerate(files, 1):
        try:
            rows[file.path] = search.row(file)
            pair = search.copy_of(rows[file.path])
        except LoadError as error:
            failed.append(Failure(file.path, error.reason))
        else:
            new += [] if pair else [file.path]
            pairs += [pair] if pair else []
        if progress:
            progress(done, len(files))
    return IncomingReport(tuple(new), tuple(pairs), rows, tuple(failed))


@dataclass(frozen=True, slots=True)
class _IncomingSearch:
    library: Library
    is_incoming: Callable[[str], bool]
    measures: Sequence[str]
    precision: float
    verify: bool

    def row(self, file: ListedFile) -> Row:
        """What a gallery would say of the file. Raises LoadError."""
        image = load_path(file.path, min_side=1)
        known = (0, file.path, image.sha256, image.bytes, file.mtime_ns, image.width, image.height)
        return Row(*known, image.format, image.taken, image.camera, image.frames, image.damage)

    def copy_of(self, row: Row) -> Pair | None:
        """The library's image of which this is a copy, the surest; None if there is none."""
        for same in self.library.store.same_bytes(row.sha256):
            if not self.is_incoming(same.path):
                return Pair(same.path, row.path, 0.0, 1.0, "identical")
        found = [hit for measure in self.measures for hit in self._hits(row.path, measure)]
        best = max(found, key=lambda hit: hit.probability, default=None)
        return None if best is None else _pair(best, row.path)

    def _hits(self, path: str, measure: str) -> list[Hit]:
        """The copies among the library's nearest, verified only where any is near."""
        pipeline = SearchPipeline(self.library)
        near = [
            hit
            for hit in pipeline.search(path, SearchOptions(k=NEAREST, by=measure, rerank=0))
            if hit.probability >= CANDIDATE and not self.is_incoming(hit.path)
        ]
        if near and self.verify:
            near = pipeline.search(path, SearchOptions(k=NEAREST, by=measure, rerank=NEAREST))
        return [hit for hit in near if hit.probability >= self.precision and not self.is_incoming(hit.path)]


def _pair(hit: Hit, path: str) -> Pair:
    box_in = {"query": "b", "image": "a"}.get(hit.box_in or "")
    return Pair(
        hit.path, path, hit.distance, hit.probability, hit.relation, hit.box, box_in, hit.edits, verified=hit.verified
    )
