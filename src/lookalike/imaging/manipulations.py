"""The edits that people make of images, by name: what copies are made of.

Calibrations are fitted on them, benchmarks count them and the demo shows them. Every edit is a pure
function of (h, w, 3) uint8 sRGB pixels and a random generator; the same seed gives the same pixels.
``kind`` is the relation that the edited image has to its original. An image that lies as a part in a
larger one (padded, screenshot, pasted, collage) is a "crop" of it.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from lookalike.errors import UserError
from lookalike.types import Pixels

Kind = Literal["re-encoded", "edited", "crop", "mirrored", "rotated"]
EditFunction = Callable[[Pixels, np.random.Generator], Pixels]

CAPTIONS = (
    "when the copy",
    "is better than",
    "the original",
    "nobody",
    "will notice",
    "monday",
    "again",
    "2 for 1",
)


@dataclass(frozen=True, slots=True)
class Edit:
    """One named edit. ``function``: (h, w, 3) uint8 and a generator -> (h', w', 3) uint8, a new array."""

    function: EditFunction
    kind: Kind


def apply(name: str, pixels: Pixels, seed: int = 0) -> Pixels:
    """The (h, w, 3) uint8 sRGB ``pixels`` (8x8 or larger) after the edit ``name``, as a new array.

    The same name, pixels and seed give the same answer. Raises UserError for a name that is not in EDITS
    and for pixels of another shape or type.
    """
    if name not in EDITS:
        raise UserError(f"There is no edit named {name!r}. Choose one of: {', '.join(EDITS)}.")
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or min(pixels.shape[:2]) < 8:
        raise UserError(f"An edit needs (h, w, 3) uint8 pixels, at least 8x8; got {pixels.shape} {pixels.dtype}.")
    generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return np.ascontiguousarray(EDITS[name].function(pixels.copy(), generator))


# --- between arrays and Pillow, sizes and colours ---------------------------------------------------


def _pixels(image: Pillow.Image) -> Pixels:
    return np.array(image.convert("RGB"), dtype=np.uint8)


def _uint8(values: np.ndarray) -> Pixels:
    return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)


def _resized(pixels: Pixels, width: int, height: int) -> Pixels:
    shrinks = width * height < pixels.shape[0] * pixels.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (max(1, width), max(1, height)), interpolation=method), dtype=np.uint8)


def _colour(generator: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in generator.integers(0, 256, 3))
    return red, green, blue


def _corner(generator: np.random.Generator, room_x: int, room_y: int) -> tuple[int, int]:
    return int(generator.integers(0, max(0, room_x) + 1)), int(generator.integers(0, max(0, room_y) + 1))


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(4, size))


def _text(generator: np.random.Generator, words: int) -> str:
    return " ".join(CAPTIONS[i] for i in generator.choice(len(CAPTIONS), words, replace=False))


# --- re-encoded: the same image, written again ----------------------------------------------------


def _encoded(file_format: str, quality: int) -> EditFunction:
    def encode(pixels: Pixels, _: np.random.Generator) -> Pixels:
        memory = io.BytesIO()
        Pillow.fromarray(pixels).save(memory, file_format, quality=quality)
        return _pixels(Pillow.open(memory))

    return encode


def _scaled(share_x: float, share_y: float) -> EditFunction:
    def scale(pixels: Pixels, _: np.random.Generator) -> Pixels:
        height, width = pixels.shape[:2]
        return _resized(pixels, round(width * share_x), round(height * share_y))

    return scale


# --- edited: tones and colours ----------------------------------------------------------------------


def _enhanced(enhancer: Callable[[Pillow.Image], ImageEnhance._Enhance], factor: float) -> EditFunction:
    return lambda pixels, _: _pixels(enhancer(Pillow.fromarray(pixels)).enhance(factor))


def _blur(pixels: Pixels, _: np.random.Generator) -> Pixels:
    radius = max(1.0, max(pixels.shape) / 200)
    return _pixels(Pillow.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def _sharpen(pixels: Pixels, _: np.random.Generator) -> Pixels:
    radius = max(1.0, max(pixels.shape) / 200)
    return _pixels(Pillow.fromarray(pixels).filter(ImageFilter.UnsharpMask(radius, 150, 0)))


def _mapped(curve: Callable[[np.ndarray], np.ndarray]) -> EditFunction:
    """An edit that looks every value up in ``curve``, given 0..1, answering 0..1."""
    table = _uint8(255 * curve(np.arange(256) / 255))
    return lambda pixels, _: np.asarray(table[pixels], dtype=np.uint8)


def _mixed(matrix: tuple[tuple[float, float, float], ...]) -> EditFunction:
    return lambda pixels, _: _uint8(pixels @ np.array(matrix).T)


def _noise(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    return _uint8(pixels + generator.normal(0, 16, pixels.shape))


def _hue(pixels: Pixels, _: np.random.Generator) -> Pixels:
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(np.int16) + 25) % 180
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), dtype=np.uint8)


def _auto_contrast(pixels: Pixels, _: np.random.Generator) -> Pixels:
    return _pixels(ImageOps.autocontrast(Pillow.fromarray(pixels), cutoff=2))


def _pixelate(pixels: Pixels, _: np.random.Generator) -> Pixels:
    height, width = pixels.shape[:2]
    block = max(2, round(max(height, width) / 64))
    small = _resized(pixels, width // block, height // block)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


# --- edited: something drawn on it ------------------------------------------------------------------


def _border(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    edge = max(1, round(0.03 * max(pixels.shape)))
    return np.asarray(cv2.copyMakeBorder(pixels, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=_colour(generator)))


def _caption(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """A white bar above the image, a sixth of its height, with black text: a meme."""
    height, width = pixels.shape[:2]
    bar = max(2, height // 6)
    canvas = Pillow.new("RGB", (width, height + bar), "white")
    canvas.paste(Pillow.fromarray(pixels), (0, bar))
    size = min(0.6 * bar, width / 12)
    ImageDraw.Draw(canvas).text((width / 2, bar / 2), _text(generator, 2), "black", _font(size), anchor="mm")
    return _pixels(canvas)


def _watermark(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """White half-transparent words on a dark half-transparent shadow, across the middle, slanted."""
    height, width = pixels.shape[:2]
    layer = Pillow.new("RGBA", (width, height))
    font, centre, words = _font(width / 9), (width / 2, height / 2), _text(generator, 1).upper()
    draw, step = ImageDraw.Draw(layer), max(1, width // 300)
    draw.text((centre[0] + step, centre[1] + step), words, (0, 0, 0, 90), font, anchor="mm")
    draw.text(centre, words, (255, 255, 255, 140), font, anchor="mm")
    layer = layer.rotate(float(generator.uniform(10, 30)), Pillow.Resampling.BICUBIC)
    return _pixels(Pillow.alpha_composite(Pillow.fromarray(pixels).convert("RGBA"), layer))


def _sticker(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """A round smiling face, 30 % of the shorter side, anywhere in the image."""
    height, width = pixels.shape[:2]
    side = max(4, round(0.3 * min(height, width)))
    left, top = _corner(generator, width - side, height - side)
    face = Pillow.new("RGBA", (240, 240))
    draw = ImageDraw.Draw(face)
    draw.ellipse((4, 4, 236, 236), (250, 204, 60), (120, 80, 10), 8)
    for x in (80, 160):
        draw.ellipse((x - 16, 70, x + 16, 110), (70, 45, 10))
    draw.chord((55, 80, 185, 195), 10, 170, (150, 40, 40))
    face = face.resize((side, side), Pillow.Resampling.LANCZOS)
    canvas = Pillow.fromarray(pixels)
    canvas.paste(face, (left, top), face)
    return _pixels(canvas)


def _covered(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """A black rectangle over a fifth of the area, anywhere."""
    height, width = pixels.shape[:2]
    box_h, box_w = round(height * 0.2**0.5), round(width * 0.2**0.5)
    left, top = _corner(generator, width - box_w, height - box_h)
    pixels[top : top + box_h, left : left + box_w] = 0
    return pixels


# --- crop: a part of it, or it as a part of something larger ----------------------------------------


def _cropped(share: float) -> EditFunction:
    """An edit that keeps ``share`` of the area, of the same aspect, at a random place."""

    def crop(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        height, width = pixels.shape[:2]
        kept_h, kept_w = int(height * share**0.5), int(width * share**0.5)
        left, top = _corner(generator, width - kept_w, height - kept_h)
        return pixels[top : top + kept_h, left : left + kept_w]

    return crop


def _pad(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """One-coloured borders, a fifth of the width left and right and a fifth of the height above and below."""
    height, width = pixels.shape[:2]
    y, x = max(1, round(0.2 * height)), max(1, round(0.2 * width))
    colour = ((0, 0, 0), (255, 255, 255), _colour(generator))[int(generator.integers(3))]
    return np.asarray(cv2.copyMakeBorder(pixels, y, y, x, x, cv2.BORDER_CONSTANT, value=colour))


def _scene(width: int, height: int, generator: np.random.Generator) -> Pixels:
    """A drawn image, unlike any photograph of the user: a soft gradient with shapes and grain."""
    soft = cv2.resize(generator.integers(0, 256, (3, 3, 3)).astype(np.float32), (width, height))
    canvas = Pillow.fromarray(_uint8(soft))
    draw = ImageDraw.Draw(canvas)
    for index in range(24):
        x, y = generator.uniform(-0.2, 1, 2) * (width, height)
        w, h = generator.uniform(0.03, 0.35, 2) * (width, height)
        shape = draw.ellipse if index % 2 else draw.rectangle
        shape((x, y, x + w, y + h), _colour(generator))
    return _uint8(np.asarray(canvas) + generator.normal(0, 6, (height, width, 3)))


def _pasted(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """The image at half its size, somewhere on another image of its original size."""
    height, width = pixels.shape[:2]
    canvas = _scene(width, height, generator)
    small = _resized(pixels, width // 2, height // 2)
    left, top = _corner(generator, width - small.shape[1], height - small.shape[0])
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


def _collage(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Two by two panels with white gutters: the image at half its size among three others."""
    height, width = pixels.shape[:2]
    w, h, gap = width // 2, height // 2, max(1, min(width, height) // 50)
    panels = [_resized(pixels, w, h), *(_scene(w, h, generator) for _ in range(3))]
    canvas = np.full((2 * h + 3 * gap, 2 * w + 3 * gap, 3), 255, np.uint8)
    for place, panel in zip(generator.permutation(4), panels, strict=True):
        top, left = gap + (place // 2) * (h + gap), gap + (place % 2) * (w + gap)
        canvas[top : top + h, left : left + w] = panel
    return canvas


def _screenshot(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """The image as a post in an application: a clock, a name above it, buttons and lines of text below."""
    height, width = pixels.shape[:2]
    unit = max(2, width // 16)
    paper, ink = (("white", "#222222"), ("#15171a", "#e6e6e6"))[int(generator.integers(2))]
    top, bottom = 3 * unit, 5 * unit
    canvas = Pillow.new("RGB", (width, top + height + bottom), paper)
    canvas.paste(Pillow.fromarray(pixels), (0, top))
    draw = ImageDraw.Draw(canvas)
    _above(draw, unit, ink, generator)
    _below(draw, unit, width, top + height, generator)
    return _pixels(canvas)


def _above(draw: ImageDraw.ImageDraw, unit: int, ink: str, generator: np.random.Generator) -> None:
    clock = f"{generator.integers(24)}:{generator.integers(10, 60)}"
    draw.text((unit / 2, unit / 4), clock, ink, _font(0.6 * unit))
    draw.ellipse((unit / 2, 1.3 * unit, 1.9 * unit, 2.7 * unit), _colour(generator))
    draw.text((2.4 * unit, 1.5 * unit), _text(generator, 1), ink, _font(0.7 * unit))


def _below(draw: ImageDraw.ImageDraw, unit: int, width: int, top: int, generator: np.random.Generator) -> None:
    for index in range(3):
        x = (0.5 + 1.8 * index) * unit
        draw.rounded_rectangle((x, top + unit / 2, x + unit, top + 1.5 * unit), unit / 4, "#8a8f98")
    for line in range(3):
        right = 0.5 * unit + float(generator.uniform(0.4, 0.9)) * (width - unit)
        y = top + (2.2 + 0.8 * line) * unit
        draw.rectangle((unit / 2, y, max(unit, right), y + unit / 3), "#8a8f98")


# --- mirrored and rotated ---------------------------------------------------------------------------


def _rotated_quarters(quarters: int) -> EditFunction:
    return lambda pixels, _: np.rot90(pixels, quarters)


def _rotated_5(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Turned by 5 degrees, to the left or to the right, in a frame of the same size: black corners."""
    height, width = pixels.shape[:2]
    angle = 5.0 if generator.integers(2) else -5.0
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
    return np.asarray(cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_LINEAR), dtype=np.uint8)


_GREY = (0.299, 0.587, 0.114)
_SEPIA = ((0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131))

EDITS: Mapping[str, Edit] = {
    "jpeg-90": Edit(_encoded("JPEG", 90), "re-encoded"),
    "jpeg-50": Edit(_encoded("JPEG", 50), "re-encoded"),
    "jpeg-30": Edit(_encoded("JPEG", 30), "re-encoded"),
    "jpeg-10": Edit(_encoded("JPEG", 10), "re-encoded"),
    "webp-50": Edit(_encoded("WEBP", 50), "re-encoded"),
    "resize-50": Edit(_scaled(0.5, 0.5), "re-encoded"),
    "resize-25": Edit(_scaled(0.25, 0.25), "re-encoded"),
    "upscale-200": Edit(_scaled(2.0, 2.0), "re-encoded"),
    "blur": Edit(_blur, "edited"),
    "sharpen": Edit(_sharpen, "edited"),
    "noise": Edit(_noise, "edited"),
    "brightness+": Edit(_enhanced(ImageEnhance.Brightness, 1.4), "edited"),
    "brightness-": Edit(_enhanced(ImageEnhance.Brightness, 0.6), "edited"),
    "contrast+": Edit(_enhanced(ImageEnhance.Contrast, 1.5), "edited"),
    "contrast-": Edit(_enhanced(ImageEnhance.Contrast, 0.5), "edited"),
    "gamma": Edit(_mapped(lambda value: value**0.6), "edited"),
    "hue": Edit(_hue, "edited"),
    "saturation": Edit(_enhanced(ImageEnhance.Color, 1.8), "edited"),
    "grey": Edit(_mixed((_GREY, _GREY, _GREY)), "edited"),
    "sepia": Edit(_mixed(_SEPIA), "edited"),
    "negative": Edit(_mapped(lambda value: 1 - value), "edited"),
    "posterise": Edit(_mapped(lambda value: np.floor(value * 3.999) / 3), "edited"),
    "auto-contrast": Edit(_auto_contrast, "edited"),
    "colour-cast": Edit(_mixed(((1.2, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.7))), "edited"),
    "pixelate": Edit(_pixelate, "edited"),
    "stretch": Edit(_scaled(1.25, 1.0), "edited"),
    "border": Edit(_border, "edited"),
    "caption": Edit(_caption, "edited"),
    "watermark": Edit(_watermark, "edited"),
    "sticker": Edit(_sticker, "edited"),
    "covered": Edit(_covered, "edited"),
    "crop-95": Edit(_cropped(0.95), "crop"),
    "crop-80": Edit(_cropped(0.80), "crop"),
    "crop-50": Edit(_cropped(0.50), "crop"),
    "crop-25": Edit(_cropped(0.25), "crop"),
    "pad": Edit(_pad, "crop"),
    "screenshot": Edit(_screenshot, "crop"),
    "pasted": Edit(_pasted, "crop"),
    "collage": Edit(_collage, "crop"),
    "mirror": Edit(lambda pixels, _: pixels[:, ::-1], "mirrored"),  # left becomes right
    "flip": Edit(lambda pixels, _: pixels[::-1], "mirrored"),  # above becomes below
    "rotate-90": Edit(_rotated_quarters(1), "rotated"),  # counter-clockwise, as np.rot90
    "rotate-180": Edit(_rotated_quarters(2), "rotated"),
    "rotate-270": Edit(_rotated_quarters(3), "rotated"),  # counter-clockwise, so a quarter clockwise
    "rotate-5": Edit(_rotated_5, "rotated"),
}
