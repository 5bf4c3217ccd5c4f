"""What all verbs share: results to stdout, everything else to stderr, JSON with the field names of the types.

With ``--json`` every verb prints one object on one line, however many images it was about: what there is any number of
is a list in it, such as "hits", "groups" or "failed".
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from lookalike.gallery.ingest.leave_out import REASONS, LeaveOut
from lookalike.paths import WalkPatterns
from lookalike.types import Failure, Progress, to_json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from lookalike.gallery import Gallery

FAILURES_SHOWN = 20
UNFOLDED = 100_000  # columns of a table that goes to a file or another program: one line per row

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object to stdout, with the library's field names."
)


def gallery_option(required: bool = True) -> Callable[[Any], Any]:
    """``--gallery``, the same for every verb."""
    return click.option(
        "-g",
        "--gallery",
        required=required,
        envvar="LOOKALIKE_GALLERY",
        type=click.Path(path_type=str),
        help="The gallery: its folder, or a URL such as postgresql://HOST/DB?gallery=NAME.  [env: LOOKALIKE_GALLERY]",
    )


def walk_options(command: Any) -> Any:
    """``--exclude`` and ``--include``, the same for every verb that walks folders."""
    syntax = "as in .gitignore, relative to DIR; may be repeated."
    exclude = click.option(
        "--exclude", multiple=True, metavar="PATTERN", callback=_parsed, help=f"Leave these out: {syntax}"
    )
    include = click.option(
        "--include",
        multiple=True,
        callback=_parsed,
        metavar="PATTERN",
        help=f"Bring back what is left out by default, {syntax} '.*' brings back hidden files; "
        "trash and a system's own files come back by their full name.",
    )
    return exclude(include(command))


def _parsed(ctx: click.Context, option: click.Parameter, patterns: tuple[str, ...]) -> tuple[str, ...]:  # noqa: ARG001  click's signature
    """They parse, or it is an error before anything is made or read."""
    LeaveOut("", WalkPatterns(patterns))
    return patterns


def print_json(value: Mapping[str, Any] | DataclassInstance) -> None:
    """One JSON object on one line. File names that are no UTF-8 keep their bytes as \\udcXX escapes."""
    click.echo(json.dumps(to_json(value), allow_nan=False))


def shown(path: str) -> str:
    """A path for people: relative where that is shorter, one line, nothing that a terminal would obey."""
    near = os.path.relpath(path) if path.startswith(os.getcwd() + os.sep) else path
    return printable(near)


def printable(text: str) -> str:
    """One line of text, with whatever a terminal cannot show or would obey as an escape."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str] = ()) -> None:
    """A plain table on stdout; the ``numbers`` columns are aligned to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console()
    if not console.is_terminal:
        console.width = UNFOLDED
    console.print(table)


def confirmed(question: str, ask: bool = True) -> bool:
    """What a person answers, no by default; without a terminal, or where none is to be asked, no."""
    return ask and has_terminal() and click.confirm(question, err=True)


def has_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()


def print_left_out(skipped: int, left_out: Mapping[str, int]) -> None:
    """On stderr, how many files and folders were not taken for images, and why."""
    counts = [f"{count:,} {REASONS[reason]}" for reason, count in sorted(left_out.items())]
    if skipped:
        counts.append(f"{skipped:,} no image")
    if counts:
        click.echo(f"left out: {', '.join(counts)}", err=True)


def print_failures(failures: Sequence[Failure]) -> None:
    """The files that could not be used, on stderr."""
    for failure in failures[:FAILURES_SHOWN]:
        click.echo(f"  failed  {shown(failure.path)}: {printable(failure.reason)}", err=True)
    if len(failures) > FAILURES_SHOWN:
        click.echo(f"  ... and {len(failures) - FAILURES_SHOWN} more (--json lists them all)", err=True)


def say_lacking(gallery: Gallery) -> None:
    """On stderr, how many images are not found by which descriptors, while a gallery is described anew."""
    if lacking := gallery.lacking():
        counts = ", ".join(f"{count:,} by {printable(name)}" for name, count in lacking.items())
        folders = "" if gallery.retention == "paths" else "DIR... "
        click.echo(
            f"incomplete: of the images that are described anew, some are not found yet: {counts}; "
            f"lookalike index {folders}--gallery {shown(gallery.place)} goes on",
            err=True,
        )


@contextmanager
def progress_bar(what: str) -> Iterator[Progress]:
    """A progress bar on stderr, nothing where stderr is no terminal; gives a function (done, total)."""
    if not sys.stderr.isatty():  # rich takes its time to import
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
