"""A folder of `transformers`: which kind of network it holds, and how an image becomes what that takes.

Nothing is downloaded, and no code of the folder's is run.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lookalike.descriptors.neural.image_fit import ImageFit, Resample
from lookalike.errors import UserError

TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "spiece.model", "tokenizer.model")
UNUSED = "pooler"  # in the names of weights that no vector is made of
KINDS = {
    "clip": "CLIP (arXiv 2103.00020)",
    "siglip": "SigLIP (arXiv 2303.15343, 2502.14786)",
    "siglip2": "SigLIP 2 (arXiv 2502.14786)",
    "dinov2": "DINOv2 (arXiv 2304.07193)",
    "dinov2_with_registers": "DINOv2 with registers (arXiv 2309.16588)",
    "vit": "Vision Transformer (arXiv 2010.11929)",
}
WITH_TEXT = ("clip", "siglip", "siglip2")
RESAMPLES: dict[int, Resample] = {1: "lanczos", 2: "bilinear", 3: "bicubic"}  # Pillow's numbers
LICENCE = re.compile(r"^license:\s*['\"]?([\w.+-]+)", re.MULTILINE)
UNKNOWN_LICENCE = "unknown: see where it was had"


@dataclass(frozen=True, slots=True)
class ImageInput:
    """``side``: pixels of the square that the network takes. ``mean``, ``std``: of red, green and blue, 0..1."""

    side: int
    fit: ImageFit
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``model``, ``processor``, ``tokenizer``: of transformers, the last None without a text tower. ``length``: tokens
    of a text. ``licence``: as the folder's README.md says."""

    kind: str
    model: nn.Module
    processor: Any
    tokenizer: Any
    input: ImageInput
    length: int
    licence: str


def read_checkpoint(folder: Path) -> Checkpoint:
    """Raises UserError for a folder that holds no network of KINDS, or lacks one of its files."""
    from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoTokenizer

    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: no folder of transformers: it holds no config.json")
    with quiet_transformers():
        try:
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            if config.model_type not in KINDS:
                raise UserError(
                    f"{folder}: a network of the kind {config.model_type!r}; those that can be imported are "
                    + ", ".join(KINDS)
                )
            reads_text = config.model_type in WITH_TEXT
            processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
            if reads_text:
                _need_tokenizer(folder)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True) if reads_text else None
            model, loaded = AutoModel.from_pretrained(
                folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
            )
        except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
            raise UserError(f"{folder}: cannot be read by transformers: {str(error).splitlines()[0]}") from error
    if lacking := sorted(name for name in loaded["missing_keys"] if UNUSED not in name):
        raise UserError(
            f"{folder}: its weights lack {len(lacking)} arrays, {lacking[0]} among them; is the file whole?"
        )
    image = siglip2_input(processor) if config.model_type == "siglip2" else image_input(processor)
    length = int(config.text_config.max_position_embeddings) if reads_text else 0
    return Checkpoint(config.model_type, model.eval(), processor, tokenizer, image, length, _licence(folder))


def _need_tokenizer(folder: Path) -> None:
    """transformers makes an empty one where there is none. Raises UserError then."""
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise UserError(f"{folder}: it holds no tokenizer ({', '.join(TOKENIZER_FILES)}), which reads the texts")


def image_input(processor: Any) -> ImageInput:
    """What an image processor of transformers does. Raises UserError for what has no counterpart here."""
    size, crop = _lengths(processor.size), _lengths(getattr(processor, "crop_size", None))
    cuts = bool(getattr(processor, "do_center_crop", False))
    sides = [crop.get("height"), crop.get("width")] if cuts else [size.get("height"), size.get("width")]
    if None in sides or sides[0] != sides[1] or not processor.do_resize:
        raise UserError(f"its image processor gives no square of one size: size {size}, crop_size {crop}")
    side = int(sides[0] or 0)
    resample = _resample(processor)
    if not cuts or size == crop:
        return ImageInput(side, ImageFit("squeeze", 0, resample), *_normalisation(processor))
    shortest = size.get("shortest_edge")
    if not shortest or shortest < side:
        raise UserError(f"its image processor cuts {crop} out of {size}, which has no counterpart here")
    return ImageInput(side, ImageFit("crop", shortest, resample), *_normalisation(processor))


def siglip2_input(processor: Any) -> ImageInput:
    """Of a SigLIP 2 that takes images of any shape in at most so many patches: the square of as many."""
    across = int(processor.max_num_patches**0.5)
    fit = ImageFit("squeeze", 0, _resample(processor))
    return ImageInput(across * int(processor.patch_size), fit, *_normalisation(processor))


def _normalisation(processor: Any) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    if not processor.do_rescale or abs(processor.rescale_factor * 255 - 1) > 1e-6:
        raise UserError(f"its image processor multiplies by {processor.rescale_factor}, not by 1 / 255")
    if not processor.do_normalize:
        return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    red, green, blue = map(float, processor.image_mean)
    return (red, green, blue), tuple(map(float, processor.image_std))  # type: ignore[return-value]  # of three


def _resample(processor: Any) -> Resample:
    if int(processor.resample) not in RESAMPLES:
        raise UserError(f"its image processor resizes by Pillow's filter {int(processor.resample)}, which is not known")
    return RESAMPLES[int(processor.resample)]


def _lengths(size: Any) -> dict[str, int]:
    """A size of transformers as a plain dictionary, without what is not set."""
    return {key: int(value) for key, value in dict(size or {}).items() if value is not None}


def _licence(folder: Path) -> str:
    try:
        found = LICENCE.search((folder / "README.md").read_text("utf-8", errors="replace"))
    except OSError:
        return UNKNOWN_LICENCE
    return found[1] if found else UNKNOWN_LICENCE


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """It warns of torchvision, which is not missed here, and of weights that it makes up and nobody uses."""
    from transformers.utils import logging as library

    before, bars = library.get_verbosity(), library.is_progress_bar_enabled()
    library.set_verbosity(logging.CRITICAL)
    library.disable_progress_bar()
    try:
        yield
    finally:
        library.set_verbosity(before)
        if bars:
            library.enable_progress_bar()
