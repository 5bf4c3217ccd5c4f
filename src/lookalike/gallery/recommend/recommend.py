"""More like this: items of a catalogue, scored by several measures, variants folded, the rest made diverse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lookalike.errors import UserError
from lookalike.gallery.index.catalogue_columns import ID, CatalogueColumns
from lookalike.gallery.index.item_filter import rows_where
from lookalike.gallery.library import Library
from lookalike.gallery.recommend.diversity import maximal_marginal_relevance
from lookalike.gallery.recommend.measures import (
    CandidateVectors,
    QueryView,
    VisualMeasures,
    text_similarity,
    whole_measures,
)
from lookalike.gallery.recommend.options import FOLD, RECOMMEND, TEXT, RecommendOptions
from lookalike.gallery.recommend.query_item import QueryItem
from lookalike.gallery.search.query import QuerySource
from lookalike.gallery.search.relevance_feedback import BAD, GOOD
from lookalike.gallery.storage.base import Item, ItemImages
from lookalike.types import Floats, Ids, Recommendation

POOL, POOL_PER_HIT = 100, 5  # items among which the diverse ones are chosen, at least, and for each that is asked for
VARIANTS = 3  # items for each of these, among which variants are looked for
TEXT_CANDIDATES = 100  # items that answer best to the words


@dataclass(frozen=True, slots=True)
class ScoredItem:
    """An item by its row, the image of it that is most alike, what each measure adds to its score, and its variants'
    rows."""

    row: int
    image: int
    parts: Mapping[str, float]
    variants: tuple[int, ...] = ()

    @property
    def score(self) -> float:
        return sum(self.parts.values())


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: images, a text, and the item that both come from, by its row, if it is one. ``good``,
    ``bad``: images of items that were judged; ``refused``: rows of the bad ones."""

    views: Sequence[QueryView]
    text: str
    row: int | None = None
    good: Sequence[QueryView] = ()
    bad: Sequence[QueryView] = ()
    refused: Sequence[int] = ()


class Recommender:
    """Recommends from one gallery's catalogue, as it is now. Raises UserError for a gallery without one."""

    def __init__(self, library: Library) -> None:
        self._library, self._store = library, library.store
        tuned = library.store.tunings().get(RECOMMEND)
        self._learnt = None if tuned is None else tuned.weights
        self._columns: CatalogueColumns = library.catalogue.get()
        if not len(self._columns):
            raise UserError(
                f"this gallery has no catalogue; give it one: lookalike index --catalogue items.csv -g {library.place}"
            )

    def like_image(self, source: QuerySource, options: RecommendOptions) -> list[Recommendation]:
        """Items like what an image shows, which need not be held."""
        weights = options.weights(self._held(), bool(options.text), self._learnt)
        visual = VisualMeasures(self._library, _visual(weights))
        query = Query([visual.view(source)], options.text, None, *self._examples(visual, options))
        return self._chosen(visual, query, weights, options)

    def like_item(self, code: str, options: RecommendOptions) -> list[Recommendation]:
        """Items like one of the catalogue, by all of its images and its words; itself and its variants are left out."""
        item = QueryItem.of(self._library, code)
        text = options.text or item.text
        weights = options.weights(self._held(), bool(text), self._learnt)
        if not item.images and TEXT not in weights:
            raise UserError(f"item {code!r} has no image in this gallery, and no words to go by")
        visual = VisualMeasures(self._library, _visual(weights))
        self._columns = self._library.catalogue.get()  # another process may have added it just now
        views = [visual.view(row) for row in item.images]
        query = Query(views, text, self._columns.row(item.number), *self._examples(visual, options))
        return self._chosen(visual, query, weights, options)

    def _examples(
        self, visual: VisualMeasures, options: RecommendOptions
    ) -> tuple[list[QueryView], list[QueryView], list[int]]:
        """The images of the good items, and of the bad ones, and the rows of these."""
        good, bad = ([QueryItem.of(self._library, code) for code in codes] for codes in (options.good, options.bad))
        liked, disliked = ([visual.view(row) for item in items for row in item.images] for items in (good, bad))
        return liked, disliked, [self._columns.row(item.number) for item in bad]

    def _held(self) -> tuple[str, ...]:
        return (*whole_measures(self._library), *self._library.region_cards)

    def _chosen(
        self, visual: VisualMeasures, query: Query, weights: Mapping[str, float], options: RecommendOptions
    ) -> list[Recommendation]:
        pairs = _without(self._pairs(options.where), query.refused)
        words = text_similarity(self._library.catalogue.words(), query.text, query.row) if TEXT in weights else None
        pairs = _among(pairs, visual.candidates([*query.views, *query.good], _distinct(pairs.images)), words)
        candidates = visual.read(_distinct(pairs.images))
        each = [visual.parts(view, candidates, pairs.images) for view in query.views] or [{}]
        if words is not None:
            own = np.float32(weights[TEXT]) * words[pairs.items]
            each = [{**parts, TEXT: own} for parts in each]
        each = [{**parts, **_feedback(visual, query, candidates, pairs.images)} for parts in each]
        best = _best_of_items(pairs, each)[: VARIANTS * _pool(options.k)]
        folded = self._folded(best, options.fold, query.row)
        return self._diverse(visual, candidates, folded, options)

    def _pairs(self, where: str | None) -> ItemImages:
        """Which items, by their rows, are shown by which images, of those for which a filter holds."""
        pairs, rows = self._columns.pairs, rows_where(self._columns, where)
        if rows is not None:
            kept = rows[pairs.items]
            return ItemImages(pairs.items[kept], pairs.images[kept])
        found = self._store.items.images(where)
        return ItemImages(np.searchsorted(self._columns.ids, found.items), found.images)

    def _folded(self, scored: Sequence[ScoredItem], fold: str | None, query: int | None) -> list[ScoredItem]:
        """The best of each family of variants, which knows the others; without the query's own."""
        column = self._fold_column(fold)
        families: dict[str, list[ScoredItem]] = {}
        for one in scored:
            families.setdefault(self._family(one.row, column), []).append(one)
        if query is not None:
            families.pop(self._family(query, column), None)
        return [
            ScoredItem(best.row, best.image, best.parts, tuple(other.row for other in others))
            for best, *others in families.values()
        ]

    def _fold_column(self, fold: str | None) -> str | None:
        columns = self._columns.kinds
        if fold and fold not in columns:
            raise UserError(f"the catalogue has no column {fold!r}; it has {', '.join(columns) or 'none'}")
        return fold or (FOLD if FOLD in columns else None)

    def _family(self, row: int, column: str | None) -> str:
        """What variants have in common: the value of the column, or the id of the one that the others are variants
        of."""
        value = self._columns.columns[column].value(row) if column else None
        return self._code(row) if value is None else str(value)

    def _code(self, row: int) -> str:
        return str(self._columns.columns[ID].value(row))

    def _diverse(
        self,
        visual: VisualMeasures,
        candidates: CandidateVectors,
        folded: Sequence[ScoredItem],
        options: RecommendOptions,
    ) -> list[Recommendation]:
        pool = folded[: _pool(options.k)]
        relevance = np.array([one.score for one in pool], np.float32)
        share = np.float32(visual.share)  # being alike counts in the unit in which it was counted as relevance
        similarity = share * visual.between(candidates, [one.image for one in pool])
        chosen = [
            (pool[place], nearest / (float(share) or 1.0))
            for place, nearest in maximal_marginal_relevance(relevance, similarity, options.k, options.diversity)
        ]
        rows = self._store.rows([one.image for one, _ in chosen])
        numbers = [int(self._columns.ids[one.row]) for one, _ in chosen]
        items = self._store.items.of_ids(numbers)
        return [  # another process may have removed it since
            self._recommendation(one, items[number], rows[one.image].path, nearest)
            for (one, nearest), number in zip(chosen, numbers, strict=True)
            if one.image in rows and number in items
        ]

    def _recommendation(self, one: ScoredItem, item: Item, path: str, nearest: float) -> Recommendation:
        variants = tuple(self._code(row) for row in one.variants)
        return Recommendation(item.code, item.title, path, one.score, one.parts, nearest, dict(item.values), variants)


def _without(pairs: ItemImages, rows: Sequence[int]) -> ItemImages:
    kept = ~np.isin(pairs.items, np.asarray(rows, np.int64))
    return pairs if kept.all() else ItemImages(pairs.items[kept], pairs.images[kept])


def _feedback(visual: VisualMeasures, query: Query, candidates: CandidateVectors, images: Ids) -> dict[str, Floats]:
    """Rocchio's method in similarities: what being like the good examples adds, and like the bad ones takes away."""
    found = {}
    for name, views, weight in (("good", query.good, GOOD), ("bad", query.bad, BAD)):
        if views:
            alike = [part for view in views for part in visual.parts(view, candidates, images).values()]
            found[name] = np.asarray(weight * np.sum(alike, axis=0) / len(views), np.float32)
    return found


def _pool(k: int) -> int:
    return max(POOL, POOL_PER_HIT * k)


def _distinct(ids: Ids) -> Ids:
    """Each once, rising; far quicker than np.unique, for ids are small numbers."""
    there = np.zeros(int(ids.max(initial=0)) + 1, bool)
    there[ids] = True
    return np.flatnonzero(there)


def _visual(weights: Mapping[str, float]) -> dict[str, float]:
    return {name: weight for name, weight in weights.items() if name != TEXT}


def _among(pairs: ItemImages, candidates: np.ndarray, words: Floats | None) -> ItemImages:
    """The pairs whose image may be near, or whose item is among those that answer best to the words."""
    near = np.isin(pairs.images, candidates, kind="table")
    if words is not None:
        asked = words[pairs.items]
        best = (
            np.argpartition(asked, -TEXT_CANDIDATES)[-TEXT_CANDIDATES:] if len(asked) > TEXT_CANDIDATES else slice(None)
        )
        near[best] |= asked[best] > 0
    return ItemImages(pairs.items[near], pairs.images[near])


def _best_of_items(pairs: ItemImages, each: Sequence[Mapping[str, Floats]]) -> list[ScoredItem]:
    """Each item by that of its images, and by that of the query's, which are most alike; the best first. ``each``: of
    every image of the query, measure -> (P,)."""
    rows = np.tile(pairs.items, len(each))
    images = np.tile(pairs.images, len(each))
    parts = {name: np.concatenate([one[name] for one in each]) for name in each[0]}
    total = sum(parts.values(), np.zeros(len(rows), np.float64))
    order = np.lexsort((rows, -total))
    best = order[np.sort(np.unique(rows[order], return_index=True)[1])]
    columns = {name: values[best].tolist() for name, values in parts.items()}
    return [
        ScoredItem(row, image, dict(zip(columns, values, strict=True)))
        for row, image, *values in zip(rows[best].tolist(), images[best].tolist(), *columns.values(), strict=True)
    ]
