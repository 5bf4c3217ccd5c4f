"""From a gallery to groups of copies: candidate pairs, tight groups, verification, the one that is kept."""

from __future__ import annotations

from collections.abc import Sequence

from lookalike.descriptors.fusion import BLEND
from lookalike.gallery.calibration.scoring import Scoring
from lookalike.gallery.dedup.candidate_pairs import find_duplicates
from lookalike.gallery.dedup.preferred_folders import PreferredFolders
from lookalike.gallery.dedup.regroup import verified_with_rest, with_frames_apart
from lookalike.gallery.dedup.representative import Around, keep_best
from lookalike.gallery.dedup.rivals import without_rivals
from lookalike.gallery.dedup.same_file import without_same_files
from lookalike.gallery.dedup.video_duplicates import verified_videos
from lookalike.gallery.dedup.wider_search import CANDIDATE, wider_groups
from lookalike.gallery.library import Library
from lookalike.gallery.search.reranking import GeometricVerifier
from lookalike.types import Group, Pair, Progress


def duplicate_measures(scoring: Scoring, verify: bool) -> list[str]:
    """As ``Gallery.duplicate_measures`` says if nothing is asked for."""
    blend = [BLEND] if scoring.has_blend else []
    reranked = [name for name, card in scoring.cards.items() if card.rerank]
    return [*blend, *(reranked if verify or not blend else [])] or [str(scoring.default)]


def verified_pair(library: Library, keep: str, copy: str) -> Pair:
    """As ``Gallery.verified_pair``."""
    a, b = library.row(keep), library.row(copy)
    if a.sha256 == b.sha256:
        return Pair(a.path, b.path, 0.0, 1.0, "identical")
    if a.is_video or b.is_video:
        return verified_videos(library, a, b)
    verifier = GeometricVerifier.of(library, Scoring.of(library.store, library.cards))
    pair = Pair(a.path, b.path, 0.0, 0.0, "unrelated")
    verified = verifier.groups([Group(a.path, (b.path,), (pair,))], 0.0)
    return verified[0].pairs[0] if verified else pair


def verified_duplicates(
    library: Library,
    measures: Sequence[str],
    precision: float,
    verify: bool,
    folders: PreferredFolders,
    progress: Progress | None,
) -> list[Group]:
    """As ``Gallery.duplicates``."""
    scoring = Scoring.of(library.store, library.cards)
    with library.store.snapshot():
        wider = min(precision, CANDIDATE) if verify else None
        found = find_duplicates(library, scoring, measures, precision, wider)
    around = found.builder.around

    def prefer(group: Group) -> Group:
        return _preferred(group, around, folders) if folders else group

    if not verify:
        return without_same_files(with_frames_apart(list(map(prefer, found.groups)), library.store.row_of, around))
    verifier = GeometricVerifier.of(library, scoring)

    def reverify(groups: Sequence[Group]) -> list[Group]:
        return verifier.groups(groups, precision)

    def verify_some(groups: Sequence[Group], progress: Progress | None = None) -> list[Group]:
        return without_rivals(groups, verifier.groups(groups, precision, progress), verifier.are_rivals)

    groups = list(map(prefer, found.groups))
    verified = verified_with_rest(groups, around, lambda some: verify_some(some, progress), verify_some)
    wider_found = wider_groups(found, verified, reverify, prefer)
    apart = without_rivals(groups, wider_found, verifier.are_rivals)
    rank = folders.rank if folders else lambda _path: 0
    chosen = keep_best(apart, library.store.row_of, around, reverify, rank)
    return without_same_files(chosen)


def _preferred(group: Group, around: Around, folders: PreferredFolders) -> Group:
    """The group around the image that a person prefers, the best of those."""
    best = min((group.keep, *group.others), key=folders.rank)
    return around(best, group) if folders.rank(best) < folders.rank(group.keep) else group
