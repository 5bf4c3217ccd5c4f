"""lookalike evaluate DIR"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from lookalike.cli.output import json_option, print_failures, print_json, print_table, progress_bar, shown
from lookalike.evaluation import (
    QUERIES,
    ClassReport,
    ClassScore,
    CopyReport,
    class_of,
    evaluate_classes,
    evaluate_copies,
)
from lookalike.evaluation.ranking_metrics import FALSE_SHARE
from lookalike.gallery.ingest.scan import Found, walk
from lookalike.types import Failure, to_json

COPY_COLUMNS = ("by", "micro-AP", "recall", "recall@1", "recall@10", "at precision 0.9", "ROC AUC", "equal error")
CLASS_COLUMNS = ("by", "mAP", "recall@1", "recall@10")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False))
@click.option("--by", help="Descriptors and blend, comma-separated.  [default: all]")
@click.option(
    "--protocol",
    type=click.Choice(["copies", "classes"]),
    help="What is looked for.  [default: classes if two sub-folders hold images, else copies]",
)
@click.option(
    "--queries",
    type=click.IntRange(min=1),
    help=f"Images that are looked for.  [default: {QUERIES} for copies, all for classes]",
)
@click.option(
    "--foreign",
    type=click.Path(exists=True, file_okay=False),
    help="Images without a copy in DIR.  [default: a fifth of DIR, at most 500]",
)
@click.option(
    "--one-in",
    type=click.IntRange(min=1),
    default=round(1 / FALSE_SHARE),
    show_default=True,
    help="For the recall of copies: at most one foreign image in so many may match.",
)
@click.option("--report", type=click.Path(dir_okay=False), help="Also write an HTML page with tables and curves.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="For all that is drawn by lot.")
@json_option
def command(
    folder: str,
    by: str | None,
    protocol: str | None,
    queries: int | None,
    foreign: str | None,
    one_in: int,
    report: str | None,
    seed: int,
    as_json: bool,
) -> int:
    """Measure how well each descriptor does on the images in DIR.

    copies: a sample of them is edited in 45 ways, and looked for in DIR. classes: each sub-folder is a class, and
    every image looks for the others of its class. Nothing in DIR is changed.
    """
    files, failed = _listed(folder)
    if (protocol or _usual(folder, files)) == "classes":
        if foreign:
            raise click.UsageError("--foreign is for copies: add --protocol copies, or leave it out")
        classes = _classes(folder, files, by, queries, seed)
        return _told(classes, (*failed, *classes.failed), report, as_json)
    strangers, failed_too = _listed(foreign) if foreign else (None, [])
    copies = _copies(files, by, queries, strangers, 1 / one_in, seed)
    return _told(copies, (*failed, *failed_too, *copies.failed), report, as_json)


def _listed(folder: str) -> tuple[list[str], list[Failure]]:
    listed = list(walk([folder]))
    return [one.path for one in listed if isinstance(one, Found)], [one for one in listed if isinstance(one, Failure)]


def _usual(folder: str, files: Sequence[str]) -> str:
    return "classes" if len({class_of(folder, file) for file in files} - {None}) >= 2 else "copies"


def _names(by: str | None) -> list[str] | None:
    return None if by is None else [name.strip() for name in by.split(",") if name.strip()]


def _copies(
    files: list[str], by: str | None, queries: int | None, foreign: list[str] | None, false_share: float, seed: int
) -> CopyReport:
    with progress_bar("evaluating") as progress:
        return evaluate_copies(
            files,
            _names(by),
            foreign=foreign,
            queries=queries or QUERIES,
            false_share=false_share,
            seed=seed,
            progress=progress,
        )


def _classes(folder: str, files: list[str], by: str | None, queries: int | None, seed: int) -> ClassReport:
    with progress_bar("evaluating") as progress:
        return evaluate_classes(folder, files, _names(by), queries=queries, seed=seed, progress=progress)


# --- what is printed


def _told(result: CopyReport | ClassReport, failed: tuple[Failure, ...], report: str | None, as_json: bool) -> int:
    if report:
        from lookalike.evaluation.page import write_page

        write_page(Path(report), result, failed)
        click.echo(f"report: {shown(report)}", err=True)
    if as_json:
        protocol = "copies" if isinstance(result, CopyReport) else "classes"
        print_json({"protocol": protocol, **to_json(result), "failed": failed})
        return 1 if failed else 0
    if isinstance(result, CopyReport):
        _print_copies(result)
    else:
        _print_classes(result)
    print_failures(failed)
    return 1 if failed else 0


def _print_copies(report: CopyReport) -> None:
    click.echo(
        f"{report.library:,} images, {report.queries:,} of them edited in {len(report.scores[0].by_edit)} ways; "
        f"{report.foreign:,} foreign ones"
    )
    rows = [
        (
            one.by,
            *map(_percent, (one.micro_average_precision, one.recall, one.recall_at_1, one.recall_at_10)),
            *map(_percent, (one.recall_at_precision, one.roc_auc, one.equal_error_rate)),
        )
        for one in report.scores
    ]
    print_table(COPY_COLUMNS, rows, COPY_COLUMNS[1:])
    click.echo(f"recall: copies below the distance that {report.allowed:,} of the foreign images pass")


def _print_classes(report: ClassReport) -> None:
    click.echo(f"{report.images:,} images in {len(report.classes):,} classes, {report.queries:,} queries")
    columns = (*CLASS_COLUMNS, *(f"{few.examples} labelled" for few in report.chance.few_labels))
    print_table(columns, [_class_row(one, report) for one in (*report.scores, report.chance)], columns[1:])
    click.echo("labelled: so many examples of each class tell the others, by the nearest class mean; mean of 10 draws")


def _class_row(one: ClassScore, report: ClassReport) -> tuple[str, ...]:
    told = [
        _percent(few.mean) + ("" if one is report.chance else f" ± {100 * few.deviation:.1f}") for few in one.few_labels
    ]
    missing = [""] * (len(report.chance.few_labels) - len(told))
    return (one.by, *map(_percent, (one.mean_average_precision, one.recall_at_1, one.recall_at_10)), *told, *missing)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
