"""imagededup's own search over hashes in a file, one hexadecimal hash per line; prints JSON.

python imagededup_search.py FILE bktree|brute_force|brute_force_cython THRESHOLD

Its package imports torch and torchvision just to search hashes; the two __init__ files that do so are passed over.
Its own Hamming distance compares strings of digits one by one; the one here is many times as fast, in its favour.
"""

import importlib.util
import json
import re
import sys
import time
import types
from pathlib import Path


def without_torch() -> None:
    """Import imagededup's modules without running the __init__ of ``imagededup`` and ``imagededup.utils``."""
    spec = importlib.util.find_spec("imagededup")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("imagededup is missing: pip install --no-deps imagededup; pip install tqdm scikit-learn")
    folder = Path(spec.submodule_search_locations[0])
    for name, path in (("imagededup", folder), ("imagededup.utils", folder / "utils")):
        module = types.ModuleType(name)
        module.__path__ = [str(path)]
        sys.modules[name] = module


def distance(a: str, b: str) -> int:
    return (int(a, 16) ^ int(b, 16)).bit_count()


if __name__ == "__main__":
    without_torch()
    import logging

    logging.disable()
    from imagededup.handlers.search.retrieval import HashEval

    hashes = dict(enumerate(Path(sys.argv[1]).read_text().split()))
    named = {str(number): value for number, value in hashes.items()}
    started = time.perf_counter()
    found = HashEval(
        named, named, distance, verbose=False, threshold=int(sys.argv[3]), search_method=sys.argv[2], num_dist_workers=2
    ).retrieve_results()
    took = time.perf_counter() - started
    pairs = sorted({(min(int(a), int(b)), max(int(a), int(b))) for a, others in found.items() for b in others})
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) / 1024
    print(json.dumps({"seconds": took, "peak": peak, "pairs": pairs}))
