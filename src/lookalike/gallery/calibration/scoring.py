"""How distances become a relation and a probability in one gallery: its own curves and weights before the shipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from weakref import WeakKeyDictionary

from lookalike.comparison.calibration import Calibration, curve, library_prior
from lookalike.comparison.scoring import RelationJudge, RelationScore
from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.fusion import BLEND, DEFAULT_WEIGHTS, Blend, parse_by
from lookalike.errors import UserError
from lookalike.gallery.storage.base import GalleryStorage

_KNOWN: WeakKeyDictionary[GalleryStorage, tuple[tuple[int, int], Scoring]] = WeakKeyDictionary()
VERIFIED = "verified"  # the measure of geometric verification: its distance is minus the log-odds of the evidence


@dataclass(frozen=True, slots=True)
class Scoring:
    """``curves``: measure -> a curve that was fitted to this gallery. ``tuned``: weights of the blend that annotated
    pairs taught, or None. ``images``: how many the gallery holds. ``cards``: of the descriptors that it holds."""

    cards: Mapping[str, DescriptorCard]
    curves: Mapping[str, Calibration]
    tuned: Mapping[str, float] | None
    images: int
    _judges: dict[tuple[str, ...], RelationJudge] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, store: GalleryStorage, cards: Mapping[str, DescriptorCard]) -> Scoring:
        """As the gallery has it now: kept until something is written to it."""
        version = store.version()
        known = _KNOWN.get(store)
        if known is None or known[0] != version or known[1].cards is not cards:
            known = version, cls(cards, gallery_curves(store), gallery_weights(store), store.count())
            _KNOWN[store] = known
        return known[1]

    def prior(self, queries: int = 1) -> float:
        """The share of copies to expect; each view of one query is one more chance to be wrong."""
        return library_prior(queries * self.images)

    @property
    def weights(self) -> Mapping[str, float]:
        """Of the blend: those that annotated pairs taught, or the shipped ones."""
        return self.tuned or DEFAULT_WEIGHTS

    @property
    def has_blend(self) -> bool:
        """Whether every part of the blend is held."""
        return set(self.weights) <= set(self.cards)

    @property
    def default(self) -> str | None:
        """What a search goes by if nothing is said: a descriptor that is re-ranked, the blend, or the first that is
        held."""
        reranked = [name for name, card in self.cards.items() if card.rerank]
        blend = [BLEND] if set(DEFAULT_WEIGHTS) <= set(self.cards) else []
        return next(iter([*reranked, *blend, *self.cards]), None)

    @property
    def descriptors(self) -> list[str]:
        """Those that tell best whether two images are copies, as far as the gallery holds them."""
        reranked = [name for name, card in self.cards.items() if card.rerank]
        return list(dict.fromkeys([*(self.weights if self.has_blend else ()), *reranked]))

    def blend(self, by: str | Mapping[str, float]) -> Blend:
        """The weighted sum that ``by`` names. Raises UserError for a descriptor that is not held."""
        if isinstance(by, str) and by in self.cards:
            return _alone(by)
        wanted = self.weights if by == BLEND else by
        blend = Blend(wanted) if isinstance(wanted, Mapping) else parse_by(wanted)
        missing = [name for name in blend.weights if name not in self.cards]
        if missing:
            raise UserError(f"this gallery holds no {', '.join(missing)}; it holds {', '.join(self.cards)}")
        return blend

    def score(
        self,
        distances: Mapping[str, float],
        *,
        same_bytes: bool = False,
        background: float = 0.0,
        queries: int = 1,
    ) -> RelationScore:
        """The relation and the probability. ``background``: the query's similarity to background images."""
        names = tuple(distances)
        if names not in self._judges:
            self._judges[names] = RelationJudge.of(names, self.curves, self.tuned)
        prior = self.prior(queries)
        return self._judges[names].score(distances, same_bytes=same_bytes, prior=prior, background=background)


@cache
def _alone(name: str) -> Blend:
    """The distance of one descriptor that a gallery holds, which was looked up when that was opened."""
    return Blend({name: 1.0})


def gallery_curves(store: GalleryStorage, *, tuned: bool = True) -> dict[str, Calibration]:
    """The curves that were fitted on this gallery, by measure; none before ``fit_calibrations``. Those that were
    ``tuned`` on annotated pairs go first."""
    kept = store.calibrations() | ({n: one.curve for n, one in store.tunings().items()} if tuned else {})
    return {name: replace(one, background_weight=one.slope * background_weight(name)) for name, one in kept.items()}


def gallery_weights(store: GalleryStorage) -> Mapping[str, float] | None:
    """The weights of the blend that annotated pairs taught; None before."""
    tuning = store.tunings().get(BLEND)
    return tuning.weights if tuning else None


def background_weight(measure: str) -> float:
    """The distance that one unit of similarity to background images is worth, as in the shipped curve of a measure; 0
    for one whose score is not normalised, or that has no curve."""
    try:
        shipped = curve(measure)
    except UserError:
        return 0.0
    return shipped.background_weight / shipped.slope
