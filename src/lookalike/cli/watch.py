"""lookalike watch [DIR...] --gallery G"""

from __future__ import annotations

import json
import signal
import threading

import click

from lookalike.actions.watch import WatchReport, watch
from lookalike.cli.output import gallery_option, print_failures, shown
from lookalike.formatting import plural
from lookalike.gallery import Gallery

COUNTED = ("added", "updated", "moved")


@click.command()
@click.argument("folders", metavar="[DIR...]", nargs=-1, type=click.Path())
@gallery_option()
@click.option("--refresh", is_flag=True, help="Also forget images whose files are gone, with their labels.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line, one for each round.")
def command(folders: tuple[str, ...], gallery: str, refresh: bool, as_json: bool) -> int:
    """Keep a gallery current: add what is new or changed in DIR, as soon as it is there, until Ctrl-C.

    Without DIR the folders are watched that were added before. Images whose files are gone stay in the gallery, with
    their labels, unless --refresh is given. Needs the extra: pip install 'lookalike[watch]'.

    --json prints {"added": {...}, "forgotten": [...], "problems": [...]} for each round in which anything happened, and
    for the first; "added" is what `index` prints.
    """
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    with Gallery.open(gallery) as opened:
        for number, report in enumerate(watch(opened, folders, refresh=refresh, stop=stop)):
            if number == 0 or report.changed:
                _print(report, as_json)
    return 0


def _print(report: WatchReport, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.to_dict(), ensure_ascii=True))
        return
    counts = [f"{getattr(report.added, name):,} {name}" for name in COUNTED]
    click.echo(", ".join([*counts, f"{plural(len(report.forgotten), 'image')} forgotten"]))
    for problem in report.problems:
        click.echo(shown(problem), err=True)
    print_failures(report.added.failed)
