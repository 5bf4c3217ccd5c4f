"""Reads and describes files on all cores, in order, with a bounded number of images in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from lookalike.comparison.alignment.align import LOAD_MIN_SIDE
from lookalike.descriptors import Described, describe_all, get, min_side, region_network
from lookalike.descriptors.keypoints import keypoints
from lookalike.descriptors.neural.face_model import Faces
from lookalike.descriptors.neural.region_model import Regions
from lookalike.descriptors.video import DESCRIPTOR
from lookalike.errors import FileMissing, FileUnreadable, LoadError, ModelError
from lookalike.gallery.elsewhere.address import is_elsewhere
from lookalike.gallery.elsewhere.read import load_bytes, read_many
from lookalike.gallery.elsewhere.state import UNKNOWN
from lookalike.gallery.ingest.extract_video import read_video, with_frames
from lookalike.gallery.ingest.listed import ListedFile
from lookalike.gallery.library import Library
from lookalike.gallery.storage import class_codec, region_codec
from lookalike.gallery.storage.base import NewImage, PackedFace, PackedRegions
from lookalike.gallery.storage.embeddings import dtype_of
from lookalike.gallery.storage.face_codec import packed_landmarks
from lookalike.gallery.storage.keypoint_codec import KEPT, packed
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.thumbnails import KEPT as KEPT_SIDE
from lookalike.gallery.storage.thumbnails import webp
from lookalike.imaging import load
from lookalike.imaging.video_file import sha256_of
from lookalike.parallel import in_order
from lookalike.types import Failure, Image

CHUNK = 16  # files per task: enough to describe together
CHUNK_BYTES = 2_000_000  # and no more than this, so that all cores end together and the progress bar is lively


@dataclass(frozen=True, slots=True)
class Job:
    """A file to be read. ``known``: digests of the gallery's images that are as long as this file."""

    file: ListedFile
    known: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SameBytes:
    """The file's bytes are those of an image that the gallery has; it was not decoded."""

    file: ListedFile
    sha256: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """The file cannot be used. ``passing``: it may work next time without having changed."""

    file: ListedFile
    failure: Failure
    passing: bool


Outcome = NewImage | SameBytes | Unusable


@dataclass(frozen=True, slots=True)
class ExtractionSpec:
    """What is to be found of every image: vectors by these ``names``, ``keypoints`` as well or not, the boxes of
    these networks of ``regions``, and ``thumbnails`` or not."""

    names: tuple[str, ...]
    keypoints: bool = False
    regions: tuple[str, ...] = ()
    thumbnails: bool = False

    @property
    def side(self) -> int:
        """Pixels: the shortest side that a decoded image must keep."""
        further = (LOAD_MIN_SIDE if self.keypoints else 1, KEPT_SIDE if self.thumbnails else 1)
        return max(min_side((*self.names, *self.regions)), *further)


def gallery_spec(library: Library) -> ExtractionSpec:
    """What this gallery keeps of every image."""
    store = library.store
    thumbnails = store.privacy.retention == "thumbnails"
    return ExtractionSpec(tuple(library.cards), store.keeps_keypoints(), tuple(library.region_cards), thumbnails)


def read_all(jobs: Iterable[Job], spec: ExtractionSpec, max_pixels: int) -> Iterator[Outcome]:
    """One outcome per job, in order."""
    for outcomes in in_order(partial(read_chunk, chunk, spec, max_pixels) for chunk in chunks(jobs)):
        yield from outcomes


def chunks(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    """Jobs that are done together, in their order."""
    chunk: list[Job] = []
    size = 0
    for job in jobs:
        chunk.append(job)
        size += job.file.bytes
        if len(chunk) >= CHUNK or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def read_chunk(jobs: Sequence[Job], spec: ExtractionSpec, max_pixels: int) -> list[Outcome]:
    """One outcome per job, in order, of files that are described together."""
    outcomes: list[Outcome | None] = []
    loaded: list[tuple[ListedFile, Image]] = []
    fetched = read_many(job.file.path for job in jobs if is_elsewhere(job.file.path))
    for job in jobs:
        read = read_file(job, spec, max_pixels, fetched.get(job.file.path))
        outcomes.append(None if isinstance(read, Image) else read)
        if isinstance(read, Image):
            loaded.append((job.file, read))
    described = iter(_describe(loaded, spec))
    return [next(described) if outcome is None else outcome for outcome in outcomes]


def read_file(
    job: Job, spec: ExtractionSpec, max_pixels: int, fetched: bytes | LoadError | None = None
) -> Image | NewImage | SameBytes | Unusable:
    """A file decoded, to be described with others; a video is described at once. ``fetched``: of a file elsewhere its
    bytes, or why it cannot be read."""
    path = job.file.path
    try:
        if fetched is not None:
            return _decoded(job, fetched, spec, max_pixels)
        digest = sha256_of(path) if job.known or job.file.is_video else ""
        if digest in job.known:
            return SameBytes(job.file, digest)
        if job.file.is_video:
            return read_video(job.file, digest, spec.thumbnails, max_pixels)
        return load(path, min_side=spec.side, max_pixels=max_pixels)
    except FileMissing:
        return Unusable(job.file, Failure(path, "vanished: it was listed, and then gone"), passing=True)
    except LoadError as error:
        return Unusable(job.file, Failure(path, error.reason), isinstance(error, FileUnreadable))


def _decoded(job: Job, fetched: bytes | LoadError, spec: ExtractionSpec, max_pixels: int) -> Image | SameBytes:
    """Raises LoadError."""
    if isinstance(fetched, LoadError):
        raise fetched
    if job.file.bytes not in (UNKNOWN, len(fetched)):
        raise FileUnreadable("changed while it was read", job.file.path)
    digest = sha256(fetched).hexdigest() if job.known else ""
    if digest in job.known:
        return SameBytes(job.file, digest)
    return load_bytes(fetched, job.file.path, min_side=spec.side, max_pixels=max_pixels)


def _describe(loaded: Sequence[tuple[ListedFile, Image]], spec: ExtractionSpec) -> list[Outcome]:
    described = describe_rows([(_row(file, image), image) for file, image in loaded], spec)
    return [
        Unusable(file, one, passing=False) if isinstance(one, Failure) else one
        for (file, _), one in zip(loaded, described, strict=True)
    ]


def describe_rows(loaded: Sequence[tuple[Row, Image]], spec: ExtractionSpec) -> list[NewImage | Failure]:
    """All at once; should one of them break a descriptor, one by one, so that the others are kept. ``loaded``: images,
    and what is known of their files."""
    if not loaded:
        return []
    try:
        described = describe_all([image for _, image in loaded], spec.names)
        points = [packed(keypoints(image, KEPT)) if spec.keypoints else None for _, image in loaded]
        regions = packed_regions([image for _, image in loaded], spec.regions)
        small = [webp(image.pixels, KEPT_SIDE) if spec.thumbnails else None for _, image in loaded]
    except ModelError:
        raise  # no fault of the images
    except Exception as error:
        if len(loaded) > 1:
            return [outcome for one in loaded for outcome in describe_rows([one], spec)]
        path = loaded[0][0].path
        return [Failure(path, f"could not be described: {error}")]
    moving = [with_frames(row, image) if DESCRIPTOR in spec.names else (row, {}) for row, image in loaded]
    return [
        NewImage(
            row, packed_vectors(described, n), points[n], regions[n], small[n], packed_classes(described, n), frames
        )
        for n, (row, frames) in enumerate(moving)
    ]


def packed_regions(images: Sequence[Image], names: Sequence[str]) -> list[dict[str, PackedRegions]]:
    """Of each image, by each of these networks, as they are stored."""
    found: list[dict[str, PackedRegions]] = [{} for _ in images]
    for name in names:
        network = region_network(name)
        for one, regions in zip(found, network.regions(images), strict=True):
            objects = region_codec.objects(regions, network.names)
            one[name] = PackedRegions(region_codec.packed(regions), objects, _packed_faces(regions))
    return found


def _packed_faces(regions: Regions) -> tuple[PackedFace, ...]:
    if not isinstance(regions, Faces):
        return ()
    each = zip(regions.landmarks, regions.utility.tolist(), regions.flaws, strict=True)
    return tuple(PackedFace(packed_landmarks(points), utility, flaw) for points, utility, flaw in each)


def packed_vectors(described: dict[str, Described], number: int) -> dict[str, tuple[bytes, float]]:
    """Of the image of this number: name -> its vector as it is stored, and its contrast."""
    return {
        name: (part.vectors[number].astype(dtype_of(get(name).card)).tobytes(), float(part.contrast[number]))
        for name, part in described.items()
    }


def packed_classes(described: Mapping[str, Described], number: int) -> dict[str, bytes]:
    """Of the image of this number: name -> its likeliest classes as they are stored, where the network names any."""
    return {
        name: class_codec.packed(part.probabilities[number])
        for name, part in described.items()
        if part.probabilities is not None
    }


def _row(file: ListedFile, image: Image) -> Row:
    return Row(
        id=0,
        path=file.path,
        sha256=image.sha256,
        bytes=image.bytes,
        mtime_ns=file.mtime_ns,
        width=image.width,
        height=image.height,
        format=image.format,
        taken=image.taken,
        camera=image.camera,
        frames=image.frames,
        damage=image.damage,
    )
