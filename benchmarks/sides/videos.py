"""One step with a library of videos: python -m benchmarks.sides.videos fill|build|search FOLDER HOURS; JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import SEED, peak_mib, seconds
from lookalike.descriptors import get
from lookalike.descriptors.video import DESCRIPTOR, VideoDescription
from lookalike.gallery import Gallery
from lookalike.gallery.library import FILE
from lookalike.gallery.search.video_candidates import Candidate
from lookalike.gallery.search.video_search import VERIFIED, VideoSearch
from lookalike.gallery.storage.base import NewImage
from lookalike.gallery.storage.frame_codec import packed
from lookalike.gallery.storage.row import Row

RATE, SHOT = 2, 5.0  # frames a second, and seconds a shot lasts on average
CLOSENESS = 0.97  # cosine of two neighbouring frames of a shot, or so
EDITED = 0.85  # cosine of an edited copy's frame and the original one, or so
CLIP = 30  # seconds of a query
WARM, ASKED = 3, 40
ASKED_PER_HOUR = 2  # of a small library
STILLS = 20


def fill(folder: Path, hours: int) -> dict[str, float]:
    """A gallery of videos of an hour each, without files."""
    with Gallery.create(folder / "g", [DESCRIPTOR]) as gallery:
        store = gallery._library.store
        for number in range(hours):
            row = Row(
                0, f"/{number}.mp4", f"{number:x}", 1, 1, 640, 480, "MP4", None, None, 86_400, None, "h264", 3600.0
            )
            with store.transaction():
                store.put(NewImage(row, {}, frames={DESCRIPTOR: packed(film(number))}))
        return {"store": float(store.disk_bytes())}


def build(folder: Path, hours: int) -> dict[str, float]:  # noqa: ARG001  as the others
    """The first search's index."""
    with Gallery.open(folder / "g") as gallery:
        took = seconds(lambda: gallery._library.frame_index.get(DESCRIPTOR))
        frames = len(gallery._library.frame_index.get(DESCRIPTOR))
    files = (folder / "g" / "index" / "frames").glob("*.faiss")
    return {"seconds": took, "frames": float(frames), "index": float(sum(file.stat().st_size for file in files))}


def search(folder: Path, hours: int) -> dict[str, float]:
    """A process that only opens and searches: clips of half a minute, edited, and one frame of each."""
    random = np.random.default_rng([SEED, 9])
    with Gallery.open(folder / "g") as gallery:
        searching = VideoSearch(gallery._library)
        opened = seconds(lambda: gallery._library.frame_index.get(DESCRIPTOR))
        clips, found, stills, shown = [], [], [], []
        for number in random.integers(hours, size=WARM + min(ASKED, ASKED_PER_HOUR * hours)).tolist():
            clip = edited(film(number), random)
            took, best = _timed(searching.aligned, clip)
            clips.append(took)
            found.append(f"/{number}.mp4" in [one.row.path for one in best[:VERIFIED]])
            took, near = _timed(searching.near, clip.vectors[[len(clip) // 2]].astype(np.float32))
            stills.append(took)
            shown.append(f"/{number}.mp4" in [one.row.path for one in near])
    return {
        "opened": opened,
        "clip": float(np.median(clips[WARM:])),
        "clip_late": float(np.percentile(clips[WARM:], 95)),
        "found": float(np.mean(found)),
        "still": float(np.median(stills[WARM:])),
        "shown": float(np.mean(shown)),
    }


def _timed(search: Callable[..., list[Candidate]], query: Any) -> tuple[float, list[Candidate]]:
    """Seconds, and what was found."""
    found: list[list[Candidate]] = []
    return seconds(lambda: found.append(search(query, None, set()))), found[0]


def film(number: int) -> VideoDescription:
    """An hour of shots, the same every time."""
    random = np.random.default_rng([SEED, number])
    count, dim = 3600 * RATE, get(DESCRIPTOR).card.dim
    shots = np.cumsum(random.random(count) < 1 / (SHOT * RATE))
    centres = _unit(random.normal(size=(shots[-1] + 1, dim)))
    noise = random.normal(size=(count, dim)) / np.sqrt(dim)
    return VideoDescription(
        np.arange(count, dtype=np.float32) / RATE, _mixed(centres[shots], noise, CLOSENESS).astype(np.float16)
    )


def edited(whole: VideoDescription, random: np.random.Generator) -> VideoDescription:
    """Half a minute of it, each frame as far from the original as an edit brings it."""
    start = int(random.integers(len(whole) - CLIP * RATE))
    vectors = whole.vectors[start : start + CLIP * RATE].astype(np.float32)
    noise = random.normal(size=vectors.shape) / np.sqrt(vectors.shape[1])
    times = np.arange(len(vectors), dtype=np.float32) / RATE
    return VideoDescription(times, _mixed(vectors, noise, EDITED).astype(np.float16))


def _mixed(vectors: np.ndarray, noise: np.ndarray, cosine: float) -> np.ndarray:
    return _unit(vectors + noise * np.sqrt(1 / cosine**2 - 1))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


if __name__ == "__main__":
    what, place, hours = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    assert what == "fill" or (place / "g" / FILE).exists()
    print(json.dumps({**{"fill": fill, "build": build, "search": search}[what](place, hours), "peak": peak_mib()}))
