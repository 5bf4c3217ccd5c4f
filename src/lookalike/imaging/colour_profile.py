"""Any of Pillow's colour modes, with or without an ICC profile, as plain sRGB."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

from lookalike.imaging.grey_levels import grey_levels
from lookalike.imaging.ground import over_ground

# Modes in which pixels cannot be averaged, and the nearest mode in which they can.
_AVERAGEABLE_MODES = {"1": "L", "PA": "RGBA", "La": "LA", "RGBa": "RGBA", "HSV": "RGB", "RGBX": "RGB"}
# The colour space in an ICC header -> the mode that its transform reads.
_PROFILE_MODES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK", b"Lab ": "LAB"}
_SRGB_TOLERANCE = 2
"""Levels, of 255, within which a profile counts as sRGB itself."""


def plain(image: Image.Image) -> Image.Image:
    """The image in a mode whose pixels can be averaged: L, LA, RGB, RGBA, CMYK, YCbCr or LAB, 8 bit."""
    mode = image.mode
    if has_numbers(image):
        return Image.fromarray(grey_levels(np.asarray(image)))
    if mode in {"1", "L", "P", "RGB"} and "transparency" in image.info:
        return image.convert("RGBA")
    if mode == "P":
        palette = image.palette.mode if image.palette else "RGB"
        return image.convert("RGBA" if "A" in palette else "RGB")
    return image.convert(_AVERAGEABLE_MODES[mode]) if mode in _AVERAGEABLE_MODES else image


def has_numbers(image: Image.Image) -> bool:
    """Whether it is grey of more than 8 bits."""
    return image.mode == "F" or image.mode.startswith("I")


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A ``plain`` image as RGB in sRGB: transparent parts over a ground, then by its ICC profile.

    A profile that is broken or made for other colours is ignored, as viewers do.
    """
    image = over_ground(image)
    if profile:
        image = _apply_profile(image, profile)
    return image if image.mode == "RGB" else image.convert("RGB")


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
