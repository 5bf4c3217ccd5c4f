"""How near an exported network is to `transformers` on the same images and texts, preprocessing included."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lookalike.descriptors.neural.image_fit import fit_images
from lookalike.descriptors.neural.text_model import TextNetwork
from lookalike.distance import normalise
from lookalike.errors import LoadError, ModelError, UserError
from lookalike.imaging import is_image_name, load
from lookalike.training.imported.checkpoint import Checkpoint, quiet_transformers
from lookalike.training.imported.tokenizer_file import SAMPLES
from lookalike.training.imported.towers import TextTower, vectors
from lookalike.types import Floats, Image

SAMPLE = 64  # images that are compared
BATCH = 16
MIN_COSINE = 0.999  # of arrays in half precision, for any image or text


@dataclass(frozen=True, slots=True)
class Parity:
    """Cosines between both, 0..1, and ``neighbours``: the share of images whose nearest other is the same one."""

    lowest: float
    mean: float
    neighbours: float


def sample_images(folder: Path) -> list[Image]:
    """At most SAMPLE images of a folder, from everywhere in it. Raises UserError for fewer than two."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    files = [os.path.join(top, name) for top, _, names in os.walk(folder) for name in names if is_image_name(name)]
    files.sort()
    found: list[Image] = []
    for file in files[:: max(1, len(files) // SAMPLE)]:
        try:
            found.append(load(file))
        except LoadError:
            continue  # whoever indexes the folder is told
        if len(found) == SAMPLE:
            break
    if len(found) < 2:
        raise UserError(f"{folder}: fewer than two images that can be read; name a folder of yours, with --images")
    return found


def image_vectors(checkpoint: Checkpoint, images: Sequence[Image], squeezed: bool = False) -> Floats:
    """N images -> (N, D) of unit length, all by transformers; ``squeezed``: they are squares before."""
    parts = []
    for start in range(0, len(images), BATCH):
        part = images[start : start + BATCH]
        pixels = [image.pixels for image in part]
        if squeezed:
            pixels = list(fit_images(part, checkpoint.input.side, checkpoint.input.fit))
        with quiet_transformers():
            inputs = checkpoint.processor(images=pixels, return_tensors="pt", input_data_format="channels_last")
        parts.append(_features(checkpoint, inputs))
    return normalise(np.concatenate(parts))


def _features(checkpoint: Checkpoint, inputs: Any) -> Floats:
    model: Any = checkpoint.model
    with torch.inference_mode():
        if checkpoint.tokenizer is None:
            found = model(**inputs).last_hidden_state[:, 0]
        else:
            features = model.get_image_features(**inputs)
            found = features if isinstance(features, torch.Tensor) else features.pooler_output
    return np.asarray(found.numpy(), np.float32)


def compared(ours: Floats, theirs: Floats) -> Parity:
    """(N, D) and (N, D), both of unit length."""
    cosines = (ours * theirs).sum(axis=1)
    return Parity(float(cosines.min()), float(cosines.mean()), float((_nearest(ours) == _nearest(theirs)).mean()))


def text_parity(checkpoint: Checkpoint, network: TextNetwork) -> Parity:
    """Of texts of every sort, the tokens of transformers' own tokenizer against those of the file."""
    given = checkpoint.tokenizer(
        list(SAMPLES), padding="max_length", max_length=checkpoint.length, truncation=True, return_tensors="pt"
    )
    theirs = vectors(TextTower(checkpoint), given["input_ids"], BATCH).numpy()
    plain = TextNetwork(network.folder, _without_prompt(network), network.dim)
    return compared(plain.encode(SAMPLES), theirs)


def _without_prompt(network: TextNetwork) -> Any:
    from dataclasses import replace

    return replace(network.tower, prompt="{}")


def check(parity: Parity, what: str) -> None:
    """Raises ModelError if any cosine is below MIN_COSINE."""
    if not parity.lowest >= MIN_COSINE:
        raise ModelError(
            f"the exported network gives {what} other vectors than transformers: cosine {parity.lowest:.4f} at worst, "
            f"where {MIN_COSINE} is asked for; please report it with the folder's config.json"
        )


def _nearest(unit: Floats) -> Any:
    """(N, D) -> (N,): the nearest other row of each."""
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -np.inf)
    return similarity.argmax(axis=1)
