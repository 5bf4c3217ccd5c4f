"""``milvus://[user:password@]host[:port]/gallery[?timeout=seconds][&lost=forget]``: where a gallery is, read once and
checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from lookalike.errors import UserError

PORT = 19530
TIMEOUT = 60.0  # seconds in which a call must have been answered; a server that starts again takes half of it
_GALLERY = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
_LONGEST = 60  # characters: the name of the state (state.py) has to go into Milvus' 255


@dataclass(frozen=True, slots=True)
class Address:
    """``gallery``: what the names of its collections begin with. ``timeout``: seconds. ``forget_lost``: go on without
    what Milvus shows no more (loss.py)."""

    host: str
    port: int
    gallery: str
    user: str = ""
    password: str = ""
    timeout: float = TIMEOUT
    forget_lost: bool = False

    @property
    def shown(self) -> str:
        """For people: without the password."""
        return f"milvus://{self.host}:{self.port}/{self.gallery}"

    @property
    def uri(self) -> str:
        """As Milvus' client takes it."""
        return f"http://{self.host}:{self.port}"


def address(url: str) -> Address:
    """Raises UserError, which names what is wrong with it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or PORT
    except ValueError as error:
        raise UserError(f"milvus://: {error}") from error
    gallery = parts.path.strip("/")
    if not host or not _GALLERY.fullmatch(gallery) or len(gallery) > _LONGEST:
        raise UserError(
            f"milvus://{host or ''}{parts.path}: a gallery on Milvus is milvus://host:{PORT}/name, its name at most "
            f"{_LONGEST} letters, digits and single underscores, a letter first"
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    timeout, lost = _timeout(options.pop("timeout", str(TIMEOUT))), options.pop("lost", None)
    if options or lost not in (None, "forget"):
        wrong = ", ".join(options) or f"lost={lost}"
        raise UserError(f"milvus://: no option {wrong}; there are timeout, in seconds, and lost=forget")
    return Address(host, port, gallery, user, password, timeout, lost == "forget")


def _timeout(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise UserError(f"milvus://: timeout is seconds, above 0 and at most 3600, not {text!r}")
    return seconds
