"""Completes pages whenever they are built, so that they cannot be stale.

``<!-- generated: NAME -->``, alone on its line, becomes text that is made from the code (``python:PACKAGE``: the
reference of that package); ``<!-- included: FILE -->`` becomes a file beside docs/. Then links that leave docs/ are led
to their page of the site.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import cli_page
import http_page
import python_page
from links import DOCS, ROOT, relinked
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

GENERATORS: dict[str, Callable[..., str]] = {
    "cli": cli_page.markdown,
    "http": http_page.markdown,
    "python": python_page.markdown,
}
MARK = re.compile(r"^<!-- (generated|included): (\S+) -->$", re.MULTILINE)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("env-get-outdated", _outdated)
    app.connect("source-read", lambda _, page, source: _complete(DOCS / f"{page}.md", source))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _outdated(_app: Sphinx, env: BuildEnvironment, _added: set[str], _changed: set[str], _gone: set[str]) -> list[str]:
    """Pages with a mark are read at every build: what they are made of may have changed."""
    return [page for page in sorted(env.found_docs) if MARK.search((DOCS / f"{page}.md").read_text("utf-8"))]


def _complete(page: Path, source: list[str]) -> None:
    text = relinked(source[0], page.parent, page)
    source[0] = MARK.sub(lambda match: completed(match[1], match[2], page), text)


def completed(kind: str, name: str, page: Path) -> str:
    """What stands in the place of a mark of ``page``. A name that is not known ends the build."""
    if kind == "included":
        return relinked((ROOT / name).read_text("utf-8"), (ROOT / name).parent, page)
    generator, *given = name.split(":")
    if generator not in GENERATORS:
        raise ExtensionError(f"{page}: nothing generates {name!r}; there are {', '.join(GENERATORS)}")
    return GENERATORS[generator](*given)
