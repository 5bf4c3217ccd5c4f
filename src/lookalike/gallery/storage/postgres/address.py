"""postgresql://USER:PASSWORD@HOST:PORT/DATABASE?gallery=NAME: where a gallery lies in PostgreSQL.

``gallery`` names the gallery, of which a database may hold several, each in a schema of its own; ``deadline`` is how
many seconds the server has to answer. Whatever else the URL says goes to libpq: ``sslmode`` and the like.
A password may also lie in ~/.pgpass or in PGPASSWORD.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from lookalike.errors import UserError
from lookalike.gallery.storage.place import name_of

DEFAULT = "gallery"
DEADLINE = 60.0
_NAME = re.compile(r"[\w-]{1,40}")


@dataclass(frozen=True, slots=True)
class Address:
    """``name``: as it is shown, without a password. ``server``: what libpq connects to. ``schema``: of this gallery;
    its name needs no escape. ``deadline``: seconds for an answer."""

    name: str
    server: str
    schema: str
    deadline: float

    @property
    def milliseconds(self) -> str:
        """The deadline, as the server's settings say it."""
        return str(round(1000 * self.deadline))

    @classmethod
    def of(cls, place: str) -> Address:
        """Raises UserError for a name or a deadline that cannot be."""
        parts = urlsplit(place)
        options = dict(parse_qsl(parts.query))
        gallery, deadline = options.pop("gallery", DEFAULT), options.pop("deadline", str(DEADLINE))
        if not _NAME.fullmatch(gallery):
            raise UserError(f"{name_of(place)}: a gallery's name is of letters, digits, - and _, at most 40")
        try:
            seconds = float(deadline)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < 1e6:
            raise UserError(f"{name_of(place)}: deadline={deadline} is no number of seconds")
        server = urlunsplit(parts._replace(query=urlencode(options)))
        return cls(name_of(place), server, f"lookalike_{gallery}", seconds)
