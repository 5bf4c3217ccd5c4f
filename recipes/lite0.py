"""Writes the shipped networks: trained weights -> ONNX files that compute in 8 bits.

    python recipes/lite0.py copy WEIGHTS.pt OUT.onnx FOLDER...
    python recipes/lite0.py content WEIGHTS.pt OUT.onnx FOLDER...
    python recipes/lite0.py regions TRAINED.onnx OUT.onnx FOLDER...

WEIGHTS.pt: what `lookalike train recipe recipes/copy.toml` or recipes/content.py left in its run's folder.
TRAINED.onnx: what recipes/regions.py wrote. FOLDER...: training images of all kinds, COUNT of each. They say which
range 8 bits must have, each as it is and edited, for what users cover in black must not be cut off. For `content` they
also give the head: the principal directions of the pooled features, which retrieve better than a head that was trained.
The card is written by hand, from benchmarks/results.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lookalike.descriptors.neural.image_fit import squeeze
from lookalike.errors import LoadError
from lookalike.imaging import from_array, is_image_name, load
from lookalike.imaging.manipulations import EDITS, apply
from lookalike.training.export.onnx_export import export_embedding_net, export_regions, restore_detector
from lookalike.training.models.embedding_net import EmbeddingNet, batches, content_net, copy_net
from lookalike.training.models.residual_net import EMBEDDING_DIM
from lookalike.training.models.weights import load_weights
from lookalike.types import Floats, Pixels

SEED = 2026
SIDES = {"copy": 160, "content": 192, "regions": 240}
COUNT = 60  # images of each folder that say which ranges there are
HEAD_COUNT = 1000  # images of each folder that say which directions there are


def images(folder: Path, count: int, side: int) -> Iterator[Pixels]:
    """So many readable ones of a folder, drawn by SEED, at a side of at least ``side`` pixels."""
    files = sorted(path for path in folder.rglob("*") if is_image_name(path))
    for row in np.random.default_rng(SEED).permutation(len(files))[:count]:
        try:
            yield load(files[row], min_side=side).pixels
        except LoadError as error:
            print(error, file=sys.stderr)


def calibration(folders: Sequence[Path], side: int) -> Pixels:
    """(N, side, side, 3) uint8: each image as it is and edited, every edit in turn."""
    edits, found = list(EDITS), []
    for folder in folders:
        for pixels in images(folder, COUNT, side):
            edit = edits[len(found) // 2 % len(edits)]
            edited = np.ascontiguousarray(apply(edit, pixels, SEED + len(found)))
            found += [squeeze([from_array(one)], side)[0] for one in (pixels, edited)]
    return np.stack(found)


def pooled_features(network: EmbeddingNet, folders: Sequence[Path], side: int) -> Floats:
    """(N, channels) float32 of the images in use, one pass each."""
    squares = np.stack([
        squeeze([from_array(pixels)], side)[0] for folder in folders for pixels in images(folder, HEAD_COUNT, side)
    ])  # fmt: skip
    with torch.no_grad():
        parts = [network.pool(network.maps(batch)).cpu().numpy() for batch in batches(squares, side)]
    return np.concatenate(parts)


def principal_head(features: Floats) -> nn.Linear:
    """The directions of the largest mean square, about the origin: so the cosines of the features are kept."""
    second_moment = features.T.astype(np.float64) @ features / len(features)
    directions = np.linalg.eigh(second_moment)[1][:, ::-1][:, :EMBEDDING_DIM]
    head = nn.Linear(features.shape[1], EMBEDDING_DIM)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(np.ascontiguousarray(directions.T)))
        head.bias.zero_()
    return head


def main() -> int:
    name, weights, out, *folders = sys.argv[1], *(Path(one) for one in sys.argv[2:])
    side = SIDES[name]
    if name == "regions":
        print(export_regions(restore_detector(weights), name, side, out, calibration(folders, side)))
        return 0
    network = load_weights((copy_net if name == "copy" else content_net)(), weights).eval()
    if name == "content":
        network.head = principal_head(pooled_features(network, folders, side))
    print(export_embedding_net(network, name, side, out, calibration(folders, side)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
