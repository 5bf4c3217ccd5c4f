"""What an open gallery consists of: its storage, the cards of its descriptors, and their indexes."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lookalike.descriptors import get
from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.neural.region_model import RegionDescriptor
from lookalike.errors import GalleryDamaged, GalleryError, GalleryExists, GalleryMissing, GalleryVersion, UserError
from lookalike.gallery.index.catalogue_cache import CatalogueCache
from lookalike.gallery.index.frame_index_cache import FrameIndexCache
from lookalike.gallery.index.index_cache import IndexCache
from lookalike.gallery.index.region_index_cache import RegionIndexCache
from lookalike.gallery.index.sound_index import SoundIndex
from lookalike.gallery.index.word_index import WordIndexCache
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.privacy import Retention
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.sqlite_store import SqliteStore
from lookalike.paths import PathLike, absolute

FILE = "gallery.sqlite"


@dataclass(frozen=True, slots=True)
class Library:
    """``cards``, ``region_cards``: name -> card of the descriptors of whole images, and of regions, that are held."""

    path: Path
    store: GalleryStorage
    cards: dict[str, DescriptorCard]
    region_cards: dict[str, DescriptorCard]
    index: IndexCache
    region_index: RegionIndexCache
    frame_index: FrameIndexCache
    word_index: WordIndexCache
    catalogue: CatalogueCache
    sound_index: SoundIndex

    @classmethod
    def open(cls, path: PathLike) -> Library:
        """Raises GalleryMissing, GalleryDamaged or GalleryVersion."""
        folder, store = open_storage(path)
        try:
            return cls._of(folder, store)
        except BaseException:
            store.close()
            raise

    @classmethod
    def _of(cls, folder: Path, store: GalleryStorage) -> Library:
        every = _known_cards(folder, store.fingerprints())
        regions = {name: card for name, card in every.items() if name in store.regions.names()}
        cards = {name: card for name, card in every.items() if name not in regions}
        files = folder / "index"
        indexes = (
            IndexCache(files, store, cards),
            RegionIndexCache(files, store, regions),
            FrameIndexCache(files / "frames", store, cards),
            WordIndexCache(files, store, cards),
            CatalogueCache(store),
            SoundIndex(store),
        )
        return cls(folder, store, cards, regions, *indexes)

    def row(self, path: PathLike) -> Row:
        """The image that is held from this path. Raises UserError if none is."""
        row = self.store.row_named(absolute(path))
        if row is None:
            raise UserError(f"{path}: not in this gallery")
        return row

    def card(self, name: str | None) -> DescriptorCard:
        """Of a descriptor of whole images that is held; by default of the one that knows what they show."""
        known = [card for card in self.cards.values() if card.semantic] or list(self.cards.values())
        if name is None and known:
            return known[0]
        if name not in self.cards:
            raise UserError(f"this gallery holds no {name!r}; it holds {', '.join(self.cards)}")
        return self.cards[name]


def open_storage(path: PathLike) -> tuple[Path, GalleryStorage]:
    """A gallery's folder, and its storage, whatever descriptors it holds. Raises GalleryMissing, GalleryDamaged, or
    GalleryVersion for a newer format."""
    folder = Path(absolute(path))
    if not folder.exists():
        raise GalleryMissing(f"{folder}: no gallery there; make one with: lookalike index FOLDER --gallery {path}")
    if not (folder / FILE).is_file():
        raise GalleryDamaged(f"{folder}: not a gallery (it holds no {FILE})")
    return folder, SqliteStore.open(folder / FILE)


def create_library(folder: Path, names: Sequence[str], keypoints: bool, retention: Retention) -> None:
    """A new, empty gallery. Made under another name and then renamed, so that nobody ever sees half a gallery.

    Raises GalleryExists, UserError for an unknown descriptor, GalleryError where it cannot be made."""
    cards = [get(name).card for name in dict.fromkeys(names)]
    if not cards:
        raise UserError("a gallery needs at least one descriptor")
    if folder.exists():
        raise GalleryExists(f"{folder}: there is something already; open it, or choose another name")
    draft = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.draft")
    try:
        draft.mkdir(parents=True)
        store = SqliteStore.create(draft / FILE, cards, keypoints, retention)
        with store.transaction():
            store.regions.mark(_classes(cards))
        store.close()
        draft.rename(folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if folder.exists():
            raise GalleryExists(f"{folder}: another process has just made it; open it") from error
        raise GalleryError(f"{folder}: cannot be made: {error.strerror or error}") from error


def _known_cards(path: Path, held: Mapping[str, str]) -> dict[str, DescriptorCard]:
    """The cards of the gallery's descriptors; vectors of another version are refused."""
    if earlier := other_versions(held):
        whose = ", ".join(map(repr, earlier))
        raise GalleryVersion(
            f"{path}: its vectors of {whose} come from another version and cannot be compared with this one's; "
            f"describe its images anew, labels and verdicts stay: lookalike index --gallery {path}"
        )
    return {name: get(name).card for name in held}


def other_versions(held: Mapping[str, str]) -> dict[str, DescriptorCard]:
    """The cards that take the place of held ones of another fingerprint: a descriptor's successor has its name. Raises
    UserError for one that there is no more."""
    cards = {name: get(name).card for name in held}
    return {name: card for name, card in cards.items() if card.fingerprint != held[name]}


def _classes(cards: Sequence[DescriptorCard]) -> dict[str, tuple[str, ...]]:
    """Of those that give regions, the names of their classes."""
    found = {card.name: get(card.name) for card in cards}
    return {name: one.names for name, one in found.items() if isinstance(one, RegionDescriptor)}
