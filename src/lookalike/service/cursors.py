"""Cursors: where the next part of a list begins, for clients a word without meaning."""

from __future__ import annotations

import base64
import binascii
import json

from lookalike.errors import UserError


def cursor(place: int) -> str:
    """A place in a list as a cursor."""
    return base64.urlsafe_b64encode(json.dumps({"after": place}).encode()).decode().rstrip("=")


def place(text: str | None) -> int:
    """The place that a cursor stands for, 0 without one. Raises UserError for any other text."""
    if text is None:
        return 0
    try:
        found = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
        after = found["after"]
        if not isinstance(after, int) or isinstance(after, bool) or not 0 <= after < 2**63:
            raise ValueError
        return after
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise UserError("cursor: not one that this server gave; begin without one") from error
