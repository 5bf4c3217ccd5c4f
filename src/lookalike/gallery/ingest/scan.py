"""Lists the files of folders: each once, links followed without going in circles, nothing opened but unknowns.

What a person names is walked, whatever it is called; what lies below may be left out (leave_out.py)."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator

from lookalike.gallery.elsewhere.address import is_source_elsewhere
from lookalike.gallery.ingest.leave_out import LIVE, MARKED, LeaveOut
from lookalike.gallery.ingest.listed import LeftOut, Listed, ListedFile, Skipped
from lookalike.gallery.ingest.scan_elsewhere import source_of
from lookalike.imaging import is_image_name, looks_like_image
from lookalike.imaging.video import is_video_file
from lookalike.paths import PathLike, absolute
from lookalike.types import Failure


def walk(
    sources: Iterable[PathLike],
    avoid: str | None = None,
    leave_out: Callable[[str], LeaveOut] = LeaveOut,
    videos: bool = False,
) -> Iterator[Listed]:
    """Every file of these files, folders and places elsewhere, folders in the order of their names; ``avoid`` is left
    out, and what ``leave_out`` of a source says. ``videos``: list them as well, but for the movies of Live Photos."""
    seen: set[tuple[int, int]] = set()
    named: set[str] = set()
    for source in sources:
        path = absolute(source)
        entries: Iterable[Listed]
        if is_source_elsewhere(path):
            entries = source_of(path).entries(leave_out(path))
        elif os.path.isdir(path):
            entries = _folder(path, seen, avoid, leave_out(path))
        else:
            entries = [_file(path, asked_for=True)]
        for entry in entries if videos else map(_without_video, entries):
            if entry.path not in named:
                named.add(entry.path)
                yield entry


def _without_video(entry: Listed) -> Listed:
    is_video = entry.is_video if isinstance(entry, ListedFile) else isinstance(entry, LeftOut) and entry.reason == LIVE
    return Skipped(entry.path) if is_video else entry


def _folder(top: str, seen: set[tuple[int, int]], avoid: str | None, leave_out: LeaveOut) -> Iterator[Listed]:
    """Files before folders, each in the order of their names; no recursion, so that no depth is too deep."""
    waiting = [top]
    while waiting:
        path = waiting.pop()
        try:
            entries = _entries(path, seen) if path != avoid else []
            folders = {entry.path for entry in entries if _is_folder(entry)}
        except OSError as error:
            yield Failure(path, _why(error))
            continue
        if path != top and leave_out.marked(path, [entry.name for entry in entries]):
            yield LeftOut(path, MARKED)
            continue
        reasons = {entry.path: leave_out.reason(entry.path, entry.path in folders) for entry in entries}
        reasons |= dict.fromkeys(_live_movies(path for path, reason in reasons.items() if reason is None), LIVE)
        yield from (LeftOut(path, reason) for path, reason in reasons.items() if reason is not None)
        walked = [path for path, reason in reasons.items() if reason is None]
        yield from (_file(path) for path in walked if path not in folders)
        waiting += [path for path in reversed(walked) if path in folders]


def _live_movies(paths: Iterable[str]) -> list[str]:
    """Of these paths of one folder those of movies that belong to the photograph of the same name."""
    listed = list(paths)
    stems = {os.path.splitext(path)[0].casefold() for path in listed if is_image_name(path)}
    movies = (os.path.splitext(path) for path in listed)
    return [stem + ending for stem, ending in movies if ending.lower() == ".mov" and stem.casefold() in stems]


def _entries(path: str, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """What lies in a folder, nothing if it was listed before by another way."""
    status = os.stat(path)
    if (status.st_dev, status.st_ino) in seen:
        return []
    seen.add((status.st_dev, status.st_ino))
    with os.scandir(path) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle; _file will say so
        return False


def _file(path: str, asked_for: bool = False) -> Listed:
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return Failure(path, "not a regular file") if asked_for else Skipped(path)
        if is_video_file(path):
            return ListedFile(path, status.st_size, status.st_mtime_ns, is_video=True)
        if asked_for or is_image_name(path) or _begins_like_image(path):
            return ListedFile(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        return Failure(path, _why(error))
    return Skipped(path)


def _begins_like_image(path: str) -> bool:
    with open(path, "rb") as stream:
        return looks_like_image(stream.read(64))


def _why(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file" if not os.path.islink(error.filename or "") else "a link that leads nowhere"
    return (error.strerror or str(error)).lower()
