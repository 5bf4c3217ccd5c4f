"""How much memory a command takes, with all the processes that it starts."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.harness import ROOT

EVERY = 0.02  # seconds between two looks


def peak_of(command: Sequence[str | Path], env: dict[str, str] | None = None) -> float:
    """Run a command to its end; the most MiB that it and its descendants were seen to have together, pages that they
    share counted once, or that one of them ever had, if that is more. Raises SystemExit if it fails."""
    arguments, most = [str(part) for part in command], 0.0
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=errors, cwd=ROOT, env=env) as child:
            while child.poll() is None:
                tree = {child.pid, *_descendants(child.pid)}
                most = max(most, sum(map(_held, tree)), *map(_high_water, tree))
                time.sleep(EVERY)
        if child.returncode:
            errors.seek(0)
            raise SystemExit(f"{' '.join(arguments)}: exit code {child.returncode}: {errors.read().decode()}")
    return most


def _descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(one) for one in task.read_text().split()]
        except OSError:
            continue
        for one in children:
            yield one
            yield from _descendants(one)


def _held(pid: int) -> float:
    """MiB: the proportional set size, of which what processes share is counted in parts."""
    return _mib(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")


def _high_water(pid: int) -> float:
    """MiB: the most that a process ever had by itself."""
    return _mib(Path(f"/proc/{pid}/status"), "VmHWM:")


def _mib(file: Path, name: str) -> float:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0.0  # it has just ended
    return sum(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024
