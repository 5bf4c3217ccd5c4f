"""A trained network and its metrics, and how they become files: the ONNX file, its card and the page."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from torch import nn

from lookalike.descriptors.neural.face_model import FaceOutput
from lookalike.descriptors.neural.image_digests import ENDING, ImageDigests, write_digests
from lookalike.descriptors.neural.model_card import BaseModel
from lookalike.descriptors.neural.onnx_model import LOGITS, Labels
from lookalike.descriptors.neural.region_model import RegionOutput
from lookalike.distance import Metric
from lookalike.errors import UserError
from lookalike.report.html_report import visible
from lookalike.training.export.card import CardContents, OutputSpec, write_card
from lookalike.training.export.onnx_export import export_outputs, export_regions
from lookalike.training.export.training_page import Page, write_page
from lookalike.training.models.region_net import Detector
from lookalike.types import Failure

MIN_MEDIAN_DISTANCE = 0.001  # of negatives, that a card can hold; a network that has hardly learnt may give less


@dataclass(frozen=True, slots=True)
class ClassOutput:
    """The classes whose logits are the network's second output; see onnx_model.Labels."""

    names: Sequence[str]
    temperature: float
    abstain_below: float


@dataclass(frozen=True, slots=True)
class DetectionOutput:
    """The boxes that a detector gives beside its vectors; see region_model.RegionOutput. ``names``: of its classes."""

    names: Sequence[str]
    count: int
    query_sides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FaceParts:
    """What makes an embedder of aligned faces a network of faces: the detector's file, whose ``licence`` is that of
    another model, how faces are aligned, and the curve. ``output`` gets the trained model's own names."""

    output: FaceOutput
    detector: Path
    licence: str


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A trained network and all that is known of it.

    ``network``: (N, 3, ``side``, ``side``) float RGB 0..1 -> the descriptor, (N, ``dim``), and what else it gives.
    ``median_negative_distance``: median distance between unrelated images. ``metrics``: name -> number, those that the
    card gets; ``details``: what --json prints besides. ``best``: the step of this network; ``step``: where the run is.
    ``base_models``: whose weights it began with. ``images``: how many it was trained on; ``digests``: which they were.
    """

    network: nn.Module
    side: int
    dim: int
    metric: Metric
    median_negative_distance: float
    source: str
    weaknesses: tuple[str, ...]
    metrics: Mapping[str, float]
    details: Mapping[str, Any]
    page: Page
    images: int
    digests: ImageDigests
    best: int
    step: int
    complete: bool
    notes: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = ()
    classes: ClassOutput | None = None
    objects: DetectionOutput | None = None
    base_models: tuple[BaseModel, ...] = ()
    faces: FaceParts | None = None


def export_model(trained: TrainedModel, name: str, out: Path, report: Path | None, data: str) -> str:
    """Write the ONNX file ``out``, card and digests beside it and, if asked for, the page; returns the file's sha256.

    ``name``: of the descriptor and the model; ``data``: what the card calls the images."""
    sha256 = _export(trained, name, out)
    faces = _with_detector(trained.faces, name, out) if trained.faces else None
    licence = "the licence of your images" + (f"; of the detector: {trained.faces.licence}" if trained.faces else "")
    write_card(
        CardContents(
            name, sha256, licence, trained.source, trained.side,
            {name: OutputSpec(max(trained.median_negative_distance, MIN_MEDIAN_DISTANCE), trained.dim, trained.metric)},
            [(f"{trained.images} images of {visible(data)}", "yours")], trained.metrics, trained.weaknesses,
            _labels(trained, name), _regions(trained, name), trained.base_models,
            write_digests(trained.digests, out.with_suffix(ENDING)), faces=faces,
        ),
        out,
    )  # fmt: skip
    if report:
        write_page(trained.page, report)
    return sha256


def _export(trained: TrainedModel, name: str, out: Path) -> str:
    if trained.objects:
        return export_regions(cast(Detector, trained.network), name, trained.side, out)
    return export_outputs(trained.network, [name, *([name + LOGITS] if trained.classes else [])], trained.side, out)


def _with_detector(parts: FaceParts, name: str, out: Path) -> FaceOutput:
    """The detector's file lies beside the embedder's, as its card says."""
    place = out.with_name(parts.output.detector.file)
    if place == out:
        raise UserError(f"{out}: the detector of its faces is called so; choose another name")
    if not place.exists() or not place.samefile(parts.detector):
        shutil.copyfile(parts.detector, place)
    return replace(parts.output, output=name, embedding=name)


def _labels(trained: TrainedModel, name: str) -> Labels | None:
    known = trained.classes
    return Labels(name, tuple(known.names), known.temperature, known.abstain_below) if known else None


def _regions(trained: TrainedModel, name: str) -> RegionOutput | None:
    given = trained.objects
    return RegionOutput(name, given.count, given.query_sides, tuple(given.names)) if given else None
