"""Which images of a gallery have lost their files, and which have not, although they cannot be seen.

A drive that is not mounted leaves an empty folder behind, or none: whatever lay below such a root is away, not gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lookalike.errors import UserError
from lookalike.gallery.ingest.roots import away_roots, held_left_out, is_below, is_gone
from lookalike.gallery.library import Library


@dataclass(frozen=True, slots=True)
class MissingFiles:
    """``gone``: the paths of images whose files were deleted. ``away``: root that is gone or empty -> how many images
    it has; they are kept. ``left_out``: paths of images that lie in what is left out of their root by now (a trash,
    that an earlier version walked); they are kept as well."""

    gone: tuple[str, ...] = ()
    away: Mapping[str, int] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def missing_files(library: Library) -> MissingFiles:
    """As ``Gallery.missing_files``."""
    library.store.privacy.need_paths("refreshing")
    paths = [row.path for row in library.store.every_row()]
    gone = list(filter(is_gone, paths))
    roots = away_roots(library.store.roots())  # asked last, for a drive may go away meanwhile
    away = {root: sum(is_below(path, root) for path in paths) for root in roots}
    surely = tuple(path for path in gone if not any(is_below(path, root) for root in roots))
    left_out = held_left_out(library.store, set(paths).difference(gone))
    return MissingFiles(surely, {root: count for root, count in away.items() if count}, left_out)


def refresh(library: Library, force: bool) -> list[str]:
    """As ``Gallery.refresh``."""
    missing = missing_files(library)
    if missing.away and not force:
        raise UserError(away_in_words(missing.away) + "; with force, the other folders are refreshed")
    with library.store.transaction():
        library.store.forget(missing.gone)
    return list(missing.gone)


def away_in_words(away: Mapping[str, int]) -> str:
    """What is the matter, and what to do."""
    root, count = next(iter(away.items()))
    more = f" (and {len(away) - 1} more)" if len(away) > 1 else ""
    return (
        f"{root}{more}: this folder is gone or empty; is its drive mounted? Its images ({count:,}) are kept. If it was "
        "moved, use roots move; to forget it, roots forget"
    )
