"""Gallery.duplicates, once: python -m benchmarks.sides.duplicates GALLERY PRECISION; prints JSON."""

import json
import sys
import time
from itertools import combinations

from benchmarks.harness import peak_mib
from benchmarks.synthetic import number_of
from lookalike.gallery import Gallery

if __name__ == "__main__":
    with Gallery.open(sys.argv[1]) as gallery:
        started = time.perf_counter()
        groups = gallery.duplicates(precision=float(sys.argv[2]))
        took = time.perf_counter() - started
    members = [sorted(number_of(path) for path in (group.keep, *group.others)) for group in groups]
    pairs = sorted(pair for group in members for pair in combinations(group, 2))
    print(json.dumps({"seconds": took, "peak": peak_mib(), "pairs": pairs}))
