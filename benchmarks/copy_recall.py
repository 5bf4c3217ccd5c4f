"""Which edited copies each descriptor finds in a library of strangers, beside MobileNet's features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from benchmarks.copies import Copy, drawn_from, made, one_thread
from benchmarks.edits_recall import FOREIGN_SHARE, micro_ap
from benchmarks.harness import Options, run, table
from benchmarks.sides import mobilenet
from lookalike.comparison.calibration import curve
from lookalike.comparison.score_normalization import background_similarity
from lookalike.descriptors import describe_all, get, min_side, names
from lookalike.descriptors.fusion import BLEND, DEFAULT_WEIGHTS, Blend
from lookalike.distance import METRICS, cosine
from lookalike.imaging import load
from lookalike.imaging.manipulations import EDITS
from lookalike.types import Floats, Pixels

TITLE = "Recall of edited copies in a library of thousands, beside MobileNet"
OURS = ("copy", "content", "structure", "pdq")  # and the blend
SIDE = 300  # pixels: photographs with a shorter side are left out
BLOCK = 2_000  # queries at a time
TWINS = {"844297.png", "newplot (1).png"}  # of CID22: lies there twice; a chart beside the same one of other numbers

Vectors = dict[str, NDArray[Any]]
Distance = Callable[[Vectors, Vectors], Floats]


def measure(options: Options) -> str:
    sources, distractors = dealt(options)
    library = [*sources, *options.photographs("clothing", options.size(100_000, 6))]
    copies = [Copy(number, file, edit) for number, file in enumerate(sources) for edit in EDITS]
    needed = tuple(dict.fromkeys((*known(OURS), *DEFAULT_WEIGHTS)))
    with mobilenet.network(options) as peer, ProcessPoolExecutor(initializer=one_thread) as pool:
        held = stacked(pool.map(partial(of_file, needed, peer), library, chunksize=8))
        strange = stacked(pool.map(partial(of_file, needed, peer), distractors, chunksize=8))
        asked = stacked(pool.map(partial(_of_copy, needed, peer), copies, chunksize=len(EDITS)))
    scored = {name: _scored(ways, copies, held, asked, strange) for name, ways in measures(peer).items()}
    note = (
        f"Share of copies whose original is within the threshold that {int(len(distractors) * FOREIGN_SHARE)} of "
        f"{len(distractors):,} foreign queries pass. {len(library):,} images in the library, {len(sources):,} of them "
        f"photographs of {SIDE} pixels a side or more, each asked for in {len(EDITS)} ways, as JPEG (quality 90) or "
        f"PNG: {len(copies):,} queries. Every file is decoded once, for all descriptors. micro-AP: all pairs of "
        "queries, foreign ones too, and library images in one list by distance."
        f"{'' if peer else ' ' + mobilenet.MISSING}"
    )
    return f"{note}\n\n{_table(copies, scored)}"


def dealt(options: Options) -> tuple[list[Path], list[Path]]:
    """500 photographs for the library, to be edited, and 500 others for foreign queries; the same every time.

    Who is foreign must not be in the library: one twin there would set the threshold for all."""
    there = [file for file in options.photographs("development") if file.name not in TWINS]
    large = [file for file in there if _short_side(file) >= options.size(SIDE, 64)]
    count = min(options.size(500, 3), len(large) // 2)
    order = drawn_from(large, 2 * count)
    return order[:count], order[count:]


def _short_side(file: Path) -> int:
    with Pillow.open(file) as image:
        return min(image.size)


def known(wanted: Sequence[str]) -> tuple[str, ...]:
    """Those of these descriptors that there are."""
    there = names()
    return tuple(name for name in wanted if name in there)


def measures(peer: Path | None) -> dict[str, Distance]:
    """Name -> how far queries lie from library images. Other ways to use a descriptor are further lines here."""
    found: dict[str, Distance] = {name: partial(distances, name) for name in known(OURS)}
    found[BLEND] = combined
    if "copy" in found:
        found["copy, normalised"] = normalised
        found["judged"] = scored
    if peer is not None:
        found[mobilenet.NAME] = lambda asked, held: cosine(asked[mobilenet.NAME], held[mobilenet.NAME])
    return found


# --- images to vectors, in worker processes


def of_file(needed: Sequence[str], peer: Path | None, file: Path) -> Vectors:
    """Everything about one file."""
    return _of_bytes(needed, peer, file.read_bytes())


def _of_copy(needed: Sequence[str], peer: Path | None, copy: Copy) -> Vectors:
    return _of_bytes(needed, peer, made(copy))


def _of_bytes(needed: Sequence[str], peer: Path | None, data: bytes) -> Vectors:
    """Our vectors, "quality NAME" beside each, and the peer's features."""
    image = load(data, min_side=max(min_side(needed), mobilenet.SIDE))
    found: Vectors = {}
    for name, part in describe_all([image], needed).items():
        found |= {name: part.vectors[0], f"quality {name}": part.contrast[0]}
    return found | _of_peer(peer, image.pixels)


def _of_peer(peer: Path | None, pixels: Pixels) -> Vectors:
    return {} if peer is None else {mobilenet.NAME: mobilenet.features(peer, [pixels])[0]}


def stacked(parts: Any) -> Vectors:
    """Many images' answers as one: name -> (N, D)."""
    parts = list(parts)
    return {name: np.stack([part[name] for part in parts]) for name in parts[0]}


# --- distances and scores


def distances(name: str, asked: Vectors, held: Vectors) -> Floats:
    """(Q, N); infinite where one of the two has too little to say, as in a gallery."""
    card = get(name).card
    found = np.asarray(METRICS[card.metric](asked[name], held[name]), np.float32)
    for axis, part in enumerate((asked, held)):
        silent = part[f"quality {name}"] < card.min_contrast
        found[silent if axis == 0 else (slice(None), silent)] = np.inf
    return found


def combined(asked: Vectors, held: Vectors) -> Floats:
    """(Q, N) by the default blend."""
    blend = Blend(DEFAULT_WEIGHTS)
    return blend.combine({name: distances(name, asked, held) for name in blend.names})


def normalised(asked: Vectors, held: Vectors) -> Floats:
    """(Q, N): `copy`, score normalised as the calibration does it, in units of distance."""
    result = curve("copy")
    return (
        distances("copy", asked, held)
        + result.background_weight / result.slope * background_similarity(asked["copy"])[:, None]
    )


def scored(asked: Vectors, held: Vectors) -> Floats:
    """(Q, N): minus the log-odds that a search shows: of `copy` and the blend the surer one."""
    result, hashes = curve("copy"), curve(BLEND)
    by_copy = result.slope * normalised(asked, held) - result.intercept
    return np.minimum(by_copy, hashes.slope * combined(asked, held) - hashes.intercept)


def threshold(strange: Floats) -> float:
    """(F, N) distances of foreign queries -> the distance below which at most FOREIGN_SHARE of them match."""
    nearest = np.sort(strange.min(axis=1))
    return float(nearest[int(len(nearest) * FOREIGN_SHARE)])


def _scored(
    ways: Distance, copies: Sequence[Copy], held: Vectors, asked: Vectors, strange: Vectors
) -> tuple[NDArray[np.bool_], float]:
    """Whether each copy is recalled, and micro-AP."""
    numbers = np.array([copy.number for copy in copies])
    near, far = _in_blocks(ways, asked, held), ways(strange, held)
    return near[np.arange(len(copies)), numbers] < threshold(far), micro_ap(near, far, numbers)


def _in_blocks(ways: Distance, asked: Vectors, held: Vectors) -> Floats:
    """(Q, N) without the large numbers that all queries at once would take on the way."""
    count = len(next(iter(asked.values())))
    parts = [{key: part[start : start + BLOCK] for key, part in asked.items()} for start in range(0, count, BLOCK)]
    return np.concatenate([ways(part, held) for part in parts])


def _table(copies: Sequence[Copy], scored: Mapping[str, tuple[NDArray[np.bool_], float]]) -> str:
    edits = np.array([copy.edit for copy in copies])
    rows = [(edit, *(percent(found[edits == edit].mean()) for found, _ in scored.values())) for edit in EDITS]
    mean = ("**all edits**", *(f"**{percent(found.mean())}**" for found, _ in scored.values()))
    precision = ("micro-AP, %", *(percent(score) for _, score in scored.values()))
    return table(("edit, %", *scored), [*rows, mean, precision])


def percent(share: float) -> str:
    """ "71.3", "0", "100"."""
    return f"{100 * share:.0f}" if share in (0, 1) else f"{100 * share:.1f}"


if __name__ == "__main__":
    run(TITLE, measure)
