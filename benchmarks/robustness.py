"""What an attacker who holds the network can hide from `copy`, and what a few views of the query win back.

Attacks on the squeezed input, within so many levels of every pixel: FGSM from a random start (Goodfellow et al., arXiv
1412.6572; Wong et al., arXiv 2001.03994: at the image itself the cosine to its own vector has no slope) and PGD with
10 steps (Madry et al., arXiv 1706.06083). They push the cosine to the original's vector down. The attacker does not
know of the defence; one who does can attack the mean of the views as well.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from benchmarks.copies import one_thread
from benchmarks.copy_recall import dealt, percent, threshold
from benchmarks.harness import SEED, Options, run, table
from benchmarks.sides.mobilenet import squeezed
from lookalike.descriptors.neural import model_store
from lookalike.distance import cosine, normalise
from lookalike.imaging import load
from lookalike.types import Pixels

if TYPE_CHECKING:
    from torch import Tensor, nn

TITLE = "Attacks on the copy vector, and a defence"
LEVELS = (2, 4)  # of 255: the largest change of a value
STEPS = 10
BATCH = 32
HEADER = ("query", "cosine to its original", "recall, %", "recall with views, %")

Vectors = NDArray[np.float32]
Attack = Callable[["nn.Module", "Tensor", "Tensor", float], "Tensor"]


@dataclass(frozen=True)
class Library:
    """Squeezed images, (N, S, S, 3) uint8: those asked for, all that are held, and foreign queries."""

    asked: Pixels
    held: Pixels
    distractors: Pixels


def measure(options: Options) -> str:
    if importlib.util.find_spec("torch") is None:
        return "Not measured: torch is not installed, and an attack needs its gradients (pip install torch)."
    model = _shipped()
    if model is None and not options.quick:
        return "Not measured: no model has an output `copy`."
    network, side = _network(model)
    library = _library(options, side)
    held = _vectors(network, library.held)
    plain, defended = (ask(network, library.distractors) for ask in (_vectors, _mean_of_views))
    limit = threshold(cosine(plain, held))
    through = [int((cosine(part, held).min(axis=1) < limit).sum()) for part in (plain, defended)]
    rows = [_row(name, network, pixels, held, limit) for name, pixels in _queries(network, library.asked)]
    note = (
        f"{len(library.asked):,} photographs in a library of {len(held):,} are asked for, attacked at the network's "
        f"input of {side} x {side} and rounded to whole levels. Recall at the distance that {through[0]} of "
        f"{len(plain):,} foreign queries pass ({through[1]} when they are asked with views). Views: the mean of the "
        f"vectors of the blurred, the recompressed and the resized input ({', '.join(VIEWS)}); the attacker does not "
        f"know of them. PGD: {STEPS} steps.{'' if model else ' The network is untrained: a stand-in.'}"
    )
    return f"{table(HEADER, rows)}\n\n{note}"


def _row(name: str, network: nn.Module, pixels: Pixels, held: Vectors, limit: float) -> tuple[str, ...]:
    """The originals are the first that are held."""
    near, views = (1 - (ask(network, pixels) * held[: len(pixels)]).sum(axis=1) for ask in (_vectors, _mean_of_views))
    return name, f"{1 - near.mean():.3f}", percent((near < limit).mean()), percent((views < limit).mean())


# --- the network and its images


def _shipped() -> tuple[Path, int] | None:
    """The file with an output `copy`, and the side of its input in pixels."""
    for card in model_store.all_models():
        if "copy" in {output.name for output in card.outputs}:
            return card.onnx, card.input.side
    return None


def _network(model: tuple[Path, int] | None) -> tuple[nn.Module, int]:
    import torch

    from lookalike.training.export.onnx_export import restore_embedding_net
    from lookalike.training.models.embedding_net import copy_net

    torch.manual_seed(SEED)
    if model is None:
        return copy_net().eval(), 64
    return restore_embedding_net(model[0], copy_net()), model[1]


def _library(options: Options, side: int) -> Library:
    sources, distractors = dealt(options)
    library = [*sources, *options.photographs("clothing", options.size(100_000, 6))]
    with ProcessPoolExecutor(initializer=one_thread) as pool:
        held, strange = (
            np.stack(list(pool.map(partial(_squeezed, side), files, chunksize=8))) for files in (library, distractors)
        )
    return Library(held[: options.size(500, 2)], held, strange)


def _squeezed(side: int, file: Path) -> Pixels:
    return squeezed(load(file, min_side=side).pixels, side)


def _vectors(network: nn.Module, pixels: Pixels) -> Vectors:
    """(N, S, S, 3) uint8 -> (N, D) float32, unit length."""
    import torch

    with torch.no_grad():
        return np.concatenate([network(_tensor(part)).numpy() for part in _batches(pixels)])


def _tensor(pixels: Pixels) -> Tensor:
    """(N, S, S, 3) uint8 -> (N, 3, S, S) float32, 0..1."""
    import torch

    return torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255)


def _batches(pixels: Pixels) -> Iterator[Pixels]:
    return (pixels[start : start + BATCH] for start in range(0, len(pixels), BATCH))


# --- attacks


def _queries(network: nn.Module, pixels: Pixels) -> Iterator[tuple[str, Pixels]]:
    yield "the image itself", pixels
    for name, attack in (("FGSM", _fgsm), ("PGD", _pgd)):
        for levels in LEVELS:
            yield f"{name}, {levels}/255", _attacked(network, pixels, attack, levels / 255)


def _attacked(network: nn.Module, pixels: Pixels, attack: Attack, reach: float) -> Pixels:
    """The images as the attacker would save them."""
    import torch

    for weight in network.parameters():
        weight.requires_grad_(False)
    torch.manual_seed(SEED)
    found = []
    for part in _batches(pixels):
        image = _tensor(part)
        moved = attack(network, image, network(image), reach)
        found.append((moved.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy())
    return np.concatenate(found)


def _fgsm(network: nn.Module, image: Tensor, target: Tensor, reach: float) -> Tensor:
    """One step of 1.25 times the reach from a random start, back within reach."""
    return _stepped(network, image, target, _started(image, reach), reach, 1.25 * reach)


def _pgd(network: nn.Module, image: Tensor, target: Tensor, reach: float) -> Tensor:
    moved = _started(image, reach)
    for _ in range(STEPS):
        moved = _stepped(network, image, target, moved, reach, 2.5 * reach / STEPS)
    return moved


def _started(image: Tensor, reach: float) -> Tensor:
    import torch

    return (image + torch.empty_like(image).uniform_(-reach, reach)).clamp(0, 1)


def _stepped(network: nn.Module, image: Tensor, target: Tensor, moved: Tensor, reach: float, step: float) -> Tensor:
    """Every value a step in the direction in which the cosine to ``target`` falls, but within ``reach``."""
    import torch

    moved = moved.detach().requires_grad_(True)
    (slope,) = torch.autograd.grad((network(moved) * target).sum(), moved)
    moved = moved.detach() - step * slope.sign()
    return torch.minimum(torch.maximum(moved, image - reach), image + reach).clamp(0, 1)


# --- the defence


def _mean_of_views(network: nn.Module, pixels: Pixels) -> Vectors:
    """(N, S, S, 3) uint8 -> (N, D) float32, unit length: the mean of the vectors of each image's views."""
    seen = [_vectors(network, np.stack([view(one) for one in pixels])) for view in VIEWS.values()]
    return np.asarray(normalise(np.mean(seen, axis=0)), np.float32)


def _blurred(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 1.0), np.uint8)


def _recompressed(pixels: Pixels) -> Pixels:
    memory = io.BytesIO()
    Pillow.fromarray(pixels).save(memory, "JPEG", quality=75)
    return np.asarray(Pillow.open(memory).convert("RGB"), np.uint8)


def _resized(pixels: Pixels) -> Pixels:
    side = pixels.shape[0]
    small = cv2.resize(pixels, (side * 3 // 5, side * 3 // 5), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)


VIEWS: dict[str, Callable[[Pixels], Pixels]] = {
    "blurred by 1 pixel": _blurred,
    "JPEG of quality 75": _recompressed,
    "60 % of the side": _resized,
}


if __name__ == "__main__":
    run(TITLE, measure)
