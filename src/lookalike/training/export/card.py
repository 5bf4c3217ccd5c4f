"""Writes the card of a trained network: the TOML file beside the ONNX file, see docs/how-to/models.md."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lookalike.descriptors.neural.face_model import FaceOutput
from lookalike.descriptors.neural.image_digests import DigestsFile
from lookalike.descriptors.neural.image_fit import SQUEEZED, ImageFit
from lookalike.descriptors.neural.model_card import BaseModel
from lookalike.descriptors.neural.onnx_model import Labels
from lookalike.descriptors.neural.region_model import RegionOutput
from lookalike.descriptors.neural.text_model import TextTower
from lookalike.distance import Metric
from lookalike.training.models.residual_net import EMBEDDING_DIM


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """A card's entry of an output. ``median_negative_distance``: median distance between unrelated images, in its
    ``metric``. ``version``: of the vectors; those of another one cannot be compared with them.
    ``rerank``: the nearest by it are re-ranked by geometric verification, ``semantic``: near means that the same kind
    of thing is shown, see DescriptorCard."""

    median_negative_distance: float
    dim: int = EMBEDDING_DIM
    metric: Metric = "cosine"
    version: int = 1
    rerank: bool = False
    semantic: bool = False


@dataclass(frozen=True, slots=True)
class CardContents:
    """All that a card holds. ``outputs``: ONNX output -> what it is; a number alone is its
    ``median_negative_distance``. ``training``: pairs of a data set and its terms. ``measured``: metric -> value.
    ``labels``: the classes that it predicts; ``regions``: its boxes, if it gives any. ``base_models``: the networks
    whose weights it began with, see ModelCard. ``image_digests``: the file of the images that it was trained on.
    ``fit``: how images become squares. ``text``: its text tower, if it has one. ``faces``: how it finds and aligns
    faces, if it is an embedder of them."""

    name: str
    sha256: str
    licence: str
    source: str
    side: int
    outputs: Mapping[str, float | OutputSpec]
    training: Sequence[tuple[str, str]] = ()
    measured: Mapping[str, float] = field(default_factory=dict)
    weaknesses: Sequence[str] = ()
    labels: Labels | None = None
    regions: RegionOutput | None = None
    base_models: Sequence[BaseModel] = ()
    image_digests: DigestsFile | None = None
    fit: ImageFit = SQUEEZED
    text: TextTower | None = None
    faces: FaceOutput | None = None


def write_card(card: CardContents, path: Path) -> None:
    """The card of ``path``, an ONNX file, beside it: the same name with the ending .toml."""
    lines = [
        "format = 1",
        *(f"{key} = {_quoted(value)}" for key, value in (
            ("name", card.name), ("file", path.name), ("sha256", card.sha256), ("licence", card.licence),
            ("source", card.source),
        )),
        "weaknesses = [",
        *(f"    {_quoted(weakness)}," for weakness in card.weaknesses),
        "]",
        *("", "[input]", 'name = "image"', f"side = {card.side}", 'layout = "NHWC"', 'type = "uint8"'),
        *_fit(card.fit),
    ]  # fmt: skip
    for name, given in card.outputs.items():
        output = given if isinstance(given, OutputSpec) else OutputSpec(given)
        lines += ["", f"[outputs.{_quoted(name)}]", f"version = {output.version}", f"dim = {output.dim}"]
        lines += [
            f"metric = {_quoted(output.metric)}",
            f"median_negative_distance = {output.median_negative_distance:.3f}",
            *(["rerank = true"] if output.rerank else []),
            *(["semantic = true"] if output.semantic else []),
        ]
    lines += _labels(card.labels) if card.labels else []
    lines += _regions(card.regions) if card.regions else []
    lines += _faces(card.faces) if card.faces else []
    lines += _image_digests(card.image_digests) if card.image_digests else []
    lines += _text(card.text) if card.text else []
    for base in card.base_models:
        lines += ["", "[[base_models]]", *(f"{key} = {_quoted(value)}" for key, value in asdict(base).items())]
    for data, terms in card.training:
        lines += ["", "[[training]]", f"data = {_quoted(data)}", f"terms = {_quoted(terms)}"]
    if card.measured:
        lines += ["", "[measured]", *(f"{_quoted(what)} = {value:g}" for what, value in card.measured.items())]
    path.with_suffix(".toml").write_text("\n".join(lines) + "\n", "utf-8")


def _fit(fit: ImageFit) -> list[str]:
    if fit == SQUEEZED:
        return []
    resize = [f"resize = {fit.resize}"] if fit.method == "crop" else []
    return [f"fit = {_quoted(fit.method)}", *resize, f"resample = {_quoted(fit.resample)}"]


def _text(text: TextTower) -> list[str]:
    lines = ["", "[text]", f"output = {_quoted(text.output)}", f"length = {text.length}", f"scale = {text.scale!r}"]
    lines.append(f"prompt = {_quoted(text.prompt)}")
    for key, named in (("tower", text.tower), ("tokenizer", text.tokenizer), ("names", text.names)):
        lines += ["", f"[text.{key}]", f"file = {_quoted(named.file)}", f"sha256 = {_quoted(named.sha256)}"]
    return lines


def _labels(labels: Labels) -> list[str]:
    return [
        *("", "[labels]", f"output = {_quoted(labels.output)}", *_names(labels.names)),
        *(f"temperature = {labels.temperature!r}", f"abstain_below = {labels.abstain_below!r}"),
    ]


def _regions(regions: RegionOutput) -> list[str]:
    return [
        *("", "[regions]", f"output = {_quoted(regions.output)}", f"count = {regions.count}"),
        f"query_scales = {list(regions.query_scales)}",
        *(_names(regions.names) if regions.names else ()),
    ]


def _faces(faces: FaceOutput) -> list[str]:
    found, seen = faces.detector, faces.detector.input
    return [
        *("", "[faces]", f"output = {_quoted(faces.output)}", f"embedding = {_quoted(faces.embedding)}"),
        f"template = {[list(point) for point in faces.template]}",
        *("", "[faces.curve]", f"slope = {faces.slope:.3f}", f"intercept = {faces.intercept:.3f}"),
        f"fitted_on = {_quoted(faces.fitted_on)}",
        *("", "[faces.detector]", f"file = {_quoted(found.file)}", f"sha256 = {_quoted(found.sha256)}"),
        f"threshold = {found.threshold!r}",
        *("", "[faces.detector.input]", f"name = {_quoted(seen.name)}", f"side = {seen.side}"),
        *(f"{key} = {_quoted(getattr(seen, key))}" for key in ("layout", "type", "channels")),
        *(f"{key} = {list(getattr(seen, key))}" for key in ("mean", "std")),
    ]


def _image_digests(entry: DigestsFile) -> list[str]:
    return [
        *("", "[image_digests]", f"file = {_quoted(entry.file)}", f"sha256 = {_quoted(entry.sha256)}"),
        *(f"trained = {entry.trained}", f"held_out = {entry.held_out}"),
    ]


def _names(names: Sequence[str]) -> list[str]:
    return ["names = [", *(f"    {_quoted(name)}," for name in names), "]"]


def _quoted(text: str) -> str:
    """A TOML string: as in JSON, but for characters beyond the first 65,536, and for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
