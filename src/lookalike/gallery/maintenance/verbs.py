"""The verbs of a gallery about its own health."""

from __future__ import annotations

from lookalike.errors import GalleryReadOnly
from lookalike.gallery.library import Library
from lookalike.gallery.maintenance.backup import backup
from lookalike.gallery.maintenance.check_files import file_problems
from lookalike.gallery.maintenance.check_storage import storage_problems
from lookalike.gallery.maintenance.problems import CheckReport, Problem
from lookalike.gallery.maintenance.repair import mend
from lookalike.gallery.migration.migrate import MigrationReport, migrate
from lookalike.paths import PathLike
from lookalike.types import Progress


class MaintenanceVerbs:
    """What ``Gallery`` does about itself."""

    _library: Library

    def check(self, *, read: bool = False, repair: bool = False, progress: Progress | None = None) -> CheckReport:
        """Look over the database, vectors, regions, frames, thumbnails and index copies, and whether every file is
        there with the size and time that it had; ``read``: whether it has the same bytes. ``repair``: make again what
        can be made again (vectors, regions and frames, from the files; index copies and thumbnails), and look once
        more.

        Other processes may use the gallery meanwhile. Raises GalleryReadOnly if it cannot be repaired where it lies.
        """
        if repair and self._library.store.read_only:
            raise GalleryReadOnly(f"{self._library.place}: read only here, so that nothing can be repaired")
        own = storage_problems(self._library)
        files = list(file_problems(self._library, read, progress))
        left = self._repaired(own, progress) if repair else own
        repaired = tuple(one for one in own if one not in left)
        return CheckReport(self._library.store.count(), read, (*left, *files), repaired)

    def _repaired(self, problems: list[Problem], progress: Progress | None) -> list[Problem]:
        """What is left."""
        if not problems:
            return []
        if problems[0].kind != "storage":
            mend(self._library, problems, progress)
        return storage_problems(self._library)

    def backup(self, target: PathLike, *, replace: bool = False) -> int:
        """Copy the gallery to a new folder while it is used; returns how many bytes. Index copies are left out, for
        they are made again. The copy is there once it is whole and on the disk.

        Raises GalleryExists if something is there already; ``replace``: unless it is a gallery. Raises StorageFull."""
        return backup(self._library, target, replace)

    @staticmethod
    def migrate(source: PathLike, target: PathLike, *, progress: Progress | None = None) -> MigrationReport:
        """Move all that one gallery holds into another, perhaps of another engine, and verify it: counts, checksums,
        and sampled searches. The source stays as it is. ``progress(done, total)`` counts images, once as they are moved
        and once as they are compared.

        The target is made if it is not there. Interrupted or killed, the next call goes on; where all is there already,
        it is only verified. Ids, and the numbers of persons without a name, are the target's own. Raises UserError for
        a target that holds something else, GalleriesDiffer if what was moved is not what was there."""
        return migrate(source, target, progress)
