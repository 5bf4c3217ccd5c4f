"""The work of `lookalike index`: what its options ask for, the gallery, what is added and described, what is gone."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

import click

from lookalike.cli.output import confirmed, progress_bar, shown
from lookalike.descriptors import get
from lookalike.errors import UserError
from lookalike.formatting import plural
from lookalike.gallery import DEFAULT_DESCRIPTORS, Gallery
from lookalike.gallery.ingest.refresh import away_in_words
from lookalike.gallery.ingest.scan_elsewhere import is_listed
from lookalike.gallery.storage.privacy import Retention
from lookalike.paths import is_url
from lookalike.types import AddReport, CatalogueReport, Progress

GONE_SHOWN = 10
COUNTED = ("added", "updated", "moved", "unchanged", "skipped")  # of an AddReport


@dataclass(frozen=True, slots=True)
class Indexing:
    """What the options ask for, each under its name."""

    sources: tuple[str, ...]
    gallery: str
    descriptors: str | None
    also: str | None
    keypoints: bool
    retention: Retention | None
    refresh: bool
    force: bool
    frames: tuple[str, ...]
    fps: float | None
    catalogue: str | None
    exclude: tuple[str, ...]
    include: tuple[str, ...]
    ray: str | None
    retry: bool
    max_pixels: int

    @property
    def brought(self) -> tuple[str, ...]:
        """All files and folders that were named."""
        return (*self.sources, *self.frames, *((self.catalogue,) if self.catalogue else ()))

    def names(self, default: Sequence[str] = ()) -> list[str]:
        """The descriptors that were asked for. Raises UserError if one is not known."""
        asked = self.descriptors.split(",") if self.descriptors else list(default)
        found = list(dict.fromkeys(name.strip() for name in (*asked, *((self.also,) if self.also else ()))))
        for name in found:
            get(name)
        return found


@dataclass(frozen=True, slots=True)
class Indexed:
    """What became of it. ``added``: of the files; ``backfilled``: of descriptors that were asked for of an existing
    gallery; ``described``: of those that it lacked (``lacked``); ``gone``: images that were forgotten."""

    added: AddReport
    catalogue: CatalogueReport | None
    backfilled: dict[str, AddReport]
    described: AddReport
    lacked: dict[str, int]
    gone: list[str] = field(default_factory=list)

    def without(self, gone: list[str]) -> Indexed:
        """Once these images are forgotten: they lack nothing."""
        failed = tuple(one for one in self.described.failed if one.path not in set(gone))
        return replace(self, described=replace(self.described, failed=failed), gone=gone)

    @property
    def has_failed(self) -> bool:
        """Whether anything that was asked for could not be done."""
        reports = (self.added, self.catalogue, *self.backfilled.values())
        return any(one is not None and one.failed for one in reports)


def created(asked: Indexing) -> Gallery:
    """A new gallery. Raises UserError where there is nothing to be indexed at all."""
    if not any(is_listed(source) if is_url(source) else os.path.lexists(source) for source in asked.brought):
        raise UserError(f"{asked.brought[0]}: no such file or folder; no gallery was made")
    names = asked.names(DEFAULT_DESCRIPTORS)
    return Gallery.create(asked.gallery, names, keypoints=asked.keypoints, retention=asked.retention or "paths")


def existing(asked: Indexing) -> Gallery:
    """The gallery that is there. Raises UserError where it is not of the kind that was asked for."""
    path, gallery = asked.gallery, Gallery.open(asked.gallery)
    kept = gallery.retention
    if asked.keypoints and not gallery.keeps_keypoints:
        gallery.close()
        raise UserError(f"{path}: keeps no keypoints, for it was made without --keypoints; index into a new gallery")
    if asked.retention not in (None, kept):
        gallery.close()
        raise UserError(f"{path}: keeps {kept}; to keep {asked.retention}, index into a new gallery")
    return gallery


def index(gallery: Gallery, asked: Indexing, later: Sequence[str]) -> Indexed:
    """Read and describe all that is new. ``later``: descriptors that the gallery is to hold as well."""
    lacked = dict(gallery.lacking())
    with progress_bar("indexing") as progress:
        if gallery.retention != "paths":  # before the files are read, for it will not be possible afterwards
            for name in later:
                gallery.add_descriptor(name)
        added = _add(gallery, asked, progress)
        most = asked.max_pixels
        items = gallery.add_catalogue(asked.catalogue, progress=progress, max_pixels=most) if asked.catalogue else None
        backfilled = {name: gallery.add_descriptor(name, progress=progress, max_pixels=most) for name in later}
        described = gallery.describe_lacking(progress=progress, max_pixels=most)
    return Indexed(added, items, backfilled, described, lacked)


def _add(gallery: Gallery, asked: Indexing, progress: Progress) -> AddReport:
    files = gallery.add(
        asked.sources,
        progress=progress,
        max_pixels=asked.max_pixels,
        retry_failed=asked.retry,
        exclude=asked.exclude or None,
        include=asked.include or None,
        ray=asked.ray,
    )
    videos = (gallery.add_frames(folder, fps=asked.fps, progress=progress) for folder in asked.frames)
    return reduce(_together, videos, files)


def _together(first: AddReport, second: AddReport) -> AddReport:
    counts = {name: getattr(first, name) + getattr(second, name) for name in COUNTED}
    return replace(first, **counts, failed=first.failed + second.failed)


def forget_gone(gallery: Gallery, force: bool, ask: bool) -> list[str]:
    """Forget what is gone, once it is said and confirmed. Raises UserError where nobody confirms it."""
    missing = gallery.missing_files()
    if missing.away and not missing.gone and not force:
        raise UserError(away_in_words(missing.away))
    if missing.away:
        click.echo(f"kept: {away_in_words(missing.away)}", err=True)
    if missing.gone and not force:
        _print_gone(missing.gone)
        what = f"{plural(len(missing.gone), 'image')} with their labels"
        if not confirmed(f"Forget {what}?", ask):
            raise UserError(f"{what} would be forgotten; nothing was. --refresh --force does it")
    _offer_left_out(gallery, missing.left_out, ask)
    gallery.remove(missing.gone)  # what was confirmed, and nothing that went away meanwhile
    return list(missing.gone)


def _offer_left_out(gallery: Gallery, paths: Sequence[str], ask: bool) -> None:
    """Images that were taken in before their folder was left out stay, unless a person says otherwise."""
    if not paths:
        return
    what = f"{plural(len(paths), 'image')} in what is left out by now"
    click.echo(f"kept: {what}, such as {shown(paths[0])}", err=True)
    if confirmed(f"Forget {what}, with their labels?", ask):
        gallery.remove(paths)


def _print_gone(paths: Sequence[str]) -> None:
    """How many of which folder, the most first; one that is there and empty may be a drive that is not mounted."""
    folders = Counter(map(os.path.dirname, paths)).most_common()
    for folder, count in folders[:GONE_SHOWN]:
        hint = ", an empty folder: is its drive mounted?" if os.path.isdir(folder) and not os.listdir(folder) else ""
        click.echo(f"  gone  {plural(count, 'image')} of {shown(folder)}{hint}", err=True)
    if len(folders) > GONE_SHOWN:
        click.echo(f"  ... and of {len(folders) - GONE_SHOWN} more folders", err=True)
