"""A gallery on a small machine: indexing and searching it, with all networks, stays below 512 MiB."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.sides.process_tree import peak_of
from samples import drawn, folder_of, save

pytestmark = pytest.mark.full

LIMIT = 512  # MiB, of the process and all that it starts
THREADS = {"OMP_NUM_THREADS": "2"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many small images, which are described together, and three of nine megapixels."""
    folder = tmp_path_factory.mktemp("memory") / "photos"
    folder_of(folder, count=70)
    for number in range(3):
        save(folder / f"large-{number}.jpg", drawn(number, 3600, 2500), quality=90)
    return folder


def test_a_gallery_is_indexed_and_searched_below_512_mib(photos: Path) -> None:
    """By the memory that the whole tree of processes had at its peak: a library, an image, words."""
    gallery, query = photos.parent / "g", photos / "large-1.jpg"
    calls = {
        "index": ["index", photos, "--gallery", gallery],
        "search": ["search", query, "--gallery", gallery],
        "words": ["search", "--text", "dog", "--gallery", gallery],
    }
    peaks = {
        name: peak_of([sys.executable, "-m", "lookalike", *call], os.environ | THREADS) for name, call in calls.items()
    }
    assert all(20 < peak < LIMIT for peak in peaks.values()), peaks
