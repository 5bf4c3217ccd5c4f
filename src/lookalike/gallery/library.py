"""What an open gallery consists of: its storage, the cards of its descriptors, and their indexes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lookalike.descriptors import get
from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.neural.region_model import RegionDescriptor
from lookalike.errors import GalleryVersion, UserError
from lookalike.gallery.index.catalogue_cache import CatalogueCache
from lookalike.gallery.index.frame_index_cache import FrameIndexCache
from lookalike.gallery.index.index_cache import IndexCache
from lookalike.gallery.index.region_index_cache import RegionIndexCache
from lookalike.gallery.index.sound_index import SoundIndex
from lookalike.gallery.index.text_columns import TextColumnsCaches
from lookalike.gallery.index.word_index import WordIndexCache
from lookalike.gallery.storage.base import GalleryStorage, NewGallery
from lookalike.gallery.storage.engines import engine_of, folder_beside
from lookalike.gallery.storage.place import is_url, name_of, place_of
from lookalike.gallery.storage.privacy import Retention
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.sqlite_engine import FILE
from lookalike.paths import PathLike, absolute


@dataclass(frozen=True, slots=True)
class Library:
    """``place``: the gallery's folder or URL, as it is shown; ``path``: the folder of what can be made again.
    ``cards``, ``region_cards``: name -> card of the descriptors of whole images, and of regions, that are held."""

    place: str
    path: Path
    store: GalleryStorage
    cards: dict[str, DescriptorCard]
    region_cards: dict[str, DescriptorCard]
    index: IndexCache
    region_index: RegionIndexCache
    frame_index: FrameIndexCache
    word_index: WordIndexCache
    text_columns: TextColumnsCaches
    catalogue: CatalogueCache
    sound_index: SoundIndex

    @classmethod
    def open(cls, path: PathLike) -> Library:
        """At a folder or URL. Raises GalleryMissing, GalleryUnreachable, GalleryDamaged or GalleryVersion."""
        store = open_storage(path)
        try:
            return cls._of(name_of(path), folder_beside(path, store), store)
        except BaseException:
            store.close()
            raise

    @classmethod
    def _of(cls, place: str, folder: Path, store: GalleryStorage) -> Library:
        every = _known_cards(place, store.fingerprints())
        regions = {name: card for name, card in every.items() if name in store.regions.names()}
        cards = {name: card for name, card in every.items() if name not in regions}
        files = folder / "index"
        indexes = (
            IndexCache(files, store, cards),
            RegionIndexCache(files, store, regions),
            FrameIndexCache(files / "frames", store, cards),
            WordIndexCache(files, store, cards),
            TextColumnsCaches(files, store, cards),
            CatalogueCache(files, store),
            SoundIndex(store),
        )
        return cls(place, folder, store, cards, regions, *indexes)

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


def open_storage(place: PathLike) -> GalleryStorage:
    """The storage at a folder or URL, whatever descriptors it holds. Raises as Engine.open_storage does."""
    return engine_of(place).open_storage(place_of(place))


def is_gallery(place: PathLike) -> bool:
    """Whether a place is a gallery rather than a folder of images: any URL, or a folder that holds its file."""
    return is_url(place) or os.path.isfile(os.path.join(place, FILE))


def create_library(place: PathLike, names: Sequence[str], keypoints: bool, retention: Retention) -> None:
    """A new, empty gallery. Raises GalleryExists, UserError for an unknown descriptor, GalleryError where it cannot be
    made."""
    cards = [get(name).card for name in dict.fromkeys(names)]
    if not cards:
        raise UserError("a gallery needs at least one descriptor")
    if is_url(place) and retention == "thumbnails":
        raise UserError("thumbnails are kept in a gallery's own folder; at a URL, keep paths or vectors")
    new = NewGallery(cards, _classes(cards), keypoints, retention)
    engine_of(place).create_storage(place_of(place), new)


def _known_cards(place: str, held: Mapping[str, str]) -> dict[str, DescriptorCard]:
    """The cards of the gallery's descriptors; vectors of another version are refused."""
    if earlier := other_versions(held):
        whose = ", ".join(map(repr, earlier))
        raise GalleryVersion(
            f"{place}: its vectors of {whose} come from another version and cannot be compared with this one's; "
            f"describe its images anew, labels and verdicts stay: lookalike index --gallery {place}"
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
