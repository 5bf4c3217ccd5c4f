"""lookalike roots list | move | forget"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from lookalike.cli.output import confirmed, gallery_option, json_option, print_json, print_table, printable, shown
from lookalike.errors import UserError
from lookalike.formatting import plural
from lookalike.gallery import Gallery
from lookalike.gallery.ingest.roots import Root
from lookalike.paths import absolute, composed


@click.group()
def command() -> None:
    """List, move and forget the folders that were added to a gallery."""


@command.command("list")
@gallery_option()
@json_option
def list_roots(gallery: str, as_json: bool) -> int:
    """Print the folders, how many images each has, whether it is there, and what is left out of it.

    --json prints {"roots": [{"path": ..., "images": N, "there": true, "exclude": [...], "include": [...]}, ...]}.
    """
    with Gallery.open(gallery) as opened:
        roots = opened.roots()
    if as_json:
        print_json({"roots": roots})
    else:
        _print(roots)
    return 0


def _print(roots: Sequence[Root]) -> None:
    rows = [
        [
            shown(one.path),
            f"{one.images:,}",
            "there" if one.there else "gone or empty",
            printable("  ".join([*(f"exclude {p}" for p in one.exclude), *(f"include {p}" for p in one.include)])),
        ]
        for one in roots
    ]
    print_table(["folder", "images", "state", "patterns"], rows, numbers=["images"])


@command.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@gallery_option()
@click.option("--force", is_flag=True, help="Even if none of its images lies in NEW.")
@json_option
def move(old: Path, new: Path, gallery: str, force: bool, as_json: bool) -> int:
    """The folder OLD now lies at NEW: its images keep labels, verdicts and vectors, and are not read again.

    Move the files first. --json prints {"old": ..., "new": ..., "images": N, "missing": N}.
    """
    with Gallery.open(gallery) as opened:
        moved = opened.move_root(old, new, force=force)
    if as_json:
        print_json({"old": absolute(old), "new": absolute(new), "images": moved.images, "missing": moved.missing})
    else:
        missing = f"; {moved.missing:,} of them are not there" if moved.missing else ""
        click.echo(f"{plural(moved.images, 'image')} now below {shown(absolute(new))}{missing}")
    return 0


@command.command()
@click.argument("root", type=click.Path(path_type=Path))
@gallery_option()
@click.option("--force", is_flag=True, help="Without asking.")
@json_option
def forget(root: Path, gallery: str, force: bool, as_json: bool) -> int:
    """Forget the folder ROOT, its images and their labels. The files stay where they are.

    --json prints {"root": ..., "forgotten": N}, and needs --force.
    """
    with Gallery.open(gallery) as opened:
        count = next((one.images for one in opened.roots() if composed(one.path) == composed(absolute(root))), None)
        if count is None:
            raise UserError(f"{root}: no folder of this gallery; roots list shows them")
        what = f"{plural(count, 'image')} of {shown(absolute(root))} with their labels"
        if not force and not confirmed(f"Forget {what}?", ask=not as_json):
            raise UserError(f"{what} would be forgotten; nothing was. --force does it")
        forgotten = opened.forget_root(root)
    if as_json:
        print_json({"root": absolute(root), "forgotten": forgotten})
    else:
        click.echo(f"forgot {plural(forgotten, 'image')}")
    return 0
