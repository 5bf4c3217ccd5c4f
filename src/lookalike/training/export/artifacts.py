"""What a training of one's own hands over, and how it becomes files: the ONNX file, its card and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from torch import nn

from lookalike.descriptors.neural.onnx_model import LOGITS, Labels
from lookalike.descriptors.neural.region_model import RegionOutput
from lookalike.distance import Metric
from lookalike.report.html_report import visible
from lookalike.training.export.card import Output, Written, write_card
from lookalike.training.export.onnx_export import export_outputs, export_regions
from lookalike.training.export.training_page import Page, write_page
from lookalike.training.models.region_net import Detector
from lookalike.types import Failure

LEAST = 0.001  # median distance of negatives that a card can tell; a network that has hardly learnt may give less


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes whose logits are the network's second output; see card.Labels."""

    names: Sequence[str]
    temperature: float
    abstain_below: float


@dataclass(frozen=True, slots=True)
class Objects:
    """The boxes that a detector gives beside its vectors; see regions.RegionOutput. ``names``: of its classes."""

    names: Sequence[str]
    count: int
    looks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """A trained network and all that is said of it.

    ``network``: (N, 3, ``side``, ``side``) float RGB 0..1 -> the descriptor, (N, ``dim``), and what else it gives.
    ``median_negative_distance``: median distance between unrelated images. ``figures``: name -> number, those that the
    card gets; ``details``: what --json tells besides. ``best``: the step of this network; ``step``: where the run is.
    """

    network: nn.Module
    side: int
    dim: int
    metric: Metric
    median_negative_distance: float
    source: str
    weaknesses: tuple[str, ...]
    figures: Mapping[str, float]
    details: Mapping[str, Any]
    page: Page
    images: int
    best: int
    step: int
    complete: bool
    notes: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = ()
    classes: Classes | None = None
    objects: Objects | None = None


def deliver(made: Made, name: str, out: Path, report: Path | None, data: str) -> str:
    """Write the ONNX file ``out``, its card beside it and, if asked for, the page; returns the file's sha256.

    ``name``: of the descriptor and the model; ``data``: what the card calls the images."""
    sha256 = _exported(made, name, out)
    write_card(
        Written(
            name, sha256, "the licence of your images", made.source, made.side,
            {name: Output(max(made.median_negative_distance, LEAST), made.dim, made.metric)},
            [(f"{made.images} images of {visible(data)}", "yours")], made.figures, made.weaknesses,
            _labels(made, name), _regions(made, name),
        ),
        out,
    )  # fmt: skip
    if report:
        write_page(made.page, report)
    return sha256


def _exported(made: Made, name: str, out: Path) -> str:
    if made.objects:
        return export_regions(cast(Detector, made.network), name, made.side, out)
    return export_outputs(made.network, [name, *([name + LOGITS] if made.classes else [])], made.side, out)


def _labels(made: Made, name: str) -> Labels | None:
    known = made.classes
    return Labels(name, tuple(known.names), known.temperature, known.abstain_below) if known else None


def _regions(made: Made, name: str) -> RegionOutput | None:
    given = made.objects
    return RegionOutput(name, given.count, given.looks, tuple(given.names)) if given else None
