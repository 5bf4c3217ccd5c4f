"""Which edited copies each hash still finds, at a threshold that lets about one foreign image in 500 through."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pdqhash
from numpy.typing import NDArray
from PIL import Image as Pillow

from benchmarks.copies import Copy, drawn_from, made, one_thread
from benchmarks.harness import Options, run, table
from lookalike.descriptors import HASHES, describe_all, get, min_side
from lookalike.descriptors.fusion import DEFAULT_WEIGHTS, Blend
from lookalike.distance import METRICS, hamming
from lookalike.imaging import load
from lookalike.imaging.manipulations import EDITS

TITLE = "Recall of edited copies, hash by hash"
FOREIGN_SHARE = 1 / 500  # of the foreign queries may have any match
OURS = tuple(HASHES)
PEERS: Mapping[str, Callable[[Pillow.Image], NDArray[Any]]] = {
    "phash-256": lambda image: imagehash.phash(image, hash_size=16).hash,
    "dhash": lambda image: imagehash.dhash(image).hash,
    "whash": lambda image: imagehash.whash(image).hash,
    "ahash": lambda image: imagehash.average_hash(image).hash,
    "colorhash": lambda image: imagehash.colorhash(image).hash,
    "pdqhash": lambda image: pdqhash.compute(np.asarray(image))[0],
}
MEASURES = ("blend", *OURS, *PEERS)

Described = dict[str, NDArray[Any]]


def measure(options: Options) -> str:
    library = options.photographs("library", options.size(750, 6))
    sources = drawn_from(range(len(library)), options.size(200, 2))
    copies = [Copy(int(number), library[number], edit) for number in sources for edit in EDITS]
    distractors = options.photographs("clothing", options.size(1_000, 4))
    with ProcessPoolExecutor(initializer=one_thread) as pool:
        held = _stacked(list(pool.map(_of_file, library, chunksize=8)))
        asked = _stacked(list(pool.map(_of_copy, copies, chunksize=45)))
        strange = _stacked(list(pool.map(_of_file, distractors, chunksize=8)))
    numbers = np.array([copy.number for copy in copies])
    distances = {name: (_distances(name, asked, held), _distances(name, strange, held)) for name in MEASURES}
    scores = {name: _recalled(*both, numbers) for name, both in distances.items()}
    precision = {name: micro_ap(*both, numbers) for name, both in distances.items()}
    note = (
        f"Share of copies whose original is within the threshold. {len(library):,} photographs in the library, "
        f"{len(sources):,} of them edited in {len(EDITS)} ways, as JPEG (quality 90) or PNG; {len(distractors):,} "
        f"foreign queries, of which {int(len(distractors) * FOREIGN_SHARE)} may have any match. micro-AP: all pairs of "
        "queries, foreign ones too, and library images in one list by distance. The first five are ours."
    )
    return f"{note}\n\n{_table(copies, scores, precision)}"


def _table(copies: Sequence[Copy], scores: Mapping[str, NDArray[Any]], precision: Mapping[str, float]) -> str:
    edits = np.array([copy.edit for copy in copies])
    rows = [(edit, *(_percent(scores[name][edits == edit].mean()) for name in MEASURES)) for edit in EDITS]
    mean = ("**all edits**", *(f"**{_percent(scores[name].mean())}**" for name in MEASURES))
    return table(("edit, %", *MEASURES), [*rows, mean, ("micro-AP, %", *(_percent(v) for v in precision.values()))])


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if share in (0, 1) else f"{100 * share:.1f}"


def _of_file(file: Path) -> Described:
    return _described(file.read_bytes())


def _of_copy(copy: Copy) -> Described:
    return _described(made(copy))


def _described(data: bytes) -> Described:
    """Our vectors, "quality NAME" beside each, and the peers' bits as they pack them."""
    ours = describe_all([load(data, min_side=min_side(OURS))], OURS)
    found = {name: part.vectors[0] for name, part in ours.items()}
    found |= {f"quality {name}": part.contrast[0] for name, part in ours.items()}
    image = Pillow.open(io.BytesIO(data)).convert("RGB")
    return found | {name: np.packbits(hashed(image).ravel().astype(bool)) for name, hashed in PEERS.items()}


def _stacked(parts: Sequence[Described]) -> Described:
    return {name: np.stack([part[name] for part in parts]) for name in parts[0]}


def _distances(name: str, asked: Described, held: Described) -> NDArray[np.float32]:
    """(Q, N); infinite where one of the two has too little to say, as in a gallery."""
    if name == "blend":
        return np.asarray(Blend(DEFAULT_WEIGHTS).combine({n: _distances(n, asked, held) for n in DEFAULT_WEIGHTS}))
    if name in PEERS:
        return hamming(asked[name], held[name])
    card = get(name).card
    distances = METRICS[card.metric](asked[name], held[name])
    result = [part[f"quality {name}"] >= card.min_contrast for part in (asked, held)]
    return np.where(np.outer(*result), distances, np.float32(np.inf))


def _recalled(copies: NDArray[Any], strange: NDArray[Any], numbers: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each copy lies closer to its original than the threshold: more foreign ones would come in with it."""
    nearest = np.sort(strange.min(axis=1))
    return np.asarray(copies[np.arange(len(copies)), numbers] < nearest[int(len(nearest) * FOREIGN_SHARE)])


def micro_ap(copies: NDArray[Any], strange: NDArray[Any], numbers: NDArray[Any]) -> float:
    """Average precision over all pairs in one ranking; of equal distances the wrong pairs come first."""
    right = np.sort(copies[np.arange(len(copies)), numbers])
    wrong = copies.copy()
    wrong[np.arange(len(copies)), numbers] = np.inf
    before = np.searchsorted(np.sort(np.concatenate([wrong.ravel(), strange.ravel()])), right, side="right")
    ranks = np.arange(1, len(right) + 1)
    return float((ranks / (ranks + before))[np.isfinite(right)].sum() / len(right))


if __name__ == "__main__":
    run(TITLE, measure)
