"""Writes comparison/score_normalization.npz: `copy` vectors of background images, against which scores are normalised.

    python recipes/score_normalization.py src/lookalike/comparison/score_normalization.npz FOLDER...
    python recipes/score_normalization.py drawn FOLDER    # other drawn things, as PNG: negatives for fit_calibration.py

FOLDER...: photographs of the training set, none of which anybody will search for. COUNT of them are drawn, seeded;
as many others show what is usual. Drawn things, pages of text and noise join them, for the network sees little in such
images but their kind. Numbers only: no image can be seen in them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lookalike.comparison.score_normalization import NEAREST
from lookalike.descriptors import get
from lookalike.imaging import from_array, is_image_name, load
from lookalike.training.data.synthetic_overlays import LETTERS, backgrounds
from lookalike.types import Pixels

COUNT = 512
DRAWN = 96
SEED = 2026


def drawn(seed: int) -> list[Pixels]:
    """Screens, pages, shapes and gradients, plain and with grain; lines of text; clouds; noise."""
    random = np.random.default_rng(seed)
    plain = backgrounds(2 * DRAWN, 224, seed)
    grained = np.clip(plain[DRAWN:] + random.normal(0, 8, plain[DRAWN:].shape), 0, 255).astype(np.uint8)
    pages = [page(random) for _ in range(DRAWN // 2)]
    return [
        *plain[:DRAWN],
        *grained,
        *pages,
        *(clouds(random) for _ in range(DRAWN)),
        *(noise(random) for _ in range(DRAWN // 2)),
    ]


def noise(random: np.random.Generator) -> Pixels:
    """Every pixel for itself, in colour or in grey."""
    side, channels = int(random.integers(96, 512)), int(random.choice([1, 3]))
    return random.integers(0, 256, (side, side, channels), np.uint8).repeat(3 // channels, 2)


def clouds(random: np.random.Generator) -> Pixels:
    """Fractal noise: random patches of several sizes, one upon the other."""
    side, layers = int(random.integers(96, 320)), []
    for cells in (2, 4, 8, 16, 32)[: int(random.integers(2, 6))]:
        patch = random.uniform(-1, 1, (cells, cells, 3)).astype(np.float32)
        layers.append(
            cv2.resize(patch, (side, side), interpolation=cv2.INTER_CUBIC) * cells ** -float(random.uniform(0, 1))
        )
    return np.clip(128 + 90 * np.sum(layers, axis=0), 0, 255).astype(np.uint8)


def page(random: np.random.Generator) -> Pixels:
    """Dark lines of words on white, as a scanned letter has them."""
    canvas = Image.new("L", (420, 594), 255)
    pen, size = ImageDraw.Draw(canvas), int(random.integers(9, 18))
    for y in range(30, 560, int(size * 1.5)):
        words = ["".join(random.choice(list(LETTERS), random.integers(2, 9))) for _ in range(14)]
        pen.text((30, y), " ".join(words)[: int(random.integers(10, 60))], 0, ImageFont.load_default(size))
    return np.asarray(canvas.convert("RGB"))


def main(out: str, folders: list[str]) -> None:
    paths = sorted(p for folder in folders for p in Path(folder).rglob("*") if is_image_name(p))
    chosen = np.random.default_rng(SEED).choice(len(paths), 2 * COUNT, replace=False)
    copy = get("copy")
    vectors = np.concatenate([copy.describe([load(paths[n], min_side=copy.card.min_side)]).vectors for n in chosen])
    synthetic = copy.describe([from_array(pixels) for pixels in drawn(SEED)]).vectors
    background, others = np.concatenate([vectors[:COUNT], synthetic]).astype(np.float16), vectors[COUNT:]
    nearest = np.sort(others @ background.astype(np.float32).T, axis=1)[:, -NEAREST:]
    np.savez(
        out, vectors=background, usual=np.float32(np.quantile(nearest.mean(1), 0.95)), made_by=copy.card.fingerprint
    )


def write_drawn(folder: Path) -> None:
    """Every fifth of them, of another seed."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(drawn(SEED + 1)[::5]):
        Image.fromarray(pixels).save(folder / f"drawn-{number:03}.png")


if __name__ == "__main__":
    if sys.argv[1] == "drawn":
        write_drawn(Path(sys.argv[2]))
    else:
        main(sys.argv[1], sys.argv[2:])
