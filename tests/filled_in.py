"""Drawn images of one template, filled in with other content: what is near in every pixel and is no copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFilter, ImageFont

from samples import photograph

Pixels = np.ndarray


def _text(draw: ImageDraw.ImageDraw, x: float, y: float, text: str, size: int = 20, **options: object) -> None:
    draw.text((x, y), text, font=ImageFont.load_default(size), **options)


def receipt(number: str, date: str, items: Sequence[tuple[str, float]]) -> Pixels:
    """(800, 480, 3): a shop's receipt."""
    image = Pillow.new("RGB", (480, 800), (250, 250, 247))
    draw = ImageDraw.Draw(image)
    _text(draw, 130, 40, "CORNER SHOP", 30, fill=0)
    _text(draw, 40, 140, f"Receipt no. {number}", fill=0)
    _text(draw, 40, 170, f"Date {date}", fill=0)
    for line, (name, price) in enumerate(items):
        _text(draw, 40, 230 + 34 * line, name, fill=0)
        _text(draw, 370, 230 + 34 * line, f"{price:6.2f}", fill=0)
    _text(draw, 40, 260 + 34 * len(items), "TOTAL", 24, fill=0)
    _text(draw, 350, 260 + 34 * len(items), f"{sum(price for _, price in items):7.2f}", 24, fill=0)
    _text(draw, 110, 340 + 34 * len(items), "Thank you, come again", 18, fill=0)
    return np.asarray(image)


def receipts() -> list[Pixels]:
    """Three of one shop."""
    return [
        receipt("004417", "2024-03-02", (("Bread", 2.4), ("Milk", 1.1), ("Apples", 2.95), ("Cheese", 4.6))),
        receipt("004983", "2024-04-11", (("Bread", 2.4), ("Milk", 1.1), ("Pears", 3.15), ("Cheese", 4.6))),
        receipt("005126", "2024-05-09", (("Rolls", 1.8), ("Milk", 1.15), ("Plums", 2.75), ("Ham", 5.2))),
    ]


def badge(name: str, number: str, face: str) -> Pixels:
    """(400, 640, 3): a firm's badge."""
    image = Pillow.new("RGB", (640, 400), (235, 240, 250))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 640, 70), fill=(20, 60, 140))
    _text(draw, 20, 16, "EXAMPLE WORKS", 34, fill="white")
    image.paste(Pillow.fromarray(photograph(face)).resize((200, 250)), (30, 100))
    _text(draw, 260, 120, name, 32, fill=0)
    _text(draw, 260, 230, f"No. {number}", 26, fill=0)
    draw.rectangle((260, 300, 600, 350), fill=(20, 60, 140))
    return np.asarray(image)


def badges() -> list[Pixels]:
    """Two people's, and one of which a single digit differs."""
    return [
        badge("A. Example", "10017", "astronaut.png"),
        badge("B. Sample", "10233", "chelsea.png"),
        badge("A. Example", "10018", "astronaut.png"),
    ]


def with_text(pixels: Pixels, *lines: str) -> Pixels:
    """A photograph with white text at the top and at the bottom, as memes have it."""
    image = Pillow.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    for line, y in zip(lines, (36, image.height - 40), strict=True):
        _text(draw, image.width / 2, y, line, 44, fill="white", anchor="mm", stroke_width=3, stroke_fill="black")
    return np.asarray(image)


def memes() -> list[Pixels]:
    """Two texts on one photograph."""
    base = np.asarray(Pillow.fromarray(photograph("chelsea.png")).resize((640, 426)))
    return [with_text(base, "WHEN THE BUILD", "FAILS ON FRIDAY"), with_text(base, "ONE DOES NOT", "JUST OPEN A TIN")]


def charts() -> list[Pixels]:
    """Three curves in one frame."""
    drawn = []
    for seed in range(3):
        image = Pillow.new("RGB", (640, 420), "white")
        draw = ImageDraw.Draw(image)
        _text(draw, 220, 8, "Sales by region", fill=0)
        draw.rectangle((70, 45, 610, 370), outline=0)
        for line in range(6):
            draw.line((70, 45 + 65 * line, 610, 45 + 65 * line), fill=(220, 220, 220))
            _text(draw, 30, 38 + 65 * line, str(100 - 20 * line), 13, fill=0)
        height = np.clip(200 + np.cumsum(np.random.default_rng(seed).normal(0, 8, 109)), 50, 365)
        draw.line([(70 + 5 * x, float(y)) for x, y in enumerate(height)], fill=(31, 119, 180), width=3)
        drawn.append(np.asarray(image))
    return drawn


def boards() -> list[Pixels]:
    """Two positions of one game, a few moves apart."""
    drawn = []
    for moved in ((), ((4, 6, 4, 4), (2, 1, 2, 3), (6, 7, 5, 5))):
        squares = np.full((8, 8), " ")
        squares[:2] = list("rnbqkbnr"), list("pppppppp")
        squares[6:] = list("PPPPPPPP"), list("RNBQKBNR")
        for from_x, from_y, to_x, to_y in moved:
            squares[to_y, to_x], squares[from_y, from_x] = squares[from_y, from_x], " "
        image = Pillow.new("RGB", (400, 400))
        draw = ImageDraw.Draw(image)
        for y, x in np.ndindex(8, 8):
            draw.rectangle(
                (50 * x, 50 * y, 50 * x + 50, 50 * y + 50), (238, 216, 180) if (x + y) % 2 == 0 else (181, 136, 99)
            )
            _text(draw, 50 * x + 25, 50 * y + 25, str(squares[y, x]), 44, fill=0, anchor="mm")
        drawn.append(np.asarray(image))
    return drawn


def camera(seed: int, subject: str | None = None, place: tuple[int, int] = (60, 250)) -> Pixels:
    """(426, 640, 3): a frame of a camera that stands still, with the grain of its sensor."""
    view = Pillow.fromarray(photograph("coffee.png")).resize((640, 426)).filter(ImageFilter.GaussianBlur(1))
    if subject:
        mask = Pillow.new("L", (120, 130))
        ImageDraw.Draw(mask).polygon([(20, 130), (0, 60), (30, 10), (70, 0), (110, 30), (120, 90), (90, 130)], fill=255)
        view.paste(Pillow.fromarray(photograph(subject)).resize((120, 130)), place, mask)
    noise = np.random.default_rng(seed).normal(0, 4, (426, 640, 3))
    return np.clip(np.asarray(view) + noise, 0, 255).astype(np.uint8)


def frames() -> list[Pixels]:
    """A cat, and somebody elsewhere, before one camera."""
    return [camera(1, "chelsea.png"), camera(2, "astronaut.png", (420, 240))]


FILLED_IN: dict[str, Callable[[], list[Pixels]]] = {
    "receipts": receipts, "badges": badges, "memes": memes, "charts": charts, "boards": boards, "frames": frames,
}  # fmt: skip
