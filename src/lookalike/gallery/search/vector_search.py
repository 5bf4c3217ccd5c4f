"""Answers one query: candidates from the fast copies, exact distances from the store, relation and probability."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.calibration import library_prior
from lookalike.comparison.score_normalization import background_similarity
from lookalike.comparison.scoring import classify_from_distances
from lookalike.descriptors.base import Described, DescriptorCard
from lookalike.descriptors.fusion import Blend
from lookalike.gallery.calibration.calibrate import own_curves, own_weights
from lookalike.gallery.index.index_cache import IndexCopies
from lookalike.gallery.search.relevance_feedback import Example, feedback_contributions
from lookalike.gallery.storage.embeddings import Evidence, measured
from lookalike.gallery.storage.filters import Condition
from lookalike.gallery.storage.store import Store
from lookalike.types import Hit, Ids

CANDIDATES = 1000  # of a blend, before the exact weighted distances are taken
FEW = 50_000  # images that a filter leaves: from here down they are compared one by one


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: vectors per descriptor, the digest of the file ("" if there is none), and the images of
    which a person has said that they are what is meant, or are not."""

    described: Mapping[str, Described]
    sha256: str = ""
    judged: tuple[Example, ...] = ()

    def vectors(self) -> dict[str, NDArray[Any]]:
        """name -> (1, D)."""
        return {name: part.vectors for name, part in self.described.items()}


@dataclass(frozen=True, slots=True)
class Near:
    """How near an image is: the ``distance`` that ranks, every single one that is known, and its
    ``feedback_contributions``."""

    distance: float
    distances: dict[str, float] = field(default_factory=dict)
    feedback_contributions: dict[str, float] = field(default_factory=dict)


class Searcher:
    """Search over one gallery."""

    def __init__(self, store: Store, copies: IndexCopies, cards: Mapping[str, DescriptorCard]) -> None:
        self._store = store
        self._copies = copies
        self._cards = cards

    def search(
        self, query: Query, k: int, blend: Blend, where: Condition | None, exact: bool, looks: int = 1
    ) -> list[Hit]:
        """The k nearest images, best first; byte-identical ones come first whatever their vectors say.

        ``looks``: how many views of one image are looked for; each is one more chance to be wrong."""
        allowed = None if where is None else self._store.allowed(where.sql, where.values)
        disliked = {one.row.id for one in query.judged if one.share < 0}
        same = [number for number in self._same(query.sha256, allowed) if number not in disliked]
        near = self._nearest(query, k, blend, allowed, exact) if self._telling(query, blend.names) else {}
        best = {number: Near(0.0) for number in same} | {number: n for number, n in near.items() if number not in same}
        return self._hits(query, blend, dict(list(best.items())[:k]), same, looks)

    def _same(self, sha256: str, allowed: Ids | None) -> list[int]:
        ids = [row.id for row in self._store.same_content(sha256)] if sha256 else []
        return ids if allowed is None else np.intersect1d(ids, allowed).tolist()

    def _telling(self, query: Query, names: Iterable[str]) -> bool:
        """Whether the query has any feature; a blank one would be like every other blank one."""
        return all(query.described[name].contrast[0] >= self._cards[name].min_contrast for name in names)

    def _nearest(self, query: Query, k: int, blend: Blend, allowed: Ids | None, exact: bool) -> dict[int, Near]:
        """Image id -> how near it is, nearest first."""
        one_by_one = exact or (allowed is not None and len(allowed) <= FEW)
        ids = allowed if one_by_one else self._candidates(query, k, blend, allowed)
        evidence = Evidence.read(self._store, self._cards, blend.names, ids)
        each = evidence.from_query(query.vectors())
        told = np.vstack([measured(blend, each), feedback_contributions(blend, evidence, query.judged)])
        total = told.sum(axis=0)
        order = np.lexsort((evidence.ids, total))[:k]
        parts = {name: each[name][order].tolist() for name in blend.names}
        pulled = ["query", *(one.row.path for one in query.judged)] if query.judged else []
        nears = [
            Near(d, dict(zip(parts, ds, strict=True)), dict(zip(pulled, told[:, n].tolist(), strict=False)))
            for n, d, *ds in zip(order.tolist(), total[order].tolist(), *parts.values(), strict=True)
        ]
        return dict(zip(evidence.ids[order].tolist(), nears, strict=True))

    def _candidates(self, query: Query, k: int, blend: Blend, allowed: Ids | None) -> Ids:
        """Ids that are near the query, or a good example, by one of the descriptors; the exact distances decide."""
        names = _leading(blend)
        reach = k if len(blend.names) == 1 and not query.judged else max(CANDIDATES, 10 * k)
        reach = min(reach, max(self._store.count(), 1))
        asked = [query.vectors(), *(one.vectors for one in query.judged if one.share > 0)]
        found = [self._copies.get(name).search(one[name], reach, allowed)[0] for name in names for one in asked]
        ids = np.unique(np.concatenate([part.ravel() for part in found]))
        return ids[ids >= 0]

    def _hits(
        self, query: Query, blend: Blend, best: Mapping[int, Near], same: Collection[int], looks: int
    ) -> list[Hit]:
        for name in query.described.keys() - set(blend.names):
            self._measure(query, name, best)
        rows = self._store.rows(list(best))  # last: an image that is still there now had its distances
        prior = library_prior(looks * self._store.count())
        crowded = float(background_similarity(query.described["copy"].vectors)[0]) if "copy" in query.described else 0.0
        own, weights = own_curves(self._store), own_weights(self._store)
        hits = []
        for number, near in best.items():
            if number in rows:  # another process may have removed it since
                judged = classify_from_distances(
                    near.distances, same_bytes=number in same, prior=prior, background=crowded, own=own, weights=weights
                )
                hits.append(
                    Hit(
                        rows[number].path,
                        near.distance,
                        judged.probability,
                        judged.relation,
                        feedback_contributions=near.feedback_contributions,
                    )
                )
        return hits

    def _measure(self, query: Query, name: str, best: Mapping[int, Near]) -> None:
        """Add one more distance to what is known of the best, for the judgement."""
        if self._telling(query, [name]):
            evidence = Evidence.read(self._store, self._cards, [name], np.fromiter(best, np.int64))
            distances = evidence.from_query(query.vectors())[name].tolist()
            for number, distance in zip(evidence.ids.tolist(), distances, strict=True):
                best[number].distances[name] = distance


def _leading(blend: Blend) -> list[str]:
    """The descriptors whose nearest are looked at: one alone if it has half of the weight, otherwise all."""
    lead = [name for name, share in blend.weights.items() if share >= 0.5]
    return lead[:1] or list(blend.names)
