"""Fills pages whose text is made from the code at every build, so that they cannot be stale.

A page says where with a line ``<!-- generated: NAME -->``. A page whose name is not known ends the build.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import cli_page
import http_page
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

GENERATORS: dict[str, Callable[[], str]] = {"cli": cli_page.markdown, "http": http_page.markdown}
PAGES = {"reference/cli", "reference/http"}
MARK = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("env-get-outdated", _outdated)
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _outdated(_app: Sphinx, env: BuildEnvironment, _added: set[str], _changed: set[str], _gone: set[str]) -> list[str]:
    """They are read at every build, for it is the code that changes and not the page."""
    return sorted(PAGES & env.found_docs)


def _fill(_app: Sphinx, page: str, source: list[str]) -> None:
    names = MARK.findall(source[0])
    if bool(names) != (page in PAGES):
        raise ExtensionError(f"{page}: a generated page has a line <!-- generated: NAME -->, and only such a page")
    source[0] = MARK.sub(lambda match: _generated(match[1], page), source[0])


def _generated(name: str, page: str) -> str:
    if name not in GENERATORS:
        raise ExtensionError(f"{page}: nothing generates {name!r}; there are {', '.join(GENERATORS)}")
    return GENERATORS[name]()
