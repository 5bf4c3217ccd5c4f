"""From a gallery to groups of copies: candidate pairs, tight groups, verification, the one that is kept."""

from __future__ import annotations

from lookalike.gallery.calibration.scoring import Scoring
from lookalike.gallery.dedup.candidate_pairs import find_duplicates
from lookalike.gallery.dedup.representative import prefer_unframed
from lookalike.gallery.library import Library
from lookalike.gallery.search.reranking import GeometricVerifier
from lookalike.types import Group, Progress


def verified_duplicates(
    library: Library, measure: str, precision: float, verify: bool, progress: Progress | None
) -> list[Group]:
    """As ``Gallery.duplicates``."""
    scoring = Scoring.of(library.store, library.cards)
    with library.store.snapshot():
        groups, around = find_duplicates(library, scoring, measure, precision)
    if not verify:
        return groups
    verifier = GeometricVerifier.of(library, scoring)
    verified = verifier.groups(groups, precision, progress)
    return prefer_unframed(verified, library.store.row_of, around, lambda others: verifier.groups(others, precision))
