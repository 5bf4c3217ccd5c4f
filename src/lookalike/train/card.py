"""Writes the card of a trained network: the TOML file beside the ONNX file, see docs/models.md."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lookalike.distance import Metric
from lookalike.train.network import HEAD


@dataclass(frozen=True, slots=True)
class Labels:
    """What a card says of the classes that ``<output>_logits`` tells apart: their ``names`` in order; the
    ``temperature`` that the logits are divided by; the probability below which the answer is none."""

    output: str
    names: Sequence[str]
    temperature: float
    abstain_below: float


@dataclass(frozen=True, slots=True)
class Written:
    """What a card says. ``outputs``: ONNX output -> median distance between unrelated pictures. ``training``: pairs
    of a data set and its terms. ``measured``: what was measured -> figure."""

    name: str
    sha256: str
    licence: str
    source: str
    side: int
    outputs: Mapping[str, float]
    training: Sequence[tuple[str, str]] = ()
    measured: Mapping[str, float] = field(default_factory=dict)
    weaknesses: Sequence[str] = ()
    dim: int = HEAD
    metric: Metric = "cosine"
    labels: Labels | None = None


def write_card(card: Written, path: Path) -> None:
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
    ]  # fmt: skip
    for name, typical in card.outputs.items():
        lines += [
            "",
            f"[outputs.{_quoted(name)}]",
            "version = 1",
            f"dim = {card.dim}",
            f"metric = {_quoted(card.metric)}",
        ]
        lines += [f"typical = {typical:.3f}"]
    if card.labels:
        lines += ["", "[labels]", f"output = {_quoted(card.labels.output)}", "names = ["]
        lines += [*(f"    {_quoted(name)}," for name in card.labels.names), "]"]
        lines += [f"temperature = {card.labels.temperature:.4f}", f"abstain_below = {card.labels.abstain_below:.4f}"]
    for data, terms in card.training:
        lines += ["", "[[training]]", f"data = {_quoted(data)}", f"terms = {_quoted(terms)}"]
    if card.measured:
        lines += ["", "[measured]", *(f"{_quoted(what)} = {figure:g}" for what, figure in card.measured.items())]
    path.with_suffix(".toml").write_text("\n".join(lines) + "\n", "utf-8")


def _quoted(text: str) -> str:
    """A TOML string: as in JSON, but for characters beyond the first 65,536, and for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
