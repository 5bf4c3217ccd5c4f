"""A stored face as people and programs see it, in pixels of its image."""

from __future__ import annotations

from lookalike.descriptors.neural.region_model import Regions, in_pixels
from lookalike.gallery.storage.base import StoredFace
from lookalike.gallery.storage.face_codec import unpacked_landmarks
from lookalike.gallery.storage.row import Row
from lookalike.types import Face


def stored_face(face: StoredFace, regions: Regions, row: Row) -> Face:
    """``regions``: those of its image, ``row``."""
    points = unpacked_landmarks(face.landmarks) * (row.width, row.height)
    return Face(
        face.place + 1,
        in_pixels(regions.boxes[face.place], row.width, row.height),
        tuple((float(x), float(y)) for x, y in points),
        float(regions.scores[face.place]),
        face.utility,
        face.flaw,
    )
