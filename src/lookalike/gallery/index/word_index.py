"""A copy of what the gallery knows of each image's content, laid out for searches by words: it can be deleted at any
time.

Columns over N images: ``ids``, the likeliest classes (``places``, ``shares``), log-odds of the ``tags``, ``colours`` of
areas. Each is a file that is mapped into memory, so that a word costs what its columns cost; beside them lies a small
JSON that says what they cover, replaced last and atomically.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import DescriptorCard
from lookalike.errors import UserError
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.class_codec import KEPT, unpacked
from lookalike.gallery.storage.embeddings import dtype_of, width_of
from lookalike.types import Floats, Ids
from lookalike.words.colours import colour_shares
from lookalike.words.tag_head import TagHead, class_mass, tag_head
from lookalike.words.vocabulary import vocabulary

NAME = "words"
BLOCK = 20_000  # images read from the store at a time
MIN_UNSAVED = 1_000
UNSAVED_SHARE = 0.05  # of all images, that are worth writing the files again
CONTENT, COLOUR = "content", "colour"
DIMS = {CONTENT: 256, COLOUR: 78}
CLASSES = 1000


@dataclass(frozen=True, slots=True)
class WordColumns:
    """N images. ``ids``: (N,), rising. ``places``, ``shares``: (N, KEPT), the likeliest classes and their
    probabilities. ``tags``: (N, T) int8. ``colours``: (N, areas, colours) uint8. ``described``: (N,) bool, whether the
    network saw anything in the image."""

    ids: Ids
    places: NDArray[np.uint16]
    shares: NDArray[np.float16]
    tags: NDArray[np.int8]
    colours: NDArray[np.uint8]
    described: NDArray[np.bool_]

    def keep(self, rows: NDArray[Any]) -> WordColumns:
        """Only these rows (a mask or positions)."""
        return WordColumns(*(np.asarray(getattr(self, name)[rows]) for name in WordColumns.__slots__))

    def followed_by(self, other: WordColumns) -> WordColumns:
        """These images, then those."""
        return WordColumns(
            *(np.concatenate([getattr(self, name), getattr(other, name)]) for name in WordColumns.__slots__)
        )


@dataclass(frozen=True, slots=True)
class WordManifest:
    """What the saved columns hold: images up to an id, removals up to a number, of one gallery, by these makers."""

    gallery: str
    makers: tuple[str, ...]
    stem: str
    last_image: int
    last_removal: int
    backfills: tuple[int, ...]


class WordIndexCache:
    """The columns of one gallery, brought up to date when asked for."""

    def __init__(self, folder: Path, store: GalleryStorage, cards: Mapping[str, DescriptorCard]) -> None:
        self._folder, self._store, self._cards = folder, store, cards
        self._columns: WordColumns | None = None
        self._covers = WordManifest("", (), "", 0, 0, ())
        self._seen: tuple[int, int] | None = None

    def get(self) -> WordColumns:
        """What is known of every image that is committed now."""
        version = self._store.version()
        if self._columns is None or self._seen != version:
            self._columns = self._updated(self._columns if self._columns is not None else self._loaded())
            self._seen = version
        return self._columns

    def discard(self) -> None:
        """Throw the copy away: it is made again when it is asked for."""
        self._pointer.unlink(missing_ok=True)
        self._sweep("")
        self._columns, self._seen = None, None

    # --- in step with the store

    def _updated(self, columns: WordColumns) -> WordColumns:
        backfills = tuple(self._store.backfills(name) for name in self._names)
        if self._covers.backfills != backfills:
            columns = self._begin(backfills)
        removal, gone = self._store.removed_since(self._covers.last_removal)
        before = len(columns.ids)
        if len(gone):
            columns = columns.keep(~np.isin(columns.ids, gone))
        unsaved = before - len(columns.ids)
        last = self._covers.last_image
        for block in self._blocks(last):
            columns, last = columns.followed_by(block), int(block.ids[-1])
            unsaved += len(block.ids)
        self._covers = WordManifest(self._store.uuid(), self._makers, self._covers.stem, last, removal, backfills)
        if unsaved > max(MIN_UNSAVED, UNSAVED_SHARE * len(columns.ids)):
            self._save(columns)
        return columns

    def _begin(self, backfills: tuple[int, ...]) -> WordColumns:
        self._covers = WordManifest(self._store.uuid(), self._makers, "", 0, self._store.last_removal(), backfills)
        return self._described(np.empty(0, np.int64))

    def _blocks(self, after: int) -> Iterator[WordColumns]:
        if self._store.last_id() <= after:
            return
        ids = self._store.select()
        ids = ids[ids > after]
        for start in range(0, len(ids), BLOCK):
            yield self._described(ids[start : start + BLOCK])

    def _described(self, ids: Ids) -> WordColumns:
        """What the store holds of these images."""
        places, shares = np.zeros((len(ids), KEPT), np.uint16), np.zeros((len(ids), KEPT), np.float16)
        for number, data in (self._store.classes_of(CONTENT, ids.tolist()) if CONTENT in self._cards else {}).items():
            row = int(np.searchsorted(ids, number))
            known, found = unpacked(data, f"classes of image {number}")
            places[row, : len(known)], shares[row, : len(known)] = known, found
        vectors, described = self._vectors(
            CONTENT, ids, self._cards[CONTENT].min_contrast if judges(self._cards) else 0.0
        )
        shares[~described] = 0
        tags = _tags(tag_head(), vectors, places, shares, described)
        return WordColumns(ids, places, shares, tags, colour_shares(self._vectors(COLOUR, ids, 0.0)[0]), described)

    def _vectors(self, name: str, ids: Ids, contrast: float) -> tuple[Floats, NDArray[np.bool_]]:
        """(N, D) float32, zeros where there is none of enough contrast, and (N,) whether there is."""
        held = np.zeros(len(ids), bool)
        if name not in self._cards or (name == CONTENT and not judges(self._cards)):
            return np.zeros((len(ids), DIMS[name]), np.float32), held
        card = self._cards[name]
        found, vectors = self._store.vectors_of(name, ids.tolist(), contrast=contrast, dtype=dtype_of(card))
        every, rows = np.zeros((len(ids), card.dim), np.float32), np.searchsorted(ids, found)
        every[rows], held[rows] = vectors.reshape(len(found), width_of(card)), True
        return every, held

    # --- on disk

    def _loaded(self) -> WordColumns:
        """The saved copy if it is whole and of this gallery, otherwise an empty one to be filled anew."""
        try:
            stored = json.loads(self._pointer.read_text("utf-8"))
            covers = WordManifest(**stored | {name: tuple(stored[name]) for name in ("makers", "backfills")})
            if (covers.gallery, covers.makers) != (self._store.uuid(), self._makers):
                return self._begin(())
            columns = WordColumns(*(np.load(file, mmap_mode="r") for file in self._files(covers.stem)))
        except (OSError, EOFError, ValueError, TypeError, KeyError):
            return self._begin(())
        if len({len(getattr(columns, name)) for name in WordColumns.__slots__}) > 1:
            return self._begin(())
        self._covers = covers
        return columns

    def _save(self, columns: WordColumns) -> None:
        """Write the columns, then the pointer to them. No room is no failure: the copy stays in memory, as where
        nothing can be written."""
        if self._store.read_only:
            return
        stem = f"{NAME}.{secrets.token_hex(4)}"
        covers, draft = WordManifest(**asdict(self._covers) | {"stem": stem}), self._folder / f"{stem}.json"
        try:
            self._folder.mkdir(exist_ok=True)
            for file, column in zip(self._files(stem), WordColumns.__slots__, strict=True):
                np.save(file, getattr(columns, column))
            draft.write_text(json.dumps(asdict(covers)), "utf-8")
            os.replace(draft, self._pointer)
        except OSError:
            draft.unlink(missing_ok=True)
            self._sweep(self._covers.stem)
            return
        self._covers = covers
        self._sweep(stem)

    def _sweep(self, keep: str) -> None:
        for old in self._folder.glob(f"{NAME}.*.npy"):
            if old not in self._files(keep):
                old.unlink(missing_ok=True)

    def _files(self, stem: str) -> list[Path]:
        return [self._folder / f"{stem}.{column}.npy" for column in WordColumns.__slots__]

    @property
    def _pointer(self) -> Path:
        return self._folder / f"{NAME}.json"

    @property
    def _names(self) -> list[str]:
        return [name for name in (CONTENT, COLOUR) if name in self._cards]

    @property
    def _makers(self) -> tuple[str, ...]:
        """Who made what the columns hold: another version of any begins them anew."""
        return (tag_head().digest, *(self._cards[name].fingerprint for name in self._names))


def judges(cards: Mapping[str, DescriptorCard]) -> bool:
    """Whether a gallery with these descriptors holds vectors that the head of tags was fitted on."""
    return CONTENT in cards and cards[CONTENT].fingerprint == tag_head().fingerprint


def need_words(cards: Mapping[str, DescriptorCard], gallery: str) -> None:
    """Raises UserError for a gallery with these descriptors that words say nothing about."""
    if judges(cards):
        return
    held = "of which this gallery holds another version; " if CONTENT in cards else "which this gallery does not hold; "
    raise UserError(
        f"words go by the network `content`, {held}"
        f"nothing else is read again by: lookalike index --gallery {gallery} --with {CONTENT}"
    )


def _tags(
    head: TagHead,
    vectors: Floats,
    places: NDArray[np.uint16],
    shares: NDArray[np.float16],
    described: NDArray[np.bool_],
) -> NDArray[np.int8]:
    """(N, T): log-odds of every tag, the least of all where nothing was seen."""
    concepts = [vocabulary().find(name) for name in head.names]
    masses = [class_mass(places, shares, one.classes if one else (), CLASSES) for one in concepts]
    steps = head.steps(vectors, np.stack(masses, axis=1))
    steps[~described] = np.iinfo(np.int8).min
    return steps
