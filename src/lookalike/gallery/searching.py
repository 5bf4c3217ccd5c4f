"""Answers one query: candidates from the fast copies, exact distances from the store, relation and probability."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.compare.calibration import library_prior
from lookalike.compare.relation import judge
from lookalike.describe.base import Described, DescriptorCard
from lookalike.describe.blend import Blend
from lookalike.gallery.copies import IndexCopies
from lookalike.gallery.evidence import Evidence, measured
from lookalike.gallery.exact import Ids
from lookalike.gallery.store import Store
from lookalike.gallery.where import Condition
from lookalike.types import Hit

CANDIDATES = 200  # per descriptor of a blend, before the exact weighted distances are taken
FEW = 50_000  # pictures that a filter leaves: from here down they are compared one by one


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: vectors per descriptor, and the digest of the file ("" if there is none)."""

    described: Mapping[str, Described]
    sha256: str = ""

    def vectors(self) -> dict[str, NDArray[Any]]:
        """name -> (1, D)."""
        return {name: part.vectors for name, part in self.described.items()}


class Searcher:
    """Search over one gallery."""

    def __init__(self, store: Store, copies: IndexCopies, cards: Mapping[str, DescriptorCard]) -> None:
        self._store = store
        self._copies = copies
        self._cards = cards

    def search(self, query: Query, k: int, blend: Blend, where: Condition | None, exact: bool) -> list[Hit]:
        """The k nearest pictures, best first; byte-identical ones come first whatever their vectors say."""
        allowed = None if where is None else self._store.allowed(where.sql, where.values)
        same = self._same(query.sha256, allowed)
        near = self._nearest(query, k, blend, allowed, exact) if self._telling(query, blend) else {}
        best = dict.fromkeys(same, 0.0) | {number: d for number, d in near.items() if number not in same}
        return self._hits(query, dict(list(best.items())[:k]), same)

    def _same(self, sha256: str, allowed: Ids | None) -> list[int]:
        ids = [row.id for row in self._store.same_content(sha256)] if sha256 else []
        return ids if allowed is None else np.intersect1d(ids, allowed).tolist()

    def _telling(self, query: Query, blend: Blend) -> bool:
        """Whether the query has any feature; a blank one would be like every other blank one."""
        return all(query.described[name].quality[0] >= self._cards[name].min_quality for name in blend.names)

    def _nearest(self, query: Query, k: int, blend: Blend, allowed: Ids | None, exact: bool) -> dict[int, float]:
        """Picture id -> distance, nearest first."""
        one_by_one = exact or (allowed is not None and len(allowed) <= FEW)
        ids = allowed if one_by_one else self._candidates(query, k, blend, allowed)
        evidence = Evidence.read(self._store, self._cards, blend.names, ids)
        distances = measured(blend, evidence.from_query(query.vectors()))
        order = np.lexsort((evidence.ids, distances))[:k]
        return dict(zip(evidence.ids[order].tolist(), distances[order].tolist(), strict=True))

    def _candidates(self, query: Query, k: int, blend: Blend, allowed: Ids | None) -> Ids:
        """Ids that one of the descriptors finds near; the exact distances decide among them."""
        names = blend.names
        reach = min(k if len(names) == 1 else max(CANDIDATES, 10 * k), max(self._store.count(), 1))
        found = [self._copies.get(name).search(query.described[name].vectors, reach, allowed)[0] for name in names]
        ids = np.unique(np.concatenate([part.ravel() for part in found]))
        return ids[ids >= 0]

    def _hits(self, query: Query, best: Mapping[int, float], same: Collection[int]) -> list[Hit]:
        known = self._all_distances(query, list(best))
        rows = self._store.rows(list(best))  # last: a picture that is still there now had its distances
        prior = library_prior(self._store.count())
        hits = []
        for number, distance in best.items():
            if number in rows:  # another process may have removed it since
                judged = judge(known[number], same_bytes=number in same, prior=prior)
                hits.append(Hit(rows[number].path, distance, judged.probability, judged.relation))
        return hits

    def _all_distances(self, query: Query, ids: Sequence[int]) -> dict[int, dict[str, float]]:
        """Picture id -> every distance that the query and the gallery have in common, for the judgement."""
        known: dict[int, dict[str, float]] = {number: {} for number in ids}
        for name in query.described:
            if self._telling(query, Blend({name: 1.0})):
                evidence = Evidence.read(self._store, self._cards, [name], np.asarray(ids, np.int64))
                for number, distance in zip(
                    evidence.ids.tolist(), evidence.from_query(query.vectors())[name], strict=True
                ):
                    known[number][name] = float(distance)
        return known
