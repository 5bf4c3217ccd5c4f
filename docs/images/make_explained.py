"""Makes explained-*.png, the explained comparisons in README and docs: python docs/images/make_explained.py (needs the
extra demo).

Only sample photographs in the public domain or CC0 are shown.
"""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from lookalike.comparison.explain.attribution import explain
from lookalike.comparison.explain.draw import draw
from lookalike.demo import sample_photographs
from lookalike.imaging import load
from lookalike.imaging.manipulations import apply
from lookalike.types import Pixels

WIDTH = 760  # pixels


def main() -> None:
    photographs = {Path(path).stem: load(path).pixels for path in sample_photographs()}
    astronaut, cat, coffee = (photographs[name] for name in ("astronaut", "chelsea", "coffee"))
    part = apply("sticker", np.ascontiguousarray(apply("hue", astronaut)[40:400, 60:440]), 3)
    mirrored = apply("caption", np.ascontiguousarray(cat[:, ::-1]), 2)
    for name, a, b in (
        ("crop", astronaut, part),
        ("mirrored", cat, mirrored),
        ("retouched", coffee, retouched(coffee)),
    ):
        canvas = Image.fromarray(draw(explain(saved(a), saved(b))))
        small = canvas.resize((WIDTH, round(canvas.height * WIDTH / canvas.width)), Image.Resampling.LANCZOS)
        small.quantize(192).save(Path(__file__).with_name(f"explained-{name}.png"), optimize=True)


def retouched(pixels: Pixels) -> Pixels:
    """The spoon on the saucer painted away, and the whole a little brighter."""
    height, width = pixels.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    centre, axes = (round(0.605 * width), round(0.7 * height)), (round(0.09 * width), round(0.13 * height))
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1)
    painted = np.asarray(cv2.inpaint(pixels, mask, 5, cv2.INPAINT_TELEA), np.uint8)
    return np.clip(painted * 1.1, 0, 255).astype(np.uint8)


def saved(pixels: Pixels) -> bytes:
    memory = io.BytesIO()
    Image.fromarray(pixels).save(memory, "JPEG", quality=85)
    return memory.getvalue()


if __name__ == "__main__":
    main()
