"""The folders that were added to a gallery, its roots: what is left out of each, moving one, forgetting one."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lookalike.errors import UserError
from lookalike.gallery.elsewhere.address import is_elsewhere, is_source_elsewhere
from lookalike.gallery.elsewhere.read import gone_elsewhere
from lookalike.gallery.ingest.leave_out import MARKER, LeaveOut
from lookalike.gallery.ingest.scan_elsewhere import source_of
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.row import Row
from lookalike.paths import PathLike, WalkPatterns, absolute, composed
from lookalike.types import Failure


@dataclass(frozen=True, slots=True)
class Root:
    """A folder that was added. ``images``: how many lie below it, and below no root that itself lies below it;
    ``there``: whether it is, and shows anything; a drive that is not mounted does not."""

    path: str
    images: int
    there: bool
    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MovedRoot:
    """``images`` have a new path; of these, ``missing`` have no file there."""

    images: int
    missing: int


def remember_root(
    store: GalleryStorage, path: str, exclude: Sequence[str] | None, include: Sequence[str] | None
) -> None:
    """A folder is added; within a transaction. None: what is left out stays as it is; empty texts count for nothing.

    Raises UserError for a pattern that does not parse."""
    store.put_root(path)
    if exclude is None and include is None:
        return
    before = store.patterns().get(path, WalkPatterns())
    patterns = WalkPatterns(_given(exclude, before.exclude), _given(include, before.include))
    LeaveOut(path, patterns)
    store.put_patterns(path, patterns)


def leave_out_of(store: GalleryStorage, source: str) -> LeaveOut:
    """What is left out of a folder that a person names: by its own patterns, or else by those of the added folder
    above it, unless they leave out the very folder that he names."""
    every = store.patterns()
    above = [root for root in every if source == root or is_below(source, root)]
    if not above:
        return LeaveOut(source)
    root = max(above, key=len)
    found = LeaveOut(root, every[root])
    return LeaveOut(source) if root != source and found.excludes(source, is_folder=True) else found


def list_roots(store: GalleryStorage) -> list[Root]:
    """As ``Gallery.roots``."""
    names, patterns = store.roots(), store.patterns()
    counts = dict.fromkeys(names, 0)
    for row in store.every_row():
        if (owner := _owner(row.path, names)) is not None:
            counts[owner] += 1
    away = away_roots(names)
    found = {name: patterns.get(name, WalkPatterns()) for name in names}
    return [Root(name, counts[name], name not in away, one.exclude, one.include) for name, one in found.items()]


def move_root(store: GalleryStorage, old: PathLike, new: PathLike, force: bool) -> MovedRoot:
    """As ``Gallery.move_root``."""
    store.privacy.need_paths("moving a root")
    before, after = _as_added(absolute(old), store.roots()), absolute(new)
    if is_below(after, before) or is_below(before, after):
        raise UserError(f"{new}: one of the two folders lies in the other; move it elsewhere first")
    rows = [row for row in store.every_row() if is_below(row.path, before)]
    places = {row.id: _as_it_lies(after, row.path[len(before) :]) for row in rows}
    missing = sum(is_gone(path) for path in places.values())
    if before not in store.roots() and not rows:
        raise UserError(f"{old}: no folder of this gallery; roots list shows them")
    if rows and missing == len(rows) and not force:
        raise UserError(f"{new}: none of the images of {old} lies there; with force, their paths are changed anyway")
    with store.transaction():
        _move_rows(store, rows, places)
        _rename_roots(store, before, after)
    return MovedRoot(len(rows), missing)


def _move_rows(store: GalleryStorage, rows: Sequence[Row], places: dict[int, str]) -> None:
    """Paths are renamed; labels that the same image got at the new path are kept as well."""
    for row in rows:
        there = store.row_of(places[row.id])
        if there is not None and there.sha256 != row.sha256:
            raise UserError(f"{places[row.id]}: the gallery holds another image from there; nothing was moved")
        said = [label for _, one in store.labels.of_images(ids=[there.id]) for label in one.labels] if there else []
        store.move(row.id, places[row.id], row.mtime_ns)
        store.labels.put((row.id, label) for label in said)


def _rename_roots(store: GalleryStorage, before: str, after: str) -> None:
    """With what is left out of each; files that failed are tried again at the new place."""
    patterns = store.patterns()
    for root in [root for root in store.roots() if root == before or is_below(root, before)]:
        name = after + root[len(before) :]
        store.forget_root(root)
        store.put_root(name)
        store.put_patterns(name, patterns.get(root, WalkPatterns()))
    store.forget(one.path for one in store.failures() if is_below(one.path, before))


def forget_root(store: GalleryStorage, path: PathLike) -> int:
    """As ``Gallery.forget_root``."""
    names = store.roots()
    root = _as_added(absolute(path), names)
    if root not in names:
        raise UserError(f"{path}: no folder of this gallery; roots list shows them")
    gone = [row.path for row in store.every_row() if _owner(row.path, names) == root]
    failed = [one.path for one in store.failures() if _owner(one.path, names) == root]
    with store.transaction():
        store.forget_root(root)
        store.forget(failed)
        return store.forget(gone)


def held_left_out(store: GalleryStorage, paths: Iterable[str]) -> tuple[str, ...]:
    """Those of these files that a walk of their root would leave out, in order."""
    names = store.roots()
    rules = {root: leave_out_of(store, root) for root in names}
    known = dict.fromkeys((name.rstrip(os.sep) or name for name in names), False)
    found = []
    for path in sorted(paths):
        root = _owner(path, names)
        if root is not None and (rules[root].reason(path, False) or _is_left_out(path, rules[root], known)):
            found.append(path)
    return tuple(found)


def _is_left_out(path: str, leave_out: LeaveOut, known: dict[str, bool]) -> bool:
    """Whether a folder on the way to a file is; ``known`` holds the roots and what was found of other folders."""
    waiting, folder = [], os.path.dirname(path)
    while folder not in known:
        waiting.append(folder)
        folder = os.path.dirname(folder)
    for inner in reversed(waiting):
        left_out = leave_out.reason(inner, True) or leave_out.marked(inner, _markers(inner))
        known[inner] = known[os.path.dirname(inner)] or bool(left_out)
    return known[os.path.dirname(path)]


def _markers(folder: str) -> list[str]:
    return [MARKER] if os.path.exists(os.path.join(folder, MARKER)) else []


def away_roots(roots: Iterable[str]) -> list[str]:
    """Those of these folders that are not there, cannot be listed, or show nothing: their drive may not be mounted."""
    return [root for root in roots if not _shows_something(root)]


def is_gone(path: str) -> bool:
    """Whether a file is surely not there; one that cannot be asked about may be."""
    if is_elsewhere(path):
        return gone_elsewhere(path)
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _shows_something(folder: str) -> bool:
    if is_source_elsewhere(folder):
        return any(not isinstance(one, Failure) for one in source_of(folder).entries(LeaveOut(folder)))
    try:
        with os.scandir(folder) as entries:
            return any(not entry.name.startswith(".") for entry in entries)
    except OSError:
        return False


def _as_added(path: str, roots: Sequence[str]) -> str:
    """The root that is meant, however its accents are written."""
    return path if path in roots else next((root for root in roots if composed(root) == composed(path)), path)


def _as_it_lies(folder: str, rest: str) -> str:
    """The path of what lies in a folder; on the way there, its accents may have been written otherwise (NFC, NFD)."""
    exact = folder + rest
    others = () if rest.isascii() else (folder + unicodedata.normalize(form, rest) for form in ("NFC", "NFD"))
    return next((path for path in (exact, *others) if not is_gone(path)), exact)


def _owner(path: str, roots: Iterable[str]) -> str | None:
    """The innermost root that a file lies below."""
    return max((root for root in roots if is_below(path, root)), key=len, default=None)


def is_below(path: str, folder: str) -> bool:
    """Whether an absolute path lies in this folder, at any depth."""
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def _given(patterns: Sequence[str] | None, before: tuple[str, ...]) -> tuple[str, ...]:
    return before if patterns is None else tuple(filter(None, patterns))
