"""lookalike index DIR... --gallery G"""

from __future__ import annotations

from typing import Any

import click

from lookalike.cli.catalogue_report import print_catalogue
from lookalike.cli.indexing import COUNTED, Indexed, Indexing, created, existing, forget_gone, index
from lookalike.cli.output import (
    gallery_option,
    json_option,
    print_failures,
    print_json,
    print_left_out,
    say_lacking,
    shown,
    walk_options,
)
from lookalike.cli.upgrading import print_described, print_upgrade
from lookalike.errors import UserError
from lookalike.formatting import plural
from lookalike.gallery import DEFAULT_DESCRIPTORS, Gallery
from lookalike.gallery.ingest.on_ray import LOCAL
from lookalike.gallery.ingest.upgrade import UpgradeReport
from lookalike.gallery.storage.privacy import RETENTION
from lookalike.imaging import MAX_PIXELS
from lookalike.types import AddReport


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
def command(as_json: bool, **options: Any) -> int:
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
    asked = Indexing(**options)
    names, is_new = asked.names(), not Gallery.exists(asked.gallery)
    if is_new and not asked.brought:
        raise click.UsageError("a new gallery needs DIR..." if names else "Missing argument 'DIR...'.")
    upgrade = UpgradeReport() if is_new else Gallery.upgrade(asked.gallery)
    print_upgrade(upgrade)
    later = [] if is_new else names
    with created(asked) if is_new else existing(asked) as gallery:
        if not (asked.brought or later or gallery.lacking() or upgrade.replaced):
            raise click.UsageError("Missing argument 'DIR...': this gallery has nothing to be described anew.")
        done = index(gallery, asked, later)
        if asked.refresh:
            try:
                done = done.without(forget_gone(gallery, asked.force, ask=not as_json))
            except UserError:  # what was added is kept, and told first
                if not as_json:
                    _print(done, asked, gallery)
                raise
        lacking = gallery.lacking()
        if as_json:
            print_json(_document(done, gallery, upgrade))
        else:
            _print(done, asked, gallery)
        say_lacking(gallery)
    return 1 if lacking or done.has_failed else 0


def _document(done: Indexed, gallery: Gallery, upgrade: UpgradeReport) -> dict[str, object]:
    """As --help says."""
    videos = gallery.video_count
    return {
        **_fields(done.added),
        "descriptors": [{"name": name, **_fields(one)} for name, one in done.backfilled.items()],
        "gone": done.gone,
        "images": len(gallery) - videos,
        "videos": videos,
        "upgrade": upgrade,
        "described": _fields(done.described) | {"lacking": gallery.lacking()},
        **({"catalogue": done.catalogue} if done.catalogue else {}),
    }


def _fields(report: AddReport) -> dict[str, object]:
    return {name: getattr(report, name) for name in report.__dataclass_fields__}


def _print(done: Indexed, asked: Indexing, gallery: Gallery) -> None:
    if done.catalogue:
        print_catalogue(done.catalogue)
    if asked.sources or asked.frames or asked.refresh or not done.catalogue:
        _print_added(done.added, len(done.gone), gallery)
    print_described(done.lacked, done.described)
    for name, one in done.backfilled.items():
        click.echo(f"{name}: computed for {plural(one.updated, 'image')} without it, {len(one.failed):,} failed")
        print_failures(one.failed)


def _print_added(report: AddReport, gone: int, gallery: Gallery) -> None:
    counts = [f"{getattr(report, name):,} {name}" for name in COUNTED]
    click.echo(", ".join([*counts, f"{len(report.failed):,} failed", *([f"{gone:,} gone"] if gone else [])]))
    videos = gallery.video_count
    held = plural(len(gallery) - videos, "image") + (f" and {plural(videos, 'video')}" if videos else "")
    click.echo(f"{shown(gallery.place)} now holds {held}")
    print_left_out(report.skipped, report.left_out)
    print_failures(report.failed)
