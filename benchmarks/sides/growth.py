"""One step in a gallery's life: python -m benchmarks.sides.growth fill|search GALLERY FIRST LAST; prints JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time

import numpy as np

from benchmarks.harness import peak_mib, seconds
from benchmarks.synthetic import block, described, fill, near, searched
from lookalike.descriptors.fusion import DEFAULT_WEIGHTS, Blend
from lookalike.gallery import WHOLE_IMAGE_DESCRIPTORS, Gallery

WARM = 20  # searches after the first
BLEND = Blend(DEFAULT_WEIGHTS)


def grow(gallery: Gallery, first: int, last: int) -> dict[str, float]:
    """Add the images ``first`` to ``last`` - 1."""
    started = time.perf_counter()
    fill(gallery, first, last, lambda start, size: {name: block(name, start, size) for name in WHOLE_IMAGE_DESCRIPTORS})
    return {"seconds": time.perf_counter() - started}


def search(gallery: Gallery, opening: float) -> dict[str, float]:
    """The first search in a new process, with the opening of the gallery, and then a warm one (median)."""
    rng = np.random.default_rng(0)
    vectors = {name: near(name, block(name, 0, WARM + 1), rng) for name in WHOLE_IMAGE_DESCRIPTORS}
    queries = [{n: described(v[i : i + 1]) for n, v in vectors.items()} for i in range(WARM + 1)]
    times = [seconds(lambda q=query: searched(gallery, q, BLEND)) for query in queries]
    return {"seconds": opening + times[0], "warm": statistics.median(times[1:])}


if __name__ == "__main__":
    started = time.perf_counter()
    with Gallery.open(sys.argv[2]) as opened:
        opening = time.perf_counter() - started
        grown = sys.argv[1] == "fill"
        answer = grow(opened, int(sys.argv[3]), int(sys.argv[4])) if grown else search(opened, opening)
    print(json.dumps(answer | {"peak": peak_mib()}))
