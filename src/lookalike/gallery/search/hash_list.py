"""Which images of a gallery are on a list of hashes that somebody shares: PDQ hashes, mostly, as hexadecimal digits.

Meta's own limit for PDQ is 31 of 256 bits (ThreatExchange, "PDQ hashing and matching", 2019): what differs in more is
no match. A hash is all that a list holds, so nothing can be verified by geometry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.csvfile import read_csv
from lookalike.descriptors.base import DescriptorCard
from lookalike.distance import hamming
from lookalike.errors import UserError
from lookalike.gallery.library import Library
from lookalike.gallery.storage.embeddings import vector_blocks
from lookalike.paths import PathLike
from lookalike.types import Failure, HashMatch, HashReport

MAX_DISTANCE = 31  # bits
BLOCK = 1000  # images held against the whole list at a time
COLUMN = "hash"


@dataclass(frozen=True, slots=True)
class HashList:
    """``vectors``: (H, D / 8) uint8, of the ``lines`` of a file, which are counted from 1. ``failed``: lines that hold
    no hash."""

    vectors: NDArray[np.uint8]
    lines: tuple[int, ...]
    failed: tuple[Failure, ...]


def read_hashes(file: PathLike, card: DescriptorCard) -> HashList:
    """A CSV file with a column "hash", or one by the descriptor's name, as ``lookalike export`` writes it. Raises
    UserError for another file, and for a descriptor that is no string of bits."""
    if card.metric != "hamming":
        raise UserError(f"{card.name!r} is no hash of bits; one such as pdq is needed")
    try:
        lines = read_csv(file, [COLUMN])
    except UserError as error:
        if "must name the columns" not in str(error):
            raise
        try:
            lines = read_csv(file, [card.name])
        except UserError:
            raise UserError(f"{error}, and none called {card.name!r}") from None
    vectors, numbers, failed = [], [], []
    for line in lines:
        try:
            bits = bytes.fromhex(line.values[0])
        except ValueError:
            bits = b""
        if len(bits) * 8 == card.dim:
            vectors.append(np.frombuffer(bits, np.uint8))
            numbers.append(line.number)
        else:
            failed.append(Failure(f"{file}:{line.number}", f"not {card.dim // 4} hexadecimal digits"))
    stacked = np.stack(vectors) if vectors else np.empty((0, card.dim // 8), np.uint8)
    return HashList(stacked, tuple(numbers), tuple(failed))


def match_hashes(library: Library, file: PathLike, by: str, max_distance: int) -> HashReport:
    """As ``Gallery.match_hashes``."""
    if by not in library.cards:
        raise UserError(
            f"this gallery holds no {by!r}; nothing else is read again by: "
            f"lookalike index --gallery {library.place} --with {by}"
        )
    card = library.card(by)
    if not 0 <= max_distance < card.dim:
        raise UserError(f"the largest distance must lie between 0 and {card.dim - 1} bits, not {max_distance}")
    hashes = read_hashes(file, card)
    found = sorted(_matches(library, card, hashes, max_distance), key=lambda one: (one.distance, one.path, one.line))
    return HashReport(tuple(found), len(hashes.lines), hashes.failed)


def _matches(library: Library, card: DescriptorCard, hashes: HashList, max_distance: int) -> Iterator[HashMatch]:
    for ids, vectors in vector_blocks(library.store, card, size=BLOCK):
        near = hamming(np.asarray(vectors, np.uint8), hashes.vectors)
        images, places = np.nonzero(near <= max_distance)
        rows = library.store.rows(ids[images].tolist())
        for image, place in zip(images.tolist(), places.tolist(), strict=True):
            row = rows.get(int(ids[image]))
            if row is not None:  # another process may have removed it since
                distance, digits = int(near[image, place]), hashes.vectors[place].tobytes().hex()
                yield HashMatch(row.path, digits, hashes.lines[place], distance)
