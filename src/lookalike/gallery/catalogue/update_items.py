"""Changes of single items, as a shop's backend sends them: prices, stock, any column. No image is read.

Saying the same once more changes nothing, so a sender that heard no answer may say it again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from lookalike.errors import UserError
from lookalike.gallery.catalogue.table import FILES, ID, NUMBERS, TITLE
from lookalike.gallery.library import Library
from lookalike.gallery.storage.base import Item, Value
from lookalike.paths import PathLike, absolute
from lookalike.types import ItemUpdateReport


def update_items(library: Library, changes: Mapping[str, Mapping[str, Value | None]]) -> ItemUpdateReport:
    """As ``Gallery.update_items``."""
    store, failed, written = library.store, dict[str, str](), list[Item]()
    with store.transaction():
        kinds, codes = store.items.columns(), store.items.codes()
        held = store.items.of_ids([codes[code] for code in changes if code in codes])
        by_code = {item.code: item for item in held.values()}
        for code, change in changes.items():
            try:
                item, new = _changed(code, by_code.get(code), change, kinds)
            except UserError as error:
                failed[code] = str(error)
                continue
            kinds |= new
            if item != by_code[code]:
                written.append(item)
        _write(library, kinds, written)
    return ItemUpdateReport(len(written), len(changes) - len(written) - len(failed), failed)


def put_item(
    library: Library, code: str, title: str, images: Sequence[PathLike], values: Mapping[str, Value | None]
) -> bool:
    """As ``Gallery.put_item``."""
    store = library.store
    if not code.strip() or "\0" in code:
        raise UserError("an item needs an id")
    paths = tuple(dict.fromkeys(absolute(path) for path in images))
    for path in paths:
        library.row(path)
    with store.transaction():
        kinds, number = store.items.columns(), store.items.number(code)
        item, new = _changed(code, Item(code, "", paths, {}), {TITLE: title, **values}, kinds)
        if number is None or store.items.of_ids([number])[number] != item:
            _write(library, kinds | new, [item])
    return number is None


def _write(library: Library, kinds: Mapping[str, str], items: Sequence[Item]) -> None:
    """Within a transaction; without an item nothing is written, so that what is kept of answers stays true."""
    if items:
        library.store.items.put_columns(kinds)
        for item in items:
            library.store.items.put(item)


def _changed(
    code: str, item: Item | None, change: Mapping[str, Value | None], kinds: Mapping[str, str]
) -> tuple[Item, dict[str, str]]:
    """The item with these values, and the kinds of columns that there were not. Raises UserError for one that is not in
    the catalogue, and for values that do not fit their columns."""
    if item is None:
        raise UserError(f"no item {code!r} in this gallery's catalogue")
    new = {name: _kind_of_new(name, value) for name, value in change.items() if name not in (TITLE, *kinds)}
    every = {**kinds, **new, TITLE: "text"}
    for name, value in change.items():
        _check(name, value, every[name])
    values = {**item.values, **change}
    title = str(values.pop(TITLE, item.title) or "")
    kept = {name: value for name, value in sorted(values.items()) if value is not None and value != ""}
    return replace(item, title=title, values={name: _stored(one, every[name]) for name, one in kept.items()}), new


def _stored(value: Value, kind: str) -> Value:
    return float(value) if kind == "number" else value


def _kind_of_new(name: str, value: Value | None) -> str:
    if not re.fullmatch(r"\w{1,100}", name) or name != name.lower() or name in (ID, *FILES):
        raise UserError(
            f"{name!r} cannot be a column: lower-case letters, digits and _, and not {', '.join((ID, *FILES))}"
        )
    return "number" if name in NUMBERS or isinstance(value, (int, float)) else "text"


def _check(name: str, value: Value | None, kind: str) -> None:
    """A text is not guessed to be a number, nor the other way round: "12,90" and 1e3 would be read as something."""
    if value is None:
        return
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if kind == "number" and not is_number:
        raise UserError(f"{name}: a number is needed, not {value!r}")
    if kind == "text" and (not isinstance(value, str) or "\0" in value):
        raise UserError(f"{name}: a text is needed, not {value!r}")
