r"""The filter language of ``where``: from text to an SQL condition with bound values, never raw SQL.

width >= 1000 and (format = 'JPEG' or format in ('PNG', 'WEBP')) and not path like '%/old/%'
path like '%/été\_1/%'
taken >= '2024-01-01' and camera is not null and megapixels > 8

shows('dog') > 0.8 and not shows('red car')
item.price < 50 and item.size in ('S', 'M')

Of a catalogue's items all conditions have to hold for one and the same item that the image shows.

In ``like``, % is anything, _ one character, and \ takes the next one as it is (text_match.py).
"""

from __future__ import annotations

import json
import operator
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from lookalike.errors import UserError
from lookalike.gallery.storage.sql_database import SQLITE, Dialect
from lookalike.gallery.storage.text_match import ESCAPE, closed
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

LARGEST_WHOLE = 2**53  # up to which a float tells whole numbers apart
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

Field = tuple[str, type]  # SQL over the row p, and the kind of its values
# name in the language -> field
FIELDS: Mapping[str, Field] = {
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


EVERY = Condition("1 = 1")


def parse(
    text: str | None,
    shown: Shown | None = None,
    items: Mapping[str, Field] | None = None,
    dialect: Dialect = SQLITE,
) -> Condition:
    """A filter as an SQL condition over a row ``p`` of images; without one, every image. ``shown``: who says what
    images show. ``items``: the fields of a catalogue's items, over a row ``m`` of item_files. Raises UserError that
    points at what was not understood."""
    condition = parse_items(text, shown, items or {}, dialect)
    if text is None or not items or "item." not in text:
        return condition
    inner = f"SELECT p.id FROM images p LEFT JOIN item_files m ON m.path = p.path WHERE {condition.sql}"
    return Condition(f"p.id IN ({inner})", condition.values)


def parse_items(
    text: str | None, shown: Shown | None, items: Mapping[str, Field], dialect: Dialect = SQLITE
) -> Condition:
    """The same over a row ``p`` of images and the row ``m`` of an item's file, so that it holds for that item."""
    if text is None:
        return EVERY
    fields = {**FIELDS, **items}
    return _Translator(fields, shown, dialect).condition(tree(text, fields))


def tree(text: str, fields: Iterable[str]) -> Any:
    """A filter as lark's tree. Raises UserError that points at what was not understood, and names ``fields``."""
    import lark

    if len(text) > LONGEST:
        raise UserError(f"where: longer than {LONGEST} characters")
    try:
        return _parsed(text)
    except lark.exceptions.UnexpectedInput as error:
        raise UserError(f"where: not understood\n{_pointed(text, error)}\nfields: {', '.join(fields)}") from error


def names(tree: Any) -> list[str]:
    """The fields that a filter speaks of; "shows" for what images show."""
    if tree.data in ("start", "or_", "and_", "negated"):
        return [name for child in tree.children for name in names(child)]
    return ["shows" if tree.data == "shown" else str(tree.children[0])]


def known_field(name: str, fields: Collection[str]) -> str:
    """The name, if there is such a field. Raises UserError that names those that there are."""
    if name not in fields:
        raise UserError(f"where: no field {name!r}; there are {', '.join(fields)}")
    return name


def _pointed(text: str, error: Any) -> str:
    if getattr(error, "token", None) is not None and error.token.type == "$END":
        return f"  {text}  <- it ends too early"
    return f"  {text}\n  {' ' * (error.column - 1)}^"


@lru_cache(maxsize=256)  # the same few filters are asked again and again
def _parsed(text: str) -> Any:
    return _grammar().parse(text)


@cache
def _grammar() -> Any:
    import lark

    text = resources.files("lookalike.gallery.storage").joinpath("filters.lark").read_text("utf-8")
    return lark.Lark(text, parser="lalr")


@dataclass(frozen=True, slots=True)
class _Translator:
    """What the names of a filter mean. ``fields``: all that there are."""

    fields: Mapping[str, Field]
    shown: Shown | None
    dialect: Dialect

    def condition(self, tree: Any) -> Condition:
        rule, children = tree.data, tree.children
        if rule == "start":
            return self.condition(children[0])
        if rule in ("or_", "and_"):
            return _joined(" OR " if rule == "or_" else " AND ", [self.condition(child) for child in children])
        if rule == "negated":
            inner = self.condition(children[0])
            return Condition(f"NOT coalesce({inner.sql}, FALSE)", inner.values)
        if rule == "shown":
            return self._shown(children)
        if rule == "compared":
            return self._compared(self._field(children[0]), children)
        return _LEAVES[rule](self._field(children[0]), children)

    def _field(self, name: str) -> Field:
        return self.fields[known_field(str(name), self.fields)]

    def _shown(self, children: Any) -> Condition:
        """The images that show a text with such a probability, by their ids."""
        if self.shown is None:
            raise UserError("where: shows(...) needs a gallery that is open for searches by words")
        text, sign, value = children
        ids, probabilities = self.shown(str(literal("shows", str, text)))
        if str(sign).upper() == "LIKE":
            raise UserError("where: shows(...) is a number; 'like' compares text")
        compare, least = (operator.ge, SHOWN_FROM) if sign is None else (COMPARISONS[str(sign)], float(value))
        found = ids[compare(probabilities.astype(float), least)].tolist()
        return Condition(f"p.id IN {self.dialect.members}", (json.dumps(found),))

    def _compared(self, field: Field, children: Any) -> Condition:
        sql, kind = field
        operator = str(children[1]).upper()
        if operator == "LIKE":
            refuse_like(children[0], kind)
        if children[0] in _SEEN and operator == "!=":
            return _seen(children[0], "= ?", (literal(children[0], kind, children[2]),), seen=False)
        if children[0] in _SEEN:
            test, values = self._test("o.name", operator, literal(children[0], kind, children[2]))
            return Condition(_SEEN[children[0]].format(f"AND {test}"), values)
        return Condition(*self._test(sql, operator, literal(children[0], kind, children[2])))

    def _test(self, sql: str, operator: str, value: str | float) -> tuple[str, tuple[str | float]]:
        """The database's own operator knows case only in ASCII; it is quicker, and enough for a pattern of that."""
        if operator != "LIKE":
            return f"{sql} {operator} ?", (_bound(value),)
        pattern = closed(str(value))
        if pattern.isascii():
            return f"{sql} {self.dialect.like} ? ESCAPE '{ESCAPE}'", (pattern,)
        return f"matches(?, {sql})", (pattern,)


def _bound(value: str | float) -> str | float:
    """Whole numbers as such: PostgreSQL looks up no column of integers in its index that it compares with a float."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_WHOLE else value


def _joined(word: str, parts: list[Condition]) -> Condition:
    return Condition(f"({word.join(part.sql for part in parts)})", tuple(v for part in parts for v in part.values))


def _listed(field: Field, children: Any) -> Condition:
    sql, kind = field
    values = tuple(_bound(literal(children[0], kind, child)) for child in children[1:])
    test = f"IN ({','.join('?' * len(values))})"
    return _seen(children[0], test, values) if children[0] in _SEEN else Condition(f"{sql} {test}", values)


def _seen(what: str, test: str, values: tuple[Any, ...] = (), *, seen: bool = True) -> Condition:
    """Whether any object, or person, in the image has such a name; ``!=`` means that none has."""
    return Condition(("" if seen else "NOT ") + _SEEN[what].format(f"AND o.name {test}" if test else ""), values)


def _absent(field: Field, children: Any) -> Condition:
    if children[0] in _SEEN:
        return _seen(children[0], "", seen=False)
    return Condition(f"{field[0]} IS NULL")


def _present(field: Field, children: Any) -> Condition:
    if children[0] in _SEEN:
        return _seen(children[0], "")
    return Condition(f"{field[0]} IS NOT NULL")


_LEAVES = {"listed": _listed, "absent": _absent, "present": _present}


def refuse_like(name: str, kind: type) -> None:
    """Raises UserError where a field is no text."""
    if kind is not str:
        raise UserError(f"where: {name} is a number; 'like' compares text")


def literal(name: str, kind: type, token: Any) -> str | float:
    if token.type == "NUMBER" and kind is float:
        return float(token)
    if token.type == "TEXT" and kind is str:
        return composed(str(token)[1:-1].replace("''", "'") if token[0] == "'" else str(token)[1:-1])
    wanted = "text in quotes, like 'JPEG'" if kind is str else "a number"
    raise UserError(f"where: {name} is compared with {wanted}, not with {token}")
