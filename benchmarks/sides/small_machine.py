"""One network on a small machine, as a process of its own, so that its memory can be told:

    python -m benchmarks.sides.small_machine FILE.onnx OUTPUTS THREADS SQUARES.npy VECTORS.npz

prints how many milliseconds an image took, how many MiB the process had at most, and how many of them the network took.
SQUARES: (N, side, side, 3) uint8, one image at a time, as a search has it.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

import numpy as np
import onnxruntime

from benchmarks.harness import peak_mib
from lookalike.descriptors.neural.onnx_model import ERRORS_ONLY, EXACT_8_BITS, sums_8_bits_exactly

WARM = 3  # images before the clock counts


def main() -> None:
    file, outputs, threads, squares, place = sys.argv[1:]
    images = np.load(squares)
    before = peak_mib()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = int(threads), 1
    options.log_severity_level = ERRORS_ONLY
    if not sums_8_bits_exactly():
        options.add_session_config_entry(EXACT_8_BITS, "1")  # as Lookalike itself does
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    found, times = [], []
    for start in range(len(images)):
        batch = np.ascontiguousarray(images[start : start + 1])
        began = time.perf_counter()
        found.append(session.run(outputs.split(","), {session.get_inputs()[0].name: batch}))
        times.append(1000 * (time.perf_counter() - began))
    peak = peak_mib()
    print(json.dumps({"ms": statistics.median(times[WARM:] or times), "peak": peak, "network": peak - before}))
    columns = zip(*found, strict=True)
    np.savez(place, **{name: np.concatenate(part) for name, part in zip(outputs.split(","), columns, strict=True)})


if __name__ == "__main__":
    main()
