"""lookalike info --gallery G"""

from __future__ import annotations

import click

from lookalike.cli.output import gallery_option, json_option, print_failures, print_json, printable, shown
from lookalike.formatting import human_bytes, plural
from lookalike.gallery import Gallery, GalleryInfo


@click.command()
@gallery_option()
@json_option
def command(gallery: str, as_json: bool) -> int:
    """Show what a gallery holds: images, folders, descriptors, room on the disk, files that failed."""
    with Gallery.open(gallery) as opened:
        info = opened.info()
    if as_json:
        print_json(info)
    else:
        _print(info)
    return 0


def _print(info: GalleryInfo) -> None:
    formats = ", ".join(f"{count:,} {name}" for name, count in info.formats.items())
    lines = {
        "gallery": shown(info.path),
        "images": f"{info.images:,}" + (f" ({formats})" if formats else ""),
        "videos": f"{info.videos:,}",
        "their files": human_bytes(info.image_bytes),
        "gallery's size": human_bytes(info.disk_bytes),
        "descriptors": ", ".join(info.descriptors),
        "retention": info.retention if info.retention == "paths" else f"{info.retention}, no paths",
        "keypoints": "kept" if info.keypoints else "not kept",
        "regions": ", ".join(f"{name} of {plural(count, 'image')}" for name, count in info.regions.items()) or "none",
        "searches by": info.default_by,
        "folders": ", ".join(map(shown, info.folders)),
        "verdicts": f"{plural(info.verdicts, 'pair')} that you have judged",
        "labels": ", ".join(f"{count:,} by {printable(name)}" for name, count in info.labels.items()) or "none",
        "lacking": ", ".join(f"{plural(n, 'image')} by {printable(name)}" for name, n in info.lacking.items())
        or "none",
        "failed files": f"{len(info.failures):,}",
    }
    for name, value in lines.items():
        click.echo(f"{name:>15}  {value}")
    print_failures(info.failures)
