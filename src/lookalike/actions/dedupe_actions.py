"""Removes duplicates: to a folder, to the system's trash, or into hard links. Never deletes for good.

Before a file is touched, it and the one that is kept are read again: what has changed since it was indexed is
left alone, and so is a copy whose keeper is gone. Then the journal says on the disk what will be done (journal.py).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from lookalike.actions.journal import Entry, FileMove, Journal, Kind, MetadataChange
from lookalike.actions.metadata import is_xmp, merged_xmp
from lookalike.actions.removal_plan import Removal, RemovalPlan, only_here
from lookalike.actions.safe_files import digest_of, link_file, move_file, reserved_beside, write_whole
from lookalike.actions.sidecars import SidecarFinder
from lookalike.actions.trash import place_in_trash, put_in_trash
from lookalike.errors import GalleryReadOnly, UserError
from lookalike.gallery import Gallery
from lookalike.gallery.ingest.leave_out import MARKER
from lookalike.paths import PathLike, absolute
from lookalike.types import Failure, Label

WHY_IGNORED = "Lookalike leaves this folder out when it looks for images: `duplicates --move-to` puts copies here.\n"


@dataclass(frozen=True, slots=True)
class Act:
    """What is done to a copy. ``place``: reserves where a file is to lie, None where that is not known before.
    ``apply``: (file, the image that is kept, the place, sha256 of the file) does it."""

    kind: Kind
    place: Callable[[str], AbstractContextManager[str | None]]
    apply: Callable[[str, str, str | None, str], None]


@dataclass(frozen=True, slots=True)
class RemovalReport:
    """``done``: paths of images that were removed from their place. ``bytes``: their size together, with that of their
    ``sidecars``, which went with them. ``failed``: what was left alone, why. ``action``: what `undo` calls this."""

    done: tuple[str, ...]
    bytes: int
    failed: tuple[Failure, ...]
    sidecars: tuple[str, ...] = ()
    action: str = ""


def move_to(folder: PathLike, root: PathLike) -> Act:
    """Move copies into this folder, below which they lie as they did below ``root``; nothing there is overwritten.

    A folder that lies below ``root`` itself is left out of later scans."""
    target, top = absolute(folder), absolute(root)

    def place(path: str) -> AbstractContextManager[str | None]:
        if _is_within(target, top):
            _ignore(target)
        return reserved_beside(os.path.join(target, _below(path, top)))

    def apply(path: str, keep: str, place: str | None, sha256: str) -> None:  # noqa: ARG001  every act takes the keeper
        move_file(path, str(place), sha256)

    return Act("moved", place, apply)


def trash() -> Act:
    """Move copies to the system's trash, from where they can be brought back."""

    def apply(path: str, keep: str, place: str | None, sha256: str) -> None:  # noqa: ARG001  every act takes the keeper
        put_in_trash(path, place, sha256)

    return Act("trashed", place_in_trash, apply)


def hardlink() -> Act:
    """Make byte-identical copies share one content on the disk; both names stay. Others are left alone."""

    def apply(path: str, keep: str, place: str | None, sha256: str) -> None:  # noqa: ARG001  it stays where it is
        if digest_of(keep) != sha256:
            raise OSError("not byte-identical")
        link_file(keep, path)

    return Act("linked", lambda path: nullcontext(), apply)  # noqa: ARG005  it stays where it is


def remove_copies(gallery: Gallery, plan: RemovalPlan, act: Act, *, merge_metadata: bool = False) -> RemovalReport:
    """Apply an act to every copy of a plan, one after the other; what fails is left where it is, and listed.

    The gallery forgets the files that are gone from their place. ``merge_metadata``: what only the copy says is written
    into the XMP sidecar of the one that is kept first. Raises UserError where no journal can be written."""
    if not plan.removals:
        return RemovalReport((), 0, ())
    held = gallery.rows_at([one.copy for one in plan.removals])
    if held and gallery.read_only:
        raise GalleryReadOnly(f"{gallery.path}: read only here, so it could not forget what is cleared away")
    with Journal(act.kind, str(gallery.path)) as journal:
        remover = _Remover(gallery, act, journal, merge_metadata, [one.copy for one in plan.removals])
        try:
            for removal in plan.removals:
                remover.take(removal)
        finally:
            if held:
                gallery.remove([path for path in remover.tried if not os.path.lexists(path)])
    return RemovalReport(
        tuple(one.copy for one in remover.done),
        sum(one.bytes for one in remover.done),
        tuple(remover.failed),
        tuple(path for one in remover.done for path in one.sidecars),
        journal.id,
    )


def trash_image(gallery: PathLike, path: str, labels: Sequence[Label] = ()) -> str:
    """Move one image of a gallery to the system's trash with its sidecars, because a person said so; the gallery is not
    asked and forgets nothing. Returns what `undo` calls this. Raises OSError, or UserError without a journal."""
    act = trash()
    with Journal(act.kind, os.fspath(gallery)) as journal:
        with _moves(act, (path, *SidecarFinder([path]).of(path).own)) as files:
            journal.write(Entry(act.kind, "", files, tuple(labels)))
            _apply(act, files, "")
        return journal.id


class _Remover:
    def __init__(self, gallery: Gallery, act: Act, journal: Journal, merge: bool, leaving: Sequence[str]) -> None:
        self._gallery, self._act, self._journal, self._merge = gallery, act, journal, merge
        self._finder = SidecarFinder(leaving)
        self.tried: list[str] = []
        self.done: list[Removal] = []
        self.failed: list[Failure] = []

    def take(self, removal: Removal) -> None:
        try:
            self._remove(removal)
            self.done.append(removal)
        except (OSError, UserError) as error:
            self.failed.append(Failure(removal.copy, getattr(error, "strerror", None) or str(error)))

    def _remove(self, removal: Removal) -> None:
        """Raises UserError if it must not be touched, OSError if it cannot be."""
        _refuse_changed(removal.copy, removal.sha256, "it")
        _refuse_changed(removal.keep, removal.keep_sha256, "the image to keep")
        if os.path.samefile(removal.copy, removal.keep):
            raise UserError("is the very file that is kept, by another name")
        sidecars = [path for path in removal.sidecars if os.path.lexists(path)]
        merge = self._merged(removal)
        with _moves(self._act, (removal.copy, *sidecars)) as files:
            change = merge[0] if merge else None
            self._journal.write(Entry(self._act.kind, removal.keep, files, self._labels(removal.copy), change))
            self.tried.append(removal.copy)
            if merge:
                write_whole(merge[0].path, merge[1])
            _apply(self._act, files, removal.keep)

    def _merged(self, removal: Removal) -> tuple[MetadataChange, bytes] | None:
        """What is to be written into the kept one's sidecar; None if there is nothing to add."""
        if not self._merge or self._act.kind == "linked":
            return None
        more = only_here(removal.copy, (*removal.sidecars, *removal.shared), removal.keep, self._finder)
        if not more:
            return None
        kept = next(filter(is_xmp, self._finder.of(removal.keep).own), f"{removal.keep}.xmp")
        before = Path(kept).read_bytes() if os.path.exists(kept) else None
        text = merged_xmp(before, more)
        old = None if before is None else before.decode("utf-8", "surrogateescape")
        return MetadataChange(kept, old, hashlib.sha256(text).hexdigest()), text

    def _labels(self, path: str) -> tuple[Label, ...]:
        held = self._gallery.rows_at([path]).get(path)
        return self._gallery.labels_of([held.id]).get(held.id, ()) if held else ()


@contextmanager
def _moves(act: Act, paths: Sequence[str]) -> Iterator[tuple[FileMove, ...]]:
    """Each of these files with the place where it is to lie, which is reserved for as long as this lasts."""
    with ExitStack() as stack:
        yield tuple(
            FileMove(path, stack.enter_context(act.place(path)), digest_of(path), os.path.getsize(path))
            for path in paths
        )


def _apply(act: Act, files: Sequence[FileMove], keep: str) -> None:
    """All of the files, or none: what has gone before one that cannot go is put back."""
    done: list[FileMove] = []
    try:
        for file in files:
            act.apply(file.source, keep, file.place, file.sha256)
            done.append(file)
    except (OSError, UserError):
        for file in reversed(done):
            if file.place is not None:
                move_file(file.place, file.source, file.sha256)
        raise


def _refuse_changed(path: str, sha256: str, who: str) -> None:
    try:
        digest = digest_of(path)
    except OSError as error:
        raise UserError(f"{who} cannot be read: {error.strerror or error}") from error
    if digest != sha256:
        raise UserError(f"{who} changed since it was indexed")


def _below(path: str, top: str) -> str:
    """The path as it is below ``top``; all of it, without the drive, for a file that lies elsewhere."""
    return os.path.relpath(path, top) if _is_within(path, top) else os.path.splitdrive(path)[1].lstrip(os.sep)


def _is_within(path: str, top: str) -> bool:
    return path.startswith(top.rstrip(os.sep) + os.sep)


def _ignore(folder: str) -> None:
    mark = Path(folder) / MARKER
    if not mark.exists():
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(WHY_IGNORED, "utf-8")
