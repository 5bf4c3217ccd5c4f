"""The filter language of ``where`` on Milvus: which images it leaves.

What only speaks of an image's own columns is one expression, which Milvus evaluates. What it cannot say (a pattern;
what other records say: labels, objects, persons, items; what ``shows`` finds) is asked of those first, as the images
for which it holds; ``and``, ``or`` and ``not`` put the two together.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import UserError
from lookalike.gallery.storage import filters
from lookalike.gallery.storage.base import Item, ItemImages
from lookalike.gallery.storage.filters import COMPARISONS, SHOWN_FROM, known_field, literal, refuse_like
from lookalike.gallery.storage.milvus.conditions import KINDS, expression, holds, is_column
from lookalike.gallery.storage.milvus.expressions import NUMBER_NULL, TEXT_NULL
from lookalike.gallery.storage.milvus.items import Items
from lookalike.gallery.storage.milvus.labels import Labels
from lookalike.gallery.storage.milvus.records import RecordFilter, Records, json_of
from lookalike.gallery.storage.milvus.rows import Rows
from lookalike.gallery.storage.text_match import fits, folded
from lookalike.types import Ids, Label, Shown

Mask = NDArray[np.bool_]
Value = str | float
_ITEM = "item."


class Selection:
    """Filters over one gallery. ``shown``: who says what images show (GalleryStorage.set_shown)."""

    def __init__(self, records: Records, rows: Rows) -> None:
        self._records, self._rows = records, rows
        self.items: Items
        self.labels: Labels
        self.shown: Shown | None = None

    def ids(self, where: str | None = None) -> Ids:
        """As ``RowStorage.select``."""
        if where is None:
            return self._rows.every_id()
        tree = filters.tree(where, self._fields())
        if is_column(tree) and not self._rows.written():
            return self._rows.ids(expression(tree))
        images = self._rows.every_id()
        over = self._over(images) if _ITEM in where else _Images(self, images, np.zeros(len(images), np.int64))
        return np.unique(over.images[over.mask(tree)])

    def _over(self, images: Ids) -> _Images:
        """Each image with each item that it shows, or with none."""
        files = self.items.files()
        alone = np.setdiff1d(images, files.images)
        pairs = np.concatenate([files.images, alone]), np.concatenate([files.items, np.zeros(len(alone), np.int64)])
        return _Images(self, *pairs, self.items.every())

    def item_images(self, where: str | None = None) -> ItemImages:
        """As ``ItemStorage.images``."""
        files = self.items.files()
        kept = files.stills
        if where is not None:
            tree = filters.tree(where, self._fields())
            kept = kept & _Images(self, files.images, files.items, self.items.every()).mask(tree)
        return ItemImages(files.items[kept], files.images[kept])

    def _fields(self) -> dict[str, type]:
        return {**{name: kind for name, (_, kind) in filters.FIELDS.items()}, **self.item_kinds()}

    def item_kinds(self) -> dict[str, type]:
        """Of the fields of items."""
        columns = self.items.columns().items()
        return {"item.id": str, "item.title": str} | {
            f"{_ITEM}{name}": float if kind == "number" else str for name, kind in columns
        }

    def kinds(self) -> dict[str, type]:
        """Of all fields."""
        return self._fields()

    # --- what other records say, as image -> value, or image -> values

    def column(self, tree: Any) -> set[int]:
        """Images for which Milvus' own expression holds, those of a transaction as well."""
        found = set(self._rows.ids(expression(tree)).tolist())
        return found | {one["id"] for one in self._rows.written() if holds(tree, _of_document(one), KINDS.__getitem__)}

    def texts(self, name: str) -> dict[int, str]:
        """Image -> what it has in a column of texts, of those that have anything."""
        ids, values = self._rows.columns(name)
        every = {
            **dict(zip(ids.tolist(), values, strict=True)),
            **{one["id"]: one[name] for one in self._rows.written()},
        }
        return {image: text for image, text in every.items() if text != TEXT_NULL}

    def first_labels(self) -> dict[int, Label]:
        """Image -> what it is called first."""
        return {image: labels[0] for image, labels in self.labels.by_image().items()}

    def seen(self, what: str) -> list[tuple[int, str]]:
        """(image, name) of every object, or of every person that has a name."""
        if what == "object":
            return [
                (one["image"], one["name"])
                for one in self._records.find(RecordFilter("object"), data=False)
                if one["name"]
            ]
        names = {str(one["seq"]): json_of(one) for one in self._records.small("person").values()}
        faces = self._records.find(RecordFilter("face"), data=False)
        return [(one["image"], names[one["name"]]) for one in faces if names.get(one["name"]) is not None]

    def numbers(self, what: str) -> dict[int, float]:
        """Image -> how many faces, or objects of all kinds, it shows."""
        if what == "faces":
            found = self._records.find(RecordFilter("face"), data=False)
            counted: dict[int, float] = dict.fromkeys(self._rows.every_id().tolist(), 0.0)
            for one in found:
                counted[one["image"]] = counted.get(one["image"], 0.0) + 1.0
            return counted
        counted = {}
        for one in self._records.find(RecordFilter("object", names=("",))):
            counted[one["image"]] = max(float(json_of(one)), counted.get(one["image"], 0.0))
        return counted


class _Images:
    """Images, each perhaps with an item: ``images`` (N,) and ``items`` (N,), 0 for none."""

    def __init__(self, over: Selection, images: Ids, items: Ids, known: Mapping[int, Item] | None = None) -> None:
        self._over, self.images, self._items, self._known = over, images, items, known or {}
        self._kinds = over.kinds()

    def mask(self, tree: Any) -> Mask:
        """For which of them a filter holds, (N,)."""
        rule, children = tree.data, tree.children
        if is_column(tree):
            return self._among(self._over.column(tree))
        if rule == "start":
            return self.mask(children[0])
        if rule in ("or_", "and_"):
            combined = np.logical_or if rule == "or_" else np.logical_and
            return np.asarray(combined.reduce([self.mask(child) for child in children]), bool)
        if rule == "negated":
            return ~self.mask(children[0])
        if rule == "shown":
            return self._among(_shown(children, self._over.shown))
        name = known_field(str(children[0]), self._kinds)
        if rule == "compared" and str(children[1]).upper() == "LIKE":
            refuse_like(name, self._kinds[name])
        return self._compared(name, tree)

    def _among(self, images: set[int]) -> Mask:
        return np.isin(self.images, np.fromiter(images, np.int64, len(images)))

    def _compared(self, name: str, tree: Any) -> Mask:
        if name.startswith(_ITEM):
            fulfils = {
                number: _fulfils(tree, _of_item(self._known[number], name), self._kinds) for number in self._known
            }
            fulfils[0] = _fulfils(tree, None, self._kinds)
            return np.fromiter((fulfils[number] for number in self._items.tolist()), bool, len(self._items))
        if name in ("object", "person"):
            return self._seen(name, tree)
        return self._of_values(self._values(name), tree)

    def _values(self, name: str) -> dict[int, Value]:
        if name in KINDS:
            return dict(self._over.texts(name))
        if name == "label":
            return {image: one.label for image, one in self._over.first_labels().items()}
        if name == "label_probability":
            return {image: one.probability for image, one in self._over.first_labels().items()}
        return dict(self._over.numbers(name))

    def _of_values(self, values: Mapping[int, Value], tree: Any) -> Mask:
        test = _test(tree, self._kinds)
        among = self._among({image for image, value in values.items() if test(value)})
        return among | ~self._among(set(values)) if test(None) else among

    def _seen(self, name: str, tree: Any) -> Mask:
        """Whether any object, or person, in the image has such a name; ``!=`` means that none has."""
        found = self._over.seen(name)
        if tree.data == "absent":
            return ~self._among({image for image, _ in found})
        unlike = tree.data == "compared" and str(tree.children[1]) == "!="
        test = operator.eq if unlike else None
        wanted = literal(name, str, tree.children[2]) if unlike else None
        holds_for = _test(tree, self._kinds) if test is None else (lambda text: text == wanted)
        among = self._among({image for image, text in found if holds_for(text)})
        return ~among if unlike else among


def _test(tree: Any, kinds: Mapping[str, type]) -> Callable[[Value | None], bool]:
    """Whether a value fulfils one comparison."""
    if tree.data == "compared" and str(tree.children[1]).upper() == "LIKE":
        alike = fits(str(literal(str(tree.children[0]), str, tree.children[2])))
        return lambda value: value is not None and alike(folded(str(value)))
    return lambda value: holds(tree, lambda _name: value, kinds.__getitem__)


def _fulfils(tree: Any, value: Value | None, kinds: Mapping[str, type]) -> bool:
    return _test(tree, kinds)(value)


def _of_item(item: Item, name: str) -> Value | None:
    own = {"item.id": item.code, "item.title": item.title}
    return own[name] if name in own else item.values.get(name.removeprefix(_ITEM))


def _of_document(one: Mapping[str, Any]) -> Callable[[str], Value | None]:
    return lambda name: None if one[name] in (TEXT_NULL, NUMBER_NULL) else one[name]


def _shown(children: Sequence[Any], shown: Shown | None) -> set[int]:
    """The images that show a text with such a probability."""
    if shown is None:
        raise UserError("where: shows(...) needs a gallery that is open for searches by words")
    text, sign, value = children
    ids, probabilities = shown(str(literal("shows", str, text)))
    if str(sign).upper() == "LIKE":
        raise UserError("where: shows(...) is a number; 'like' compares text")
    compare, least = (operator.ge, SHOWN_FROM) if sign is None else (COMPARISONS[str(sign)], float(value))
    return set(ids[compare(probabilities.astype(float), least)].tolist())
