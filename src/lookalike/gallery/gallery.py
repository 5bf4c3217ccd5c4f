"""A library of images on disk: add, search, find duplicates. Every verb is one short call into its room."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from lookalike.errors import UserError
from lookalike.gallery.audit.verbs import AuditVerbs
from lookalike.gallery.calibration.scoring import Scoring
from lookalike.gallery.calibration.verbs import CalibrationVerbs
from lookalike.gallery.dedup.duplicates import duplicate_measures, verified_duplicates, verified_pair
from lookalike.gallery.dedup.incoming import IncomingReport, compare_incoming
from lookalike.gallery.dedup.preferred_folders import PreferredFolders
from lookalike.gallery.faces.verbs import FaceVerbs
from lookalike.gallery.info import GalleryInfo, gallery_info
from lookalike.gallery.ingest.ingest import add_sources, forget_sources
from lookalike.gallery.ingest.verbs import DescriptorVerbs, RootVerbs
from lookalike.gallery.labels.verbs import LabelVerbs
from lookalike.gallery.library import Library, create_library
from lookalike.gallery.maintenance.verbs import MaintenanceVerbs
from lookalike.gallery.projection import Projection2D, project
from lookalike.gallery.recommend.verbs import CatalogueVerbs
from lookalike.gallery.rows import RowVerbs
from lookalike.gallery.search.model_text_search import text_search
from lookalike.gallery.search.options import Region, SearchOptions, check_precision
from lookalike.gallery.search.pipeline import SearchPipeline
from lookalike.gallery.search.query import QuerySource, QueryVectors
from lookalike.gallery.search.verbs import TextVerbs
from lookalike.gallery.storage.engines import engine_of
from lookalike.gallery.storage.place import place_of
from lookalike.gallery.storage.privacy import Retention, checked
from lookalike.gallery.tables import TableVerbs
from lookalike.gallery.videos import VideoVerbs
from lookalike.imaging import MAX_PIXELS, ImageSource
from lookalike.paths import PathLike, WalkPatterns, absolute
from lookalike.types import AddReport, Group, Hit, Pair, Progress

WHOLE_IMAGE_DESCRIPTORS = ("copy", "content", "colour", "texture", "structure")
DEFAULT_DESCRIPTORS = (*WHOLE_IMAGE_DESCRIPTORS, "regions")
Sources = PathLike | Iterable[PathLike]


class Gallery(
    FaceVerbs,
    RowVerbs,
    RootVerbs,
    DescriptorVerbs,
    MaintenanceVerbs,
    LabelVerbs,
    CalibrationVerbs,
    VideoVerbs,
    TextVerbs,
    AuditVerbs,
    TableVerbs,
    CatalogueVerbs,
):
    """Use ``Gallery.create`` or ``Gallery.open``; close it, or use it in a ``with`` statement.

    One thread at a time; several processes may read and write the same gallery."""

    def __init__(self, library: Library) -> None:
        self._library, self.path, self.place = library, library.path, library.place
        library.store.set_shown(lambda text: text_search(library, None).shown(text))

    @classmethod
    def create(
        cls,
        path: PathLike,
        descriptors: Sequence[str] = DEFAULT_DESCRIPTORS,
        *,
        keypoints: bool = False,
        retention: Retention = "paths",
    ) -> Self:
        """A new, empty gallery in a new folder, or at the URL of an engine that keeps it (storage/engines.py). Raises
        GalleryExists, or UserError for an unknown descriptor.

        ``keypoints``: keep those of every image, 68 kB each, so that a search verifies faster. ``retention``:
        "thumbnails" or "vectors" for a gallery that keeps no paths (privacy.py); images have opaque names then, and
        nothing is verified.
        """
        if keypoints and checked(retention) != "paths":
            raise UserError("keypoints are for verifying by the files, and without paths there are none")
        create_library(path, descriptors, keypoints, checked(retention))
        return cls.open(path)

    @classmethod
    def open(cls, path: PathLike) -> Self:
        """An existing gallery, at its folder or URL. Raises GalleryMissing, GalleryUnreachable, GalleryDamaged, or
        GalleryVersion for one of a newer format, or whose vectors come from other versions of its descriptors
        (``upgrade``)."""
        return cls(Library.open(path))

    @staticmethod
    def exists(place: PathLike) -> bool:
        """Whether there is something at this folder or URL. Raises GalleryUnreachable for a server that does not
        answer."""
        return engine_of(place).exists(place_of(place))

    def close(self) -> None:
        """Let go of the files. Everything that was added is on disk already."""
        self._library.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- bringing it up to date

    def add(
        self,
        sources: Sources,
        *,
        progress: Progress | None = None,
        max_pixels: int = MAX_PIXELS,
        retry_failed: bool = False,
        exclude: Sequence[str] | None = None,
        include: Sequence[str] | None = None,
        ray: str | None = None,
    ) -> AddReport:
        """Take in files and folders: what is new or changed is read, the rest is left alone.

        ``progress(done, total)`` is called as it goes. Files that failed before are tried again only once they
        have changed, or with ``retry_failed``. Interrupted or killed, the next call goes on where this one was.
        Trash folders, hidden files and what systems put beside images are left out and counted; ``exclude`` and
        ``include``, patterns in the syntax of .gitignore, leave out more, or less (ingest/leave_out.py). They are
        remembered with each folder; None is what was said before, an empty list nothing. ``ray``: describe them on the
        Ray cluster at this address, or "local" (ingest/on_ray.py). Raises ClusterFailed; what was described is kept.
        """
        listed = _listed(sources)
        return add_sources(self._library, listed, max_pixels, retry_failed, progress, exclude, include, ray)

    def remove(self, paths: Sources) -> int:
        """Forget these images (the files stay where they are); returns how many there were."""
        return forget_sources(self._library, _listed(paths))

    # --- asking

    def search(
        self,
        image: QuerySource | QueryVectors,
        k: int = 10,
        *,
        by: str | Mapping[str, float] | None = None,
        where: str | None = None,
        region: Region | None = None,
        exact: bool = False,
        views: bool = False,
        rerank: int | None = None,
        precision: float | None = None,
        good: Sequence[PathLike] = (),
        bad: Sequence[PathLike] = (),
    ) -> list[Hit]:
        """The k images most like this one, best first.

        ``image``: a path, bytes, a file, an Image, a Pillow image, an array, or a Row of this gallery, whose file is
        read only where its vectors do not tell enough; or QueryVectors, which were computed elsewhere: nothing is
        verified then. ``by``: a descriptor that the gallery holds, "blend", or weights
        like {"colour": 2, "texture": 1}. ``where``: a filter, see storage/filters.py. ``region``: only this part of the
        query, in pixels of the upright original. ``exact``: compare with every image instead of using the indexes.
        ``views``: look for the image mirrored and turned by quarters as well, in eight times the time; probabilities
        allow for it. ``rerank``: so many of the best are re-ranked by geometric verification, which tells relation, box
        and probability; copies come first then. The default is 0 with ``views`` and for any search but one by ``copy``
        or by regions. For these it is up to 20: once a copy is proved that shows the whole query, those are left that
        their vectors do not speak for. A hit that was left, or could not be read as it was indexed, is not
        ``verified``. ``precision``:
        only what is a copy with at least this probability; none may be. ``good``, ``bad``: images of the gallery that
        are what is meant, and that are not (relevance_feedback.py): they move ``distance`` and the order, and nothing
        is verified.
        """
        options = SearchOptions(k, by, where, region, exact, views, rerank, precision, tuple(good), tuple(bad))
        return SearchPipeline(self._library).search(image, options)

    def search_many(
        self,
        images: Iterable[QuerySource | QueryVectors],
        k: int = 10,
        *,
        progress: Progress | None = None,
        **options: Any,
    ) -> list[list[Hit]]:
        """The hits of each of these images; ``options`` as in ``search``. Without geometric verification they are
        looked up many at once, on all cores, which takes a fraction of the time. Raises LoadError for the first that
        cannot be read."""
        queries, found = list(images), []
        for hits in SearchPipeline(self._library).search_many(queries, SearchOptions(k, **options)):
            found.append(hits)
            if progress:
                progress(len(found), len(queries))
        return found

    def is_blank(
        self, image: ImageSource, *, by: str | Mapping[str, float] | None = None, region: Region | None = None
    ) -> bool:
        """Whether a search ``by`` this finds nothing because the image, or the ``region`` of it, shows nothing."""
        return SearchPipeline(self._library).is_blank(image, SearchOptions(by=by, region=region))

    def will_rerank(self, by: str | Mapping[str, float] | None = None) -> bool:
        """Whether a search ``by`` this re-ranks the best hits, if nothing is said of it."""
        return SearchPipeline(self._library).source(SearchOptions(by=by)).reranks

    def duplicates(
        self,
        *,
        precision: float = 0.99,
        by: str | None = None,
        verify: bool = True,
        protect: Sequence[PathLike] = (),
        prefer: Sequence[PathLike] = (),
        progress: Progress | None = None,
    ) -> list[Group]:
        """Groups of copies: each is one of the image that is kept, with at least the probability ``precision``.

        ``by``: a descriptor that the gallery holds, or "blend", by which candidates are found. The default is the
        blend, for what lies alike, and ``copy``, for crops, screenshots and mirrored copies, where they are held.
        ``verify``: align every copy with the image that is kept, tell what was done to it, drop it if it is not as
        surely a copy, and rather keep one without a border, caption or other surroundings, if it is as large;
        candidates are gathered with a wider limit for it. ``progress(done, total)`` counts these pairs. Without it any
        two members of a group are copies with this probability by their vectors alone, by the blend if nothing is said.
        ``protect``, ``prefer``: folders whose images are kept before all others, the protected ones first.
        """
        check_precision(precision)
        measures = self.duplicate_measures(by, verify)
        folders = PreferredFolders.of(protect, prefer)
        return verified_duplicates(self._library, measures, precision, verify, folders, progress)

    def compare_incoming(
        self,
        sources: Sources,
        *,
        precision: float = 0.99,
        by: str | None = None,
        verify: bool = True,
        exclude: Sequence[str] | None = None,
        include: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> IncomingReport:
        """Which images of these files and folders the gallery has already, and which are new. Nothing is added to it.

        Found is what is a copy of one of its images with at least the probability ``precision``, ``by`` a descriptor;
        by default by all that ``duplicates`` goes by. Images of the gallery that lie in ``sources`` do not count."""
        check_precision(precision)
        patterns = WalkPatterns(tuple(exclude or ()), tuple(include or ()))
        measures = self.duplicate_measures(by, verify)
        return compare_incoming(self._library, _listed(sources), measures, precision, verify, patterns, progress)

    def verified_pair(self, keep: PathLike, copy: PathLike) -> Pair:
        """What two images of the gallery are to one another, by geometric verification; not ``verified`` where a file
        cannot be read as it was indexed. Raises UserError for an image that is not held."""
        return verified_pair(self._library, absolute(keep), absolute(copy))

    def duplicate_measures(self, by: str | None = None, verify: bool = True) -> list[str]:
        """What ``duplicates`` looks for candidates by. If nothing is said: the blend and ``copy``, as far as they are
        held; unverified the blend alone, for what may be deleted is to lie alike."""
        return [by] if by else duplicate_measures(self._scoring, verify)

    def projection(self, by: str | None = None) -> Projection2D:
        """Every image as a point in two dimensions, those that are alike near one another. ``by``: a descriptor of
        whole images that is held; the default is a semantic one, if any is. Seconds for 100,000 images."""
        return project(self._library.store, self._library.card(by))

    # --- what it is

    def info(self) -> GalleryInfo:
        """What the gallery holds, and how much room it takes."""
        return gallery_info(self._library, self.default_by, self.lacking())

    @property
    def keeps_keypoints(self) -> bool:
        """Whether the keypoints of every image are kept."""
        return self._library.store.keeps_keypoints()

    @property
    def retention(self) -> Retention:
        """ "paths", or "thumbnails" or "vectors" in a gallery without paths, see privacy.py."""
        return self._library.store.privacy.retention

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written where the gallery lies: it answers, and whatever would change it is a
        GalleryReadOnly."""
        return self._library.store.read_only

    def need_paths(self, what: str) -> None:
        """Raises UserError in a gallery that keeps none; ``what`` is to be done to the files."""
        self._library.store.privacy.need_paths(what)

    @property
    def can_blend(self) -> bool:
        """Whether a search may go by the weighted sum of hashes."""
        return self._scoring.has_blend

    @property
    def regions(self) -> tuple[str, ...]:
        """The descriptors of regions that are held."""
        return tuple(self._library.region_cards)

    @property
    def default_by(self) -> str:
        """What a search goes by if nothing is said: ``copy``, or the blend, or else the first that is held."""
        return self._scoring.default or next(iter(self._library.region_cards))

    @property
    def _scoring(self) -> Scoring:
        return Scoring.of(self._library.store, self._library.cards)


def _listed(sources: Sources) -> list[PathLike]:
    return [sources] if isinstance(sources, str | os.PathLike) else list(sources)
