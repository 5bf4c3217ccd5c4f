"""The verbs of a gallery about the folders that were added to it: what lies there no more, where they moved."""

from __future__ import annotations

from lookalike.gallery.ingest.ingest import sweep
from lookalike.gallery.ingest.refresh import MissingFiles, missing_files, refresh
from lookalike.gallery.ingest.roots import MovedRoot, Root, forget_root, list_roots, move_root
from lookalike.gallery.library import Library
from lookalike.paths import PathLike


class RootVerbs:
    """What ``Gallery`` says about its roots, the folders that were added."""

    _library: Library

    def missing_files(self) -> MissingFiles:
        """The images whose files are gone, and those whose whole root is gone or empty: its drive may not be mounted,
        so they are kept. Raises UserError in a gallery without paths."""
        return missing_files(self._library)

    def refresh(self, *, force: bool = False) -> list[str]:
        """Forget the images whose files are gone, with their labels; returns their paths.

        Raises UserError if an added folder itself is gone or empty: its drive may not be mounted. ``force`` goes on
        with the others; the images of that folder are kept, until ``forget_root``."""
        gone = refresh(self._library, force)
        sweep(self._library)
        return gone

    def roots(self) -> list[Root]:
        """The folders that were added, by name."""
        return list_roots(self._library.store)

    def move_root(self, old: PathLike, new: PathLike, *, force: bool = False) -> MovedRoot:
        """A folder, added or below an added one, now lies elsewhere: its images keep vectors, labels and verdicts, and
        unchanged files are not read again. All or nothing.

        Raises UserError if none of its images lies at the new place (unless by ``force``), or if the gallery holds
        other images from there."""
        return move_root(self._library.store, old, new, force)

    def forget_root(self, path: PathLike) -> int:
        """Forget an added folder, its images and their labels (the files stay where they are), but no root below it;
        returns how many images there were. Raises UserError if it was never added."""
        count = forget_root(self._library.store, path)
        sweep(self._library)
        return count
