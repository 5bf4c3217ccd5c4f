"""Links between Markdown files, kept so that they work in the repository and in the built site alike."""

from __future__ import annotations

import os
import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
ELSEWHERE = {
    "ARCHITECTURE.md": "explanation/architecture.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "benchmarks/results.md": "reference/measurements.md",
    "recipes/log.md": "explanation/trials.md",
}  # files beside docs/ that have a page in the site
LINK = re.compile(r"(\]\()([^)\s#]+\.\w+)(#[^)\s]*)?(\))")


def relinked(text: str, written_in: Path, page: Path) -> str:
    """The text with its relative links as ``page`` needs them; ``written_in`` is the folder that it is from."""

    def link(match: re.Match[str]) -> str:
        return f"{match[1]}{_target(match[2], written_in, page)}{match[3] or ''}{match[4]}"

    return LINK.sub(link, text)


def _target(target: str, written_in: Path, page: Path) -> str:
    if ":" in target:
        return target
    path = Path(os.path.normpath(written_in / target))
    if path.is_relative_to(ROOT):
        path = DOCS / ELSEWHERE.get(path.relative_to(ROOT).as_posix(), path)
    return Path(os.path.relpath(path, page.parent)).as_posix()
