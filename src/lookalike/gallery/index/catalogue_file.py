"""A catalogue's columns and words in a file beside the gallery, so that they need not be laid out anew: it can be
deleted at any time.

One uncompressed .npz of plain arrays, with texts and what it covers as JSON in one of them. It is replaced atomically,
so a process killed while saving leaves the old file in force; a damaged one fails its checksums and is not used.
"""

from __future__ import annotations

import json
import os
import secrets
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery.index.catalogue_columns import CatalogueColumns, NumberColumn, TextColumn
from lookalike.gallery.index.item_words import ItemWords
from lookalike.gallery.storage.base import ItemImages

NAME = "catalogue"
LAYOUT = 1  # rises when columns or words are laid out otherwise
WORD_ARRAYS = ("starts", "rows", "counts", "lengths")


@dataclass(frozen=True, slots=True)
class SavedCatalogue:
    """``revision``: of the newest item in the columns; ``paired``: what the pairs were read at."""

    columns: CatalogueColumns
    words: ItemWords
    revision: int
    paired: tuple[int, ...]


def save_catalogue(folder: Path, gallery: str, saved: SavedCatalogue) -> None:
    """Write it into this folder, in the place of the one there. No room is no failure: what is in memory holds."""
    file, draft = folder / f"{NAME}.npz", folder / f"{NAME}.{secrets.token_hex(4)}.npz"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(draft, allow_pickle=False, **_arrays(gallery, saved))
        os.replace(draft, file)
    except OSError:
        draft.unlink(missing_ok=True)
    for left in folder.glob(f"{NAME}.*.npz"):  # by a process that was killed
        left.unlink(missing_ok=True)


def load_catalogue(folder: Path, gallery: str) -> SavedCatalogue | None:
    """What was saved last, None if there is nothing of this gallery, or it is damaged."""
    try:
        with (folder / f"{NAME}.npz").open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        about = json.loads(arrays.pop("about").tobytes())
        if (about["gallery"], about["layout"]) != (gallery, LAYOUT):
            return None
        return _read(about, arrays)
    except (OSError, EOFError, ValueError, TypeError, KeyError, IndexError, zipfile.BadZipFile):
        return None


def _arrays(gallery: str, saved: SavedCatalogue) -> dict[str, NDArray[Any]]:
    columns, words = saved.columns, saved.words
    names = list(columns.columns)
    texts = {name: one.texts for name, one in columns.columns.items() if isinstance(one, TextColumn)}
    about = {
        "gallery": gallery, "layout": LAYOUT, "revision": saved.revision, "paired": saved.paired,
        "kinds": columns.kinds, "texts": texts, "words": list(words.places),
    }  # fmt: skip
    return {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        "ids": columns.ids,
        "items": columns.pairs.items,
        "images": columns.pairs.images,
        **{f"column {place}": _values(columns.columns[name]) for place, name in enumerate(names)},
        **{name: getattr(words, name) for name in WORD_ARRAYS},
    }


def _values(column: NumberColumn | TextColumn) -> NDArray[Any]:
    return column.values if isinstance(column, NumberColumn) else column.places


def _read(about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> SavedCatalogue:
    """Raises ValueError for lengths that do not fit."""
    columns = CatalogueColumns(about["kinds"])
    columns.ids, columns.pairs = arrays["ids"], ItemImages(arrays["items"], arrays["images"])
    for place, (name, column) in enumerate(columns.columns.items()):
        values = arrays[f"column {place}"]
        if len(values) != len(columns):
            raise ValueError(f"column {name} has {len(values)} rows of {len(columns)}")
        if isinstance(column, NumberColumn):
            column.values = values
        else:
            columns.columns[name] = TextColumn.of(values, about["texts"][name])
    places = {word: place for place, word in enumerate(about["words"])}
    words = ItemWords(places, *(arrays[name] for name in WORD_ARRAYS))
    if len(words.lengths) != len(columns) or len(words.starts) != len(places) + 1:
        raise ValueError("the words are of another catalogue")
    return SavedCatalogue(columns, words, about["revision"], tuple(about["paired"]))
