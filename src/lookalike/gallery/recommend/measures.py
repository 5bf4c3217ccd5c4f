"""How like a query the images of a catalogue are, by several measures in one unit: 1 the same, 0 as unlike as two
unrelated images are (the unit of descriptors/fusion.py). What a measure cannot see is unrelated to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lookalike.descriptors import describe_all
from lookalike.descriptors.base import Described
from lookalike.gallery.library import Library
from lookalike.gallery.recommend.plain_ground import before_neutral
from lookalike.gallery.search.query import QuerySource, known_embeddings, query_image
from lookalike.gallery.search.region_matching import RegionQuery
from lookalike.gallery.search.region_search import RegionSource
from lookalike.gallery.storage.embeddings import Embeddings
from lookalike.gallery.storage.row import Row
from lookalike.types import Floats, Ids, Image

ALL_UP_TO = 1_000  # images: from here down each is compared
CANDIDATES = 200  # images that the index of each measure tells of, for all images of the query together
LEAST = 100  # ... and for each of them
REGION_CANDIDATES = 200  # images whose regions are compared, besides those that the index of regions tells of


@dataclass(frozen=True, slots=True)
class QueryView:
    """One image of what is looked for: its vectors, and its regions by each network."""

    described: Mapping[str, Described]
    regions: Mapping[str, RegionQuery]


@dataclass(frozen=True, slots=True)
class CandidateVectors:
    """The vectors of some images, by each measure of whole images, and where each image stands in them."""

    embeddings: Mapping[str, Embeddings]
    places: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    @classmethod
    def read(cls, library: Library, names: Sequence[str], images: Ids) -> CandidateVectors:
        """From the store; an image that lacks one measure may have others."""
        found = {name: Embeddings.read(library.store, library.cards, [name], images) for name in names}
        places = {name: {number: place for place, number in enumerate(one.ids.tolist())} for name, one in found.items()}
        return cls(found, places)


class VisualMeasures:
    """``weights``: descriptor name -> weight, of whole images and of regions that the gallery holds."""

    def __init__(self, library: Library, weights: Mapping[str, float]) -> None:
        self._library, self._store = library, library.store
        self._weights = weights
        self._wholes = [name for name in weights if name in library.cards]
        self._sources = {name: RegionSource(library, name) for name in weights if name in library.region_cards}

    @property
    def share(self) -> float:
        """What a pair of the same images would score by the measures of whole images: 0 without one."""
        return sum(self._weights[name] for name in self._wholes)

    def view(self, source: QuerySource) -> QueryView:
        """An image to look for; of one that is held no file is read. Raises LoadError."""
        if isinstance(source, Row):
            whole = known_embeddings(self._store, self._library.cards, self._wholes, source)
            return QueryView(whole, {name: one.stored_query(source) for name, one in self._sources.items()})
        if not self._weights:
            return QueryView({}, {})
        image = query_image(source, list(self._weights), None)
        whole = describe_all([image], self._wholes)
        return QueryView(whole, {name: _region_query(name, image) for name in self._sources})

    def candidates(self, views: Sequence[QueryView], allowed: Ids) -> Ids:
        """The allowed images (rising) that may be near by one of the measures: all, if they are few, and none where
        nothing is to be seen."""
        if not views or not self._weights:
            return allowed[:0]
        if len(allowed) <= ALL_UP_TO:
            return allowed
        reach = max(CANDIDATES // max(len(views), 1), LEAST)
        found = [
            self._library.index.get(name).search(view.described[name].vectors, reach, allowed)[0].ravel()
            for view in views
            for name in self._seen(view)
        ]
        found += [
            source.nearest_images(view.regions[name], REGION_CANDIDATES, allowed)
            for view in views
            for name, source in self._sources.items()
        ]
        near = np.unique(np.concatenate(found)) if found else allowed[:0]
        return near[near >= 0]

    def read(self, images: Ids) -> CandidateVectors:
        """The vectors of these images, once for all that is asked of them."""
        return CandidateVectors.read(self._library, self._wholes, images)

    def parts(self, view: QueryView, candidates: CandidateVectors, images: Ids) -> dict[str, Floats]:
        """Measure -> (P,): what it adds to the score of each of these images, its weight times the similarity."""
        found = {name: np.zeros(len(images), np.float32) for name in self._weights}
        for name in self._seen(view):
            vectors = candidates.embeddings[name]
            distances = vectors.from_query({name: view.described[name].vectors})[name]
            found[name] = _placed(images, vectors.ids.tolist(), self._similarity(name, distances))
        for name, source in self._sources.items():
            distances_of = source.distances(view.regions[name], np.unique(images))
            near = np.fromiter(distances_of.values(), np.float32, len(distances_of))
            found[name] = _placed(images, list(distances_of), self._similarity(name, near))
        return found

    def between(self, candidates: CandidateVectors, images: Sequence[int]) -> Floats:
        """(N, N): how like one another these images are, 0..1, by the measures of whole images."""
        total = np.zeros((len(images), len(images)), np.float32)
        share = self.share or 1.0
        for name in self._wholes:
            places = candidates.places[name]
            seen = [place for place, number in enumerate(images) if number in places]
            rows = [places[images[place]] for place in seen]
            if rows:
                near = self._similarity(name, candidates.embeddings[name].between(rows, rows)[name])
                total[np.ix_(seen, seen)] += near / np.float32(share)
        return np.clip(total, 0.0, 1.0)

    def _seen(self, view: QueryView) -> Iterable[str]:
        """The measures that see something in it."""
        cards = self._library.cards
        return [n for n, one in view.described.items() if float(one.contrast[0]) >= cards[n].min_contrast]

    def _similarity(self, name: str, distances: Floats) -> Floats:
        card = (self._library.cards | self._library.region_cards)[name]
        return np.asarray(self._weights[name] * (1.0 - distances / card.median_negative_distance), np.float32)


def _region_query(name: str, image: Image) -> RegionQuery:
    """Of a product on a plain ground also without that ground: photographs in which one is worn do not have it."""
    query, product = RegionQuery.of(name, image, ""), before_neutral(image)
    if product is image:
        return query
    alone = RegionQuery.of(name, product, "", with_parts=False)
    return replace(query, scales=np.concatenate([query.scales, alone.scales]))


def _placed(images: Ids, ids: Sequence[int], values: Floats) -> Floats:
    """The values of ``ids`` at the places that these have among ``images``, which may name one twice; 0 elsewhere."""
    known = dict(zip(ids, values.tolist(), strict=True))
    return np.array([known.get(number, 0.0) for number in images.tolist()], np.float32)
