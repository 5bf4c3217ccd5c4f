"""From a gallery to groups of copies: candidate pairs, tight groups, verification, the one that is kept."""

from __future__ import annotations

from lookalike.descriptors.fusion import BLEND
from lookalike.gallery.calibration.scoring import Scoring
from lookalike.gallery.dedup.candidate_pairs import find_duplicates
from lookalike.gallery.dedup.preferred_folders import PreferredFolders
from lookalike.gallery.dedup.regroup import verified_with_rest, with_frames_apart
from lookalike.gallery.dedup.representative import Around, keep_best
from lookalike.gallery.dedup.same_file import without_same_files
from lookalike.gallery.library import Library
from lookalike.gallery.search.reranking import GeometricVerifier
from lookalike.types import Group, Pair, Progress


def duplicate_measures(scoring: Scoring) -> list[str]:
    """What copies are looked for by if nothing is said: the blend and what is re-ranked, as far as they are held."""
    reranked = [name for name, card in scoring.cards.items() if card.rerank]
    return [*([BLEND] if scoring.has_blend else []), *reranked] or [str(scoring.default)]


def verified_pair(library: Library, keep: str, copy: str) -> Pair:
    """As ``Gallery.verified_pair``."""
    a, b = library.row(keep), library.row(copy)
    if a.sha256 == b.sha256:
        return Pair(a.path, b.path, 0.0, 1.0, "identical")
    verifier = GeometricVerifier.of(library, Scoring.of(library.store, library.cards))
    pair = Pair(a.path, b.path, 0.0, 0.0, "unrelated")
    (group,) = verifier.groups([Group(a.path, (b.path,), (pair,))], 0.0)
    return group.pairs[0]


def verified_duplicates(
    library: Library,
    measure: str,
    precision: float,
    verify: bool,
    folders: PreferredFolders,
    progress: Progress | None,
) -> list[Group]:
    """As ``Gallery.duplicates``."""
    scoring = Scoring.of(library.store, library.cards)
    with library.store.snapshot():
        groups, around = find_duplicates(library, scoring, measure, precision)
        groups = [_preferred(group, around, folders) for group in groups] if folders else groups
    if not verify:
        return without_same_files(with_frames_apart(groups, library.store.row_of, around))
    verifier = GeometricVerifier.of(library, scoring)
    verified = verified_with_rest(
        groups,
        around,
        lambda some: verifier.groups(some, precision, progress),
        lambda some: verifier.groups(some, precision),
    )
    chosen = keep_best(
        verified,
        library.store.row_of,
        around,
        lambda others: verifier.groups(others, precision),
        folders.rank if folders else lambda _path: 0,
    )
    return without_same_files(chosen)


def _preferred(group: Group, around: Around, folders: PreferredFolders) -> Group:
    """The group around the image that a person prefers, the best of those."""
    best = min((group.keep, *group.others), key=folders.rank)
    return around(best, group) if folders.rank(best) < folders.rank(group.keep) else group
