"""One HTML file with the result of an evaluation: tables, curves as SVG, an example of each edit; no script."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image as Pillow

from lookalike.errors import LoadError
from lookalike.evaluation import charts
from lookalike.evaluation.class_protocol import ClassReport, ClassScore
from lookalike.evaluation.copy_protocol import CopyReport, CopyScore
from lookalike.evaluation.embeddings import jpeg, photograph
from lookalike.imaging.manipulations import EDITS, apply
from lookalike.report.atomic_file import replacing
from lookalike.report.html_report import visible
from lookalike.types import Failure, Pixels

TEMPLATE = "evaluate.html"
THUMBNAIL_SIDE = 84  # pixels of an example's longer side
THUMBNAIL_QUALITY = 75

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers. ``note``: what it means. ``lower_is_better``: as of an error rate."""

    name: str
    note: str
    lower_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """What one measure has in each column, 0..1, or None. ``deviations``: of each, or None."""

    name: str
    values: tuple[float | None, ...]
    deviations: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Heat:
    """A line of the coloured table. ``kind``: the heading that it stands below; ``image``: a data URI, or "".

    ``values``: of each measure, 0..1; None where there was no query.
    """

    name: str
    kind: str
    image: str
    values: tuple[float | None, ...]


COPY_COLUMNS = (
    Column("micro-AP", "all pairs in one ranking, distractors too: how well one threshold serves all queries"),
    Column("recall", "copies below the distance that hardly any distractor passes"),
    Column("recall@1", "copies whose original is the nearest image"),
    Column("recall@10", "copies whose original is among the ten nearest"),
    Column("recall at precision 0.9", "the largest recall while nine of ten results are copies"),
    Column("ROC AUC", "how often a positive pair is nearer than a negative one"),
    Column(
        "equal error rate", "misses and false matches, at the threshold where both are as few", lower_is_better=True
    ),
)
CLASS_COLUMNS = (
    Column("mAP", "mean average precision: how near the top the others of the class rank"),
    Column("recall@1", "images whose nearest one is of their class"),
    Column("recall@10", "images with one of their class among the ten nearest"),
)


def write_page(path: Path, result: CopyReport | ClassReport, failed: Sequence[Failure] = ()) -> None:
    """Write the page to ``path``, all of it or nothing. Raises UserError if the place cannot be written."""
    context = _of_copies(result) if isinstance(result, CopyReport) else _of_classes(result)
    page = environment().get_template(TEMPLATE).render(context, failed=failed, overlaps=result.training_overlap)
    with replacing(path, "report") as temporary:
        temporary.write_text(page, "utf-8", newline="\n")


def environment(*folders: Path) -> Environment:
    """For templates of these folders, which may use the style and the charts of this one."""
    made = Environment(
        loader=FileSystemLoader([*folders, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"best": best, "charts": charts}
    made.filters["percent"] = percent
    return made


def percent(share: float) -> str:
    """ "71.3", "0", "100": for tables, whose head says that these are percent."""
    return f"{100 * share:.0f}" if share in (0, 1) else f"{100 * share:.1f}"


def best(rows: Sequence[Row], column: int, lower_is_better: bool) -> float | None:
    """The best value of a column; None if there is but one row, so that nothing is praised."""
    values = [value for row in rows if (value := row.values[column]) is not None]
    if len(values) < 2:
        return None
    return min(values) if lower_is_better else max(values)


# --- copies


def _of_copies(report: CopyReport) -> dict[str, Any]:
    images = examples(report.example, report.seed)
    return {
        "title": "How well copies are found",
        "facts": _facts(
            ("Images", report.library),
            ("Edited", report.queries),
            ("Edits", len(EDITS)),
            ("Distractors", report.distractors),
        ),
        "lede": (
            f"{report.queries:,} of the images were edited in {len(EDITS)} ways, saved as JPEG and searched. "
            "Recall is the share of the copies that lie below the distance which "
            f"{report.allowed_false_matches:,} of the {report.distractors:,} distractors pass."
        ),
        "columns": COPY_COLUMNS,
        "rows": [Row(one.by, _copy_values(one)) for one in report.scores],
        "chance": None,
        "heat_title": "Recall of each edit",
        "heat": [Heat(name, kind, images.get(name, ""), _of_edit(report, name)) for name, kind in _by_kind()],
        "lines": (
            charts.precision_recall([(one.by, one.precision_recall) for one in report.scores]),
            charts.roc([(one.by, one.roc) for one in report.scores], report.negative_pairs),
        ),
        "bars": None,
        "identical": report.identical,
        "unlabelled": 0,
    }


def _copy_values(one: CopyScore) -> tuple[float, ...]:
    return (
        one.micro_average_precision,
        one.recall,
        one.recall_at_1,
        one.recall_at_10,
        one.recall_at_precision,
        one.roc_auc,
        one.equal_error_rate,
    )


def _of_edit(report: CopyReport, name: str) -> tuple[float, ...]:
    return tuple(one.by_edit[name] for one in report.scores)


def _by_kind() -> list[tuple[str, str]]:
    """(edit, kind), those of a kind together, in the order of EDITS."""
    kinds = dict.fromkeys(edit.kind for edit in EDITS.values())
    return [(name, kind) for kind in kinds for name, edit in EDITS.items() if edit.kind == kind]


def examples(path: str, seed: int) -> dict[str, str]:
    """Edit -> a small JPEG of this image after it, as a data URI; nothing if the file is gone."""
    try:
        pixels = photograph(path)
    except LoadError:
        return {}
    return {name: thumbnail(apply(name, pixels, seed)) for name in EDITS}


def thumbnail(pixels: Pixels, side: int = THUMBNAIL_SIDE) -> str:
    """(h, w, 3) uint8 -> a small JPEG, at most ``side`` pixels wide and high, as a data URI."""
    image = Pillow.fromarray(pixels)
    image.thumbnail((side, side))
    data = jpeg(np.asarray(image, np.uint8), THUMBNAIL_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")


# --- classes


def _of_classes(report: ClassReport) -> dict[str, Any]:
    few = tuple(
        Column(
            f"{one.examples} labelled",
            f"accuracy of the nearest class mean with {one.examples} examples of each class",
        )
        for one in report.chance.few_labels
    )
    return {
        "title": "How well classes are separated",
        "facts": _facts(("Images", report.images), ("Classes", len(report.classes)), ("Queries", report.queries)),
        "lede": (
            "Each image was a query for the others of its class among all the others. With a few labelled examples of "
            "each class, the others are classified by the nearest class mean: mean and standard deviation of ten draws."
        ),
        "columns": (*CLASS_COLUMNS, *few),
        "rows": [_class_row(one, len(few)) for one in report.scores],
        "chance": _class_row(report.chance, len(few)),
        "heat_title": "Mean average precision of each class",
        "heat": [_of_class(report, name, count) for name, count in report.classes.items()],
        "lines": (),
        "bars": _bars(report),
        "identical": report.identical,
        "unlabelled": report.unlabelled,
    }


def _class_row(one: ClassScore, few: int) -> Row:
    accuracies: list[float | None] = [label.mean for label in one.few_labels]
    deviations: list[float | None] = [label.deviation for label in one.few_labels]
    missing = [None] * (few - len(accuracies))
    values = (one.mean_average_precision, one.recall_at_1, one.recall_at_10, *accuracies, *missing)
    return Row(one.by, values, (None, None, None, *deviations, *missing))


def _of_class(report: ClassReport, name: str, count: int) -> Heat:
    return Heat(f"{name} ({count:,})", "", "", tuple(one.by_class.get(name) for one in report.scores))


def _bars(report: ClassReport) -> charts.BarChart:
    groups = []
    for one in (*report.scores, report.chance):
        few = [(f"{label.examples} labelled", label.mean, label.deviation) for label in one.few_labels]
        groups.append((one.by, [("mAP", one.mean_average_precision, 0.0), ("recall@1", one.recall_at_1, 0.0), *few]))
    return charts.bars("Measures beside chance", groups)


def _facts(*facts: tuple[str, int]) -> Facts:
    return tuple((label, f"{value:,}") for label, value in facts)
