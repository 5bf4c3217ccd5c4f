"""lookalike index DIR... --gallery G"""

from __future__ import annotations

import os

import click

from lookalike.cli.output import gallery_option, json_option, print_failures, print_json, progress_bar, shown
from lookalike.errors import UserError
from lookalike.gallery import DEFAULT_DESCRIPTORS, Gallery
from lookalike.gallery.storage.privacy import RETENTION, Retention
from lookalike.imaging import MAX_PIXELS
from lookalike.types import AddReport


@click.command()
@click.argument("sources", metavar="DIR...", nargs=-1, type=click.Path())
@gallery_option()
@click.option("--descriptors", help=f"For a new gallery, comma-separated.  [default: {','.join(DEFAULT_DESCRIPTORS)}]")
@click.option("--keypoints", is_flag=True, help="For a new gallery: keep keypoints, 68 kB an image, to verify faster.")
@click.option(
    "--retention",
    type=click.Choice(RETENTION),
    help="For a new gallery: no paths, see docs/reference/gallery-format.md.  [default: paths]",
)
@click.option("--with", "regions", metavar="NAME", help="Also find these regions of images that lack them.")
@click.option("--refresh", is_flag=True, help="Also forget the images whose files are gone.")
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
    keypoints: bool,
    retention: Retention | None,
    regions: str | None,
    refresh: bool,
    retry: bool,
    max_pixels: int,
    as_json: bool,
) -> int:
    """Add the images in DIR... (folders and files) to a gallery, which is made if it is not there.

    Unchanged files are not read again, but by --with for the regions that they lack; that needs no DIR. Interrupted,
    the next run goes on where this one stopped.
    """
    if not sources and not regions:
        raise click.UsageError("Missing argument 'DIR...'.")
    if not sources and not os.path.exists(gallery):
        raise click.UsageError("a new gallery needs DIR...")
    with _opened(gallery, descriptors, keypoints, retention) as opened, progress_bar("indexing") as progress:
        if regions and opened.retention != "paths":
            opened.add_descriptor(regions)  # before the files are read, for it will not be possible afterwards
        report = opened.add(sources, progress=progress, max_pixels=max_pixels, retry_failed=retry)
        lacked = opened.add_descriptor(regions, progress=progress, max_pixels=max_pixels) if regions else AddReport()
        gone = opened.refresh() if refresh else []
        total = len(opened)
    if as_json:
        told = {"regions": _fields(lacked)} if regions else {}
        print_json({**_fields(report), **told, "gone": gone, "images": total})
    else:
        _print(report, gone, total, gallery)
        if regions:
            click.echo(f"{regions}: found in {lacked.updated:,} images that lacked them, {len(lacked.failed):,} failed")
            print_failures(lacked.failed)
    return 1 if report.failed or lacked.failed else 0


def _opened(path: str, descriptors: str | None, keypoints: bool, retention: Retention | None) -> Gallery:
    if os.path.exists(path):
        return _existing(path, descriptors, keypoints, retention)
    names = [name.strip() for name in descriptors.split(",")] if descriptors else DEFAULT_DESCRIPTORS
    return Gallery.create(path, descriptors=names, keypoints=keypoints, retention=retention or "paths")


def _existing(path: str, descriptors: str | None, keypoints: bool, retention: Retention | None) -> Gallery:
    if descriptors is not None:
        raise click.UsageError("--descriptors is for a new gallery; this one is there already")
    opened = Gallery.open(path)
    if keypoints and not opened.keeps_keypoints:
        opened.close()
        raise UserError(f"{path}: keeps no keypoints, for it was made without --keypoints; index into a new gallery")
    if retention is not None and retention != opened.retention:
        kept = opened.retention
        opened.close()
        raise UserError(f"{path}: keeps {kept}; to keep {retention}, index into a new gallery")
    return opened


def _fields(report: AddReport) -> dict[str, object]:
    return {name: getattr(report, name) for name in report.__dataclass_fields__}


def _print(report: AddReport, gone: list[str], total: int, gallery: str) -> None:
    counts = [f"{getattr(report, name):,} {name}" for name in ("added", "updated", "moved", "unchanged", "skipped")]
    failed = f"{len(report.failed):,} failed"
    click.echo(", ".join([*counts, failed, *([f"{len(gone):,} gone"] if gone else [])]))
    click.echo(f"{shown(os.path.abspath(gallery))} now holds {total:,} images")
    print_failures(report.failed)
