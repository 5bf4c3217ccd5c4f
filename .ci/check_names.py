"""Fails where a retired name stands again as an identifier: python .ci/check_names.py

Reads .ci/retired_names.toml. Prose is free: strings, comments and the names of tests, which are sentences.
"""

from __future__ import annotations

import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCOPE = ("src", "tests", "benchmarks", "recipes")  # where a name without a scope of its own may not stand


def identifiers(file: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every identifier of a Python file."""
    with tokenize.open(file) as stream:
        for token in tokenize.generate_tokens(stream.readline):
            if token.type == tokenize.NAME:
                yield token.start[0], token.string


def relapses() -> Iterator[str]:
    """A line for each place where a retired name stands."""
    retired = tomllib.loads((ROOT / ".ci/retired_names.toml").read_text("utf-8"))["name"]
    for file in sorted(file for folder in SCOPE for file in (ROOT / folder).rglob("*.py")):
        path = file.relative_to(ROOT)
        here = [one for one in retired if any(path.is_relative_to(folder) for folder in one.get("scope", SCOPE))]
        names = {old: one for one in here for old in one["old"]}
        for line, text in identifiers(file):
            parts = set() if text.startswith("test_") else {text, *text.strip("_").split("_")}
            for part in parts & names.keys():
                if text not in names[part].get("allow", ()):
                    yield f"{path}:{line}: {text}: {part!r} is retired; write {names[part]['instead']}"


if __name__ == "__main__":
    found = list(relapses())
    print("\n".join(found) or "no retired name stands anywhere")
    sys.exit(bool(found))
