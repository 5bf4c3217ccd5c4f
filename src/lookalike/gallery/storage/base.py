"""The contract of storage: what a gallery keeps, whatever engine keeps it. One contract test runs over every engine.

Ids are positive, are given in rising order, and are never used twice: an image whose content changes gets a new one. So
"id > the last one seen" finds everything new, and ``removed_since`` everything gone; an index is a copy that catches
up. Writing happens within ``transaction``: all of it is kept, or nothing. Errors are kinds of GalleryError.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.calibration import Calibration
from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.neural.region_model import Regions
from lookalike.descriptors.sound import SoundDescription
from lookalike.descriptors.video import VideoDescription
from lookalike.gallery.storage.privacy import Privacy, Retention
from lookalike.gallery.storage.row import Row
from lookalike.paths import WalkPatterns
from lookalike.types import Failure, Floats, Ids, Label, LabelledImage, Shown, Verdict

Vectors = tuple[Ids, NDArray[Any]]  # ids (N,) and vectors (N, D), as the descriptor's card says
StoredRegions = NDArray[np.int8]  # (R, D), as region_codec.py keeps them


Value = str | float  # in a column of a catalogue


class ItemImages(NamedTuple):
    """Which items are shown by which images: ids (P,) of items, rising, and of images (P,), in the items' order."""

    items: Ids
    images: Ids


@dataclass(frozen=True, slots=True)
class Item:
    """What a catalogue says of one thing: its ``code`` there, the paths of its ``files``, best first, whether or not
    the gallery holds them, and column -> value, without empty ones."""

    code: str
    title: str
    files: tuple[str, ...]
    values: Mapping[str, Value]


class PackedFace(NamedTuple):
    """What is stored of a face besides its region: ``landmarks`` as face_codec.py packs them, ``utility`` 0..1, and the
    ``flaw`` for which it has no vector."""

    landmarks: bytes
    utility: float
    flaw: str | None


@dataclass(frozen=True, slots=True)
class StoredFace:
    """A face, at this ``place`` among the regions of an image. ``person``: whose it is, None if that is undecided;
    ``source``: "user" for a person's word, which may be that it is nobody's, or "grouped"."""

    image: int
    place: int
    landmarks: bytes
    utility: float
    flaw: str | None
    person: int | None = None
    source: str | None = None
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class FaceWord:
    """What a person said of a face whose vectors went, until it is found again. ``box``: shares of the image;
    ``person``: None for nobody's; ``number``: of its row, 0 if it has none yet."""

    image: int
    box: tuple[float, float, float, float]
    person: int | None
    forgotten: bool
    number: int = 0


@dataclass(frozen=True, slots=True)
class PackedRegions:
    """The regions of one image, as they are stored, and its objects: name -> how many (see region_codec.py). ``faces``:
    what else is kept of each, where they are faces."""

    data: bytes
    objects: Mapping[str, int]
    faces: tuple[PackedFace, ...] = ()


@dataclass(frozen=True, slots=True)
class NewImage:
    """An image to be written, with one vector and its contrast per descriptor name, its packed keypoints, if they are
    kept, its ``regions`` per descriptor of regions, its ``thumbnail``, WebP, if that is kept, and its ``classes`` per
    descriptor whose network names any, as class_codec.py packs them; of what moves its ``frames``, packed, per
    descriptor of frames; of a video its ``sound``, as sound_codec.py packs it."""

    row: Row
    vectors: Mapping[str, tuple[bytes, float]]
    keypoints: bytes | None = None
    regions: Mapping[str, PackedRegions] = field(default_factory=dict)
    thumbnail: bytes | None = None
    classes: Mapping[str, bytes] = field(default_factory=dict)
    frames: Mapping[str, bytes] = field(default_factory=dict)
    sound: bytes | None = None


@dataclass(frozen=True, slots=True)
class NewGallery:
    """What a gallery is made with: its descriptors, of those that give regions the names of their classes, whether
    keypoints are kept, and what is kept of the files."""

    cards: Sequence[DescriptorCard]
    regions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    keypoints: bool = False
    retention: Retention = "paths"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model said of an image: perhaps nothing, that is no label."""

    image: int
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Classifier:
    """A version of a model that a gallery was classified with: its ``source`` in labels, and what it calls its
    classes."""

    source: str
    model: str
    classes: tuple[str, ...]


class Question(NamedTuple):
    """``source`` was asked for the ``top`` labels of an image; it may have had nothing to say."""

    image: int
    source: str
    top: int


class FailedFile(NamedTuple):
    """A file that cannot be read as an image, and what it was like then."""

    failure: Failure
    bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Tuning:
    """What annotated pairs taught about a measure: its curve, and the ``weights`` of the blend (none for others)."""

    curve: Calibration
    weights: Mapping[str, float] = field(default_factory=dict)


class RowStorage(Protocol):
    """Rows of images, and what is known of files that are none."""

    def count(self) -> int:
        """Images in the gallery."""
        ...

    def last_id(self) -> int:
        """The largest id, 0 if there is no image."""
        ...

    def row_of(self, path: str) -> Row | None:
        """The image at exactly this path."""
        ...

    def row_named(self, path: str) -> Row | None:
        """The image at this path, or else the only one whose path is the same but for the way in which accents are
        written (NFC, NFD)."""
        ...

    def rows(self, ids: Sequence[int]) -> dict[int, Row]:
        """Image id -> Row, for those of the ids that are still there."""
        ...

    def every_row(self) -> Iterator[Row]:
        """All images, in the order of their ids, a block at a time."""
        ...

    def select(self, where: str | None = None) -> Ids:
        """The ids of the images that a filter leaves, rising; of all without one. Raises UserError for a filter that
        does not parse."""
        ...

    def same_bytes(self, sha256: str) -> list[Row]:
        """All images with these bytes, oldest entry first."""
        ...

    def sha256_by_size(self, size: int) -> frozenset[str]:
        """Digests of the images whose file has this many bytes."""
        ...

    def digests(self) -> set[str]:
        """The digests of all images."""
        ...

    def repeated_bytes(self) -> list[list[int]]:
        """Ids of the images, and not of videos, that share their bytes with others, a list per content."""
        ...

    def totals(self) -> dict[str, Any]:
        """``bytes`` of all files, ``formats``: images per format, ``failures`` and ``verdicts``: how many."""
        ...

    def put(self, image: NewImage) -> int:
        """Write an image; whatever was at its path before is gone. Returns the new id."""
        ...

    def put_copy(self, row: Row, source: int) -> int:
        """Write an image whose bytes are those of image ``source``: its vectors, keypoints and regions are taken
        over."""
        ...

    def move(self, number: int, path: str, mtime_ns: int) -> None:
        """The same content now lies at another path; what the gallery had there is gone."""
        ...

    def touch(self, number: int, mtime_ns: int) -> None:
        """The file was written again with the same content."""
        ...

    def forget(self, paths: Iterable[str]) -> int:
        """Delete images and failures at these paths; returns how many images there were."""
        ...

    def put_failure(self, failure: Failure, size: int, mtime_ns: int) -> None:
        """Remember a file that cannot be read as an image, until it changes."""
        ...

    def known_failure(self, path: str, size: int, mtime_ns: int) -> Failure | None:
        """What was wrong with this file when it last was tried, if it has not changed since."""
        ...

    def failures(self) -> list[Failure]:
        """All remembered failures."""
        ...

    def failed_files(self) -> list[FailedFile]:
        """The same, each with what its file was like, in the order of paths."""
        ...

    def put_root(self, path: str) -> None:
        """Remember a folder that was added; not, where no paths are kept."""
        ...

    def roots(self) -> list[str]:
        """The folders that were added."""
        ...

    def forget_root(self, path: str) -> None:
        """Forget a folder that was added, and its patterns; its images stay."""
        ...

    def put_patterns(self, root: str, patterns: WalkPatterns) -> None:
        """What is left out of an added folder from now on; not, where no paths are kept."""
        ...

    def patterns(self) -> dict[str, WalkPatterns]:
        """Added folder -> its patterns, of those that have any."""
        ...


class VectorStorage(Protocol):
    """Vectors of several kinds for each image, and which descriptor made them."""

    def fingerprints(self) -> dict[str, str]:
        """Descriptor name -> fingerprint, in the order in which they were added; those of regions as well."""
        ...

    def put_descriptor(self, card: DescriptorCard) -> None:
        """The gallery holds this descriptor from now on."""
        ...

    def replace_descriptor(self, card: DescriptorCard) -> None:
        """Hold this version of a descriptor in the place of the one that is held: all vectors, regions and objects of
        that one are gone, every image lacks it, and it is ``unfinished``. What a person said of faces is said again of
        those that are found. Who has the other version open gets GalleryVersion from then on."""
        ...

    def unfinished(self) -> list[str]:
        """The replaced descriptors that images may lack still, in the order of ``fingerprints``."""
        ...

    def set_finished(self, names: Sequence[str]) -> None:
        """No image lacks these any more."""
        ...

    def vectors(self, name: str, *, after: int = 0, limit: int = -1, contrast: float = 0.0, dtype: Any) -> Vectors:
        """Vectors of whole images in the order of image ids, from behind the id ``after``, at most ``limit``; those of
        less ``contrast`` are left out."""
        ...

    def vectors_of(self, name: str, ids: Sequence[int] | Ids, *, contrast: float = 0.0, dtype: Any) -> Vectors:
        """The same for given images; those without a vector of this contrast are left out."""
        ...

    def vector(self, name: str, number: int) -> tuple[bytes, float] | None:
        """The stored vector of one image, and its contrast."""
        ...

    def packed_vectors(self, name: str, after: int, limit: int) -> list[tuple[int, bytes, float]]:
        """(image id, vector as it is stored, contrast) of the next ``limit`` images behind the id ``after``."""
        ...

    def forget_vectors(self, name: str, images: Iterable[int]) -> None:
        """The images lack this descriptor from now on."""
        ...

    def lacking(self, name: str) -> list[int]:
        """Ids of the images without a vector of this descriptor, or, for one of regions, that were not asked for
        them. Videos have none."""
        ...

    def put_vectors(
        self, name: str, vectors: Mapping[int, tuple[bytes, float]], classes: Mapping[int, bytes] | None = None
    ) -> None:
        """Add image id -> vector and contrast of a descriptor, and its packed classes, to images that lack it; those
        that are gone meanwhile, or have one, stay as they are."""
        ...

    def classes_of(self, name: str, ids: Sequence[int]) -> dict[int, bytes]:
        """Image id -> packed classes (class_codec.py), of those of these images of which this descriptor gave any."""
        ...

    def backfills(self, name: str) -> int:
        """How often vectors of this descriptor came after their images, out of the order of ids: an index that catches
        up by ids begins anew then."""
        ...

    def keypoints(self, number: int) -> bytes | None:
        """The packed keypoints of an image, if there are any."""
        ...

    def keeps_keypoints(self) -> bool:
        """Whether keypoints are kept with every image."""
        ...


class RegionStorage(Protocol):
    """Boxes with a vector each, and the objects among them."""

    def names(self) -> dict[str, str]:
        """Region descriptor -> its fingerprint."""
        ...

    def described(self, name: str) -> int:
        """How many images were asked for their regions."""
        ...

    def images(self, name: str) -> list[int]:
        """Ids of the images that were asked for their regions."""
        ...

    def since(self, name: str, seq: int, limit: int) -> list[tuple[int, int, StoredRegions]]:
        """(seq, image id, vectors) of the next ``limit`` rows that were written after ``seq``."""
        ...

    def of_images(self, name: str, ids: Sequence[int]) -> Iterator[tuple[int, Regions]]:
        """Image id and regions of those of these images that have any."""
        ...

    def vectors_of(self, name: str, ids: Sequence[int]) -> Iterator[list[tuple[int, StoredRegions]]]:
        """Image id and vectors of those of these images that have any, a block at a time."""
        ...

    def packed(self, name: str, ids: Sequence[int]) -> list[tuple[int, bytes]]:
        """Image id and regions as they are packed, of those of these images that have any."""
        ...

    def objects(self, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """Image id -> name of a class -> how many are seen; "" stands for all together."""
        ...

    def objects_by(self, name: str, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """The same by one descriptor, as they were put."""
        ...

    def damaged(self, name: str) -> list[int]:
        """Ids of the images whose regions cannot be read."""
        ...

    def forget(self, name: str, images: Iterable[int]) -> None:
        """The images were not asked for these regions, from now on."""
        ...

    def put(self, image: int, found: Mapping[str, PackedRegions]) -> None:
        """The regions of an image, by descriptor; those that are there already stay."""
        ...

    def rewrite(self, name: str, image: int, data: bytes) -> None:
        """The packed regions of an image in place of those that are there."""
        ...

    def mark(self, classes: Mapping[str, Iterable[str]]) -> None:
        """These descriptors give regions, of these classes."""
        ...


class FrameStorage(Protocol):
    """The frames of what moves: times with a vector each, by the descriptor that frames are described by."""

    def videos(self) -> int:
        """How many videos are held."""
        ...

    def images(self, name: str) -> list[int]:
        """Ids of what has frames by this descriptor."""
        ...

    def since(self, name: str, seq: int, limit: int) -> list[tuple[int, int, VideoDescription]]:
        """(seq, image id, frames) of the next ``limit`` that were written after ``seq``."""
        ...

    def of_image(self, name: str, image: int) -> VideoDescription | None:
        """The frames of one image or video, if it has any."""
        ...

    def lacking(self, name: str) -> list[int]:
        """Ids of the videos without frames by this descriptor."""
        ...

    def damaged(self, name: str) -> list[int]:
        """Ids of those whose frames cannot be read."""
        ...

    def put(self, image: int, found: Mapping[str, bytes]) -> None:
        """Frames as frame_codec.py packs them, by descriptor; those that are there already stay."""
        ...

    def forget(self, name: str, images: Iterable[int]) -> None:
        """These have no frames by this descriptor, from now on."""
        ...


class SoundStorage(Protocol):
    """The soundtracks of videos."""

    def videos(self) -> list[int]:
        """Ids of the videos whose sound was looked for; some have none."""
        ...

    def of_video(self, video: int) -> SoundDescription | None:
        """The soundtrack of a video; None if it has none, or none was looked for."""
        ...

    def lacking(self) -> list[int]:
        """Ids of the videos whose sound was not looked for."""
        ...

    def damaged(self) -> list[int]:
        """Ids of those whose soundtrack cannot be read."""
        ...

    def put(self, video: int, data: bytes | None) -> None:
        """A soundtrack as sound_codec.py packs it, in place of another one; None leaves what there is."""
        ...

    def forget(self, videos: Iterable[int]) -> None:
        """The sound of these was not looked for, from now on."""
        ...


class FaceStorage(Protocol):
    """Faces, which are regions with landmarks, and the persons whose they are."""

    def every(self, name: str) -> list[StoredFace]:
        """All faces of a descriptor, in the order of images."""
        ...

    def of_images(self, name: str, ids: Sequence[int]) -> dict[int, list[StoredFace]]:
        """Image id -> its faces, in the order of its regions."""
        ...

    def of_person(self, name: str, number: int) -> list[StoredFace]:
        """The faces of one person, in the order of images."""
        ...

    def persons(self) -> dict[int, str | None]:
        """Number -> name; None for a group that nobody has named."""
        ...

    def person(self, name: str | None) -> int:
        """The number of the person of this name, who is made if there is none; a new one without a name."""
        ...

    def rename(self, number: int, name: str) -> None:
        """Call a person so from now on. No other one may be called so."""
        ...

    def assign(self, name: str, faces: Iterable[StoredFace]) -> None:
        """Write whose these faces are, in place of what was said before."""
        ...

    def drop_empty_persons(self) -> None:
        """Forget those who have no face any more."""
        ...

    def forget(self, name: str, faces: Iterable[StoredFace]) -> None:
        """These faces are nobody's, without landmarks; who holds a copy of their vectors begins anew."""
        ...

    def forget_words(self, person: int) -> None:
        """Faces that are found anew and were said to be this person's get no vector either."""
        ...

    def pending_words(self, name: str) -> list[FaceWord]:
        """What was said of faces of this descriptor that were not found again yet, in the order of images."""
        ...

    def keep_words(self, name: str, words: Iterable[FaceWord]) -> None:
        """Remember these until their faces are found; their numbers do not matter."""
        ...

    def unswept(self) -> set[str]:
        """Digests of the persons whose vectors were deleted, while a trace of them may be left in the files."""
        ...

    def set_unswept(self, digests: set[str]) -> None:
        """Remember for whom the files are still to be swept."""
        ...


class LabelStorage(Protocol):
    """Labels of images, each from a source: a version of a model, or a person's "csv" or "folders"."""

    def of_images(
        self, where: str | None = None, source: str | None = None, ids: Sequence[int] | None = None
    ) -> Iterator[tuple[int, LabelledImage]]:
        """Image id and labels of every image that the filter leaves (or of those of ``ids``) and that has a label, in
        the order of the ids. ``source``: only labels from there; a model's name stands for every version of it."""
        ...

    def counts(self) -> dict[str, dict[str, int]]:
        """source -> label -> images of which this source says it first, the commonest first."""
        ...

    def unasked(self, where: str | None, source: str, top: int) -> list[int]:
        """Ids of the images that this source was not yet asked about for so many labels."""
        ...

    def classes(self, model: str) -> dict[str, tuple[str, ...]]:
        """source -> classes, of every version of a model that this gallery was classified with."""
        ...

    def classifiers(self) -> list[Classifier]:
        """Every version of every model that this gallery was classified with, in the order of sources."""
        ...

    def asked(self, ids: Sequence[int]) -> list[Question]:
        """What models were asked about these images, in the order of images and sources."""
        ...

    def put_classifier(self, source: str, model: str, classes: Sequence[str]) -> None:
        """Remember what a version of a model calls its classes."""
        ...

    def put_predictions(self, source: str, model: str, top: int, predictions: Iterable[Prediction]) -> None:
        """What a model said, in place of what any version of it said of these images before. Images that are gone
        meanwhile are left out."""
        ...

    def put(self, labels: Iterable[tuple[int, Label]]) -> None:
        """Write labels of images, by id."""
        ...

    def clear(self, source: str, images: Iterable[int]) -> None:
        """Forget what one source says of these images."""
        ...

    def forget(self, source: str) -> int:
        """Forget all labels of a source, or of every version of a model of this name; returns how many there were."""
        ...


class ItemStorage(Protocol):
    """A catalogue: items, which images may show."""

    def count(self) -> int:
        """How many items there are."""
        ...

    def columns(self) -> dict[str, str]:
        """Column -> its kind, "number" or "text"."""
        ...

    def codes(self) -> dict[str, int]:
        """What the catalogue calls an item -> its id."""
        ...

    def number(self, code: str) -> int | None:
        """The id of the item that the catalogue calls so."""
        ...

    def of_ids(self, ids: Sequence[int]) -> dict[int, Item]:
        """Id -> item, of those that are there."""
        ...

    def since(self, revision: int) -> tuple[int, dict[int, Item]]:
        """The newest revision, and by id the items that were written after this one, rising. What was forgotten is
        not told; there are fewer items then."""
        ...

    def files_version(self) -> int:
        """Rises when it changes which item has which files, by a write, a move, or by being forgotten."""
        ...

    def images(self, where: str | None = None) -> ItemImages:
        """The images of those items for which a filter holds; it may also speak of the image. Videos do not count."""
        ...

    def without_image(self) -> list[str]:
        """Codes of the items of which the gallery holds no image."""
        ...

    def put_columns(self, kinds: Mapping[str, str]) -> None:
        """These columns are of these kinds, from now on."""
        ...

    def put(self, item: Item) -> None:
        """Write an item, in the place of what has its code."""
        ...

    def forget(self, codes: Iterable[str]) -> int:
        """Forget items; returns how many there were. Their images stay."""
        ...


class FittedStorage(Protocol):
    """What persons said of pairs, and what was fitted to this gallery."""

    def add_verdicts(self, pairs: Iterable[tuple[str, str]], verdict: Verdict) -> None:
        """Remember whether the two contents (sha256) of each pair are duplicates."""
        ...

    def remove_verdicts(self, pairs: Iterable[tuple[str, str]]) -> int:
        """Forget what was said of these pairs of contents; returns of how many something was."""
        ...

    def verdicts(self) -> list[tuple[str, str, Verdict]]:
        """The pairs of contents that a person has judged, each pair sorted."""
        ...

    def different(self) -> set[tuple[str, str]]:
        """The pairs of contents that are not duplicates; each pair sorted."""
        ...

    def calibrations(self) -> dict[str, Calibration]:
        """measure -> curve; none before a calibration."""
        ...

    def put_calibrations(self, curves: Mapping[str, Calibration]) -> None:
        """In place of all that were there."""
        ...

    def tunings(self) -> dict[str, Tuning]:
        """measure -> what annotated pairs taught; none before a tuning."""
        ...

    def put_tuning(self, name: str, tuning: Tuning) -> None:
        """In place of what was there for this measure."""
        ...

    def forget_tunings(self, name: str | None = None) -> int:
        """Forget what pairs taught, for one measure or for all; returns for how many."""
        ...


class GalleryStorage(RowStorage, VectorStorage, FittedStorage, Protocol):
    """Everything that one gallery keeps."""

    privacy: Privacy
    read_only: bool  # nothing can be written where it lies

    @property
    def labels(self) -> LabelStorage: ...

    @property
    def regions(self) -> RegionStorage: ...

    @property
    def faces(self) -> FaceStorage: ...

    @property
    def frames(self) -> FrameStorage: ...

    @property
    def items(self) -> ItemStorage: ...

    @property
    def sounds(self) -> SoundStorage: ...

    def take_over_names(self, key: str) -> None:
        """Opaque names (privacy.py) are made with another gallery's ``key`` from now on, for its files are to keep
        theirs. Within a transaction."""
        ...

    def set_shown(self, shown: Shown) -> None:
        """Who says what images show, for ``shows(...)`` in filters: a text -> ids, and the probability of each."""
        ...

    def index(self, card: DescriptorCard) -> StoredIndex | None:
        """The nearest of this descriptor's vectors, where the engine finds them itself; None where copies are searched
        (index/index_cache.py)."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Everything within is kept, or nothing; nothing else writes meanwhile."""
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """Everything that is read within is of one moment."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """What is read within, by this thread, need not ask each time what was committed meanwhile: it sees at least
        what was committed before."""
        ...

    def version(self) -> tuple[int, int]:
        """Another value whenever this or another process has written. Costs microseconds."""
        ...

    def uuid(self) -> str:
        """A random name that this gallery got when it was made."""
        ...

    def last_removal(self) -> int:
        """The number of the last removal, 0 before the first."""
        ...

    def removed_since(self, seq: int) -> tuple[int, Ids]:
        """The last removal's number, and the image ids removed after ``seq``."""
        ...

    def check(self) -> str:
        """The engine's own integrity check: "ok", or what is wrong."""
        ...

    def backup(self, file: Path) -> None:
        """A whole copy, of one moment, in another file, while this one is used. Raises GalleryError."""
        ...

    def vacuum(self) -> None:
        """Leave no byte on the disk of what was deleted. Raises GalleryError while another process reads."""
        ...

    def empty_log(self, trouble: str) -> None:
        """Write what is in the engine's log where it belongs. Raises GalleryError with this ``trouble`` while another
        process reads."""
        ...

    def disk_bytes(self) -> int:
        """Bytes that the engine takes, without the indexes beside it."""
        ...

    def close(self) -> None:
        """Let go of it. Everything that was committed stays."""
        ...


class StoredIndex(Protocol):
    """One descriptor's vectors of sufficient contrast, of whole images, searched by the engine that holds them: what is
    committed is found. Distances as in distance.py."""

    def search(
        self, queries: NDArray[Any], k: int, allowed: Ids | None = None, where: str | None = None
    ) -> tuple[Ids, Floats]:
        """(Q, D) -> ids (Q, k) and distances (Q, k), nearest first, among the ``allowed`` ids and those that the filter
        ``where`` leaves, if given. Where fewer than k are found, the rest is id -1 at distance inf."""
        ...

    def __len__(self) -> int: ...


class VectorIndex(Protocol):
    """Vectors under image ids, and the nearest of them. Distances as in distance.py. Exact in exact.py, the oracle;
    approximate in faiss_index.py."""

    def add(self, ids: Ids, vectors: NDArray[Any]) -> None:
        """(N,) ids that are not there yet, and their (N, D) vectors."""
        ...

    def remove(self, ids: Ids) -> None:
        """Forget these ids; unknown ones are ignored."""
        ...

    def search(self, queries: NDArray[Any], k: int, allowed: Ids | None = None) -> tuple[Ids, Floats]:
        """(Q, D) -> ids (Q, k) and distances (Q, k), nearest first, among the ``allowed`` ids if given.
        Where fewer than k are found, the rest is id -1 at distance inf."""
        ...

    def __len__(self) -> int: ...
