"""Curves and bars as SVG: numbers to coordinates, no image and no maths of scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

WIDTH, HEIGHT = 520, 400  # of a chart, in SVG units
LEFT, RIGHT, TOP, BOTTOM = 58, 16, 14, 50  # the margins around the plot
COLOURS = 8  # that the page's style knows: c0 ... c7
BAR, GAP, ROW_GAP = 13, 3, 22
BARS_LEFT, BARS_RIGHT = 110, 60

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: its place in SVG units, and what is written there."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One curve. ``colour``: 0..COLOURS - 1. ``points``: as SVG's polyline takes them; ``dashed``: a second round."""

    name: str
    colour: int
    dashed: bool
    points: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves with their axes, in a box of WIDTH x HEIGHT."""

    title: str
    x_label: str
    y_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    diagonal: str = ""
    diagonal_name: str = "chance"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its place and size in SVG units, what is written behind it; ``deviation``: half of the whisker, or 0."""

    name: str
    colour: int
    y: float
    width: float
    text: str
    deviation: float = 0.0


@dataclass(frozen=True, slots=True)
class BarGroup:
    """The bars of one measure; ``y``: the middle of them."""

    name: str
    y: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class BarChart:
    """Groups of bars below one another, in a box of WIDTH x ``height``."""

    title: str
    height: float
    x_ticks: tuple[Tick, ...]
    groups: tuple[BarGroup, ...]


def precision_recall(curves: Sequence[tuple[str, Points]]) -> Chart:
    """(recall, precision) points of each measure -> a chart, both axes from 0 to 1."""
    shares = [place / 5 for place in range(6)]
    return Chart(
        "Precision and recall",
        "recall: share of the copies that are found",
        "precision: share of copies among the results",
        tuple(Tick(_x(share), f"{share:g}") for share in shares),
        tuple(Tick(_y(share), f"{share:g}") for share in shares),
        _lines([(name, [(_x(x), _y(y)) for x, y in points]) for name, points in curves]),
    )


def roc(curves: Sequence[tuple[str, Points]], negatives: int) -> Chart:
    """(false positive rate, true positive rate) of each measure -> a chart with a logarithmic axis.

    ``negatives``: the number of negative pairs; what is less than one of them is drawn at the left edge.
    """
    decades = max(ceil(log10(max(negatives, 10))), 1)

    def along(share: float) -> float:
        return _x(1 + log10(max(share, 10**-decades)) / decades)

    step = max(1, ceil(decades / 6))
    marks = range(0, decades + 1, step)
    shares = [place / 5 for place in range(6)]
    chance = [(10 ** (-decades * (1 - place / 40))) for place in range(41)]
    return Chart(
        "ROC",
        "false positive rate, logarithmic",
        "true positive rate",
        tuple(Tick(_x(1 - mark / decades), "1" if mark == 0 else f"10{_superscript(-mark)}") for mark in marks),
        tuple(Tick(_y(share), f"{share:g}") for share in shares),
        _lines([(name, [(along(x), _y(y)) for x, y in points]) for name, points in curves]),
        _points([(along(share), _y(share)) for share in chance]),
    )


def curves(
    title: str, x_label: str, y_label: str, lines: Sequence[tuple[str, Points]], diagonal: bool = False
) -> Chart:
    """(x, y) points of any finite numbers, at least one -> a chart whose axes end where the points do.

    ``diagonal``: both axes go from 0 to 1, and a line shows where they are equal."""
    places = [point for _, points in lines for point in points]
    across = _marks(0.0, 1.0) if diagonal else _marks(min(x for x, _ in places), max(x for x, _ in places))
    up = _marks(0.0, 1.0) if diagonal else _marks(min(y for _, y in places), max(y for _, y in places))

    def at(x: float, y: float) -> tuple[float, float]:
        return _x((x - across[0]) / (across[-1] - across[0])), _y((y - up[0]) / (up[-1] - up[0]))

    return Chart(
        title,
        x_label,
        y_label,
        tuple(Tick(at(mark, up[0])[0], f"{mark:,.6g}") for mark in across),
        tuple(Tick(at(across[0], mark)[1], f"{mark:,.6g}") for mark in up),
        _lines([(name, [at(x, y) for x, y in points]) for name, points in lines]),
        _points([(_x(0), _y(0)), (_x(1), _y(1))]) if diagonal else "",
        "perfect calibration" if diagonal else "",
    )


def _marks(low: float, high: float) -> list[float]:
    """Round numbers, four to eight or so, of which the first is at most ``low`` and the last at least ``high``."""
    if high <= low:
        low, high = low - 0.5, low + 0.5
    size = 10.0 ** floor(log10((high - low) / 4))
    step = next(size * times for times in (1, 2, 2.5, 5, 10) if size * times * 5.5 >= high - low)
    return [place * step for place in range(floor(low / step + 1e-9), ceil(high / step - 1e-9) + 1)]


def bars(title: str, groups: Sequence[tuple[str, Sequence[tuple[str, float, float]]]]) -> BarChart:
    """Of each measure its bars: (name, share 0..1, deviation or 0) -> a chart, as high as it needs to be."""
    drawn, y = [], float(TOP)
    for name, values in groups:
        made = []
        for place, (kind, share, deviation) in enumerate(values):
            text = f"{100 * share:.1f}"
            at = y + place * (BAR + GAP)
            made.append(Bar(kind, place % COLOURS, at, _along(share) - BARS_LEFT, text, _span(deviation)))
        height = len(values) * (BAR + GAP)
        drawn.append(BarGroup(name, y + height / 2, tuple(made)))
        y += height + ROW_GAP
    ticks = tuple(Tick(_along(place / 4), f"{25 * place} %") for place in range(5))
    return BarChart(title, y + 14, ticks, tuple(drawn))


def _lines(curves: Sequence[tuple[str, Sequence[tuple[float, float]]]]) -> tuple[Line, ...]:
    return tuple(
        Line(name, place % COLOURS, place >= COLOURS, _points(points)) for place, (name, points) in enumerate(curves)
    )


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)


def _along(share: float) -> float:
    return BARS_LEFT + _span(share)


def _span(share: float) -> float:
    return share * (WIDTH - BARS_LEFT - BARS_RIGHT)


def _superscript(number: int) -> str:
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
