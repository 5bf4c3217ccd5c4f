r"""The filter language of ``where``: from text to an SQL condition with bound values, never raw SQL.

width >= 1000 and (format = 'JPEG' or format in ('PNG', 'WEBP')) and not path like '%/old/%'
path like '%/été\_1/%'
taken >= '2024-01-01' and camera is not null and megapixels > 8

shows('dog') > 0.8 and not shows('red car')

In ``like``, % is anything, _ one character, and \ takes the next one as it is (text_match.py).
"""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from lookalike.errors import UserError
from lookalike.gallery.storage.text_match import ESCAPE
from lookalike.paths import composed
from lookalike.types import Shown

SHOWN_FROM = 0.5  # the probability from which an image shows something, if a filter says nothing of it
COMPARISONS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

LONGEST = 2000  # characters; keeps the nesting within what SQLite takes
PERSONS = ("csv", "folders")  # the sources of labels that are a person's word
# The most probable first; of equals, a person's.
LABEL_ORDER = f"l.probability DESC, l.source NOT IN {PERSONS}, l.source, l.label"
_LABEL = f"(SELECT {{}} FROM labels l WHERE l.image_id = p.id ORDER BY {LABEL_ORDER} LIMIT 1)"

# An object by this name is seen in the image: '' stands for all objects together, see region_codec.py.
# A person has a name, or the gallery does not know who it is.
_SEEN = {
    "object": "EXISTS (SELECT 1 FROM objects o WHERE o.image_id = p.id AND o.name <> '' {})",
    "person": "EXISTS (SELECT 1 FROM faces f JOIN persons o ON o.id = f.person_id WHERE f.image_id = p.id AND "
    "o.name IS NOT NULL {})",
}

# name in the language -> (SQL over the row p, kind of its values)
FIELDS: Mapping[str, tuple[str, type]] = {
    "path": ("p.name", str),
    "format": ("p.format", str),
    "camera": ("p.camera", str),
    "taken": ("p.taken", str),
    "width": ("p.width", float),
    "height": ("p.height", float),
    "megapixels": ("(p.width * p.height / 1e6)", float),
    "aspect": ("(1.0 * p.width / p.height)", float),
    "bytes": ("p.bytes", float),
    "frames": ("p.frames", float),
    "damage": ("p.damage", str),
    "codec": ("p.codec", str),
    "duration": ("p.duration", float),
    "fps": ("p.fps", float),
    "bitrate": ("p.bitrate", float),
    "label": (_LABEL.format("l.label"), str),
    "label_probability": (_LABEL.format("l.probability"), float),
    "person": (
        "(SELECT min(n.name) FROM faces f JOIN persons n ON n.id = f.person_id WHERE f.image_id = p.id)",
        str,
    ),  # see _seen
    "faces": ("(SELECT count(*) FROM faces f WHERE f.image_id = p.id)", float),
    "objects": ("(SELECT max(o.count) FROM objects o WHERE o.image_id = p.id AND o.name = '')", float),
    "object": ("(SELECT min(o.name) FROM objects o WHERE o.image_id = p.id AND o.name <> '')", str),  # see _seen
}


@dataclass(frozen=True, slots=True)
class Condition:
    """An SQL condition over a row ``p`` of images, and the values of its question marks."""

    sql: str
    values: tuple[Any, ...] = ()


def parse(text: str | None, shown: Shown | None = None) -> Condition:
    """A filter as an SQL condition; without one, every image. ``shown``: who says what images show. Raises UserError
    that points at what was not understood."""
    import lark

    if text is None:
        return Condition("1")
    if len(text) > LONGEST:
        raise UserError(f"where: longer than {LONGEST} characters")
    try:
        return _translate(_grammar().parse(text), shown)
    except lark.exceptions.UnexpectedInput as error:
        raise UserError(f"where: not understood\n{_pointed(text, error)}\nfields: {', '.join(FIELDS)}") from error


def _pointed(text: str, error: Any) -> str:
    if getattr(error, "token", None) is not None and error.token.type == "$END":
        return f"  {text}  <- it ends too early"
    return f"  {text}\n  {' ' * (error.column - 1)}^"


@cache
def _grammar() -> Any:
    import lark

    text = resources.files("lookalike.gallery.storage").joinpath("filters.lark").read_text("utf-8")
    return lark.Lark(text, parser="lalr")


def _translate(tree: Any, shown: Shown | None) -> Condition:
    rule, children = tree.data, tree.children
    if rule == "start":
        return _translate(children[0], shown)
    if rule in ("or_", "and_"):
        return _joined(" OR " if rule == "or_" else " AND ", [_translate(child, shown) for child in children])
    if rule == "negated":
        inner = _translate(children[0], shown)
        return Condition(f"NOT coalesce({inner.sql}, 0)", inner.values)
    if rule == "shown":
        return _shown(children, shown)
    return _LEAVES[rule](children)


def _shown(children: Any, shown: Shown | None) -> Condition:
    """The images that show a text with such a probability, by their ids."""
    if shown is None:
        raise UserError("where: shows(...) needs a gallery that is open for searches by words")
    text, sign, value = children
    ids, probabilities = shown(str(_value("shows", str, text)))
    if str(sign).upper() == "LIKE":
        raise UserError("where: shows(...) is a number; 'like' compares text")
    compare, least = (operator.ge, SHOWN_FROM) if sign is None else (COMPARISONS[str(sign)], float(value))
    found = ids[compare(probabilities.astype(float), least)].tolist()
    return Condition("p.id IN (SELECT value FROM json_each(?))", (json.dumps(found),))


def _joined(word: str, parts: list[Condition]) -> Condition:
    return Condition(f"({word.join(part.sql for part in parts)})", tuple(v for part in parts for v in part.values))


def _compared(children: Any) -> Condition:
    sql, kind = _field(children[0])
    operator = str(children[1]).upper()
    if operator == "LIKE" and kind is not str:
        raise UserError(f"where: {children[0]} is a number; 'like' compares text")
    if children[0] in _SEEN and operator == "!=":
        return _seen(children[0], "= ?", (_value(children[0], kind, children[2]),), seen=False)
    if children[0] in _SEEN:
        test, values = _test("o.name", operator, _value(children[0], kind, children[2]))
        return Condition(_SEEN[children[0]].format(f"AND {test}"), values)
    return Condition(*_test(sql, operator, _value(children[0], kind, children[2])))


def _test(sql: str, operator: str, value: str | float) -> tuple[str, tuple[str | float]]:
    """SQLite's own LIKE knows case only in ASCII; it is the quicker one, and enough for a pattern of that."""
    if operator != "LIKE":
        return f"{sql} {operator} ?", (value,)
    return (rf"{sql} LIKE ? ESCAPE '{ESCAPE}'" if str(value).isascii() else f"matches(?, {sql})"), (value,)


def _listed(children: Any) -> Condition:
    sql, kind = _field(children[0])
    values = tuple(_value(children[0], kind, child) for child in children[1:])
    test = f"IN ({','.join('?' * len(values))})"
    return _seen(children[0], test, values) if children[0] in _SEEN else Condition(f"{sql} {test}", values)


def _seen(what: str, test: str, values: tuple[Any, ...] = (), *, seen: bool = True) -> Condition:
    """Whether any object, or person, in the image has such a name; ``!=`` means that none has."""
    return Condition(("" if seen else "NOT ") + _SEEN[what].format(f"AND o.name {test}" if test else ""), values)


def _absent(children: Any) -> Condition:
    if children[0] in _SEEN:
        return _seen(children[0], "", seen=False)
    return Condition(f"{_field(children[0])[0]} IS NULL")


def _present(children: Any) -> Condition:
    if children[0] in _SEEN:
        return _seen(children[0], "")
    return Condition(f"{_field(children[0])[0]} IS NOT NULL")


_LEAVES = {"compared": _compared, "listed": _listed, "absent": _absent, "present": _present}


def _field(name: str) -> tuple[str, type]:
    if str(name) not in FIELDS:
        raise UserError(f"where: no field {str(name)!r}; there are {', '.join(FIELDS)}")
    return FIELDS[str(name)]


def _value(name: str, kind: type, token: Any) -> str | float:
    if token.type == "NUMBER" and kind is float:
        return float(token)
    if token.type == "TEXT" and kind is str:
        return composed(str(token)[1:-1].replace("''", "'") if token[0] == "'" else str(token)[1:-1])
    wanted = "text in quotes, like 'JPEG'" if kind is str else "a number"
    raise UserError(f"where: {name} is compared with {wanted}, not with {token}")
