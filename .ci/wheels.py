"""Which dependencies have a wheel for which system: writes docs/reference/platforms.md, by asking pip.

    python .ci/wheels.py [--python 3.11]

What is asked about is what `pip install lookalike` and its extras bring, of the versions in constraints.txt, as this
environment's metadata and their markers say. pip resolves it for each system without installing or downloading any
wheel (`--dry-run`); what it finds none for is left out and the rest is asked again. The packages must be installed.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "platforms.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = tuple(PROJECT["optional-dependencies"])
GLIBC = range(17, 40)  # the minor versions of glibc 2 whose wheels such a system takes


@dataclass(frozen=True)
class System:
    """``tags``: as pip's --platform takes them. ``markers``: what differs from this machine in markers."""

    name: str
    tags: tuple[str, ...]
    markers: Mapping[str, str] = field(default_factory=dict)


def _linux(machine: str) -> tuple[str, ...]:
    return (*(f"manylinux_2_{minor}_{machine}" for minor in reversed(GLIBC)), f"manylinux2014_{machine}")


WINDOWS = {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"}
MAC = {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"}
SYSTEMS = (
    System("Linux x86-64", _linux("x86_64"), {"platform_machine": "x86_64"}),
    System("Linux arm64", _linux("aarch64"), {"platform_machine": "aarch64"}),
    System("Alpine x86-64", ("musllinux_1_2_x86_64", "musllinux_1_1_x86_64"), {"platform_machine": "x86_64"}),
    System("Windows x86-64", ("win_amd64",), WINDOWS | {"platform_machine": "AMD64"}),
    System("Windows arm64", ("win_arm64",), WINDOWS | {"platform_machine": "ARM64"}),
    System("macOS arm64", ("macosx_15_0_arm64",), MAC | {"platform_machine": "arm64"}),
    System("macOS x86-64", ("macosx_15_0_x86_64",), MAC | {"platform_machine": "x86_64"}),
)


def needed(extra: str, markers: Mapping[str, str]) -> set[str]:
    """Canonical names of what Lookalike, or one of its extras alone, brings to a system of these markers."""
    own = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    found, waiting = set[str](), [Requirement(line) for line in own]
    while waiting:
        one = waiting.pop()
        if canonicalize_name(one.name) not in found:
            found.add(canonicalize_name(one.name))
            further = [Requirement(line) for line in _requires(one.name)]
            waiting += [each for each in further if _holds(each, one.extras or {""}, markers)]
    return found


def _requires(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:  # of another system: its own requirements are not known here
        return []


def _holds(one: Requirement, extras: set[str], markers: Mapping[str, str]) -> bool:
    return one.marker is None or any(one.marker.evaluate({**markers, "extra": extra}) for extra in extras)


def wheels(names: set[str], system: System, python: str) -> dict[str, str]:
    """Canonical name -> the file name of its wheel for that system, of those that have one."""
    pins, left = _pins(), set(names)
    while left:
        asked = [f"{name}=={pins[name]}" if name in pins else name for name in sorted(left)]
        done = subprocess.run(_command(system, python, asked), capture_output=True, text=True)
        if done.returncode == 0:
            return {
                canonicalize_name(one["metadata"]["name"]): one["download_info"]["url"].rpartition("/")[2]
                for one in json.loads(done.stdout)["install"]
            }
        missing = re.search(r"No matching distribution found for ([A-Za-z0-9._-]+)", done.stderr)
        if missing is None:
            raise SystemExit(f"{system.name}: {done.stderr}")
        left.remove(canonicalize_name(missing[1]))
    return {}


def _command(system: System, python: str, asked: list[str]) -> list[str]:
    tags = [f"--platform={tag}" for tag in system.tags]
    fixed = ["--dry-run", "--quiet", "--report=-", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check"]
    place = f"--target={tempfile.gettempdir()}/lookalike-wheels"
    return [sys.executable, "-m", "pip", "install", *fixed, place, f"--python-version={python}", *tags, *asked]


def _pins() -> dict[str, str]:
    lines = (line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    return {canonicalize_name(name): version.strip() for name, version in lines}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", default="3.11")
    python = parser.parse_args().python
    of_extra = {extra: {s.name: needed(extra, s.markers) for s in SYSTEMS} for extra in ("", *EXTRAS)}
    wanted = {s.name: set().union(*(names[s.name] for names in of_extra.values())) for s in SYSTEMS}
    found = {}
    for system in SYSTEMS:
        found[system.name] = wheels(wanted[system.name], system, python)
        print(f"{system.name}: {len(found[system.name])} of {len(wanted[system.name])}", file=sys.stderr)
    PAGE.write_text(page(python, of_extra, wanted, found))


def page(
    python: str,
    of_extra: Mapping[str, Mapping[str, set[str]]],
    wanted: Mapping[str, set[str]],
    found: Mapping[str, Mapping[str, str]],
) -> str:
    """The whole page, in Markdown."""
    every = sorted(set().union(*wanted.values()))
    pure = [name for name in every if all(file.endswith("-any.whl") for file in _files(name, found))]
    pins = _pins()
    header = ["package", "for", *wanted]
    rows = [
        [
            f"{name} {pins.get(name, '')}".strip(),
            _extra(name, of_extra),
            *(_cell(name, one, wanted, found) for one in wanted),
        ]
        for name in every
        if name not in pure
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows])
    lacking = [
        f"- **{system}**: " + (_sentence(system, of_extra, wanted, found) or "nothing is missing.") for system in wanted
    ]
    return TEXT.format(
        python=python, date=f"{datetime.now(UTC):%Y-%m-%d}", table=table, lacking="\n".join(lacking),
        count=len(pure), pure=", ".join(pure),
    )  # fmt: skip


def _files(name: str, found: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    return (files[name] for files in found.values() if name in files)


def _extra(name: str, of_extra: Mapping[str, Mapping[str, set[str]]]) -> str:
    """What it is for: a plain installation, or the extras that bring it."""
    bringing = [extra for extra, names in of_extra.items() if name in set().union(*names.values())]
    return "everyone" if "" in bringing else ", ".join(f"`{extra}`" for extra in bringing)


def _cell(name: str, system: str, wanted: Mapping[str, set[str]], found: Mapping[str, Mapping[str, str]]) -> str:
    if name not in wanted[system]:
        return "not needed"
    return "yes" if name in found[system] else "**none**"


def _sentence(
    system: str,
    of_extra: Mapping[str, Mapping[str, set[str]]],
    wanted: Mapping[str, set[str]],
    found: Mapping[str, Mapping[str, str]],
) -> str:
    missing = wanted[system] - set(found[system])
    parts = []
    for extra, names in of_extra.items():
        lost = sorted(missing & names[system])
        if lost and not extra:
            return f"a plain installation lacks {', '.join(lost)}; pip would have to compile it, or it cannot be had."
        if lost:
            parts.append(f"`{extra}` lacks {', '.join(lost)}")
    return f"a plain installation is whole; {'; '.join(parts)}." if parts else ""


TEXT = """\
# Systems

<!-- Written by .ci/wheels.py. -->

Lookalike is Python without compiled code of its own. What it stands on has compiled code; the table says for which
systems its makers publish a wheel, so that `pip install` needs no compiler. It was made on {date}, for Python {python}
and the versions in `constraints.txt`, by asking pip. The tests run on Linux x86-64 alone: on the other systems nothing
was tried.

{lacking}

{table}

"not needed": its markers leave it out there. {count} further packages are Python alone and run everywhere:
{pure}.
"""

if __name__ == "__main__":
    main()
