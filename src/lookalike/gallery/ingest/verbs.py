"""The verbs of a gallery about the folders that were added to it, and about the descriptors that its images lack."""

from __future__ import annotations

from lookalike.gallery.ingest.backfill import add_descriptor, describe_lacking, lacking_any
from lookalike.gallery.ingest.ingest import sweep
from lookalike.gallery.ingest.refresh import MissingFiles, missing_files, refresh
from lookalike.gallery.ingest.roots import MovedRoot, Root, forget_root, list_roots, move_root
from lookalike.gallery.ingest.upgrade import UpgradeReport, upgrade
from lookalike.gallery.library import Library
from lookalike.imaging import MAX_PIXELS
from lookalike.paths import PathLike
from lookalike.types import AddReport, Progress


class DescriptorVerbs:
    """What ``Gallery`` says about descriptors that images lack."""

    _library: Library

    @staticmethod
    def upgrade(path: PathLike) -> UpgradeReport:
        """Make a gallery whose vectors come from other versions of its descriptors one that ``open`` takes: they go,
        and so does what was fitted to them; ``describe_lacking`` makes new ones. Images, labels of persons, verdicts
        and folders stay. Does nothing to a gallery of today.

        Raises UserError if there is a descriptor no more, ModelError if a new network cannot be used, GalleryReadOnly;
        then nothing has changed."""
        return upgrade(path)

    def add_descriptor(self, name: str, *, progress: Progress | None = None, max_pixels: int = MAX_PIXELS) -> AddReport:
        """Hold this descriptor from now on, of whole images or of regions, and describe the images that lack it.

        Nothing else is read or computed again. A file that cannot be read as it was indexed is a failure, and its
        image stays. Interrupted or killed, the next call goes on. Raises UserError for an unknown descriptor."""
        return add_descriptor(self._library, name, progress, max_pixels)

    def describe_lacking(self, *, progress: Progress | None = None, max_pixels: int = MAX_PIXELS) -> AddReport:
        """After ``upgrade``: describe the images that lack a replaced descriptor, each decoded once, and no others.

        ``updated``: how many were described. A file that is away, or not as it was indexed, is a failure; its image
        stays, and the next call tries again. Interrupted or killed, the next call goes on. In a gallery without paths
        ``add`` describes the files that it is given, and this does nothing."""
        return describe_lacking(self._library, progress, max_pixels)

    def lacking(self) -> dict[str, int]:
        """Replaced descriptor -> how many images lack it still, and are not found by it. Empty but for a time after
        ``upgrade``."""
        store = self._library.store
        counts = {name: len(lacking_any(store, [name])) for name in store.unfinished()}
        return {name: count for name, count in counts.items() if count}


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
