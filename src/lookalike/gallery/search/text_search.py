"""Searches by words: for each image the probability that it shows what a text asks for, by what the gallery keeps.

No image is decoded. Words are taken as independent of each other where several are asked for (`JOINT` says how far);
the words that nobody can judge are named and say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from lookalike.descriptors import describe_all
from lookalike.errors import UserError
from lookalike.gallery.index.word_index import CLASSES, CONTENT, WordColumns, need_words
from lookalike.gallery.library import Library
from lookalike.gallery.load_verified import load_or_failure, load_verified
from lookalike.gallery.search.query import QuerySource, query_image, stored_embeddings
from lookalike.gallery.search.word_place import MIN_SIDE, PartViews, look_at_parts, place_of
from lookalike.gallery.storage.embeddings import Embeddings
from lookalike.gallery.storage.row import Row
from lookalike.parallel import in_order
from lookalike.types import Failure, Floats, Ids, TextHit, TextResult, WordEvidence
from lookalike.words.class_names import class_names
from lookalike.words.colours import colour_probability
from lookalike.words.tag_head import by_tags, class_mass, tag_head
from lookalike.words.text_query import ColourTerm, FileTerm, Term, TextQuery, read_query
from lookalike.words.vocabulary import Concept

LEAST = 0.5  # more likely shown than not


@dataclass(frozen=True, slots=True)
class TextOptions:
    """As in ``Gallery.search_text``. Raises UserError for what is out of range."""

    k: int = 10
    without: str = ""
    like: QuerySource | None = None
    where: str | None = None
    least: float = LEAST
    boxes: bool = False

    def __post_init__(self) -> None:
        if self.k < 1:
            raise UserError(f"k must be 1 or more, not {self.k}")
        if not 0 <= self.least <= 1:
            raise UserError(f"least must be a probability, 0..1, not {self.least:g}")


@dataclass(frozen=True, slots=True)
class _Scores:
    """Of one term, for N images: ``probability`` (N,), of which ``kind`` of evidence."""

    term: Term
    probability: Floats


class TextSearch:
    """Searches by words in one gallery, as it is now."""

    def __init__(self, library: Library) -> None:
        self._library, self._store = library, library.store
        need_words(library.cards, library.place)

    def search(self, text: str, options: TextOptions) -> TextResult:
        """At most ``options.k`` hits, best first, each with at least the probability ``options.least``."""
        query = read_query(text, options.without)
        columns = self._columns(options.where)
        undescribed = int((~columns.described).sum())
        understood = tuple(term.word for term in (*query.wanted, *(one for group in query.unwanted for one in group)))
        if not (query.wanted or query.unwanted or options.like is not None) or not len(columns.ids):
            return TextResult((), understood, query.unknown, 0.0, undescribed)
        wanted = [self.scores(term, columns) for term in query.wanted]
        near = [] if options.like is None else [self.nearness(options.like, columns.ids)]
        absent = self._absent(query, columns)
        probability = joint([*wanted, *near]) * absent if wanted or near else absent * columns.described
        order = np.lexsort((columns.ids, -probability))[: options.k]
        order = order[probability[order] >= options.least]
        hits = self._hits(
            columns.keep(order), query, [one[order] for one in wanted], [one[order] for one in near], probability[order]
        )
        if options.boxes:
            hits = self._with_boxes(hits, query.wanted)
        return TextResult(hits, understood, query.unknown, float(probability.max()), undescribed)

    def evidence_in(self, row: Row, text: str) -> tuple[WordEvidence, ...]:
        """Why one image shows what a text asks for or does not, and which part of it. Raises LoadError for a file that
        is not what was indexed."""
        query, columns = read_query(text), self._columns(None)
        one = columns.keep(columns.ids == row.id)
        if not len(one.ids) or not query.wanted:
            return ()
        views = look_at_parts(load_verified(row, min_side=MIN_SIDE))
        evidence = [_evidence(term, one, 0, float(self.scores(term, one)[0])) for term in query.wanted]
        return tuple(_placed(evidence, query.wanted, views))

    def _with_boxes(self, hits: Sequence[TextHit], terms: Sequence[Term]) -> tuple[TextHit, ...]:
        """The hits with the parts that show what was asked for; as they are, where a file is not what was indexed."""
        rows = [self._store.row_named(hit.path) for hit in hits]
        found = [(hit, row) for hit, row in zip(hits, rows, strict=True) if row is not None]
        return tuple(in_order(partial(_with_places, hit, row, terms) for hit, row in found))

    def shown(self, text: str) -> tuple[Ids, Floats]:
        """Ids of all images, and the probability that each shows the text. Raises UserError for a word that nobody can
        judge."""
        query, columns = read_query(text), self._columns(None)
        if query.unknown or not query.wanted:
            raise UserError(f"no idea of: {', '.join(query.unknown) or repr(text)}")
        return columns.ids, joint([self.scores(term, columns) for term in query.wanted]) * self._absent(query, columns)

    def scores(self, term: Term, columns: WordColumns) -> Floats:
        """(N,): the probability that each image shows what a term stands for."""
        if isinstance(term, ColourTerm):
            return colour_probability(columns.colours, term.colour, term.area)
        if isinstance(term, FileTerm):
            return np.isin(columns.ids, self._store.select(term.where)).astype(np.float32)
        return concept_probability(term, columns)

    def _columns(self, where: str | None) -> WordColumns:
        columns = self._library.word_index.get()
        return columns if where is None else columns.keep(np.isin(columns.ids, self._store.select(where)))

    def _absent(self, query: TextQuery, columns: WordColumns) -> Floats:
        """(N,): the probability that none of what is unwanted is shown."""
        absent = np.ones(len(columns.ids), np.float32)
        for group in query.unwanted:
            absent *= 1 - joint([self.scores(term, columns) for term in group])
        return absent

    def nearness(self, like: QuerySource, ids: Ids) -> Floats:
        """(N,): the probability that each image shows the same kind of thing as the one that is given."""
        cards = {CONTENT: self._library.cards[CONTENT]}
        if isinstance(like, Row):
            query = stored_embeddings(self._store, cards, [CONTENT], like)
        else:
            query = describe_all([query_image(like, [CONTENT], None)], [CONTENT])
        embeddings = Embeddings.read(self._store, cards, [CONTENT], ids)
        near = np.zeros(len(ids), np.float32)
        distances = embeddings.from_query({CONTENT: query[CONTENT].vectors})[CONTENT]
        near[np.searchsorted(ids, embeddings.ids)] = tag_head().by_distance(distances)
        return near

    def _hits(
        self,
        columns: WordColumns,
        query: TextQuery,
        wanted: Sequence[Floats],
        near: Sequence[Floats],
        probability: Floats,
    ) -> tuple[TextHit, ...]:
        rows = self._store.rows(columns.ids.tolist())
        hits = []
        for place, number in enumerate(columns.ids.tolist()):
            if number in rows:  # another process may have removed it since
                evidence = [
                    _evidence(term, columns, place, float(scores[place]))
                    for term, scores in zip(query.wanted, wanted, strict=True)
                ]
                evidence += [WordEvidence("", "example", CONTENT, float(one[place])) for one in near]
                hits.append(TextHit(rows[number].path, float(probability[place]), tuple(evidence)))
        return tuple(hits)


def _with_places(hit: TextHit, row: Row, terms: Sequence[Term]) -> TextHit:
    image = load_or_failure(row, min_side=MIN_SIDE)
    if isinstance(image, Failure):
        return hit
    placed = _placed(hit.evidence, terms, look_at_parts(image))
    return replace(hit, evidence=(*placed, *hit.evidence[len(terms) :]))


def _placed(evidence: Sequence[WordEvidence], terms: Sequence[Term], views: PartViews) -> Iterator[WordEvidence]:
    for one, term in zip(evidence, terms, strict=False):
        yield replace(one, box=place_of(term, views))


def concept_probability(concept: Concept, columns: WordColumns) -> Floats:
    """(N,): by its tags, which know of their own classes, or by the likelier of classes and tags below it."""
    found = [by_tags(columns.tags[:, list(concept.tags)])] if concept.tags else []
    if concept.classes and not concept.tagged:
        found.append(tag_head().by_classes(_mass(concept, columns), len(concept.classes)) * columns.described)
    return np.asarray(np.max(found, axis=0), np.float32)


def joint(scores: Sequence[Floats]) -> Floats:
    """(N,) of each of several words -> (N,): the probability that an image shows all of them, halfway, in log-odds'
    sense of a geometric mean, between independent words and words of which the least likely decides."""
    product = np.prod(scores, axis=0)
    return np.asarray(np.sqrt(product * np.min(scores, axis=0)), np.float32)


def _mass(concept: Concept, columns: WordColumns) -> Floats:
    return class_mass(columns.places, columns.shares, concept.classes, CLASSES)


def _evidence(term: Term, columns: WordColumns, place: int, probability: float) -> WordEvidence:
    if isinstance(term, ColourTerm):
        name = term.colour if term.area == "anywhere" else f"{term.colour} at the {term.area}"
        return WordEvidence(term.word, "colour", name, probability)
    if isinstance(term, FileTerm):
        return WordEvidence(term.word, "file", term.where, probability)
    return _concept_evidence(term, columns.keep(np.array([place])), probability)


def _concept_evidence(concept: Concept, one: WordColumns, probability: float) -> WordEvidence:
    """Of one image: the class or the tag that speaks loudest for it."""
    known = dict(zip(one.places[0].tolist(), one.shares[0].tolist(), strict=True))
    seen = [number for number in concept.classes if known.get(number)]
    by_class = (
        tag_head().by_classes(_mass(concept, one), len(concept.classes))[0] if seen and not concept.tagged else 0.0
    )
    if concept.tags and (concept.tagged or by_tags(one.tags[:, list(concept.tags)])[0] >= by_class):
        tag = max(concept.tags, key=lambda number: int(one.tags[0, number]))
        return WordEvidence(concept.word, "tag", tag_head().names[tag], probability)
    name = class_names()[max(seen, key=known.__getitem__)] if seen else concept.word
    return WordEvidence(concept.word, "class", name, probability)
