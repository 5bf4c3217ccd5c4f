"""What an embedder of faces takes over from the network that aligned them, and the curve that fits the held out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lookalike.descriptors import face_network
from lookalike.descriptors.neural import model_store
from lookalike.evaluation.face_protocol import fit_curve
from lookalike.training.export.artifacts import FaceParts
from lookalike.training.tasks.verification_metrics import Verification

MIN_SLOPE = 0.1  # of the curve of a network that has hardly learnt: a card's must fall


def face_parts(name: str, verification: Verification, people: str) -> FaceParts:
    """Of the network of faces ``name``. ``people``: whom the pairs of ``verification`` show, for the card."""
    network = face_network(name)
    distances = np.concatenate([verification.same, verification.different]).astype(np.float64)
    same = np.arange(len(distances)) < len(verification.same)
    slope, intercept = fit_curve(distances, same)
    output = replace(network.output, slope=max(slope, MIN_SLOPE), intercept=intercept, fitted_on=people)
    licence = next(card.licence for card in model_store.all_models() if name in {one.name for one in card.outputs})
    return FaceParts(output, network.detector.file, f"that of {name!r} ({licence})")
