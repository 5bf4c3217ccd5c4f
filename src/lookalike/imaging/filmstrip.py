"""A few frames of a video side by side: what people see of it where nothing moves."""

from __future__ import annotations

import cv2
import numpy as np

from lookalike.imaging.video import Video
from lookalike.types import Pixels

FRAMES = 4
GAP = 4  # pixels between two frames, black


def filmstrip(video: Video, width: int) -> Pixels:
    """(h, width, 3) uint8: FRAMES frames at equal steps. Raises LoadError where they cannot be decoded."""
    duration = video.info.duration
    times = [duration * (number + 0.5) / FRAMES for number in range(FRAMES)]
    each = (width - GAP * (FRAMES - 1)) // FRAMES
    content = video.info.content
    height = max(round(each * content.height / content.width), 1)
    strip = np.zeros((height, width, 3), np.uint8)
    for place, frame in enumerate(video.frames_at(times, min(each, height))):
        left = place * (each + GAP)
        strip[:, left : left + each] = cv2.resize(frame.image.pixels, (each, height), interpolation=cv2.INTER_AREA)
    return strip
