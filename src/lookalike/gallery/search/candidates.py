"""Where candidates come from: the contract of a source. A new kind of query is one more class that keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from lookalike.descriptors.base import Described
from lookalike.gallery.search.allowed import Allowed
from lookalike.gallery.search.options import SearchOptions
from lookalike.gallery.search.query import QuerySource, QueryVectors
from lookalike.types import Hit, Image


class Query(Protocol):
    """What is looked for. ``image``: None where none was read. ``described``: its vectors that are known already."""

    @property
    def image(self) -> Image | None: ...

    @property
    def described(self) -> Mapping[str, Described]: ...


Q = TypeVar("Q", bound=Query)


class CandidateSource(Protocol[Q]):
    """One way to ask a gallery: what of a query is compared with what is stored, and which images are near by it."""

    @property
    def reranks(self) -> bool:
        """Whether its candidates are re-ranked by geometric verification if a search says nothing of it."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The descriptors that its distances are made of."""
        ...

    @property
    def second_chance(self) -> str | None:
        """The descriptor of regions whose nearest images are re-ranked as well; None for no second chance."""
        ...

    def query(self, source: QuerySource | QueryVectors, options: SearchOptions, depth: int) -> Q:
        """What is compared, of an image or of the part that the options name, or of vectors that come without one.
        ``depth``: how many candidates will be re-ranked; 0 where the image itself is not needed afterwards. Raises
        LoadError, UserError."""
        ...

    def candidates(self, query: Q, k: int, allowed: Allowed | None, exact: bool) -> list[Hit]:
        """The k nearest images among the ``allowed`` (None: all), best first; byte-identical ones before all others.
        ``exact``: by comparing with each of them."""
        ...

    def candidates_of_all(self, queries: Sequence[Q], k: int, allowed: Allowed | None, exact: bool) -> list[list[Hit]]:
        """The same for several queries with the same options, in their order; cheaper together than one by one."""
        ...
