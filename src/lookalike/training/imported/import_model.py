"""From a folder of `transformers` to a model of the user's: ONNX files, tokenizer, names and card, checked, added."""

from __future__ import annotations

import hashlib
import math
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lookalike.descriptors.base import NAME
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.model_card import BaseModel, ModelCard, read_card
from lookalike.descriptors.neural.text_model import TOKENS, NamedFile, TextNetwork, TextTower, write_names
from lookalike.errors import UserError
from lookalike.gallery.index.model_words import background_names
from lookalike.training.export.card import CardContents, OutputSpec, write_card
from lookalike.training.imported import parity
from lookalike.training.imported.checkpoint import KINDS, Checkpoint, read_checkpoint
from lookalike.training.imported.tokenizer_file import write_tokenizer
from lookalike.training.imported.tower_export import export_tower
from lookalike.training.imported.towers import ImageTower, vectors
from lookalike.training.imported.towers import TextTower as TextModule
from lookalike.types import Floats, Image

PROMPT = "a photo of {}"  # CLIP's own, section 3.1.4
NAMES_BATCH = 32
MIN_MEDIAN_DISTANCE = 0.001  # that a card can hold
Says = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """``images``: a folder of the user's, on which everything is measured. ``name``: of the model and of its
    descriptor; by default the folder's. ``licence``: by default what the folder's README.md says."""

    folder: Path
    images: Path
    name: str | None = None
    int8: bool = False
    licence: str | None = None


@dataclass(slots=True)
class _Draft:
    """What is written to ``place``, a folder that goes away."""

    options: ImportOptions
    name: str
    checkpoint: Checkpoint
    place: Path
    says: Says
    images: list[Image] = field(default_factory=list)

    @property
    def onnx(self) -> Path:
        return self.place / f"{self.name}.onnx"


def import_model(options: ImportOptions, says: Says = lambda _: None) -> ModelCard:
    """Read, export, compare with transformers on images and texts, and add to the user's models; returns the card.

    ``says``: is told what is being done. Raises UserError for what cannot be imported, or a name that is taken, and
    ModelError if the files do not give the vectors that transformers gives."""
    name = options.name or _named(options.folder)
    if not NAME.fullmatch(name):
        raise UserError(f"{name!r} is no name for a model: letters, digits, _ . -; choose one with --name")
    if name in {card.name for card in model_store.all_models()}:
        raise UserError(f"there is a model {name!r} already; remove it, or choose another name with --name")
    images = parity.sample_images(options.images)
    says(f"reading {options.folder}")
    checkpoint = read_checkpoint(options.folder)
    place = Path(tempfile.mkdtemp(prefix="lookalike-import-"))
    try:
        draft = _Draft(options, name, checkpoint, place, says, images)
        card = _written(draft)
        return model_store.add(draft.onnx, card)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _named(folder: Path) -> str:
    """The folder's name, as a model can be called."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", folder.resolve().name).strip("-._")[:64] or "imported"


def _written(draft: _Draft) -> Path:
    """Everything but the card, then the card twice: what is measured is measured with the first one."""
    side, checkpoint = draft.checkpoint.input.side, draft.checkpoint
    draft.says("writing the image tower")
    example = torch.randint(0, 256, (2, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    digest = export_tower(ImageTower(checkpoint), example, "image", draft.name, draft.onnx, draft.options.int8)
    dim = int(parity.image_vectors(checkpoint, draft.images[:1]).shape[1])
    text = _text_files(draft, dim) if checkpoint.tokenizer is not None else None
    contents = _contents(draft, digest, dim, text)
    write_card(contents, draft.onnx)
    draft.says(f"comparing with transformers on {len(draft.images)} images")
    measured, median = _measured(draft, read_card(draft.onnx.with_suffix(".toml")))
    write_card(_contents(draft, digest, dim, text, measured, median), draft.onnx)
    return draft.onnx.with_suffix(".toml")


def _text_files(draft: _Draft, dim: int) -> TextTower:
    """The text tower, the tokenizer, and the vectors of names, beside the image tower."""
    checkpoint, stem = draft.checkpoint, draft.place / draft.name
    draft.says("writing the text tower")
    tower_file, tokenizer_file = stem.with_name(f"{draft.name}-text.onnx"), stem.with_name(f"{draft.name}-tokens.json")
    example = torch.ones((2, checkpoint.length), dtype=torch.int64)
    example[:, -1] = 2  # no two tokens alike: a tower that looks for the end of a text finds one
    any_length = checkpoint.kind == "clip"  # what comes after a text's end says nothing there
    digest = export_tower(
        TextModule(checkpoint), example, TOKENS, draft.name, tower_file, draft.options.int8, any_length
    )
    write_tokenizer(checkpoint, tokenizer_file)
    names_file = stem.with_name(f"{draft.name}-names.npz")
    tower = TextTower(
        output=draft.name,
        length=checkpoint.length,
        scale=_logit_scale(checkpoint.model),
        prompt=PROMPT,
        tower=NamedFile(tower_file.name, digest),
        tokenizer=_named_file(tokenizer_file),
        names=NamedFile(names_file.name, "0" * 64),
    )
    names = background_names()
    draft.says(f"encoding {len(names):,} names that texts are held against")
    tokens = TextNetwork(draft.place, tower, dim).tokens([PROMPT.format(name) for name in names])
    write_names(names, vectors(TextModule(checkpoint), torch.from_numpy(tokens), NAMES_BATCH).numpy(), names_file)
    return TextTower(**{**{key: getattr(tower, key) for key in TextTower.__slots__}, "names": _named_file(names_file)})


def _logit_scale(model: Any) -> float:
    """What the network was trained to multiply cosines by."""
    return math.exp(float(model.logit_scale.detach()))


def _named_file(path: Path) -> NamedFile:
    return NamedFile(path.name, hashlib.sha256(path.read_bytes()).hexdigest())


def _measured(draft: _Draft, card: ModelCard) -> tuple[dict[str, float], float]:
    """What the card says was measured, and the median distance between two of the images."""
    checkpoint = draft.checkpoint
    ours = model_store.network(card).describe(draft.images, [draft.name])[draft.name].vectors
    found = parity.compared(ours, parity.image_vectors(checkpoint, draft.images, checkpoint.kind == "siglip2"))
    measured = _lines(found, f"{len(draft.images)} images")
    if not draft.options.int8:
        parity.check(found, "images")
    if checkpoint.kind == "siglip2":
        shaped = parity.compared(ours, parity.image_vectors(checkpoint, draft.images))
        measured |= _lines(shaped, "images in their own shapes")
    if checkpoint.tokenizer is not None:
        texts = parity.text_parity(checkpoint, model_store.text(card))
        measured["cosine to transformers, texts, lowest"] = texts.lowest
        if not draft.options.int8:
            parity.check(texts, "texts")
    return measured, _median_distance(ours)


def _lines(found: parity.Parity, what: str) -> dict[str, float]:
    return {
        f"cosine to transformers, {what}, lowest": found.lowest,
        f"cosine to transformers, {what}, mean": found.mean,
        f"same nearest image as transformers, {what}": found.neighbours,
    }


def _median_distance(unit: Floats) -> float:
    pairs = np.triu_indices(len(unit), 1)
    return max(float(np.median(1 - (unit @ unit.T)[pairs])), MIN_MEDIAN_DISTANCE)


def _contents(
    draft: _Draft,
    digest: str,
    dim: int,
    text: TextTower | None,
    measured: dict[str, float] | None = None,
    median: float = 1.0,
) -> CardContents:
    kind, options = KINDS[draft.checkpoint.kind], draft.options
    licence = options.licence or draft.checkpoint.licence
    stored = "8 bits" if options.int8 else "half precision"
    weaknesses = ["what it knows and what it fails at stands where it was had, not here"]
    if draft.checkpoint.kind == "siglip2":
        weaknesses.append("images are squeezed to a square, where transformers keeps their shapes")
    if text:
        weaknesses.append("the probability that an image shows a text is an estimate: no curve was fitted")
    return CardContents(
        name=draft.name,
        sha256=digest,
        licence=licence,
        source=f"{kind}, imported from {options.folder.resolve().name}",
        side=draft.checkpoint.input.side,
        outputs={draft.name: OutputSpec(median, dim, semantic=True)},
        measured=measured or {},
        weaknesses=weaknesses,
        base_models=[BaseModel(options.folder.resolve().name, licence, kind, f"weights stored in {stored}")],
        fit=draft.checkpoint.input.fit,
        text=text,
    )
