"""How like a query the images of a catalogue are, by several measures in one unit: 1 the same, 0 as unlike as two
unrelated images are (the unit of descriptors/fusion.py). What a measure cannot see is unrelated to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors import describe_all
from lookalike.descriptors.base import Described
from lookalike.gallery.index.item_words import ItemWords
from lookalike.gallery.library import Library
from lookalike.gallery.recommend.palette import MEDIAN_NEGATIVE_DISTANCE, PALETTE, SOURCE, palette_distances, palettes
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


def text_similarity(words: ItemWords, text: str, own: int | None = None) -> Floats:
    """(N,): how like a text the words of each item are, 1 for the best: the root of its share of the best score, for by
    the share alone one item that has the whole text leaves all others far behind. ``own`` as in ``ItemWords``."""
    return np.sqrt(words.similarity(text, own))


@dataclass(frozen=True, slots=True)
class QueryView:
    """One image of what is looked for: its vectors, and its regions by each network."""

    described: Mapping[str, Described]
    regions: Mapping[str, RegionQuery]


@dataclass(frozen=True, slots=True)
class CandidateVectors:
    """The vectors of some images, by each descriptor of whole images, where each image stands in them, and their
    palettes if these are asked for."""

    embeddings: Mapping[str, Embeddings]
    places: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    palettes: Floats | None = None

    @classmethod
    def read(cls, library: Library, names: Sequence[str], images: Ids, with_palettes: bool = False) -> CandidateVectors:
        """From the store; an image that lacks one descriptor may have others."""
        found = {name: Embeddings.read(library.store, library.cards, [name], images) for name in names}
        places = {name: {number: place for place, number in enumerate(one.ids.tolist())} for name, one in found.items()}
        return cls(found, places, palettes(found[SOURCE].vectors[SOURCE]) if with_palettes else None)


def whole_measures(library: Library) -> tuple[str, ...]:
    """What can be measured of whole images of this gallery: its descriptors, and palettes where it has colours."""
    return (*library.cards, *((PALETTE,) if SOURCE in library.cards else ()))


class VisualMeasures:
    """``weights``: measure -> weight, among ``whole_measures`` and descriptors of regions that the gallery holds."""

    def __init__(self, library: Library, weights: Mapping[str, float]) -> None:
        self._library, self._store = library, library.store
        self._weights = weights
        self._wholes = [name for name in weights if name in library.cards or name == PALETTE]
        self._descriptors = list(dict.fromkeys(map(_descriptor, self._wholes)))
        self._sources = {name: RegionSource(library, name) for name in weights if name in library.region_cards}

    @property
    def share(self) -> float:
        """What a pair of the same images would score by the measures of whole images: 0 without one."""
        return sum(self._weights[name] for name in self._wholes)

    def view(self, source: QuerySource) -> QueryView:
        """An image to look for; of one that is held no file is read. Raises LoadError."""
        if isinstance(source, Row):
            whole = known_embeddings(self._store, self._library.cards, self._descriptors, source)
            return QueryView(whole, {name: one.stored_query(source) for name, one in self._sources.items()})
        if not self._weights:
            return QueryView({}, {})
        image = query_image(source, [*self._descriptors, *self._sources], None)
        whole = describe_all([image], self._descriptors)
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
            for name in dict.fromkeys(map(_descriptor, self._seen(view)))
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
        return CandidateVectors.read(self._library, self._descriptors, images, PALETTE in self._wholes)

    def parts(self, view: QueryView, candidates: CandidateVectors, images: Ids) -> dict[str, Floats]:
        """Measure -> (P,): what it adds to the score of each of these images, its weight times the similarity."""
        found = {name: np.zeros(len(images), np.float32) for name in self._weights}
        for name in self._seen(view):
            asked = view.described[_descriptor(name)].vectors
            distances = _from_query(name, asked, candidates)
            ids = candidates.embeddings[_descriptor(name)].ids.tolist()
            found[name] = _placed(images, ids, self._similarity(name, distances))
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
            places = candidates.places[_descriptor(name)]
            seen = [place for place, number in enumerate(images) if number in places]
            rows = [places[images[place]] for place in seen]
            if rows:
                near = self._similarity(name, _between(name, rows, candidates))
                total[np.ix_(seen, seen)] += near / np.float32(share)
        return np.clip(total, 0.0, 1.0)

    def _seen(self, view: QueryView) -> Iterable[str]:
        """The measures that see something in it."""
        cards, described = self._library.cards, view.described
        sound = {n for n, one in described.items() if float(one.contrast[0]) >= cards[n].min_contrast}
        return [name for name in self._wholes if _descriptor(name) in sound]

    def _similarity(self, name: str, distances: Floats) -> Floats:
        cards = self._library.cards | self._library.region_cards
        unrelated = MEDIAN_NEGATIVE_DISTANCE if name == PALETTE else cards[name].median_negative_distance
        return np.asarray(self._weights[name] * (1.0 - distances / unrelated), np.float32)


def _descriptor(measure: str) -> str:
    """The one whose vectors tell a measure of whole images."""
    return SOURCE if measure == PALETTE else measure


def _from_query(measure: str, asked: NDArray[Any], candidates: CandidateVectors) -> Floats:
    """(N,): how far each of the candidates is."""
    if measure == PALETTE and candidates.palettes is not None:
        return np.asarray(palette_distances(palettes(asked), candidates.palettes)[0], np.float32)
    return candidates.embeddings[measure].from_query({measure: asked})[measure]


def _between(measure: str, rows: Sequence[int], candidates: CandidateVectors) -> Floats:
    """(R, R): how far these candidates are from one another."""
    if measure == PALETTE and candidates.palettes is not None:
        return palette_distances(candidates.palettes[rows], candidates.palettes[rows])
    return candidates.embeddings[measure].between(rows, rows)[measure]


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
