"""lookalike undo [ID | --list]"""

from __future__ import annotations

import click

from lookalike.actions.journal import Action, actions
from lookalike.actions.undo import UndoReport, find_action, undo
from lookalike.cli.output import json_option, print_failures, print_json, print_table, shown
from lookalike.formatting import human_bytes, plural

WORDS = {"moved": "moved", "trashed": "to the trash", "linked": "hard links"}


@click.command()
@click.argument("name", metavar="[ID]", required=False)
@click.option("--list", "listing", is_flag=True, help="Only show what was done, the last first.")
@json_option
def command(name: str | None, listing: bool, as_json: bool) -> int:
    """Bring back what `duplicates` cleared away or `organize --move` moved: the last action, or that of ID.

    Files go back to their place from the trash or from the folder that they were moved to, with their sidecars; hard
    links become files of their own again; the gallery takes the images in again, with their labels. Nothing is
    overwritten. On macOS and Windows the trash does not say where a file lies in it: put those back by hand.

    --json prints {"action": ID, "restored": [...], "there": [...], "failed": [...]}, with --list {"actions": [...]}.
    """
    if listing:
        if name is not None:
            raise click.UsageError("--list shows all actions; leave ID out")
        _print_actions(actions(), as_json)
        return 0
    report = undo(find_action(name))
    if as_json:
        print_json(report)
    else:
        _print(report)
    return 1 if report.failed else 0


def _print_actions(found: list[Action], as_json: bool) -> None:
    if as_json:
        print_json({"actions": [_fields(one) for one in found]})
        return
    rows = [
        [
            one.id,
            one.time,
            WORDS[one.kind],
            f"{len(one.entries):,}",
            human_bytes(one.total_bytes),
            f"undone {one.undone}" if one.undone else "",
            shown(one.entries[0].files[0].source) if one.entries else "",
        ]
        for one in found
    ]
    print_table(["id", "when", "what", "images", "size", "", "first"], rows, numbers=["images", "size"])


def _fields(one: Action) -> dict[str, object]:
    names = ("id", "kind", "time", "gallery", "undone", "total_bytes", "entries")
    return {name: getattr(one, name) for name in names}


def _print(report: UndoReport) -> None:
    there = f", {len(report.there):,} at their place already" if report.there else ""
    click.echo(f"brought back {plural(len(report.restored), 'file')}{there}, {len(report.failed):,} failed")
    print_failures(report.failed)
