"""A white canvas, words and scaled images: what drawings for people are put together from. Knows of no comparison."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from lookalike.types import Pixels

CANVAS_WIDTH = 1400  # pixels
MARGIN = 48
GAP = 28
MAX_IMAGE_HEIGHT = 460  # of an image
MIN_ROW_HEIGHT = 96  # of a row of images
MAX_ENLARGEMENT = 24  # times that a small image is enlarged, at most
MIN_IMAGE_SIDE = 4  # pixels that the shorter side of a long image takes at least
NEAREST_FROM = 6  # times: what is enlarged more shows its pixels

Colour = tuple[int, int, int]
INK: Colour = (24, 28, 26)
GREY_INK: Colour = (102, 112, 108)
LINE: Colour = (222, 227, 224)
BACKDROP: Colour = (243, 245, 243)
WHITE: Colour = (255, 255, 255)


def blank_canvas(height: int) -> Pixels:
    """(height, WIDTH, 3) uint8, white."""
    return np.full((height, CANVAS_WIDTH, 3), 255, np.uint8)


def blend_pixels(canvas: Pixels, other: Pixels, share: float) -> Pixels:
    """The two (h, w, 3), ``share`` of the other."""
    return np.asarray(cv2.addWeighted(other, share, canvas, 1 - share, 0), np.uint8)


# --- words


@dataclass(frozen=True, slots=True)
class Word:
    """A line of text at (x, y) pixels. ``anchor``: as Pillow has it, "ls" is the left end of the baseline. ``bold``:
    pixels by which its strokes are wider."""

    text: str
    x: float
    y: float
    size: int = 17
    colour: Colour = INK
    anchor: str = "ls"
    bold: float = 0.0


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def write_words(canvas: Pixels, words: Iterable[Word]) -> Pixels:
    """The paper with these words on it."""
    page = Pillow.fromarray(canvas)
    pen = ImageDraw.Draw(page)
    for w in words:
        pen.text((w.x, w.y), w.text, w.colour, _font(w.size), w.anchor, stroke_width=w.bold)
    return np.array(page)


def text_width(text: str, size: int) -> float:
    """In pixels."""
    return float(_font(size).getlength(text))


def printable_name(name: str) -> str:
    """What the font can show of a file's name: letters without their accents, "?" for what it does not have."""
    plain = (c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" else "?" for c in plain)


def truncate_middle(text: str, size: int, max_width: float) -> str:
    """The text, with its middle left out where it is longer than ``max_width`` pixels."""
    length_kept, short = len(text), text
    while length_kept > 2 and text_width(short, size) > max_width:
        length_kept -= 1
        short = f"{text[: (length_kept + 1) // 2]}…{text[len(text) - length_kept // 2 :]}"
    return short


def section(title: str, body: Pixels) -> Pixels:
    """A section: a thin line, its title, and its body."""
    head = blank_canvas(64)
    head[14:15, MARGIN : CANVAS_WIDTH - MARGIN] = LINE
    return np.concatenate([write_words(head, [Word(title, MARGIN, 48, 19, bold=0.35)]), body])


def text_line(text: str) -> Pixels:
    """A line in place of an image."""
    return write_words(blank_canvas(34), [Word(text, MARGIN, 18, 17, GREY_INK)])


# --- images


@dataclass(frozen=True, slots=True)
class ScaledImage:
    """An image as it is shown: (h, w, 3) uint8, and how many (x, y) pixels of it there are to one of the original."""

    pixels: Pixels
    scale: tuple[float, float]


def column_width(columns: int) -> int:
    """The width in pixels of one of so many columns."""
    return (CANVAS_WIDTH - 2 * MARGIN - (columns - 1) * GAP) // columns


def fit_image(pixels: Pixels, columns: int, size: tuple[float, float] | None = None) -> ScaledImage:
    """The image as large as one of so many columns allows. ``size``: (width, height) of its original."""
    height, width = pixels.shape[:2]
    scale = min(column_width(columns) / width, MAX_IMAGE_HEIGHT / height, MAX_ENLARGEMENT)
    fitted = (max(MIN_IMAGE_SIDE, round(width * scale)), max(MIN_IMAGE_SIDE, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST if scale > NEAREST_FROM else cv2.INTER_CUBIC
    pixels = np.asarray(cv2.resize(pixels, fitted, interpolation=method), np.uint8)
    wide, high = size or (width, height)
    return ScaledImage(pixels, (fitted[0] / wide, fitted[1] / high))


def side_by_side(frames: Sequence[ScaledImage], captions: Sequence[str]) -> tuple[Pixels, list[tuple[int, int]]]:
    """The frames side by side on mats of one size, a caption below each; and (x, y), where the top-left corner of each
    is."""
    width = column_width(len(frames))
    height = max(MIN_ROW_HEIGHT, *(frame.pixels.shape[0] for frame in frames))
    canvas, positions, words = blank_canvas(height + 40), [], []
    for number, (frame, caption) in enumerate(zip(frames, captions, strict=True)):
        left = MARGIN + number * (width + GAP)
        canvas[:height, left : left + width] = BACKDROP
        high, wide = frame.pixels.shape[:2]
        x, y = left + (width - wide) // 2, (height - high) // 2
        canvas[y : y + high, x : x + wide] = frame.pixels
        positions.append((x, y))
        words.append(Word(truncate_middle(caption, 16, width), left, height + 25, 16, GREY_INK))
    return write_words(canvas, words), positions
