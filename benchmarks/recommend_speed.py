"""What a recommendation out of a large catalogue costs, with filters, beside SQLite and FAISS put together by hand."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import SEED, Options, run, seconds, table
from benchmarks.synthetic import FAMILY, block, fill, path_of
from lookalike.descriptors import get
from lookalike.gallery import Gallery
from lookalike.gallery.recommend.measures import CANDIDATES
from lookalike.gallery.recommend.options import DEFAULT_WEIGHTS, TEXT
from lookalike.gallery.recommend.palette import PALETTE
from lookalike.gallery.storage.base import Item
from lookalike.types import Floats, Ids

TITLE = "Recommendations out of a large catalogue, with filters"
NAMES = ("content", "colour")
BY_HAND = {"content": DEFAULT_WEIGHTS["content"], "colour": DEFAULT_WEIGHTS[PALETTE]}
K = 10
TENTH = 10  # of the queries goes to the slow sides
FILTERS = (
    None,
    "item.price < 150",
    "item.price < 50 and item.size = 'M' and item.stock > 0",
    "item.brand = 'brand7'",
    "not item.size in ('S', 'M') or item.title like '%vintage%'",
)
ADJECTIVES = ("red", "blue", "green", "black", "white", "cotton", "silk", "wool", "linen", "slim", "long", "vintage")
NOUNS = ("shirt", "dress", "trousers", "skirt", "coat", "hat", "shoes", "bag", "scarf", "belt", "tie", "gloves")
HEADER = ("filter", "items", "median, ms", "99 %, ms", "by hand, median", f"recall@{K} of the exact")
NOTE = (
    "A catalogue of {count:,} items of one synthetic image each, in families of {family}; titles of four words out of "
    "{words}, one item in ten a variant. Every query is an item, by `content`, palettes and its words, with the "
    "default weights and diversity: {queries} for each filter; the other side gets each {tenth}th of them, in turn. By "
    "hand: one SQLite table with an index for each column, FTS5 for the titles, FAISS' flat indexes over what the "
    "filter leaves, the {near} nearest by `content` and `colour` blended; neither palettes, variants nor diversity. "
    "Recall: of the ten best of the whole blend of `content` and `colour`, compared with everything. The first answer "
    "after opening takes {cold:.1f} s, with the catalogue's file {warm:.2f} s; after a new price of one item "
    "{changed:.0f} ms. Of all answers {within:.1%} take at most 50 ms."
)


def measure(options: Options) -> str:
    count, queries = options.size(100_000, 400), options.size(200, 3)
    random = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as place:
        with Gallery.create(Path(place) / "g", NAMES) as gallery:
            fill(gallery, 0, count, _vectors)
            items = _catalogue(gallery, count, random)
            for name in NAMES:
                gallery._library.index.get(name)
        cold = _first_answer(Path(place) / "g")
        warm = _first_answer(Path(place) / "g")
        with Gallery.open(Path(place) / "g") as gallery:
            gallery.recommend(item="item0")
            by_hand = ByHand(items, count)
            asked = random.integers(0, count, (len(FILTERS), queries)).tolist()
            rows, times = [], list[float]()
            for where, numbers in zip(FILTERS, asked, strict=True):
                row, spent = _row(gallery, by_hand, where, numbers)
                rows.append(row)
                times += spent
            changed = _after_a_new_price(gallery, items[0])
    note = NOTE.format(
        count=count, family=FAMILY, words=len(ADJECTIVES) + len(NOUNS), queries=queries, tenth=TENTH, near=CANDIDATES,
        cold=cold, warm=warm, changed=1000 * changed, within=float(np.mean(np.array(times) <= 0.05)),
    )  # fmt: skip
    return f"{table(HEADER, rows)}\n\n{note}"


def _first_answer(place: Path) -> float:
    """Seconds from opening a gallery to its first recommendation."""
    started = time.perf_counter()
    with Gallery.open(place) as gallery:
        gallery.recommend(item="item0")
        return time.perf_counter() - started


def _row(
    gallery: Gallery, by_hand: ByHand, where: str | None, numbers: Sequence[int]
) -> tuple[tuple[str, ...], list[float]]:
    ours, theirs, shares = list[float](), list[float](), list[float]()
    for place, number in enumerate(numbers):
        ours.append(seconds(lambda number=number: gallery.recommend(item=f"item{number}", k=K, where=where)))
        if place % TENTH == 0:
            theirs.append(seconds(lambda number=number: by_hand.recommend(number, where)))
            shares.append(_recall(gallery, by_hand, number, where))
    shown = [f"{1000 * value:.1f}" for value in (*np.percentile(ours, (50, 99)), np.median(theirs))]
    count = len(by_hand.allowed(where))
    return (f"`{where}`" if where else "none", f"{count:,}", *shown, f"{np.mean(shares):.3f}"), ours


def _recall(gallery: Gallery, by_hand: ByHand, number: int, where: str | None) -> float:
    """Of the exact best ten of the blend of both measures; variants are not folded, nor is it made diverse."""
    found = gallery.recommend(item=f"item{number}", k=K, where=where, by="content=3,colour=1", diversity=0, fold="code")
    best = by_hand.exact(number, where, {"content": 0.75, "colour": 0.25})
    return len({one.id for one in found} & best) / len(best) if best else 1.0


def _after_a_new_price(gallery: Gallery, item: Item) -> float:
    """Seconds of the first recommendation after one item was written."""
    store = gallery._library.store
    with store.transaction():
        store.items.put(Item(item.code, item.title, item.files, {**item.values, "price": 7.0}))
    started = time.perf_counter()
    gallery.recommend(item="item1", where="item.price < 150")
    return time.perf_counter() - started


def _vectors(first: int, size: int) -> dict[str, NDArray[Any]]:
    """Colours: as many numbers as the descriptor has, in its unit, none below 0."""
    colour = np.abs(block("content", first, size)[:, : get("colour").card.dim]) * 400
    return {"content": block("content", first, size), "colour": colour.astype(np.float32)}


def _catalogue(gallery: Gallery, count: int, random: np.random.Generator) -> list[Item]:
    items = []
    for number in range(count):
        title = " ".join([*random.choice(ADJECTIVES, 3), NOUNS[number // FAMILY % len(NOUNS)]])
        values: dict[str, str | float] = {
            "brand": f"brand{random.integers(200)}",
            "code": f"code{number}",
            "price": float(random.integers(5, 300)),
            "size": str(random.choice(["S", "M", "L", "XL"])),
            "stock": float(random.integers(0, 5)),
        }
        if number % FAMILY in (1, 2):
            values["variant_of"] = f"item{number // FAMILY * FAMILY}"
        items.append(Item(f"item{number}", title, (path_of(number),), values))
    store = gallery._library.store
    with store.transaction():
        kinds = dict.fromkeys(("brand", "code", "size", "variant_of"), "text")
        store.items.put_columns(kinds | {"price": "number", "stock": "number"})
        for item in items:
            store.items.put(item)
    return items


class ByHand:
    """What a programmer would put together in an afternoon."""

    def __init__(self, items: Sequence[Item], count: int) -> None:
        self._vectors = {name: np.asarray(part) for name, part in _vectors_of(count).items()}
        self._indexes = {name: _flat(name, part) for name, part in self._vectors.items()}
        self._titles = [f"{item.title} {item.values['brand']} {item.values['size']}" for item in items]
        self._table = sqlite3.connect(":memory:")
        self._table.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, title, price, size, stock, brand)")
        rows = [
            (number, item.title, *(item.values[name] for name in ("price", "size", "stock", "brand")))
            for number, item in enumerate(items)
        ]
        self._table.executemany("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)", rows)
        for name in ("price", "size", "stock", "brand"):
            self._table.execute(f"CREATE INDEX items_{name} ON items ({name})")
        self._table.execute("CREATE VIRTUAL TABLE words USING fts5 (title)")
        self._table.executemany("INSERT INTO words (rowid, title) VALUES (?, ?)", enumerate(self._titles))

    def allowed(self, where: str | None) -> Ids:
        """Numbers of the items for which a filter holds."""
        condition = "1" if where is None else where.replace("item.", "")
        sql = f"SELECT id FROM items WHERE {condition} ORDER BY id"  # noqa: S608  the filters stand above
        found = self._table.execute(sql).fetchall()
        return np.array(found, np.int64).ravel()

    def recommend(self, number: int, where: str | None) -> list[int]:
        """The ten best by the same three measures and weights."""
        allowed = None if where is None else self.allowed(where)
        near = {name: self._nearest(name, number, allowed) for name in NAMES}
        words = self._words(number)
        kept = None if allowed is None else set(allowed.tolist())
        best = sorted(words, key=lambda one: -words[one])[:CANDIDATES]
        candidates = np.unique(np.concatenate([*near.values(), np.array(best, np.int64)]))
        if kept is not None:
            candidates = np.array([one for one in candidates.tolist() if one in kept], np.int64)
        score = self._blend(number, candidates, BY_HAND)
        score += DEFAULT_WEIGHTS[TEXT] * np.array([words.get(one, 0.0) for one in candidates.tolist()], np.float32)
        return [int(one) for one in candidates[np.argsort(-score)][: K + 1] if one != number][:K]

    def exact(self, number: int, where: str | None, weights: dict[str, float]) -> set[str]:
        """Ids of the ten best by comparing with everything."""
        allowed = self.allowed(where)
        allowed = allowed[allowed != number]
        score = self._blend(number, allowed, weights)
        return {f"item{one}" for one in allowed[np.argsort(-score, kind="stable")[:K]].tolist()}

    def _blend(self, number: int, candidates: Ids, weights: Any) -> Floats:
        total = np.zeros(len(candidates), np.float32)
        for name in NAMES:
            a, b = self._vectors[name][number], self._vectors[name][candidates]
            far = 1 - b @ a if name == "content" else np.linalg.norm(b - a, axis=1)
            total += np.float32(weights[name]) * (1 - far / np.float32(get(name).card.median_negative_distance))
        return total

    def _nearest(self, name: str, number: int, allowed: Ids | None) -> Ids:
        chosen = {} if allowed is None else {"params": faiss.SearchParameters(sel=faiss.IDSelectorBatch(allowed))}
        found = self._indexes[name].search(self._vectors[name][number][None], CANDIDATES, **chosen)[1].ravel()
        return np.asarray(found[found >= 0], np.int64)

    def _words(self, number: int) -> dict[int, float]:
        asked = " OR ".join(self._titles[number].split())
        sql = "SELECT rowid, -bm25(words) FROM words WHERE words MATCH ?"
        scores = dict(self._table.execute(sql, (asked,)).fetchall())
        best = max(scores.values())
        return {one: score / best for one, score in scores.items()}


def _vectors_of(count: int) -> dict[str, NDArray[Any]]:
    """As ``fill`` writes them."""
    size = 10_000
    parts = [_vectors(first, min(size, count - first)) for first in range(0, count, size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in NAMES}


def _flat(name: str, vectors: NDArray[Any]) -> Any:
    make: Callable[[int], Any] = faiss.IndexFlatIP if name == "content" else faiss.IndexFlatL2
    index = make(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors, np.float32))
    return index


if __name__ == "__main__":
    run(TITLE, measure)
