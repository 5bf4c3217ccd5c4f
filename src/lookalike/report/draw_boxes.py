"""Draws boxes on an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lookalike.errors import UserError
from lookalike.types import Box, Image, Pixels

COLOURS = ((194, 65, 12), (3, 105, 161), (21, 128, 61), (126, 34, 206))


def draw_boxes(image: Image, boxes: Sequence[tuple[Box, str]]) -> Pixels:
    """The image with each box, in pixels of the upright original, and its words, the first on top."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    canvas = Pillow.fromarray(image.pixels)
    pen = ImageDraw.Draw(canvas)
    scale = image.pixels.shape[1] / image.width
    line = max(1, round(max(canvas.size) / 400))
    for number, (box, words) in reversed(list(enumerate(boxes))):
        colour = COLOURS[number % len(COLOURS)]
        left, top = box.x * scale, box.y * scale
        right, bottom = (box.x + box.width) * scale - 1, (box.y + box.height) * scale - 1
        pen.rectangle((left, top, max(right, left), max(bottom, top)), outline=colour, width=line)
        words_box = pen.textbbox((left + line + 1, top + line), words, font_size=max(10, 6 * line))
        pen.rectangle(words_box, fill=colour)
        pen.text((left + line + 1, top + line), words, fill="white", font_size=max(10, 6 * line))
    return np.asarray(canvas, np.uint8)


def write_png(path: str | Path, pixels: Pixels) -> None:
    """Write an image to a file. Raises UserError where that cannot be."""
    from PIL import Image as Pillow

    try:
        Pillow.fromarray(pixels).save(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be written: {error}") from error
