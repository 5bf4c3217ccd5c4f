"""What a transparent image is laid over: white, unless what is visible of it would vanish there."""

from __future__ import annotations

import numpy as np
from PIL import Image

NEAR_WHITE = 225  # luma, of 255, from which on white hides it
VANISHES = 0.9  # of what is visible: where so much is near white, the ground is black
_SAMPLED = 512  # pixels along the shorter side that are looked at


def over_ground(image: Image.Image) -> Image.Image:
    """An LA or RGBA image without its transparency; any other as it is."""
    if image.mode not in {"LA", "RGBA"}:
        return image
    mode, alpha = image.mode[:-1], image.getchannel("A")
    ground = Image.new(mode, image.size, _ground(image, alpha))
    ground.paste(image.convert(mode), mask=alpha)
    return ground


def lost_alpha(image: Image.Image) -> bytes:
    """The transparency of an LA or RGBA image; b"" if it is opaque everywhere, or of another mode."""
    if image.mode not in {"LA", "RGBA"}:
        return b""
    alpha = image.getchannel("A")
    return b"" if alpha.getextrema() == (255, 255) else alpha.tobytes()


def _ground(image: Image.Image, alpha: Image.Image) -> str:
    if alpha.getextrema() == (255, 255):
        return "white"
    step = max(1, min(image.size) // _SAMPLED)
    weights = np.asarray(alpha)[::step, ::step].astype(np.float64)
    luma = np.asarray(image.convert("L"))[::step, ::step]
    total = weights.sum()
    return "black" if total and weights[luma >= NEAR_WHITE].sum() >= VANISHES * total else "white"
