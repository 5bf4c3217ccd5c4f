"""How long a search among a thousand hours of video takes, and what it costs in room. Files are not read."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import Options, process, run, table

TITLE = "Search among videos: speed, room, and what is found"
HEADER = (
    "hours",
    "store, MB an hour",
    "key frames an hour",
    "index, MB",
    "building the index, s",
    "opening it, s",
    "a clip, ms (median)",
    "95 %",
    "its film among the 8 that are verified, %",
    "a still, ms (median)",
    "its film among those looked at, %",
    "peak MiB of building",
    "and of searching",
)


def measure(options: Options) -> str:
    rows = [_measured(hours) for hours in ((1, 2) if options.quick else (100, 1_000))]
    return (
        f"{table(HEADER, rows)}\n\nSynthetic: films of an hour, two frames a second of 256 numbers, in shots of 5 s on "
        "average that have nothing in common; neighbouring frames have a cosine of .97 or so. A query: half a minute "
        "of one, each frame at a cosine of .85 or so from its original, and one of these frames. The time is that of "
        "candidates and temporal alignment; describing the query and verifying up to eight videos by their files come "
        "on top, and depend on these. Filling, building and searching are a process each."
    )


def _measured(hours: int) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as name:
        filled, built, asked = (_step(what, Path(name), hours) for what in ("fill", "build", "search"))
    return (
        f"{hours:,}",
        f"{filled['store'] / hours / 1e6:.1f}",
        f"{built['frames'] / hours:,.0f}",
        f"{built['index'] / 1e6:,.1f}",
        f"{built['seconds']:,.1f}",
        f"{asked['opened']:,.1f}",
        f"{1000 * asked['clip']:,.0f}",
        f"{1000 * asked['clip_late']:,.0f}",
        f"{100 * asked['found']:.0f}",
        f"{1000 * asked['still']:,.0f}",
        f"{100 * asked['shown']:.0f}",
        f"{built['peak']:,.0f}",
        f"{asked['peak']:,.0f}",
    )


def _step(what: str, folder: Path, hours: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.sides.videos", what, folder, str(hours)]
    result: dict[str, float] = json.loads(process(command).output)
    return result


if __name__ == "__main__":
    run(TITLE, measure)
