"""The verbs of a gallery about its catalogue: what is in it, and what is like a thing in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lookalike.errors import UserError
from lookalike.gallery.catalogue.import_items import import_catalogue
from lookalike.gallery.catalogue.update_items import put_item, update_items
from lookalike.gallery.library import Library
from lookalike.gallery.recommend.browse import catalogue_items, facets, items_of, rows_of_items
from lookalike.gallery.recommend.learn_weights import learn_weights, read_clicks
from lookalike.gallery.recommend.options import DIVERSITY, RecommendOptions
from lookalike.gallery.recommend.recommend import Recommender
from lookalike.gallery.search.query import QuerySource
from lookalike.imaging import MAX_PIXELS
from lookalike.paths import PathLike
from lookalike.types import (
    CatalogueItem,
    CatalogueReport,
    CatalogueShelf,
    ItemUpdateReport,
    Progress,
    Recommendation,
    WeightReport,
)


class CatalogueVerbs:
    """What ``Gallery`` says about a shop's items."""

    _library: Library

    def add_catalogue(
        self, table: PathLike, *, progress: Progress | None = None, max_pixels: int = MAX_PIXELS
    ) -> CatalogueReport:
        """Take over a catalogue, a CSV file with a column "id", and perhaps "title", "file" and any others.

        "file", "files", "image" or "images" name an item's images, several separated by ";" or "|", or on further lines
        with the same id; they are seen from the table's folder, and indexed if they are not known. "price", "stock",
        and columns with nothing but numbers are numbers in filters (item.price < 50), the others text. Columns that the
        table has not, and items that it does not name, stay as they were: a table of id, price and stock changes these
        alone, and reads no image. Raises UserError for a file that is no such table."""
        return import_catalogue(self._library, table, progress, max_pixels)

    def items(
        self, where: str | None = None, *, text: str = "", begin: int = 0, limit: int = 100, with_facets: bool = True
    ) -> CatalogueShelf:
        """Items ``begin`` to ``begin + limit`` of those for which a filter holds, in the catalogue's order; with a
        ``text`` those that share a word with it, the best first. The facets are those of all items that are left, each
        without what the filter says of its own column alone (by terms that are joined by "and")."""
        rows = rows_of_items(self._library, where, text)
        found = catalogue_items(self._library, rows[begin : begin + limit].tolist())
        return CatalogueShelf(tuple(found), len(rows), tuple(facets(self._library, where, text) if with_facets else ()))

    def items_by_id(self, ids: Iterable[str]) -> list[CatalogueItem]:
        """The items that the catalogue calls so, in this order; without those that it does not have."""
        numbers = (self._library.store.items.number(one) for one in ids)
        return items_of(self._library, [number for number in numbers if number is not None])

    @property
    def item_count(self) -> int:
        """How many items the catalogue has; 0 without one."""
        return self._library.store.items.count()

    def update_items(self, changes: Mapping[str, Mapping[str, str | float | None]]) -> ItemUpdateReport:
        """Change columns of items that the catalogue has: id -> column ("title", "price", any other) -> value, None for
        an empty cell. What is not named stays, no image is read, and what cannot be done is told of its item alone. All
        else is written at once, or nothing if the process ends. A new column is of numbers or texts as its first value
        is; a text is not taken for a number, nor a number for a text."""
        return update_items(self._library, changes)

    def put_item(
        self,
        item: str,
        *,
        title: str = "",
        images: Sequence[PathLike] = (),
        values: Mapping[str, str | float | None] | None = None,
    ) -> bool:
        """Write a whole item, in the place of the one that the catalogue calls so; whether there was none. ``images``:
        paths of images of this gallery, best first. Raises UserError for an image that it does not hold, and for values
        that do not fit their columns."""
        return put_item(self._library, item, title, images, values or {})

    def forget_items(self, ids: Iterable[str]) -> int:
        """Take these items out of the catalogue; their images stay. Returns how many there were."""
        store = self._library.store
        with store.transaction():
            return store.items.forget(ids)

    def tune_recommend(self, clicks: PathLike, *, keep: bool = True) -> WeightReport:
        """Learn the weights of ``recommend`` from what people clicked, and ``keep`` them if held-out pairs are told
        apart better beyond doubt; ``forget_tuning("recommend")`` forgets them.

        ``clicks``: a CSV file with the columns item, other (ids of the catalogue) and verdict: "clicked" or "passed",
        or "same" and "different". Raises UserError for fewer than 20 usable pairs of either kind."""
        return learn_weights(self._library, read_clicks(self._library, clicks), keep)

    def recommend(
        self,
        image: QuerySource | None = None,
        k: int = 10,
        *,
        item: str | None = None,
        by: str | Mapping[str, float] | None = None,
        where: str | None = None,
        text: str = "",
        diversity: float = DIVERSITY,
        fold: str | None = None,
        good: Sequence[str] = (),
        bad: Sequence[str] = (),
    ) -> list[Recommendation]:
        """At most k items of the catalogue like what an ``image`` shows, or like one of its items, by id; the best
        first, but for what is too like those before it.

        ``by``: measures, or weights like {"content": 2, "text": 1}: descriptors that the gallery holds, of whole images
        or of regions, and "text", the words of titles and text columns. ``where``: a filter, for instance
        "item.price < 50 and item.size = 'M'". ``text``: words to look for, in the place of the item's own.
        ``diversity``: 0..1, how much being like an item that was chosen before counts against one (maximal marginal
        relevance). ``fold``: the column whose value variants of one item share, of which the best one stands for all;
        by default "variant_of", which names the id of another item. ``good``, ``bad``: ids of items that were judged:
        what is like these counts more, or less (relevance feedback), and bad ones are left out. Raises UserError in a
        gallery without a catalogue."""
        options = RecommendOptions(k, by, where, text, diversity, fold, good, bad)
        recommender = Recommender(self._library)
        if image is not None and item is None:
            return recommender.like_image(image, options)
        if item is not None and image is None:
            return recommender.like_item(item, options)
        raise UserError("recommend what is like an image, or like an item of the catalogue: give one of them")
