"""Drawn things that people put on images or around them: text, stickers, logos, application screens, shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lookalike.types import Pixels

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!?.,@#&"
Draw = ImageDraw.ImageDraw
Generator = np.random.Generator


def overlays(count: int, side: int, seed: int) -> Pixels:
    """(count, side, side, 4) uint8 RGBA, mostly clear: to be laid over an image at any place and size."""
    return _drawn((_words, _watermark, _face, _logo, _bar, _plate), "RGBA", count, side, seed)


def backgrounds(count: int, side: int, seed: int) -> Pixels:
    """(count, side, side, 3) uint8: to be seen around an image."""
    return _drawn((_screen, _page, _shapes, _gradient), "RGB", count, side, seed)


def _drawn(
    kinds: Sequence[Callable[[Draw, int, Generator], None]], mode: str, count: int, side: int, seed: int
) -> Pixels:
    generator = np.random.default_rng(seed)
    drawn = np.empty((count, side, side, len(mode)), np.uint8)
    for number in range(count):
        canvas = Image.new(mode, (side, side))
        kinds[number % len(kinds)](ImageDraw.Draw(canvas), side, generator)
        drawn[number] = np.asarray(canvas)
    return drawn


def _ink(generator: Generator) -> tuple[int, ...]:
    kind = generator.integers(4)
    if kind < 2:
        return ((0, 0, 0), (255, 255, 255))[kind]
    return tuple(int(value) for value in generator.integers(0, 256, 3))


def _line(generator: Generator, longest: int = 16) -> str:
    return "".join(generator.choice(list(LETTERS + "    "), generator.integers(3, longest)))


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(4.0, size))


def _words(draw: Draw, side: int, generator: Generator) -> None:
    ink, size = _ink(generator), float(generator.uniform(0.08, 0.3)) * side
    for row in range(int(generator.integers(1, 5))):
        draw.text((0.03 * side, (0.05 * side) + 1.1 * size * row), _line(generator), (*ink, 255), _font(size))


def _watermark(draw: Draw, side: int, generator: Generator) -> None:
    ink, size = _ink(generator), float(generator.uniform(0.1, 0.25)) * side
    for row in range(int(generator.integers(1, 4))):
        draw.text(
            (0, size * (1 + 2 * row)), _line(generator, 12), (*ink, int(generator.integers(60, 180))), _font(size)
        )


def _face(draw: Draw, side: int, generator: Generator) -> None:
    skin, dark = _ink(generator), _ink(generator)
    draw.ellipse((0, 0, side - 1, side - 1), (*skin, 255), (*dark, 255), max(1, side // 30))
    for x in (0.33, 0.67):
        radius = float(generator.uniform(0.04, 0.12)) * side
        draw.ellipse((x * side - radius, 0.35 * side - radius, x * side + radius, 0.35 * side + radius), (*dark, 255))
    draw.chord((0.25 * side, 0.35 * side, 0.75 * side, 0.8 * side), 10, 170, (*dark, 255))


def _logo(draw: Draw, side: int, generator: Generator) -> None:
    for _ in range(int(generator.integers(1, 4))):
        corners = [tuple(float(v) for v in generator.uniform(0, side, 2)) for _ in range(int(generator.integers(3, 7)))]
        draw.polygon(corners, (*_ink(generator), int(generator.integers(120, 256))))
    draw.text((0.1 * side, 0.6 * side), _line(generator, 6), (*_ink(generator), 255), _font(0.3 * side))


def _bar(draw: Draw, side: int, generator: Generator) -> None:
    top, high = float(generator.uniform(0, 0.8)) * side, float(generator.uniform(0.1, 0.3)) * side
    draw.rectangle((0, top, side, top + high), (*_ink(generator), int(generator.integers(140, 256))))
    draw.text((0.05 * side, top), _line(generator, 20), (*_ink(generator), 255), _font(0.7 * high))


def _plate(draw: Draw, side: int, generator: Generator) -> None:
    draw.rectangle((0, 0, side, side), (*_ink(generator), 255))


def _screen(draw: Draw, side: int, generator: Generator) -> None:
    """An application: paper, a status line, round heads, rows of text and buttons."""
    dark = bool(generator.integers(2))
    paper = tuple(int(v) for v in generator.integers(0, 40, 3) + (0 if dark else 215))
    draw.rectangle((0, 0, side, side), paper)
    grey, y = (int(generator.integers(90, 170)),) * 3, 0.0
    while y < side:
        high, kind = float(generator.uniform(0.02, 0.09)) * side, generator.integers(5)
        if kind == 0:
            draw.ellipse((0.03 * side, y, 0.03 * side + 1.5 * high, y + 1.5 * high), _ink(generator))
        elif kind == 1:
            for x in range(4):
                draw.rounded_rectangle((x * 2.5 * high, y, x * 2.5 * high + 1.6 * high, y + high), high / 3, grey)
        elif kind < 4:
            draw.text((0.05 * side + 2 * high * (kind == 2), y), _line(generator, 30), grey, _font(high))
        else:
            draw.rectangle((0.04 * side, y, float(generator.uniform(0.3, 0.95)) * side, y + 0.4 * high), grey)
        y += high * float(generator.uniform(1.2, 3))


def _page(draw: Draw, side: int, generator: Generator) -> None:
    """One colour, with large words above and below, as on a meme."""
    draw.rectangle((0, 0, side, side), _ink(generator))
    ink = _ink(generator)
    for y in (0.01, 0.09, 0.17, 0.82, 0.9):
        if generator.random() < 0.6:
            draw.text(
                (float(generator.uniform(0, 0.2)) * side, y * side), _line(generator, 18), ink, _font(0.09 * side)
            )


def _shapes(draw: Draw, side: int, generator: Generator) -> None:
    draw.rectangle((0, 0, side, side), _ink(generator))
    for _ in range(int(generator.integers(4, 40))):
        x, y = (float(v) for v in generator.uniform(-0.2, 1, 2) * side)
        w, h = (float(v) for v in generator.uniform(0.03, 0.5, 2) * side)
        shape = draw.ellipse if generator.integers(2) else draw.rectangle
        shape((x, y, x + w, y + h), _ink(generator))


def _gradient(draw: Draw, side: int, generator: Generator) -> None:
    first, last = np.array(_ink(generator)), generator.integers(0, 256, 3)
    for y in range(side):
        share = y / side
        draw.line((0, y, side, y), tuple(int(v) for v in first * (1 - share) + last * share))
