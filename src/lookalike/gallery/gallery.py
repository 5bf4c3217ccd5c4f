"""A library of images on disk: add, search, find duplicates. Every verb is one short call into its room."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from lookalike.comparison.alignment.align import LOAD_MIN_SIDE, with_keypoints
from lookalike.comparison.alignment.orientations import ORIENTATIONS
from lookalike.comparison.calibration import library_prior
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS, ComparisonInput
from lookalike.descriptors import describe_all, get, region_network
from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.fusion import BLEND, DEFAULT_WEIGHTS, Blend, parse_by
from lookalike.descriptors.keypoints import Keypoints
from lookalike.descriptors.neural.classifier import classifier
from lookalike.descriptors.neural.region_model import RegionNetwork
from lookalike.errors import (
    GalleryDamaged,
    GalleryError,
    GalleryExists,
    GalleryMissing,
    GalleryVersion,
    ImageMissing,
    UserError,
)
from lookalike.gallery.calibration.calibrate import VERIFIED, calibrated, own_curves, own_weights
from lookalike.gallery.calibration.tune import PRECISION, judged_in_csv, judged_in_gallery, tuned
from lookalike.gallery.dedup.candidate_pairs import find_duplicates
from lookalike.gallery.dedup.representative import keep_plain
from lookalike.gallery.index.index_cache import IndexCopies
from lookalike.gallery.index.region_index_cache import RegionCopies
from lookalike.gallery.ingest.backfill import describe_lacking, hold
from lookalike.gallery.ingest.extract import Wanted
from lookalike.gallery.ingest.ingest import Adder
from lookalike.gallery.ingest.scan import walk
from lookalike.gallery.labels.classify import Classifier
from lookalike.gallery.labels.import_labels import label_from_csv, label_from_folders
from lookalike.gallery.labels.label_errors import NEIGHBOURS, find_label_errors
from lookalike.gallery.projection import Projection2D, project
from lookalike.gallery.search.query import Region, is_blank, query_image
from lookalike.gallery.search.region_matching import RegionQuery
from lookalike.gallery.search.region_pipeline import Asked, search_regions
from lookalike.gallery.search.region_search import RegionSearcher
from lookalike.gallery.search.relevance_feedback import examples
from lookalike.gallery.search.reranking import RERANK_TOP_K, GeometricVerifier
from lookalike.gallery.search.stored_query import held
from lookalike.gallery.search.vector_search import Query, Searcher
from lookalike.gallery.storage import filters as filters
from lookalike.gallery.storage.keypoint_codec import unpacked
from lookalike.gallery.storage.labels import EVERYTHING
from lookalike.gallery.storage.privacy import Retention, checked
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.store import MANY, Store
from lookalike.gallery.storage.thumbnails import FILE as THUMBNAILS
from lookalike.gallery.storage.thumbnails import Thumbnails
from lookalike.imaging import MAX_PIXELS
from lookalike.paths import PathLike, absolute
from lookalike.types import (
    AddReport,
    ClassifyReport,
    Failure,
    Group,
    Hit,
    Image,
    Label,
    LabelError,
    LabelledImage,
    LabelReport,
    Progress,
    TuneReport,
    Verdict,
)

DEFAULT_DESCRIPTORS = ("copy", "content", "colour", "texture", "structure")
FILE = "gallery.sqlite"
Sources = PathLike | Iterable[PathLike]


@dataclass(frozen=True, slots=True)
class GalleryInfo:
    """What a gallery holds. Sizes in bytes; ``descriptors``: name -> fingerprint; ``formats``: name -> images.
    ``keypoints``: whether they are kept. ``verdicts``: pairs that a person has judged. ``labels``: source -> images.
    ``regions``: descriptor of regions -> images that have them. ``retention``: see ``Gallery.retention``.
    """

    path: str
    images: int
    descriptors: Mapping[str, str]
    default_by: str
    folders: tuple[str, ...]
    image_bytes: int
    disk_bytes: int
    formats: Mapping[str, int]
    failures: tuple[Failure, ...]
    verdicts: int
    keypoints: bool
    labels: Mapping[str, int]
    regions: Mapping[str, int] = field(default_factory=dict)
    retention: Retention = "paths"


class Gallery:
    """Use ``Gallery.create`` or ``Gallery.open``; close it, or use it in a ``with`` statement.

    One thread at a time; several processes may read and write the same gallery."""

    def __init__(self, path: Path, store: Store) -> None:
        self.path = path
        self._store = store
        every = _known_cards(path, store.cards())
        self._regions = {name: card for name, card in every.items() if name in store.regions.names()}
        self._cards = {name: card for name, card in every.items() if name not in self._regions}
        self._searcher = Searcher(store, IndexCopies(path / "index", store, self._cards), self._cards)
        copies = RegionCopies(path / "index", store, self._regions)
        self._regional = RegionSearcher(store, copies)

    @classmethod
    def create(
        cls,
        path: PathLike,
        descriptors: Sequence[str] = DEFAULT_DESCRIPTORS,
        *,
        keypoints: bool = False,
        retention: Retention = "paths",
    ) -> Self:
        """A new, empty gallery in a new folder. Raises GalleryExists, or UserError for an unknown descriptor.

        ``keypoints``: keep those of every image, 68 kB each, so that a search verifies faster. ``retention``:
        "thumbnails" or "vectors" for a gallery that keeps no paths (privacy.py); images have opaque names then, and
        nothing is verified.
        """
        if keypoints and checked(retention) != "paths":
            raise UserError("keypoints are for verifying by the files, and without paths there are none")
        folder = Path(absolute(path))
        cards = [get(name).card for name in dict.fromkeys(descriptors)]
        if not cards:
            raise UserError("a gallery needs at least one descriptor")
        _make_folder(folder, cards, keypoints, checked(retention))
        return cls.open(folder)

    @classmethod
    def open(cls, path: PathLike) -> Self:
        """An existing gallery. Raises GalleryMissing, GalleryDamaged or GalleryVersion."""
        folder = Path(absolute(path))
        if not folder.exists():
            raise GalleryMissing(f"{folder}: no gallery there; make one with: lookalike index FOLDER --gallery {path}")
        if not (folder / FILE).is_file():
            raise GalleryDamaged(f"{folder}: not a gallery (it holds no {FILE})")
        store = Store.open(folder / FILE)
        try:
            return cls(folder, store)
        except BaseException:
            store.close()
            raise

    def close(self) -> None:
        """Let go of the files. Everything that was added is on disk already."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self._store.count()

    def __iter__(self) -> Iterator[Row]:
        return self._store.every_row()

    def rows(self, where: str | None = None) -> Iterator[Row]:
        """The images that a filter leaves, in the order in which they were added."""
        if where is None:
            yield from self
            return
        condition = filters.parse(where)
        ids = self._store.allowed(condition.sql, condition.values).tolist()
        for start in range(0, len(ids), MANY):
            yield from self._store.rows(ids[start : start + MANY]).values()

    def row(self, number: int) -> Row:
        """The image with this id. Raises ImageMissing."""
        found = self._store.rows([number])
        if not found:
            raise ImageMissing(f"image {number}: not in this gallery")
        return found[number]

    def rows_of(self, numbers: Sequence[int]) -> list[Row]:
        """The images with these ids, in their order; those that are not held are left out."""
        found = self._store.rows(numbers)
        return [found[number] for number in numbers if number in found]

    def rows_at(self, paths: Iterable[PathLike]) -> dict[str, Row]:
        """Path -> the image that is held from there; those that are not held are left out."""
        found = {os.fspath(path): self._store.row_of(absolute(path)) for path in paths}
        return {path: row for path, row in found.items() if row is not None}

    def ids(self, where: str | None = None) -> list[int]:
        """The ids of the images that a filter leaves, in the order in which they were added."""
        condition = filters.parse(where) if where else EVERYTHING
        found: list[int] = self._store.allowed(condition.sql, condition.values).tolist()
        return found

    def last_id(self) -> int:
        """The id of the image that was added last, 0 in an empty gallery."""
        return self._store.last_id()

    def version(self) -> tuple[int, int]:
        """Another value whenever this or another process has written to the gallery. Costs microseconds."""
        return self._store.version()

    # --- bringing it up to date

    def add(
        self,
        sources: Sources,
        *,
        progress: Progress | None = None,
        max_pixels: int = MAX_PIXELS,
        retry_failed: bool = False,
    ) -> AddReport:
        """Take in files and folders: what is new or changed is read, the rest is left alone.

        ``progress(done, total)`` is called as it goes. Files that failed before are tried again only once they
        have changed, or with ``retry_failed``. Interrupted or killed, the next call goes on where this one was.
        """
        paths = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
        wanted = Wanted(tuple(self._cards), self.keeps_keypoints, tuple(self._regions), self.retention == "thumbnails")
        with self._store.transaction():
            for path in filter(os.path.isdir, map(absolute, paths)):
                self._store.put_root(path)
        with self._thumbnails() as thumbnails:
            adder = Adder(self._store, wanted, max_pixels, retry_failed, progress, thumbnails)
            report = adder.run(list(walk(paths, avoid=str(self.path))))
        self._sweep()
        return report

    def add_descriptor(self, name: str, *, progress: Progress | None = None, max_pixels: int = MAX_PIXELS) -> AddReport:
        """Hold the regions of this network from now on, and find those of the images that lack them.

        Nothing else is read or computed again. A file that cannot be read as it was indexed is a failure, and its
        image stays. Interrupted or killed, the next call goes on. Raises UserError for a descriptor of whole images
        that is not held: its vectors come from indexing."""
        if name in self._cards:
            raise UserError(f"this gallery holds {name!r} already")
        if len(self) and name not in self._regions:
            self.need_paths("finding regions afterwards")
        hold(self._store, name)
        self._regions[name] = region_network(name).card
        return describe_lacking(self._store, name, progress, max_pixels)

    def remove(self, paths: Sources) -> int:
        """Forget these images (the files stay where they are); returns how many there were."""
        listed = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
        with self._store.transaction():
            count = self._store.forget(map(absolute, listed))
        self._sweep()
        return count

    @contextmanager
    def _thumbnails(self) -> Iterator[Thumbnails | None]:
        """Those that the gallery keeps by itself; others are made when they are asked for."""
        if self.retention != "thumbnails":
            yield None
            return
        with closing(Thumbnails(self.path)) as thumbnails:
            yield thumbnails

    def _sweep(self) -> None:
        """No thumbnail outlives its image."""
        if (self.path / THUMBNAILS).exists():
            with closing(Thumbnails(self.path)) as thumbnails:
                thumbnails.sweep(self._store.contents())

    def refresh(self, *, force: bool = False) -> list[str]:
        """Forget the images whose files are gone; returns their paths.

        Raises UserError if an added folder itself is gone: its drive may not be mounted. ``force`` goes on."""
        self.need_paths("refreshing")
        missing = [root for root in self._store.roots() if not os.path.isdir(root)]
        if missing and not force:
            raise UserError(f"{missing[0]}: this folder is gone; is its drive mounted? To forget it, use force")
        gone = [row.path for row in self if not os.path.lexists(row.path)]
        self.remove(gone)
        return gone

    # --- asking

    def search(
        self,
        image: PathLike | bytes | Image | Row,
        k: int = 10,
        *,
        by: str | Mapping[str, float] | None = None,
        where: str | None = None,
        region: Region | None = None,
        exact: bool = False,
        views: bool = False,
        verify: int | None = None,
        precision: float | None = None,
        good: Sequence[PathLike] = (),
        bad: Sequence[PathLike] = (),
    ) -> list[Hit]:
        """The k images most like this one, best first.

        ``image``: an image, or a Row of this gallery, whose file is read only where its vectors do not tell enough.
        ``by``: a descriptor that the gallery holds, "blend", or weights like {"colour": 2, "texture": 1}. ``where``: a
        filter, see where.py. ``region``: only this part of the query, in pixels of the upright original. ``exact``:
        compare with every image instead of using the fast copies. ``views``: look for the image mirrored and turned by
        quarters as well, in eight times the time; probabilities allow for it. ``verify``: so many of the best are laid
        on the query, which tells relation, box and probability; copies come first then. The default is RERANK_TOP_K for
        a search by ``copy`` or by regions, 0 for any other and with ``views``; a hit that could not be read as it was
        indexed is not ``verified``. ``precision``: only what is a copy with at least this probability; none may be.
        ``good``, ``bad``: images of the gallery that are what is meant, and that are not (feedback.py): they move
        ``distance`` and the order, and nothing is verified.
        """
        if k < 1:
            raise UserError(f"k must be 1 or more, not {k}")
        if precision is not None:
            _check_precision(precision)
        condition = filters.parse(where) if where else None
        name = by or self.default_by
        if isinstance(name, str) and self._gives_regions(name):
            if views or good or bad:
                raise UserError("views, good and bad are for whole images: leave them out in a search by regions")
            asked = Asked(name, k, condition, region, exact, verify)
            hits = search_regions(self._regional, self._verifier(), _file(image), asked)
        elif good or bad:
            if views or verify:
                raise UserError("good and bad exclude views and verify; leave one of them out")
            hits = self._search_judged(image, k, self._blend(by), condition, region, exact, good, bad)
        elif isinstance(image, Row) and region is None and not views and not self._reads(verify, self._blend(by)):
            hits = self._searcher.search(
                self._query(image, self._blend(by), None), k, self._blend(by), condition, exact
            )
        else:
            hits = self._search_wholes(_file(image), k, self._blend(by), condition, region, exact, views, verify)
        return [hit for hit in hits[:k] if precision is None or hit.probability >= precision]

    def _search_wholes(
        self,
        image: PathLike | bytes | Image,
        k: int,
        blend: Blend,
        condition: filters.Condition | None,
        region: Region | None,
        exact: bool,
        views: bool,
        verify: int | None,
    ) -> list[Hit]:
        """At least k images that are like the query as a whole; copies that were looked at come first."""
        looked_at = _looked_at(verify, blend, views)
        names = list(dict.fromkeys([*blend.weights, *self._judging()]))
        needed = list(dict.fromkeys([*names, *(COMPARISON_DESCRIPTORS if looked_at else ())]))
        image = query_image(image, needed, region, LOAD_MIN_SIDE if looked_at else 1)
        sha256 = image.sha256 if region is None else ""
        described = [describe_all([view], needed) for view in (_turned(image) if views else [image])]
        queries = [Query({name: one[name] for name in names}, sha256) for one in described]
        reach, looks = max(k, looked_at), len(queries)
        found = [self._searcher.search(query, reach, blend, condition, exact, looks) for query in queries]
        hits = _nearest(found, k) if views else found[0]
        if looked_at and any(hit.relation != "identical" for hit in hits[:looked_at]):
            query = ComparisonInput(
                with_keypoints(image), {name: described[0][name] for name in COMPARISON_DESCRIPTORS}
            )
            more = self._second_chance(image, hits, looked_at, condition) if blend.names == ("copy",) else None
            others = (
                self._searcher.search(queries[0], looked_at, blend, more, exact=True) if more and more.values else []
            )
            hits = [*self._verifier().hits(query, [*hits[:looked_at], *others]), *hits[looked_at:]]
        return hits

    def _reads(self, verify: int | None, blend: Blend) -> bool:
        """Whether the file of an image of the gallery is read to look for its like."""
        return self.retention == "paths" and _looked_at(verify, blend, views=False) > 0

    def _search_judged(
        self,
        image: PathLike | bytes | Image | Row,
        k: int,
        blend: Blend,
        condition: filters.Condition | None,
        region: Region | None,
        exact: bool,
        good: Sequence[PathLike],
        bad: Sequence[PathLike],
    ) -> list[Hit]:
        """The nearest to the query and the good ones, and far from the bad ones."""
        liked, disliked = ([self._row(path) for path in paths] for paths in (good, bad))
        judged = examples(self._store, self._cards, blend.names, liked, disliked)
        query = replace(self._query(image, blend, region), judged=judged)
        return self._searcher.search(query, k, blend, condition, exact)

    def _query(self, image: PathLike | bytes | Image | Row, blend: Blend, region: Region | None) -> Query:
        """What is looked for, without verification: of an image of the gallery as a whole, what the gallery knows."""
        names = list(dict.fromkeys([*blend.weights, *self._judging()]))
        if isinstance(image, Row) and region is None:
            return Query(held(self._store, self._cards, names, image), image.sha256)
        image = query_image(_file(image), names, region)
        return Query(describe_all([image], names), image.sha256 if region is None else "")

    def is_blank(
        self,
        image: PathLike | bytes | Image,
        *,
        by: str | Mapping[str, float] | None = None,
        region: Region | None = None,
    ) -> bool:
        """Whether a search ``by`` this finds nothing because the image, or the ``region`` of it, shows nothing."""
        name = by or self.default_by
        names = [name] if isinstance(name, str) and self._gives_regions(name) else list(self._blend(by).weights)
        return is_blank(query_image(image, names, region), names)

    def will_rerank(self, by: str | Mapping[str, float] | None = None) -> bool:
        """Whether a search ``by`` this lays the best hits on the query, if nothing is said of it."""
        name = by or self.default_by
        return (isinstance(name, str) and self._gives_regions(name)) or self._blend(by).names == ("copy",)

    def _gives_regions(self, by: str) -> bool:
        if by in self._regions:
            return True
        if by == BLEND or by in self._cards or "=" in by or not isinstance(get(by), RegionNetwork):
            return False
        raise UserError(
            f"this gallery holds no {by!r}; add them, and nothing else is read again: "
            f"lookalike index --gallery {self.path} --with {by}"
        )

    def _second_chance(
        self, image: Image, hits: Sequence[Hit], count: int, where: filters.Condition | None
    ) -> filters.Condition:
        """The images that regions alone call near: crops and pasted parts are far apart as wholes."""
        known = {hit.path for hit in hits}
        found = []
        for name in list(self._regions)[:1]:
            query = RegionQuery.of(name, image, "", closer=True)
            found += [hit.path for hit in self._regional.search(name, query, count, where, exact=False)]
        ids = [self._row(path).id for path in found if path not in known]
        return filters.Condition(f"p.id IN ({','.join('?' * len(ids))})", tuple(ids))

    def duplicates(
        self,
        *,
        precision: float = 0.99,
        by: str | None = None,
        verify: bool = True,
        progress: Progress | None = None,
    ) -> list[Group]:
        """Tight groups of copies; any two members are copies with at least the probability ``precision``.

        ``by``: a descriptor that the gallery holds, or "blend". The default is the blend where it is held: what may be
        deleted is to lie alike. ``by="copy"`` groups crops, screenshots and mirrored copies as well. ``verify``: lay
        every copy on the image that is kept, tell what was done to it, drop it if it is not as surely a copy, and
        rather keep one without a border, caption or other surroundings, if it is as large;
        ``progress(done, total)`` counts these pairs.
        """
        _check_precision(precision)
        name = self.default_duplicates(by)
        own, weights = own_curves(self._store), own_weights(self._store)
        with self._store.snapshot():
            groups, around = find_duplicates(
                self._store, self._cards, self._blend(name), name, precision, self._judging(), own, weights
            )
        if not verify:
            return groups
        verifier = self._verifier()
        looked = verifier.groups(groups, precision, progress)
        return keep_plain(looked, self._store.row_of, around, lambda anew: verifier.groups(anew, precision))

    def default_duplicates(self, by: str | None = None) -> str:
        """What ``duplicates`` goes by if nothing is said."""
        return by or (BLEND if self.can_blend else self.default_by)

    def calibrate(self, progress: Progress | None = None) -> dict[str, str]:
        """Fit probabilities to this library: on edits of a sample of its images and on strangers among them.

        From then on ``search`` and ``duplicates`` go by these curves. Takes about a minute. Returns what each curve was
        fitted on. Raises UserError for a library with too few images that can be read."""
        self.need_paths("fitting probabilities")
        curves = calibrated(self._store, self._cards, progress)
        with self._store.transaction():
            self._store.put_calibrations(curves)
        return {name: curve.origin for name, curve in curves.items()}

    @property
    def is_calibrated(self) -> bool:
        """Whether probabilities were fitted to this library."""
        return bool(own_curves(self._store, tuned=False))

    def not_duplicates(self, pairs: Iterable[tuple[PathLike, PathLike]]) -> None:
        """Remember that the two images of each pair are not copies: no group will hold both again."""
        self.add_verdicts(pairs, "different")

    def add_verdicts(self, pairs: Iterable[tuple[PathLike, PathLike]], verdict: Verdict) -> None:
        """Remember a person's word on the two images of each pair. No group will hold "different" ones again;
        ``tune`` learns from both. Raises UserError for an image that is not held."""
        contents = [(self.sha256_of(a), self.sha256_of(b)) for a, b in pairs]
        with self._store.transaction():
            self._store.add_verdicts(contents, verdict)

    def verdicts(self) -> list[tuple[str, str, Verdict]]:
        """What persons have said: the sha256 of the two images, the smaller first, and the verdict."""
        return self._store.verdicts()

    def remove_verdicts(self, pairs: Iterable[tuple[PathLike, PathLike]]) -> int:
        """Take a person's word on these pairs back; returns on how many there was one."""
        contents = [(self.sha256_of(a), self.sha256_of(b)) for a, b in pairs]
        with self._store.transaction():
            return self._store.remove_verdicts(contents)

    def tune(
        self, pairs: PathLike | None = None, *, by: str = BLEND, precision: float = PRECISION, keep: bool = True
    ) -> TuneReport:
        """Fit the shares of the blend, or the probability of a descriptor, to pairs that a person has judged, and
        ``keep`` it if it helped: ``search`` and ``duplicates`` go by it from then on. No vector changes.

        ``pairs``: a CSV file with the columns a, b (paths, or file names) and verdict (same or different); by default
        what ``add_verdicts`` has recorded. Raises UserError for fewer than 20 usable pairs, or 5 of either verdict."""
        _check_precision(precision)
        judged = judged_in_gallery(self._store) if pairs is None else judged_in_csv(self._store, pairs)
        return tuned(self._store, self._cards, by, judged, precision, keep)

    def forget_tuning(self, by: str | None = None) -> int:
        """Go back to what was before ``tune``, for one measure or for all; returns for how many."""
        with self._store.transaction():
            return self._store.forget_tunings(by)

    def projection(self, by: str | None = None) -> Projection2D:
        """Every image as a point in two dimensions, those that are alike near one another. ``by``: a descriptor of
        whole images that is held; the default is ``content`` where it is. Seconds for 100,000 images."""
        return project(self._store, self._whole(by))

    # --- what the images show

    def classify(
        self,
        model: str | os.PathLike[str],
        *,
        where: str | None = None,
        top: int = 1,
        least: float | None = None,
        redo: bool = False,
        replace: bool = False,
        progress: Progress | None = None,
    ) -> ClassifyReport:
        """Ask a model what the images show, and keep its ``top`` best labels of each: for ``where`` from then on.

        ``model``: its name, or the path of its card. ``least``: the probability, 0..1, below which it says nothing; by
        default its card's. Only images that this very model was not asked about are read,
        or all with ``redo``; what an older version of it said is replaced. Interrupted, the next call goes on.
        ``replace``: drop the labels of a model of the same name that has other classes; otherwise that is a UserError.
        """
        self.need_paths("classifying")
        if top < 1:
            raise UserError(f"top must be 1 or more, not {top}")
        if least is not None and not 0 <= least <= 1:
            raise UserError(f"least must be a probability, 0..1, not {least:g}")
        condition = filters.parse(where) if where else EVERYTHING
        return Classifier(self._store, classifier(os.fspath(model)), top, least, progress).run(condition, redo, replace)

    def labels(self, *, where: str | None = None, source: str | None = None) -> list[LabelledImage]:
        """The images that have labels, by path, each with its labels. ``source``: of this model, or of a person's
        "csv" or "folders", alone."""
        condition = filters.parse(where) if where else EVERYTHING
        found = (labelled for _, labelled in self._store.labels.of_images(condition, source))
        return sorted(found, key=lambda one: one.path)

    def labels_of(self, numbers: Sequence[int]) -> dict[int, tuple[Label, ...]]:
        """Image id -> labels, the most probable first, of those of these images that have any."""
        found: dict[int, tuple[Label, ...]] = {}
        for start in range(0, len(numbers), MANY):
            part = tuple(numbers[start : start + MANY])
            condition = filters.Condition(f"p.id IN ({','.join('?' * len(part))})", part)
            found |= {number: one.labels for number, one in self._store.labels.of_images(condition)}
        return found

    def objects_of(self, numbers: Sequence[int]) -> dict[int, dict[str, int]]:
        """Image id -> class -> how many of it are seen, "" standing for all objects together."""
        found: dict[int, dict[str, int]] = {}
        for start in range(0, len(numbers), MANY):
            found |= self._store.regions.objects(numbers[start : start + MANY])
        return found

    def label_counts(self) -> dict[str, dict[str, int]]:
        """source -> label -> images of which this source says it first, the commonest first."""
        return self._store.labels.counts()

    def label_from_folders(self, root: PathLike) -> LabelReport:
        """A person's labels: images below ``root`` are called as the first folder on the way to them."""
        self.need_paths("labelling by folders")
        return label_from_folders(self._store, root)

    def label_from_csv(self, file: PathLike) -> LabelReport:
        """A person's labels: the columns path (or file name) and label; an empty label takes the last one back."""
        return label_from_csv(self._store, file)

    def forget_labels(self, source: str) -> int:
        """Forget the labels of a model, or of "csv" or "folders"; returns how many there were."""
        with self._store.transaction():
            return self._store.labels.forget(source)

    def label_errors(
        self, *, by: str | None = None, k: int = NEIGHBOURS, source: str | None = None
    ) -> list[LabelError]:
        """The images whose labels are likely wrong, the surest first: their k nearest labelled neighbours are called
        otherwise. ``by``: a descriptor that is held; the default is ``content`` where it is. ``source``: as in
        ``labels``. Raises UserError for fewer than k + 1 labelled images, or one label alone."""
        if k < 1:
            raise UserError(f"k must be 1 or more, not {k}")
        return find_label_errors(self._store, self._whole(by), k, source)

    def _whole(self, by: str | None) -> DescriptorCard:
        """A descriptor of whole images that is held; by default the one that knows what they show."""
        name = by or ("content" if "content" in self._cards else next(iter(self._cards), "content"))
        if name not in self._cards:
            raise UserError(f"this gallery holds no {name!r}; it holds {', '.join(self._cards)}")
        return self._cards[name]

    # ---

    def sha256_of(self, path: PathLike) -> str:
        """The sha256 of the image at this path, as it was when indexed. Raises UserError if it is not held."""
        return self._row(path).sha256

    def relocate(self, path: PathLike, to: PathLike) -> None:
        """The file of an image now lies elsewhere: it keeps its vectors and labels. Raises UserError if it is not
        held, OSError if no file is there."""
        row, place = self._row(path), absolute(to)
        with self._store.transaction():
            self._store.move(row.id, place, os.stat(place).st_mtime_ns)

    def _row(self, path: PathLike) -> Row:
        row = self._store.row_of(absolute(path))
        if row is None:
            raise UserError(f"{path}: not in this gallery")
        return row

    def info(self) -> GalleryInfo:
        """What the gallery holds, and how much room it takes."""
        totals = self._store.totals()
        beside = [*self.path.glob("index/*"), *self.path.glob(THUMBNAILS)]
        copies = sum(map(_size, beside))
        return GalleryInfo(
            path=str(self.path),
            images=len(self),
            descriptors=self._store.cards(),
            default_by=self.default_by,
            folders=tuple(self._store.roots()),
            image_bytes=totals["bytes"],
            disk_bytes=self._store.disk_bytes() + copies,
            formats=totals["formats"],
            failures=tuple(self._store.failures()),
            verdicts=totals["verdicts"],
            keypoints=self.keeps_keypoints,
            labels={source: sum(counts.values()) for source, counts in self._store.labels.counts().items()},
            regions={name: self._store.regions.described(name) for name in self._regions},
            retention=self.retention,
        )

    @property
    def keeps_keypoints(self) -> bool:
        """Whether the keypoints of every image are kept."""
        return self._store.keeps_keypoints()

    @property
    def retention(self) -> Retention:
        """ "paths", or "thumbnails" or "vectors" in a gallery without paths, see privacy.py."""
        return self._store.privacy.retention

    def need_paths(self, what: str) -> None:
        """Raises UserError in a gallery that keeps none; ``what`` is to be done to the files."""
        self._store.privacy.need_paths(what)

    @property
    def can_blend(self) -> bool:
        """Whether a search may go by the weighted sum of hashes."""
        return set(self._shares()) <= set(self._cards)

    @property
    def regions(self) -> tuple[str, ...]:
        """The descriptors of regions that are held."""
        return tuple(self._regions)

    @property
    def default_by(self) -> str:
        """What a search goes by if nothing is said: ``copy``, or the blend, or else the first that is held."""
        if "copy" in self._cards:
            return "copy"
        return BLEND if set(DEFAULT_WEIGHTS) <= set(self._cards) else next(iter({**self._cards, **self._regions}))

    # ---

    def _verifier(self) -> GeometricVerifier:
        own = own_curves(self._store).get(VERIFIED)
        return GeometricVerifier(self._store.row_of, self._keypoints, library_prior(self._store.count()), own)

    def _keypoints(self, row: Row) -> Keypoints | None:
        data = self._store.keypoints(row.id)
        return None if data is None else unpacked(data, f"{self.path / FILE}: keypoints of {row.path}")

    def _judging(self) -> list[str]:
        """The descriptors that tell best whether two images are copies, as far as the gallery holds them."""
        hashes = list(self._shares()) if set(self._shares()) <= set(self._cards) else []
        return list(dict.fromkeys(hashes + (["copy"] if "copy" in self._cards else [])))

    def _shares(self) -> Mapping[str, float]:
        """Of the blend: those that a person's pairs taught, or the shipped ones."""
        return own_weights(self._store) or DEFAULT_WEIGHTS

    def _blend(self, by: str | Mapping[str, float] | None) -> Blend:
        asked = self._shares() if (by or self.default_by) == BLEND else by or self.default_by
        blend = Blend(asked) if isinstance(asked, Mapping) else parse_by(asked)
        missing = [name for name in blend.weights if name not in self._cards]
        if missing:
            raise UserError(f"this gallery holds no {', '.join(missing)}; it holds {', '.join(self._cards)}")
        return blend


def _file(image: PathLike | bytes | Image | Row) -> PathLike | bytes | Image:
    """What is to be read: of an image of the gallery, its file."""
    return image.path if isinstance(image, Row) else image


def _looked_at(verify: int | None, blend: Blend, views: bool) -> int:
    """How many hits are to be looked at."""
    if verify is not None and verify < 0:
        raise UserError(f"verify must be 0 or more, not {verify}")
    if verify and views:
        raise UserError("verify and views exclude one another; leave one of them out")
    return verify if verify is not None else RERANK_TOP_K if blend.names == ("copy",) and not views else 0


def _turned(image: Image) -> list[Image]:
    """The image as it is, and in the seven other ways to lie."""
    return [replace(image, pixels=np.ascontiguousarray(turn.apply(image.pixels))) for turn in ORIENTATIONS.values()]


def _nearest(found: Sequence[Sequence[Hit]], k: int) -> list[Hit]:
    """Of the hits of several views the k nearest, each image once."""
    best: dict[str, Hit] = {}
    for hit in sorted((hit for hits in found for hit in hits), key=lambda hit: (hit.distance, hit.path)):
        best.setdefault(hit.path, hit)
    return list(best.values())[:k]


def _check_precision(precision: float) -> None:
    if not 0.5 <= precision < 1.0:
        raise UserError(f"precision must lie between 0.5 and 1, for instance 0.99, not {precision}")


def _known_cards(path: Path, held: Mapping[str, str]) -> dict[str, DescriptorCard]:
    """The cards of the gallery's descriptors; vectors of another version are refused."""
    cards = {}
    for name, fingerprint in held.items():
        card = get(name).card
        if card.fingerprint != fingerprint:
            raise GalleryVersion(
                f"{path}: its {name!r} vectors come from another version of that descriptor and cannot be compared "
                "with this one's; index the folders into a new gallery"
            )
        cards[name] = card
    return cards


def _classes(cards: Sequence[DescriptorCard]) -> dict[str, tuple[str, ...]]:
    """Of those that give regions, the names of their classes."""
    found = {card.name: get(card.name) for card in cards}
    return {name: one.output.names for name, one in found.items() if isinstance(one, RegionNetwork)}


def _size(file: Path) -> int:
    """Bytes; 0 for one that another process has just replaced."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _make_folder(folder: Path, cards: Sequence[DescriptorCard], keypoints: bool, retention: Retention) -> None:
    """Made under another name and then renamed, so that nobody ever sees half a gallery."""
    if folder.exists():
        raise GalleryExists(f"{folder}: there is something already; open it, or choose another name")
    draft = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.draft")
    try:
        draft.mkdir(parents=True)
        store = Store.create(draft / FILE, cards, keypoints, retention)
        with store.transaction():
            store.regions.mark(_classes(cards))
        store.close()
        draft.rename(folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if folder.exists():
            raise GalleryExists(f"{folder}: another process has just made it; open it") from error
        raise GalleryError(f"{folder}: cannot be made: {error.strerror or error}") from error
