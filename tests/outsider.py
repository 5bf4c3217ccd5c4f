"""A package of somebody else's, installed in a folder: it brings a descriptor through its entry points."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

PACKAGE, VERSION, NAME = "outsider-descriptor", "2.1", "greyness"

SOURCE = '''
"""Mean grey of 4 x 4 tiles."""

import numpy as np

from lookalike.descriptors import Described, DescriptorCard

CARD = DescriptorCard("greyness", 1, "euclidean", 16, 16 * 32, 64, 0.02, 0.8, "tiles, as everybody would make them")


class Greyness:
    card = CARD

    def describe(self, images):
        vectors = np.array([tiles(image.pixels) for image in images], np.float32).reshape(len(images), 16)
        return Described(vectors, np.minimum(4 * vectors.std(axis=1), 1).astype(np.float32))


def tiles(pixels):
    rows = np.array_split(pixels.mean(axis=2) / 255, 4, axis=0)
    return [tile.mean() if tile.size else 0 for row in rows for tile in np.array_split(row, 4, axis=1)]


def out_of_order():
    raise RuntimeError("no licence found")


def nothing():
    return object()
'''


def install_package(
    site: Path, points: Mapping[str, str] | None = None, package: str = PACKAGE, source: str = SOURCE
) -> Path:
    """Put the package into the folder ``site`` as an installer does; ``points``: entry points, name -> object."""
    module = package.replace("-", "_")
    site.mkdir(parents=True, exist_ok=True)
    (site / f"{module}.py").write_text(source)
    info = site / f"{module}-{VERSION}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {VERSION}\n")
    lines = [f"{name} = {module}:{target}" for name, target in (points or {NAME: "Greyness"}).items()]
    (info / "entry_points.txt").write_text("\n".join(["[lookalike.descriptors]", *lines, ""]))
    return site
