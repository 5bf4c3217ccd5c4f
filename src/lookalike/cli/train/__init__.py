"""lookalike train: one file for each thing that can be learnt."""

from __future__ import annotations

from importlib.util import find_spec

import click

from lookalike.cli.lazy import Lazy
from lookalike.errors import MissingDependency

KINDS = {
    "copy": "Adapt `copy` to your own images, which need no labels.",
    "classifier": "Learn the classes of labelled images, and a descriptor beside them.",
    "siamese": "Learn a distance that verifies whether two images are of one class.",
    "detector": "Learn to detect the objects that boxes are drawn around, and a descriptor of each.",
    "autoencoder": "Learn a descriptor from images without labels, by reconstructing them.",
    "recipe": "Train the network of `copy` from random weights.",
}


@click.group(cls=Lazy, commands=KINDS, package=__name__, heading="What can be learnt")
def command() -> None:
    """Train a network on your own images. Needs the extra: pip install 'lookalike[train]'."""
    for package in (
        "torch",
        "onnx",
        "onnxscript",
        "pycocotools",
    ):  # some are needed at the end of a run only: too late to say so
        if find_spec(package) is None:
            raise MissingDependency(f"{package} is not installed; get it with: pip install 'lookalike[train]'")
