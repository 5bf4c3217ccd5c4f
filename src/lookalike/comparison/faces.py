"""Two portraits: whether they show one person, by the largest face of each that can be compared."""

from __future__ import annotations

from dataclasses import dataclass

from lookalike.comparison.calibration import Calibration
from lookalike.descriptors import face_network
from lookalike.descriptors.neural.face_model import FaceNetwork, FaceOutput, Faces
from lookalike.descriptors.neural.region_model import in_pixels
from lookalike.distance import cosine
from lookalike.errors import NoFace
from lookalike.imaging import ImageSource, as_image
from lookalike.types import Face, FaceComparison, Floats, Image, Side

BY = "faces"
FLAWS = {"small": "too small", "blurred": "too blurred", "turned": "turned too far aside", "forgotten": "forgotten"}


@dataclass(frozen=True, slots=True)
class Portrait:
    """An image and its faces; ``image`` as they are upright in it, ``turned`` if that is not as it lies. ``chosen``:
    the row of the face that is meant."""

    image: Image
    faces: Faces
    chosen: int
    turned: bool = False

    @property
    def vector(self) -> Floats:
        """(1, D) float32, unit length."""
        return self.faces.vectors[[self.chosen]]

    @property
    def face(self) -> Face:
        """The one that is meant."""
        return face_of(self.faces, self.chosen, self.image.width, self.image.height)


def compare_faces(a: ImageSource, b: ImageSource, by: str = BY) -> FaceComparison:
    """Whether two images show one person, with a calibrated probability.

    Raises NoFace for an image without a face that can be compared, LoadError for one that cannot be read, and UserError
    where no network of faces is installed."""
    network = face_network(by)
    return compare_portraits(portrait(a, network), portrait(b, network), network)


def compare_portraits(a: Portrait, b: Portrait, network: FaceNetwork) -> FaceComparison:
    """As ``compare_faces``, of what was read already."""
    distance = float(cosine(a.vector, b.vector)[0, 0])
    sides: tuple[tuple[Side, Portrait], ...] = (("a", a), ("b", b))
    return FaceComparison(
        a.face,
        b.face,
        distance,
        float(curve_of(network.output).probability(distance)),
        len(a.faces),
        len(b.faces),
        tuple(side for side, one in sides if one.turned),
    )


def portrait(source: ImageSource, network: FaceNetwork) -> Portrait:
    """An image and its largest face that can be compared. Raises NoFace, LoadError."""
    image = as_image(source, min_side=network.card.min_side)
    faces, upright = network.upright_faces(image)
    if not len(faces.usable):
        raise NoFace(_why(faces, upright), image.path)
    return Portrait(upright, faces, int(faces.usable[0]), upright is not image)


def curve_of(output: FaceOutput) -> Calibration:
    """From the distance of two faces to the probability that they are of one person."""
    return Calibration(output.slope, output.intercept, output.fitted_on)


def face_of(faces: Faces, row: int, width: int, height: int) -> Face:
    """A face in pixels of an image of this size."""
    points = faces.landmarks[row] * (width, height)
    return Face(
        row + 1,
        in_pixels(faces.boxes[row], width, height),
        tuple((float(x), float(y)) for x, y in points),
        float(faces.scores[row]),
        float(faces.utility[row]),
        faces.flaws[row],
    )


def _why(faces: Faces, image: Image) -> str:
    if not len(faces):
        return "no face is found in it"
    largest = int((faces.boxes[:, 2] * faces.boxes[:, 3]).argmax())
    side = round(min(faces.boxes[largest, 2] * image.width, faces.boxes[largest, 3] * image.height))
    what = "its face is" if len(faces) == 1 else f"none of its {len(faces)} faces can be compared; the largest is"
    return f"{what} {FLAWS[faces.flaws[largest] or 'blurred']} ({side} pixels)"
