"""Pairs of images that share most of their pixels and are no copies: what a fit of "copy" must see.

DATA holds templates (recipes/templates.py) and, as real ones, receipts, memes, studio, television, wall, doors and
cameras (a folder of frames per clip; ``python recipes/hard_negatives.py CLIPS DATA/cameras`` cuts them). Of the real
ones the nearest neighbours are taken, by `copy` and by `structure`. Some of those are copies: what is byte-identical,
and what JUDGED names, which was looked at by eye, is left out.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from templates import LAID, SINGLE, TEXTS

from lookalike.descriptors import describe_all
from lookalike.distance import METRICS, Metric
from lookalike.imaging import is_image_name, load

SEED = 2026
REAL = {"receipts": 200, "memes": 900, "studio": 500, "television": 500, "wall": 400, "doors": 400}  # how many are read
BURSTS = {"television": 4, "wall": 8, "doors": 8}  # files in a row of which nothing may tell one from the next
MANY = 1000
CLIP_PAIRS = 12
FRAMES_APART = 0.5  # seconds
MEASURES: tuple[tuple[str, Metric], ...] = (("copy", "cosine"), ("structure", "hamming"))


Files = tuple[Path, Path]


def images(folder: Path, count: int) -> list[Path]:
    """The first so many, in the order of their names: neighbours in a row stay together."""
    return sorted(path for path in folder.rglob("*") if is_image_name(path))[:count]


def families(data: Path, kinds: str = "*") -> list[list[Files]]:
    """Of each drawn family the pairs that are no copies; not of those of which one place differs, unless named."""
    found = []
    for family in sorted((data / "templates").glob(f"{kinds}/*")):
        members, kind = images(family, MANY), family.parent.name
        if kinds == kind or kind not in (*SINGLE, TEXTS):
            found.append(list(combinations(members[1:] if kind == LAID else members, 2)))
    return found


def overlaid_pairs(data: Path) -> list[Files]:
    """Images, and the same with something laid on them: edited copies."""
    found = []
    for family in sorted((data / "templates").glob(f"{TEXTS}/*")):
        bare, *others = images(family, MANY)
        found += [(bare, other) for other in others]
    return found


def camera_pairs(data: Path) -> list[Files]:
    """Frames of one clip, neighbours and others."""
    rng = np.random.default_rng(SEED)
    found = []
    for clip in sorted((data / "cameras").iterdir()):
        pairs = list(combinations(images(clip, MANY), 2))
        found += [pairs[number] for number in rng.permutation(len(pairs))[:CLIP_PAIRS]]
    return found


def neighbour_pairs(folder: Path, count: int) -> list[Files]:
    """Each of these images with the nearest of them, by every measure; no pair twice, none with the same bytes."""
    files = images(folder, count)
    with ProcessPoolExecutor(2) as pool:
        described = list(pool.map(_vectors, files, chunksize=16))
    pairs: dict[tuple[int, int], None] = {}
    for place, (_, metric) in enumerate(MEASURES):
        vectors = np.concatenate([one[place] for one in described])
        far = METRICS[metric](vectors, vectors).astype(np.float64)
        np.fill_diagonal(far, np.inf)
        rows = np.arange(len(files))
        far[np.abs(rows[:, None] - rows) < BURSTS.get(folder.name, 1)] = np.inf
        for number, other in enumerate(far.argmin(1)):
            pairs[min(number, int(other)), max(number, int(other))] = None
    digests = [hashlib.sha256(file.read_bytes()).digest() for file in files]
    return [(files[a], files[b]) for a, b in pairs if digests[a] != digests[b]]


def _vectors(file: Path) -> list[NDArray[np.generic]]:
    cv2.setNumThreads(1)
    names = [name for name, _ in MEASURES]
    described = describe_all([load(file, min_side=160)], names)
    return [described[name].vectors for name in names]


def cut_frames(clips: Sequence[Path], out: Path) -> None:
    """OUT/CLIP/SECOND.png: a frame of each clip per FRAMES_APART."""
    for clip in clips:
        video = cv2.VideoCapture(str(clip))
        step = max(1, round((video.get(cv2.CAP_PROP_FPS) or 10) * FRAMES_APART))
        folder = out / clip.stem
        folder.mkdir(parents=True, exist_ok=True)
        number = 0
        while video.grab():
            if number % step == 0 and number // step < 30:
                cv2.imwrite(str(folder / f"{number // step:02d}.png"), video.retrieve()[1])
            number += 1


if __name__ == "__main__":
    cut_frames([Path(name) for name in sys.argv[1:-1]], Path(sys.argv[-1]))
