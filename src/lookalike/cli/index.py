"""lookalike index DIR... --gallery G"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import click

from lookalike.cli.catalogue_report import print_catalogue
from lookalike.cli.output import (
    confirmed,
    gallery_option,
    json_option,
    print_failures,
    print_json,
    print_left_out,
    progress_bar,
    say_lacking,
    shown,
    walk_options,
)
from lookalike.cli.upgrading import print_described, print_upgrade
from lookalike.descriptors import get
from lookalike.errors import UserError
from lookalike.formatting import plural
from lookalike.gallery import DEFAULT_DESCRIPTORS, Gallery
from lookalike.gallery.ingest.on_ray import LOCAL
from lookalike.gallery.ingest.refresh import away_in_words
from lookalike.gallery.ingest.scan_elsewhere import is_listed
from lookalike.gallery.ingest.upgrade import UpgradeReport
from lookalike.gallery.storage.privacy import RETENTION, Retention
from lookalike.imaging import MAX_PIXELS
from lookalike.paths import is_url
from lookalike.types import AddReport

GONE_SHOWN = 10
COUNTED = ("added", "updated", "moved", "unchanged", "skipped")  # of an AddReport


@click.command()
@click.argument("sources", metavar="DIR...", nargs=-1, type=click.Path())
@gallery_option()
@click.option(
    "--descriptors",
    metavar="NAMES",
    help="Comma-separated: all that a new gallery holds, or what an existing one is to hold as well.  "
    f"[default: {','.join(DEFAULT_DESCRIPTORS)}]",
)
@click.option("--with", "also", metavar="NAME", help="A descriptor beside the default ones.")
@click.option("--keypoints", is_flag=True, help="For a new gallery: keep keypoints, 68 kB an image, to verify faster.")
@click.option(
    "--retention",
    type=click.Choice(RETENTION),
    help="For a new gallery: no paths, see docs/reference/gallery-format.md.  [default: paths]",
)
@click.option("--refresh", is_flag=True, help="Also forget the images whose files are gone; asks first.")
@click.option("--force", is_flag=True, help="With --refresh: without asking, and although a folder is away.")
@click.option(
    "--frames", metavar="DIR", multiple=True, type=click.Path(), help="A folder of numbered frames: one video."
)
@click.option("--fps", type=float, help="Frames a second of --frames.  [default: 25]")
@click.option(
    "--catalogue",
    metavar="CSV",
    type=click.Path(dir_okay=False),
    help="A table of items: id, title, file, price, any columns.",
)
@walk_options
@click.option(
    "--ray",
    metavar="[ADDRESS]",
    is_flag=False,
    flag_value=LOCAL,
    help="Describe on a Ray cluster; without ADDRESS on this machine's. Needs the extra `ray`.",
)
@click.option("--retry", is_flag=True, help="Try files that failed before once more.")
@click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    default=MAX_PIXELS,
    show_default=True,
    help="Refuse images that need more pixels in memory.",
)
@json_option
def command(
    sources: tuple[str, ...],
    gallery: str,
    descriptors: str | None,
    also: str | None,
    keypoints: bool,
    retention: Retention | None,
    refresh: bool,
    force: bool,
    frames: tuple[str, ...],
    fps: float | None,
    catalogue: str | None,
    exclude: tuple[str, ...],
    include: tuple[str, ...],
    ray: str | None,
    retry: bool,
    max_pixels: int,
    as_json: bool,
) -> int:
    """Add the images and videos in DIR... (folders and files) to a gallery, which is made if it is not there.

    DIR may also be a zip or tar archive, or an address: s3://bucket/prefix, an index page or a list on a web server
    (docs/how-to/files-elsewhere.md); these need the extra `remote`.

    Unchanged files are not read again. --descriptors and --with add to an existing gallery what it does not hold yet:
    the images that lack it are read once, and DIR may be left out. Interrupted, the next run goes on where this one
    stopped. Trash folders, hidden files, what systems put beside images (@eaDir, ._*, Thumbs.db) and folders that hold
    a file named .lookalike-ignore are left out and counted, unless DIR names them. The patterns of --exclude and
    --include are remembered with DIR; --exclude '' forgets them.

    --ray hands the files to a Ray cluster, whose nodes must reach them by the same paths (docs/how-to/ray.md).

    --refresh never forgets the images of a folder that is gone or empty, for its drive may not be mounted: `lookalike
    roots move` tells where it is now, `lookalike roots forget` forgets it.

    --catalogue says what a shop knows of its items, one a line, with the column "id"; "file" names images, seen from
    the table's folder, several separated by ";" or on further lines with that id. Columns that the table has not, and
    items that it does not name, stay as they were, and known images are not read again. `lookalike recommend` uses it.

    A gallery of an earlier version of Lookalike, or of a model, is described anew: only vectors, and what was fitted to
    them, are replaced, and DIR may be left out.

    --json prints {"added": N, ..., "failed": [...], "descriptors": [{"name": ..., "updated": N, ..., "failed": [...]}],
    "gone": [...], "images": N, "videos": N, "upgrade": {...}, "described": {...}}; "descriptors" are those that were
    asked for of an existing gallery. With --catalogue, "catalogue" is what became of its items.
    """
    asked = _names(descriptors, also)
    is_new = not Gallery.exists(gallery)
    if not (sources or frames or catalogue) and is_new:
        raise click.UsageError("a new gallery needs DIR..." if asked else "Missing argument 'DIR...'.")
    upgraded = UpgradeReport() if is_new else Gallery.upgrade(gallery)
    print_upgrade(upgraded)
    opened = (
        _created(gallery, (*sources, *frames, *_listed(catalogue)), descriptors, also, keypoints, retention)
        if is_new
        else _existing(gallery, keypoints, retention)
    )
    later = [] if is_new else asked
    with opened:
        lacking = opened.lacking()
        if not (sources or frames or catalogue or asked or lacking or upgraded.replaced):
            raise click.UsageError("Missing argument 'DIR...': this gallery has nothing to be described anew.")
        with progress_bar("indexing") as progress:
            if opened.retention != "paths":  # before the files are read, for it will not be possible afterwards
                for name in later:
                    opened.add_descriptor(name)
            report = opened.add(
                sources,
                progress=progress,
                max_pixels=max_pixels,
                retry_failed=retry,
                exclude=exclude or None,
                include=include or None,
                ray=ray,
            )
            for folder in frames:
                report = _together(report, opened.add_frames(folder, fps=fps, progress=progress))
            items = opened.add_catalogue(catalogue, progress=progress, max_pixels=max_pixels) if catalogue else None
            backfilled = {name: opened.add_descriptor(name, progress=progress, max_pixels=max_pixels) for name in later}
            described = opened.describe_lacking(progress=progress, max_pixels=max_pixels)
        try:
            gone = _refreshed(opened, force, as_json) if refresh else []
        except UserError:  # what was added is kept, and told first
            if not as_json:
                _print(report, [], opened)
                print_described(lacking, described)
            raise
        described = replace(described, failed=tuple(one for one in described.failed if one.path not in set(gone)))
        videos, left = opened.video_count, opened.lacking()
        images = len(opened) - videos
        if as_json:
            again = {"upgrade": upgraded, "described": _fields(described) | {"lacking": left}}
            later_ones = [{"name": name, **_fields(one)} for name, one in backfilled.items()]
            print_json(
                {
                    **_fields(report),
                    "descriptors": later_ones,
                    "gone": gone,
                    "images": images,
                    "videos": videos,
                    **again,
                    **({"catalogue": items} if items else {}),
                }
            )
        else:
            if items:
                print_catalogue(items)
            if sources or frames or refresh or not items:
                _print(report, gone, opened)
            print_described(lacking, described)
            for name, one in backfilled.items():
                _print_backfilled(name, one)
        say_lacking(opened)
    return (
        1 if left or report.failed or (items and items.failed) or any(one.failed for one in backfilled.values()) else 0
    )


def _listed(catalogue: str | None) -> tuple[str, ...]:
    return () if catalogue is None else (catalogue,)


def _names(descriptors: str | None, also: str | None) -> list[str]:
    """What was asked for, each known: a wrong name is an error before anything is made or read."""
    names = [*(descriptors.split(",") if descriptors else []), *([also] if also else [])]
    found = list(dict.fromkeys(name.strip() for name in names))
    for name in found:
        get(name)
    return found


def _created(
    path: str,
    sources: Sequence[str],
    descriptors: str | None,
    also: str | None,
    keypoints: bool,
    retention: Retention | None,
) -> Gallery:
    """A new gallery, if there is something to be indexed at all."""
    if not any(is_listed(source) if is_url(source) else os.path.lexists(source) for source in sources):
        raise UserError(f"{sources[0]}: no such file or folder; no gallery was made")
    names = _names(descriptors or ",".join(DEFAULT_DESCRIPTORS), also)
    return Gallery.create(path, descriptors=names, keypoints=keypoints, retention=retention or "paths")


def _existing(path: str, keypoints: bool, retention: Retention | None) -> Gallery:
    opened = Gallery.open(path)
    if keypoints and not opened.keeps_keypoints:
        opened.close()
        raise UserError(f"{path}: keeps no keypoints, for it was made without --keypoints; index into a new gallery")
    if retention is not None and retention != opened.retention:
        kept = opened.retention
        opened.close()
        raise UserError(f"{path}: keeps {kept}; to keep {retention}, index into a new gallery")
    return opened


def _refreshed(gallery: Gallery, force: bool, as_json: bool) -> list[str]:
    """Forget what is gone, once it is said and confirmed. Raises UserError where nobody confirms it."""
    missing = gallery.missing_files()
    if missing.away and not missing.gone and not force:
        raise UserError(away_in_words(missing.away))
    if missing.away:
        click.echo(f"kept: {away_in_words(missing.away)}", err=True)
    if missing.gone and not force:
        _print_gone(missing.gone)
        what = f"{plural(len(missing.gone), 'image')} with their labels"
        if not confirmed(f"Forget {what}?", ask=not as_json):
            raise UserError(f"{what} would be forgotten; nothing was. --refresh --force does it")
    _offer_left_out(gallery, missing.left_out, ask=not as_json)
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


def _together(first: AddReport, second: AddReport) -> AddReport:
    counts = {name: getattr(first, name) + getattr(second, name) for name in COUNTED}
    return replace(first, **counts, failed=first.failed + second.failed)


def _fields(report: AddReport) -> dict[str, object]:
    return {name: getattr(report, name) for name in report.__dataclass_fields__}


def _print(report: AddReport, gone: list[str], opened: Gallery) -> None:
    counts = [f"{getattr(report, name):,} {name}" for name in COUNTED]
    failed = f"{len(report.failed):,} failed"
    click.echo(", ".join([*counts, failed, *([f"{len(gone):,} gone"] if gone else [])]))
    videos = opened.video_count
    held = plural(len(opened) - videos, "image") + (f" and {plural(videos, 'video')}" if videos else "")
    click.echo(f"{shown(opened.place)} now holds {held}")
    print_left_out(report.skipped, report.left_out)
    print_failures(report.failed)


def _print_backfilled(name: str, report: AddReport) -> None:
    click.echo(f"{name}: computed for {plural(report.updated, 'image')} without it, {len(report.failed):,} failed")
    print_failures(report.failed)
