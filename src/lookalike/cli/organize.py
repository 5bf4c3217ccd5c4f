"""lookalike organize --gallery G --to DIR"""

from __future__ import annotations

import click

from lookalike.actions.organize import MovePlan, OrganizeReport, Way, folder_name, organize, plan_moves
from lookalike.cli.output import (
    gallery_option,
    json_option,
    print_failures,
    print_json,
    print_table,
    printable,
    progress_bar,
)
from lookalike.gallery import Gallery
from lookalike.types import to_json

PAST: dict[Way, str] = {"copy": "copied", "link": "linked", "move": "moved"}


@click.command("organize")
@gallery_option()
@click.option("--to", "folder", required=True, type=click.Path(file_okay=False), help="The folder of these folders.")
@click.option("--copy", "way", flag_value="copy", default="copy", help="Copy the files.  [default]")
@click.option("--link", "way", flag_value="link", help="Link them: they take no room, and stay where they are as well.")
@click.option("--move", "way", flag_value="move", help="Move them; the gallery learns where they went.")
@click.option("--where", help="Only these images, for instance: label_probability > 0.8")
@click.option("--unlabelled", metavar="NAME", help="A folder for images without a label; otherwise they stay.")
@click.option("--yes", is_flag=True, help="Do it; otherwise you see what would be done.")
@json_option
def command(
    gallery: str, folder: str, way: Way, where: str | None, unlabelled: str | None, yes: bool, as_json: bool
) -> int:
    """Copy, link or move the images of a gallery into one folder per label.

    Without --yes nothing is touched. Nothing is ever overwritten: a name that is taken gets a number, and a file whose
    content lies in its folder already is left alone, so that an interrupted run is simply run again.
    """
    with Gallery.open(gallery) as opened:
        plan = plan_moves(opened, folder, way, where=where, unlabelled=unlabelled)
        done = None
        if yes:
            with progress_bar("organizing") as progress:
                done = organize(opened, plan, progress)
    if as_json:
        print_json({**to_json(plan), "counts": plan.counts, "organized": to_json(done)})
    else:
        _print(plan, done)
    failures = (*plan.failed, *(done.failed if done else ()))
    if not as_json:
        print_failures(failures)
    return 1 if failures else 0


def _print(plan: MovePlan, done: OrganizeReport | None) -> None:
    rows = [[printable(label), printable(folder_name(label)), f"{n:,}"] for label, n in plan.counts.items()]
    if rows:
        print_table(["label", "folder", "files"], rows, numbers=["files"])
    moved = f"{len(done.done):,} {PAST[plan.way]}" if done else f"{len(plan.steps):,} to {plan.way}"
    click.echo(f"{moved}, {plan.there:,} there already, {plan.unlabelled:,} without a label stay")
    if not done:
        click.echo("dry run: nothing was changed; add --yes to do it", err=True)
