"""White paper, words and framed images: what drawings for people are put together from. Knows of no comparison."""

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

WIDTH = 1400  # pixels
MARGIN = 48
GAP = 28
TALLEST = 460  # of an image
LOWEST = 96  # of a row of images
LARGEST = 24  # times that a small image is enlarged, at most
THINNEST = 4  # pixels that the shorter side of a long image takes at least
BLOCKY = 6  # times: what is enlarged more shows its pixels

Colour = tuple[int, int, int]
INK: Colour = (24, 28, 26)
SOFT: Colour = (102, 112, 108)
LINE: Colour = (222, 227, 224)
MAT: Colour = (243, 245, 243)
WHITE: Colour = (255, 255, 255)


def blank(height: int) -> Pixels:
    """(height, WIDTH, 3) uint8, white."""
    return np.full((height, WIDTH, 3), 255, np.uint8)


def mixed(paper: Pixels, other: Pixels, share: float) -> Pixels:
    """The two (h, w, 3), ``share`` of the other."""
    return np.asarray(cv2.addWeighted(other, share, paper, 1 - share, 0), np.uint8)


# --- words


@dataclass(frozen=True, slots=True)
class Word:
    """A line of text at (x, y) pixels. ``anchor``: as Pillow has it, "ls" is the left end of the baseline. ``heavy``:
    pixels by which its strokes are wider."""

    text: str
    x: float
    y: float
    size: int = 17
    colour: Colour = INK
    anchor: str = "ls"
    heavy: float = 0.0


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def written(paper: Pixels, words: Iterable[Word]) -> Pixels:
    """The paper with these words on it."""
    page = Pillow.fromarray(paper)
    pen = ImageDraw.Draw(page)
    for w in words:
        pen.text((w.x, w.y), w.text, w.colour, _font(w.size), w.anchor, stroke_width=w.heavy)
    return np.array(page)


def length(text: str, size: int) -> float:
    """In pixels."""
    return float(_font(size).getlength(text))


def in_letters(name: str) -> str:
    """What the font can show of a file's name: letters without their accents, "?" for what it does not have."""
    plain = (c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" else "?" for c in plain)


def shortened(text: str, size: int, room: float) -> str:
    """The text, with its middle left out where it is longer than ``room`` pixels."""
    kept, short = len(text), text
    while kept > 2 and length(short, size) > room:
        kept -= 1
        short = f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
    return short


def titled(title: str, body: Pixels) -> Pixels:
    """A section: a thin line, its title, and its body."""
    head = blank(64)
    head[14:15, MARGIN : WIDTH - MARGIN] = LINE
    return np.concatenate([written(head, [Word(title, MARGIN, 48, 19, heavy=0.35)]), body])


def note(text: str) -> Pixels:
    """A line in place of an image."""
    return written(blank(34), [Word(text, MARGIN, 18, 17, SOFT)])


# --- images


@dataclass(frozen=True, slots=True)
class Frame:
    """An image as it is shown: (h, w, 3) uint8, and how many (x, y) pixels of it there are to one of the original."""

    shown: Pixels
    grow: tuple[float, float]


def column(columns: int) -> int:
    """The width in pixels of one of so many columns."""
    return (WIDTH - 2 * MARGIN - (columns - 1) * GAP) // columns


def framed(pixels: Pixels, columns: int, size: tuple[float, float] | None = None) -> Frame:
    """The image as large as one of so many columns allows. ``size``: (width, height) of its original."""
    height, width = pixels.shape[:2]
    scale = min(column(columns) / width, TALLEST / height, LARGEST)
    fitted = (max(THINNEST, round(width * scale)), max(THINNEST, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST if scale > BLOCKY else cv2.INTER_CUBIC
    shown = np.asarray(cv2.resize(pixels, fitted, interpolation=method), np.uint8)
    wide, high = size or (width, height)
    return Frame(shown, (fitted[0] / wide, fitted[1] / high))


def shelf(frames: Sequence[Frame], captions: Sequence[str]) -> tuple[Pixels, list[tuple[int, int]]]:
    """The frames side by side on mats of one size, a caption below each; and (x, y), where the top-left corner of each
    is."""
    width = column(len(frames))
    height = max(LOWEST, *(frame.shown.shape[0] for frame in frames))
    paper, places, words = blank(height + 40), [], []
    for number, (frame, caption) in enumerate(zip(frames, captions, strict=True)):
        left = MARGIN + number * (width + GAP)
        paper[:height, left : left + width] = MAT
        high, wide = frame.shown.shape[:2]
        x, y = left + (width - wide) // 2, (height - high) // 2
        paper[y : y + high, x : x + wide] = frame.shown
        places.append((x, y))
        words.append(Word(shortened(caption, 16, width), left, height + 25, 16, SOFT))
    return written(paper, words), places
