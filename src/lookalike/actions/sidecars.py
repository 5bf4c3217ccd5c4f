"""The files beside an image that say more of it: XMP, AAE, THM, JSON, and the movie of a Live Photo.

A sidecar is named after the whole file (IMG.jpg.xmp) and then belongs to that image alone, or after its stem (IMG.xmp),
and then to every image of that stem: it stays as long as one of them does.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from lookalike.actions.stacks import is_raw
from lookalike.imaging import is_image_name

OF_THE_FILE = (".xmp", ".json", ".supplemental-metadata.json")  # behind the whole name; the latter two are Takeout's
OF_THE_STEM = (".xmp", ".aae", ".thm", ".mov", ".json")  # in place of the image's ending


@dataclass(frozen=True, slots=True)
class Sidecars:
    """Of one image. ``own``: they go where it goes. ``shared``: another image that stays needs them, so they stay."""

    own: tuple[str, ...]
    shared: tuple[str, ...]


@dataclass(slots=True)
class SidecarFinder:
    """Lists each folder once. ``leaving``: the images that are to be cleared, in their order: of those that share a
    sidecar, the last one takes it along."""

    leaving: Collection[str] = ()
    _folders: dict[str, Mapping[str, list[str]]] = field(default_factory=dict)
    _order: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._order = {path: number for number, path in enumerate(self.leaving)}

    def of(self, path: str) -> Sidecars:
        """The sidecars of the image at this path."""
        folder, name = os.path.split(path)
        stem = os.path.splitext(name)[0]
        own = list(self._named(folder, name, OF_THE_FILE))
        of_stem = [one for one in self._named(folder, stem, OF_THE_STEM) if one not in own and one != path]
        shared = self._is_needed(path, stem)
        return Sidecars((*own, *(() if shared else of_stem)), tuple(of_stem) if shared else ())

    def _is_needed(self, path: str, stem: str) -> bool:
        """Whether another image of this stem stays, or is cleared after this one."""
        folder = os.path.dirname(path)
        mine = self._order.get(path, -1)
        others = [os.path.join(folder, name) for name in self._names(folder).get(stem.casefold(), ())]
        return any(one != path and self._order.get(one, len(self._order)) > mine for one in others if _is_image(one))

    def _named(self, folder: str, base: str, endings: Collection[str]) -> Iterator[str]:
        for name in (base.casefold() + ending for ending in endings):
            found = self._names(folder).get(os.path.splitext(name)[0], ())
            yield from (os.path.join(folder, one) for one in found if one.casefold() == name)

    def _names(self, folder: str) -> Mapping[str, list[str]]:
        """Stem -> the names of the files in this folder that have it; ignores case."""
        if folder not in self._folders:
            found: dict[str, list[str]] = {}
            for name in _files(folder):
                found.setdefault(os.path.splitext(name)[0].casefold(), []).append(name)
            self._folders[folder] = found
        return self._folders[folder]


def _is_image(path: str) -> bool:
    return is_image_name(path) or is_raw(path)


def _files(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:  # an image of a folder that nobody may list has no sidecars that we could move
        return []
