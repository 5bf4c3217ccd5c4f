"""Plain text as Markdown."""

from __future__ import annotations

import re

SPECIAL = re.compile(r"([\\*_<>\[\]|#~^$])")
CODE = re.compile(r"(``.+?``|`[^`]*`)")


def escaped(text: str) -> str:
    """The text as it is read: what Markdown would take for markup is marked, but for `code`."""
    parts = CODE.split(text)
    return "".join(part if n % 2 else SPECIAL.sub(r"\\\1", part) for n, part in enumerate(parts))


def code(text: str) -> str:
    """The text as code, or nothing."""
    return f"`{text}`" if text else ""


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Cells are Markdown already. Columns in which nothing stands are left out; without a row there is no table."""
    if not rows:
        return ""
    kept = [n for n in range(len(head)) if any(row[n] for row in rows)]
    lines = [[line[n] for n in kept] for line in (head, ("---",) * len(head), *rows)]
    return "\n".join("| " + " | ".join(cell.replace("\n", " ") for cell in line) + " |" for line in lines)
