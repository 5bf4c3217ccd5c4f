"""Any of Pillow's colour modes, with or without an ICC profile, as plain sRGB."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

# Modes in which pixels cannot be averaged, and the nearest mode in which they can.
_AVERAGEABLE_MODES = {"1": "L", "PA": "RGBA", "La": "LA", "RGBa": "RGBA", "HSV": "RGB", "RGBX": "RGB"}
# The colour space in an ICC header -> the mode that its transform reads.
_PROFILE_MODES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK", b"Lab ": "LAB"}
_SRGB_TOLERANCE = 2
"""Levels, of 255, within which a profile counts as sRGB itself."""


def plain(image: Image.Image) -> Image.Image:
    """The image in a mode whose pixels can be averaged: L, LA, RGB, RGBA, CMYK, YCbCr or LAB, 8 bit."""
    mode = image.mode
    if mode == "F" or mode.startswith("I"):
        return _grey_from_numbers(image)
    if mode in {"1", "L", "P", "RGB"} and "transparency" in image.info:
        return image.convert("RGBA")
    if mode == "P":
        palette = image.palette.mode if image.palette else "RGB"
        return image.convert("RGBA" if "A" in palette else "RGB")
    return image.convert(_AVERAGEABLE_MODES[mode]) if mode in _AVERAGEABLE_MODES else image


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A ``plain`` image as RGB in sRGB: transparent parts over white, then by its ICC profile.

    A profile that is broken or made for other colours is ignored, as viewers do.
    """
    image = _over_white(image)
    if profile:
        image = _apply_profile(image, profile)
    return image if image.mode == "RGB" else image.convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode not in {"LA", "RGBA"}:
        return image
    mode = image.mode[:-1]
    white = Image.new(mode, image.size, "white")
    white.paste(image.convert(mode), mask=image.getchannel("A"))
    return white


def _grey_from_numbers(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float grey as 8-bit grey; what is not a number becomes black."""
    numbers = np.asarray(image)
    if numbers.dtype.itemsize == 2:  # the same rule by which Pillow reads 16-bit colour
        return Image.fromarray((numbers >> 8).astype(np.uint8))
    return Image.fromarray(_scaled(numbers.astype(np.float32)))


def _scaled(numbers: NDArray[np.float32]) -> NDArray[np.uint8]:
    """0..1, 0..255 and 0..65535 keep their black and white; any other range is stretched to fit."""
    finite = np.isfinite(numbers)
    low, high = _range(numbers[finite])
    with np.errstate(all="ignore"):
        levels = (numbers.astype(np.float64) - low) * (255.0 / (high - low)) + 0.5
    return np.where(finite, np.clip(levels, 0, 255), 0).astype(np.uint8)


def _range(numbers: NDArray[np.float32]) -> tuple[float, float]:
    """The values that become black and white."""
    low, high = (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 0.0)
    if low < 0 or high > 65535:
        return low, max(high, low + 1e-30)
    return 0.0, 1.0 if high <= 1 else 255.0 if high <= 255 else 65535.0


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """The image in sRGB, or as it was if the profile does not fit it."""
    mode = _PROFILE_MODES.get(profile[16:20])
    if mode == "RGB" and image.mode in {"L", "YCbCr"}:
        image = image.convert("RGB")
    transform = _transform(profile, mode) if mode == image.mode else None
    return transform.apply(image) if transform else image


@lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way from this profile to sRGB; None if it cannot be used, or changes nothing.

    Shared between threads: a transform is never written to once it is made.
    """
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, _srgb_profile(), mode, "RGB")
        return None if _changes_nothing(transform, mode) else transform
    except Exception:  # whatever is wrong with a profile, the image can still be seen without it
        return None


@lru_cache(maxsize=1)
def _srgb_profile() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Measured on 729 colours, because there are many sRGB profiles and their names cannot be trusted."""
    if mode != "RGB":
        return False
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    probe = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(27, 27, 3)
    seen = np.asarray(transform.apply(Image.fromarray(probe)))
    return int(np.abs(seen.astype(int) - probe).max()) <= _SRGB_TOLERANCE
