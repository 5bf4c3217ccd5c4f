"""What the classes are called that the network behind `content` tells."""

from __future__ import annotations

from functools import cache

from lookalike.descriptors.neural.classifier import classifier, labels_of

NETWORK = "lookalike-content-2"


@cache
def class_names() -> tuple[str, ...]:
    """Of all its classes, in their order."""
    return labels_of(classifier(NETWORK)).names
