"""Two portraits side by side: every face that was found, the two that were compared, and how they were aligned."""

from __future__ import annotations

import cv2
import numpy as np

from lookalike.comparison.explain.canvas import (
    Colour,
    ScaledImage,
    fit_image,
    printable_name,
    section,
    side_by_side,
)
from lookalike.comparison.faces import Portrait, face_of
from lookalike.descriptors.neural.face_alignment import aligned
from lookalike.descriptors.neural.face_model import FaceNetwork
from lookalike.report.html_report import FacePairView
from lookalike.report.thumbnails import thumbnail
from lookalike.types import Face, FaceComparison, Pixels

CHOSEN: Colour = (27, 106, 86)
OTHER: Colour = (150, 150, 150)
ALIGNED_SCALE = 2  # times that an aligned face is enlarged


def face_pair_view(
    a: str, b: str, portraits: tuple[Portrait, Portrait], comparison: FaceComparison, network: FaceNetwork
) -> FacePairView:
    """What the report shows of two portraits and their comparison."""
    drawing = draw_portraits((a, b), portraits, network)
    return FacePairView(a, b, comparison.probability, comparison.distance, thumbnail(drawing, max(drawing.shape[:2])))


def draw_portraits(names: tuple[str, str], portraits: tuple[Portrait, Portrait], network: FaceNetwork) -> Pixels:
    """Both images with their faces, and the two that were compared as the network saw them."""
    frames = [_marked(one) for one in portraits]
    captions = [f"{printable_name(name)}: {_caption(one)}" for name, one in zip(names, portraits, strict=True)]
    cut = [ScaledImage(_as_seen(one, network), (1.0, 1.0)) for one in portraits]
    found, _ = side_by_side(frames, captions)
    seen, _ = side_by_side(cut, [f"quality {one.face.utility:.2f}" for one in portraits])
    return np.concatenate([section("Faces", found), section("As they were compared", seen)])


def _marked(one: Portrait) -> ScaledImage:
    frame = fit_image(one.image.pixels, 2, (one.image.width, one.image.height))
    pixels = frame.pixels.copy()
    for row in range(len(one.faces)):
        face = face_of(one.faces, row, one.image.width, one.image.height)
        _mark(pixels, face, frame.scale, CHOSEN if row == one.chosen else OTHER)
    return ScaledImage(pixels, frame.scale)


def _mark(pixels: Pixels, face: Face, scale: tuple[float, float], colour: Colour) -> None:
    """The box of a face and its five points, drawn into (h, w, 3)."""
    box = face.box
    corners = ((box.x, box.y), (box.x + box.width, box.y + box.height))
    (left, top), (right, bottom) = ((round(x * scale[0]), round(y * scale[1])) for x, y in corners)
    cv2.rectangle(pixels, (left, top), (right - 1, bottom - 1), colour, 2, cv2.LINE_AA)
    for x, y in face.landmarks:
        cv2.circle(pixels, (round(x * scale[0]), round(y * scale[1])), 3, colour, -1, cv2.LINE_AA)


def _caption(one: Portrait) -> str:
    others = len(one.faces) - 1
    return ("turned upright, " if one.turned else "") + (
        "its only face" if not others else f"one of {others + 1} faces"
    )


def _as_seen(one: Portrait, network: FaceNetwork) -> Pixels:
    landmarks = one.faces.landmarks[one.chosen] * np.array(one.image.pixels.shape[1::-1], np.float32)
    face = aligned(one.image.pixels, landmarks, network.output.template, network.input_spec.side)
    side = ALIGNED_SCALE * len(face)
    return np.asarray(cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)
