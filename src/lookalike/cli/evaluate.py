"""lookalike evaluate DIR"""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import click

from lookalike.cli.output import (
    json_option,
    print_failures,
    print_json,
    print_left_out,
    print_table,
    printable,
    progress_bar,
    shown,
    walk_options,
)
from lookalike.evaluation import (
    QUERIES,
    ClassReport,
    ClassScore,
    CopyReport,
    Protocol,
    ProtocolChoice,
    at_chance,
    choose_protocol,
    evaluate_classes,
    evaluate_copies,
)
from lookalike.evaluation.ranking_metrics import FALSE_MATCH_RATE
from lookalike.gallery.ingest.leave_out import LeaveOut
from lookalike.gallery.ingest.listed import LeftOut, ListedFile, Skipped
from lookalike.gallery.ingest.scan import walk
from lookalike.paths import WalkPatterns
from lookalike.types import Failure, to_json

COPY_COLUMNS = ("by", "micro-AP", "recall", "recall@1", "recall@10", "at precision 0.9", "ROC AUC", "equal error")
CLASS_COLUMNS = ("by", "mAP", "recall@1", "recall@10")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False))
@click.option("--by", help="Descriptors and blend, comma-separated.  [default: all]")
@click.option(
    "--protocol",
    type=click.Choice(["copies", "classes"]),
    help="Edited copies, or classes of images.  [default: classes if two sub-folders hold images, else copies]",
)
@click.option(
    "--queries",
    type=click.IntRange(min=1),
    help=f"Number of query images.  [default: {QUERIES} for copies, all for classes]",
)
@click.option(
    "--distractors",
    type=click.Path(exists=True, file_okay=False),
    help="Folder of images without a copy in DIR.  [default: a fifth of DIR, at most 500]",
)
@click.option(
    "--one-in",
    type=click.IntRange(min=1),
    default=round(1 / FALSE_MATCH_RATE),
    show_default=True,
    help="For the recall of copies: at most one distractor in so many may match.",
)
@walk_options
@click.option("--report", type=click.Path(dir_okay=False), help="Also write an HTML page with tables and curves.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed.")
@json_option
def command(
    folder: str,
    by: str | None,
    protocol: Protocol | None,
    queries: int | None,
    distractors: str | None,
    one_in: int,
    exclude: tuple[str, ...],
    include: tuple[str, ...],
    report: str | None,
    seed: int,
    as_json: bool,
) -> int:
    """Measure how well each descriptor does on the images in DIR.

    copies: a sample of them is edited in 45 ways, and each edited copy searches DIR for its original. classes: each
    sub-folder is a class, and every image searches for the others of its class. Nothing in DIR is changed.
    """
    patterns = WalkPatterns(exclude, include)
    files, failed = _listed(folder, patterns)
    choice = choose_protocol(folder, files, protocol)
    if distractors and choice.protocol == "classes":
        raise click.UsageError("--distractors are for copies: add --protocol copies, or leave them out")
    negatives, failed_too = _listed(distractors, patterns) if distractors else (None, [])
    if choice.protocol == "classes":
        result: CopyReport | ClassReport = _classes(folder, files, by, queries, seed)
    else:
        result = _copies(files, by, queries, negatives, 1 / one_in, seed)
    return _print_result(result, choice, (*failed, *failed_too, *result.failed), report, as_json)


def _listed(folder: str, patterns: WalkPatterns) -> tuple[list[str], list[Failure]]:
    """Its files, and what cannot be read; what is left out is told."""
    listed = list(walk([folder], leave_out=partial(LeaveOut, patterns=patterns)))
    left_out = Counter(one.reason for one in listed if isinstance(one, LeftOut))
    print_left_out(sum(isinstance(one, Skipped) for one in listed), left_out)
    return [one.path for one in listed if isinstance(one, ListedFile)], [
        one for one in listed if isinstance(one, Failure)
    ]


def _names(by: str | None) -> list[str] | None:
    return None if by is None else [name.strip() for name in by.split(",") if name.strip()]


def _copies(
    files: list[str], by: str | None, queries: int | None, distractors: list[str] | None, rate: float, seed: int
) -> CopyReport:
    with progress_bar("evaluating") as progress:
        return evaluate_copies(
            files,
            _names(by),
            distractors=distractors,
            queries=queries or QUERIES,
            false_match_rate=rate,
            seed=seed,
            progress=progress,
        )


def _classes(folder: str, files: list[str], by: str | None, queries: int | None, seed: int) -> ClassReport:
    with progress_bar("evaluating") as progress:
        return evaluate_classes(folder, files, _names(by), queries=queries, seed=seed, progress=progress)


# --- what is printed


def _print_choice(choice: ProtocolChoice) -> None:
    other = {"copies": "edited copies", "classes": "classes of images"}[choice.alternative]
    click.echo(f"protocol: {choice.protocol} ({choice.reason}); --protocol {choice.alternative} for {other}")


def _print_result(
    result: CopyReport | ClassReport,
    choice: ProtocolChoice,
    failed: tuple[Failure, ...],
    report: str | None,
    as_json: bool,
) -> int:
    if report:
        from lookalike.evaluation.page import write_page

        write_page(Path(report), result, failed)
        click.echo(f"report: {shown(report)}", err=True)
    if as_json:
        print_json(_document(result, choice, failed))
    else:
        _print_tables(result, choice)
    _warn_of_chance(result)
    for one in result.training_overlap:
        click.echo(f"{'warning' if one.is_warning else 'note'}: {printable(one.sentence)}", err=True)
    if not as_json:
        print_failures(failed)
    return 1 if failed else 0


def _print_tables(result: CopyReport | ClassReport, choice: ProtocolChoice) -> None:
    _print_choice(choice)
    if isinstance(result, CopyReport):
        _print_copies(result)
    else:
        _print_classes(result)


def _document(result: CopyReport | ClassReport, choice: ProtocolChoice, failed: tuple[Failure, ...]) -> dict[str, Any]:
    head = {"protocol": choice.protocol, "reason": choice.reason, "at_chance": at_chance(result)}
    return {**head, **to_json(result), "failed": failed}


def _warn_of_chance(result: CopyReport | ClassReport) -> None:
    if not (names := at_chance(result)):
        return
    advice = ""
    if isinstance(result, ClassReport):
        advice = ": perhaps these sub-folders are no classes of what is shown; --protocol copies for edited copies"
    click.echo(f"warning: no better than chance: {', '.join(names)}{advice}", err=True)


def _print_copies(report: CopyReport) -> None:
    click.echo(
        f"{report.library:,} images, {report.queries:,} of them edited in {len(report.scores[0].by_edit)} ways; "
        f"{report.distractors:,} distractors"
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
    click.echo(f"recall: copies below the distance that {report.allowed_false_matches:,} of the distractors pass")


def _print_classes(report: ClassReport) -> None:
    click.echo(f"{report.images:,} images in {len(report.classes):,} classes, {report.queries:,} queries")
    columns = (*CLASS_COLUMNS, *(f"{few.examples} labelled" for few in report.chance.few_labels))
    print_table(columns, [_class_row(one, report) for one in (*report.scores, report.chance)], columns[1:])
    click.echo("labelled: accuracy of the nearest class mean with so many examples of each class; mean of 10 draws")


def _class_row(one: ClassScore, report: ClassReport) -> tuple[str, ...]:
    few_label = [
        _percent(few.mean) + ("" if one is report.chance else f" ± {100 * few.deviation:.1f}") for few in one.few_labels
    ]
    missing = [""] * (len(report.chance.few_labels) - len(few_label))
    return (
        one.by,
        *map(_percent, (one.mean_average_precision, one.recall_at_1, one.recall_at_10)),
        *few_label,
        *missing,
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
