"""Which videos of a gallery may have the sound of another one: their words looked up, after Haitsma & Kalker.

"A Highly Robust Audio Fingerprinting System" (ISMIR 2002), section 5: of a few seconds some words survive whatever was
done, but for a few bits that were uncertain anyway, and they come in the same order. So each word of a query is looked
up as it is, and with one or two of its uncertain bits turned over. Words of which too little is known are left out, and
so are those that are everywhere. It finds sound that runs at its own speed; what it finds sound_alignment.py aligns.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.sound import BITS, WORD_SECONDS, SoundDescription
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.types import Ids

MIN_KNOWN = 20  # bits of a word that are certain
TURNED = 2  # of the others, at most, that are turned over
MAX_WORDS = 4096  # of a query that are looked up, evenly spread: three minutes
COMMON = 256  # times a word may be there; more often it says nothing
STEP = 4  # words, 0.2 s: as far as the same sound may be apart
MIN_VOTES = 4  # words in step that make a candidate
OFFSETS = 1 << 32  # of a video, in steps: room for their numbers

Words = NDArray[np.uint32]


class SoundIndex:
    """The words of all videos of one gallery, read from its storage when they are needed first. 0.9 MB an hour at most
    are held in memory; nothing is kept on disk."""

    def __init__(self, store: GalleryStorage) -> None:
        self._store = store
        self._known: frozenset[int] = frozenset()
        self._words: Words = np.zeros(0, np.uint32)
        self._videos: Ids = np.zeros(0, np.int32)
        self._places: Ids = np.zeros(0, np.int32)

    def candidates(self, sound: SoundDescription) -> list[tuple[int, float]]:
        """The videos that share words in step with this sound, those with most first: id, and how many seconds later
        it is there."""
        self._catch_up()
        words, places = _wanted_words(sound)
        first, last = (np.searchsorted(self._words, words, side) for side in ("left", "right"))
        count = np.where(last - first > COMMON, 0, last - first)
        found = np.repeat(first - np.r_[0, count[:-1].cumsum()], count) + np.arange(count.sum())
        steps = (self._places[found].astype(np.int64) - np.repeat(places, count)) // STEP + OFFSETS // 2
        videos = self._videos[found].astype(np.int64)
        bins, votes = np.unique(np.r_[videos * OFFSETS + steps, videos * OFFSETS + steps + 1], return_counts=True)
        best: dict[int, float] = {}
        for place in np.argsort(-votes, kind="stable").tolist():
            if votes[place] >= MIN_VOTES:
                best.setdefault(int(bins[place]) // OFFSETS, float(bins[place] % OFFSETS - OFFSETS // 2))
        return [(video, step * STEP * WORD_SECONDS) for video, step in best.items()]

    def _catch_up(self) -> None:
        """Take in what is new, and leave out what is gone. An id is never used twice."""
        held = frozenset(self._store.sounds.videos())
        if held == self._known:
            return
        kept = np.isin(self._videos, list(held & self._known))
        parts = [(self._words[kept], self._videos[kept], self._places[kept]), *self._read(sorted(held - self._known))]
        words, videos, places = (np.concatenate(one) for one in zip(*parts, strict=True))
        order = np.argsort(words, kind="stable")
        self._words, self._videos, self._places = words[order], videos[order], places[order]
        self._known = held

    def _read(self, videos: Iterable[int]) -> Iterable[tuple[Words, Ids, Ids]]:
        for video in videos:
            sound = self._store.sounds.of_video(video)
            if sound is not None:
                words, places = telling_words(sound)
                yield words, np.full(len(words), video, np.int32), places.astype(np.int32)


def _wanted_words(sound: SoundDescription) -> tuple[Words, Ids]:
    """The words of a query with all that they may have been, (N,) uint32, and their places."""
    words, places = telling_words(sound)
    some = np.linspace(0, len(words) - 1, min(len(words), MAX_WORDS)).round().astype(np.int64)
    words, places = words[some], places[some]
    unknown = ~sound.known[places]
    count = np.bitwise_count(unknown)
    found = [(words, places)]
    for number in np.unique(count[count > 0]).tolist():
        alike = count == number
        bits = np.nonzero(unknown[alike][:, None] >> np.arange(BITS, dtype=np.uint32) & 1)[1].reshape(-1, number)
        masks = np.uint32(1) << bits.astype(np.uint32)
        choices = [choice for size in range(1, TURNED + 1) for choice in combinations(range(number), size)]
        turned = [words[alike] ^ np.bitwise_or.reduce(masks[:, choice], axis=1) for choice in choices]
        found.append((np.concatenate([words[:0], *turned]), np.tile(places[alike], len(choices))))
    wanted, at = zip(*found, strict=True)
    return np.concatenate(wanted), np.concatenate(at)


def telling_words(sound: SoundDescription) -> tuple[Words, Ids]:
    """The words of which enough is known, (N,) uint32, and their places."""
    places = np.flatnonzero(np.bitwise_count(sound.known) >= MIN_KNOWN)
    return sound.bits[places], places
