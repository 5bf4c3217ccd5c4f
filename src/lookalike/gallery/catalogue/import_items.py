"""Brings a gallery's catalogue up to date with a table: what it says is written, what it does not say stays.

Images are read only if the gallery does not know them as they are: a new price decodes nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lookalike.csvfile import Named
from lookalike.errors import UserError
from lookalike.gallery.catalogue.table import CatalogueLine, CatalogueTable, read_catalogue
from lookalike.gallery.ingest.ingest import add_sources
from lookalike.gallery.library import Library
from lookalike.gallery.storage.base import GalleryStorage, Item
from lookalike.imaging import MAX_PIXELS
from lookalike.paths import PathLike, absolute
from lookalike.types import CatalogueReport, Failure, Progress

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def import_catalogue(
    library: Library, path: PathLike, progress: Progress | None = None, max_pixels: int = MAX_PIXELS
) -> CatalogueReport:
    """As ``Gallery.add_catalogue``."""
    store = library.store
    table = read_catalogue(path, store.items.columns())
    lines, failed = _merged(path, table)
    folder = os.path.dirname(absolute(path))
    files = _Files(Named([row.path for row in store.every_row()], folder), folder)
    resolved = {line.code: files.resolve(f"{path}:{line.number}", line) for line in lines}
    images = add_sources(library, files.on_disk, max_pixels, False, progress)
    with store.transaction():
        before = _held(store)
        items = [_updated(line, resolved[line.code], before.get(line.code)) for line in lines]
        changed = [item for item in items if before.get(item.code) != item]
        store.items.put_columns(table.kinds)
        for item in changed:
            store.items.put(item)
    added = sum(item.code not in before for item in changed)
    return CatalogueReport(
        added=added,
        updated=len(changed) - added,
        unchanged=len(items) - len(changed),
        absent=len(before.keys() - {line.code for line in table.lines}),
        encoding=table.encoding,
        columns=table.kinds,
        without_image=tuple(store.items.without_image()),
        images=images,
        failed=(*table.failed, *failed, *files.failed, *images.failed),
    )


def _held(store: GalleryStorage) -> dict[str, Item]:
    return {item.code: item for item in store.items.of_ids(list(store.items.codes().values())).values()}


def _merged(path: PathLike, table: CatalogueTable) -> tuple[list[CatalogueLine], list[Failure]]:
    """One line for each item: lines of one id may name further files, but not another price."""
    lines: dict[str, list[CatalogueLine]] = {}
    for line in table.lines:
        lines.setdefault(line.code, []).append(line)
    merged, failed = [], []
    for code, same in lines.items():
        if other := _contradiction(same):
            where = ", ".join(str(line.number) for line in same)
            failed.append(Failure(f"{path}:{where}", f"item {code!r} is there {len(same)} times with other {other}"))
        else:
            merged.append(_joined(same))
    return merged, failed


def _contradiction(lines: Sequence[CatalogueLine]) -> str:
    """The columns in which lines of one id differ, in words."""
    names = ["title"] if len({line.title for line in lines}) > 1 else []
    columns = (name for name in lines[0].values if len({line.values[name] for line in lines}) > 1)
    return ", ".join([*names, *columns])


def _joined(lines: Sequence[CatalogueLine]) -> CatalogueLine:
    first = lines[0]
    if first.files is None:
        return first
    files = tuple(dict.fromkeys(one for line in lines for one in line.files or ()))
    return CatalogueLine(first.number, first.code, first.title, files, first.values)


def _updated(line: CatalogueLine, files: tuple[str, ...] | None, held: Item | None) -> Item:
    """An item as the line has it; where the table has no such column, as it was."""
    before = held or Item(line.code, "", (), {})
    values = {name: value for name, value in {**before.values, **line.values}.items() if value is not None}
    return Item(
        line.code,
        before.title if line.title is None else line.title,
        before.files if files is None else files,
        dict(sorted(values.items())),
    )


@dataclass(slots=True)
class _Files:
    """Which files a table means. ``on_disk``: those that are there; ``failed``: those that are nowhere."""

    named: Named
    folder: str
    on_disk: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)

    def resolve(self, place: str, line: CatalogueLine) -> tuple[str, ...] | None:
        """The paths of an item's files; of those that are not there, it is said."""
        if line.files is None:
            return None
        found = []
        for name in line.files:
            try:
                found.append(self._path(name))
            except UserError as error:
                self.failed.append(Failure(place, f"item {line.code!r}: {error}"))
        return tuple(found)

    def _path(self, name: str) -> str:
        if _ADDRESS.match(name):
            raise UserError(f"{name}: an address; nothing is loaded from the net, so save the image and name its file")
        path = next(filter(os.path.isfile, self._candidates(name)), None)
        if path is not None:
            self.on_disk.append(path)
            return path
        return self.named.path(name)

    def _candidates(self, name: str) -> Iterable[str]:
        return (absolute(os.path.join(self.folder, name)), absolute(name))
