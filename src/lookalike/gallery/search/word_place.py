"""Which part of an image shows what a word stands for.

The network of regions proposes boxes, `content` is asked about each of them by itself, and the box that most probably
shows the word and is an object counts (as in Girshick and others, "Rich feature hierarchies for accurate object
detection", arXiv 1311.2524, with what knows whole images only). On the images that this was chosen on, parts that
were covered and class activation maps led to boxes that met COCO's less; benchmarks/word_places.py reports on others.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lookalike.descriptors import get
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.classifier import classifier
from lookalike.descriptors.neural.region_model import in_pixels
from lookalike.descriptors.registry import region_network
from lookalike.imaging import from_array
from lookalike.types import Box, Floats, Image
from lookalike.words.class_names import NETWORK
from lookalike.words.colours import tiles_of_colour
from lookalike.words.concept_odds import concept_odds
from lookalike.words.text_query import ColourTerm, Term
from lookalike.words.vocabulary import Concept

REGIONS, CONTENT, COLOUR = "regions", "content", "colour"
MIN_SIDE = 512  # pixels, so that a part still has some
LEAST_SCORE = 0.02  # of how surely a part is an object: what is cut out by a grid has none
WHOLE_MARGIN = 2.0  # log-odds: where every part shows it so much less than the whole image, it is the whole that does


@dataclass(frozen=True, slots=True)
class PartViews:
    """An ``image``, its ``boxes``, (P, 4) shares of it, the first of them the whole, ``scores``, (P,), how surely each
    is an object, and what `content` says of each: ``vectors``, (P, D) unit length, ``probabilities``, (P, classes)."""

    image: Image
    boxes: Floats
    scores: Floats
    vectors: Floats
    probabilities: Floats


def look_at_parts(image: Image) -> PartViews:
    """Some 30 forward passes; an image that shows nothing has no parts."""
    found = region_network(REGIONS).regions([image])[0]
    boxes = found.boxes if len(found.boxes) else np.array([[0, 0, 1, 1]], np.float32)
    scores = found.scores if len(found.boxes) else np.zeros(1, np.float32)
    network = model_store.network(classifier(NETWORK))
    parts = [from_array(square) for square in network.input_spec.squares([_part(image, box) for box in boxes])]
    described = network.describe(parts, [CONTENT])[CONTENT]
    return PartViews(image, boxes, scores, described.vectors, np.asarray(described.probabilities, np.float32))


def place_of(term: Term, views: PartViews) -> Box | None:
    """Where an image shows what a word stands for, in pixels of the upright original. None where the whole shows it,
    and for what the file says."""
    if isinstance(term, ColourTerm):
        return _colour_place(term, views.image)
    return _concept_place(term, views) if isinstance(term, Concept) else None


def _concept_place(concept: Concept, views: PartViews) -> Box | None:
    odds = concept_odds(concept, views.vectors, views.probabilities)
    best = int((odds + np.log(np.maximum(views.scores, LEAST_SCORE))).argmax())
    if best == 0 or odds[best] < odds[0] - WHOLE_MARGIN:
        return None
    return in_pixels(views.boxes[best], views.image.width, views.image.height)


def _colour_place(term: ColourTerm, image: Image) -> Box | None:
    """Around the most tiles of the colour that touch each other."""
    tiles = tiles_of_colour(get(COLOUR).describe([image]).vectors, term.colour, term.area)[0]
    count, labels, stats, _ = cv2.connectedComponentsWithStats(tiles.astype(np.uint8), connectivity=4)
    if count == 1:
        return None
    left, top, width, height, _ = stats[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())].tolist()
    rows, columns = labels.shape
    share = np.array([left / columns, top / rows, width / columns, height / rows], np.float32)
    return in_pixels(share, image.width, image.height)


def _part(image: Image, box: Floats) -> Image:
    height, width = image.pixels.shape[:2]
    left, top = min(int(box[0] * width), width - 1), min(int(box[1] * height), height - 1)
    right, bottom = max(int((box[0] + box[2]) * width), left + 1), max(int((box[1] + box[3]) * height), top + 1)
    return from_array(np.ascontiguousarray(image.pixels[top:bottom, left:right]))
