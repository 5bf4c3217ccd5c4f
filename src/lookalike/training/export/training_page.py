"""One HTML file with the result of a training: metrics, curves as SVG, images; no script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lookalike.evaluation.charts import Chart, curves
from lookalike.evaluation.page import environment, thumbnail
from lookalike.report.atomic_file import replacing
from lookalike.training.engine.trainer import read_curve
from lookalike.types import Failure, Pixels

TEMPLATE = "training.html"
THUMBNAIL_SIDE = 112  # pixels of an image on the page


@dataclass(frozen=True, slots=True)
class CaptionedImage:
    """An image with a line of text: ``uri`` holds it, ``title`` is shown when it is pointed at."""

    uri: str
    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """Images in a row. ``wide``: large ones, in which details are to be seen."""

    caption: str
    images: tuple[CaptionedImage, ...]
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a name and its cells. ``heat``: (row, column) -> 0..1, how dark a cell is, if the cells are coloured."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    heat: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page."""

    title: str
    lede: str
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    strips: tuple[Strip, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """``facts``: pairs of a word and a number. ``notes``: what is to be known of the images."""

    title: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = field(default=())


def write_page(page: Page, path: Path) -> None:
    """Write the page to ``path``, all of it or nothing. Raises UserError if the place cannot be written."""
    text = environment(Path(__file__).parent).get_template(TEMPLATE).render(page=page)
    with replacing(path, "report") as temporary:
        temporary.write_text(text, "utf-8", newline="\n")


def learning_curves(folder: Path, parts: Sequence[str], metrics: Sequence[str]) -> Section:
    """The training losses and the validation metrics, from a run's curve.jsonl."""
    lines = read_curve(folder)
    losses, validation = _points(lines, parts), _points(lines, metrics)
    charts = [curves("Training losses", "step", "loss", losses)] if losses else []
    charts += [curves("Validation", "step", "metric of the held-out images", validation)] if validation else []
    return Section("Learning curves", "The network of the best validation step is kept.", tuple(charts))


def _points(lines: Iterable[Mapping[str, float]], names: Sequence[str]) -> list[tuple[str, list[tuple[float, float]]]]:
    kept = list(lines)
    named = [(name, [(line["step"], line[name]) for line in kept if name in line]) for name in names]
    return [(name, points) for name, points in named if points]


def captioned(pixels: Pixels, text: str = "", title: str = "", side: int = THUMBNAIL_SIDE) -> CaptionedImage:
    """(h, w, 3) uint8 with a line of text."""
    return CaptionedImage(thumbnail(pixels, side), text, title)
