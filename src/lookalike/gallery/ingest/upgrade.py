"""Makes a gallery of earlier descriptors ready for those of today: what was computed by the earlier ones goes.

All of it in one transaction, so that vectors of two versions never stand side by side. The images lack the new ones
then, as they do a descriptor that comes later, and backfill.py makes them, however often it is interrupted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from lookalike.comparison.pair import COMPARISON_DESCRIPTORS
from lookalike.descriptors import describe_all
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.classifier import source_of
from lookalike.gallery.ingest.backfill import mark_regions, spec_of
from lookalike.gallery.ingest.extract import packed_regions
from lookalike.gallery.library import open_storage, other_versions
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.imaging import from_array
from lookalike.paths import PathLike


@dataclass(frozen=True, slots=True)
class UpgradeReport:
    """``replaced``: descriptors whose images are to be described anew. Forgotten, for it was computed by the earlier
    ones: ``calibrations`` and ``tunings``, by measure, and ``labels``: the earlier version of a model -> how many."""

    replaced: tuple[str, ...] = ()
    calibrations: tuple[str, ...] = ()
    tunings: tuple[str, ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)


def upgrade(path: PathLike) -> UpgradeReport:
    """As ``Gallery.upgrade``."""
    with closing(open_storage(path)) as store:
        if not (earlier := other_versions(store.fingerprints())):
            return UpgradeReport()
        _try_out(earlier)
        with store.transaction():
            current = other_versions(store.fingerprints())  # another process may have been quicker
            for name, card in current.items():
                store.replace_descriptor(card)
                mark_regions(store, name)
            return UpgradeReport(
                tuple(current),
                _forget_calibrations(store, current),
                _forget_tunings(store, current),
                _forget_labels(store, current),
            )


def _try_out(names: Iterable[str]) -> None:
    """Nothing goes before it is known that the new ones can be computed. Raises ModelError."""
    grey, spec = from_array(np.full((64, 64, 3), 128, np.uint8)), spec_of(list(names))
    describe_all([grey], spec.names)
    packed_regions([grey], spec.regions)


def _forget_calibrations(store: GalleryStorage, replaced: Iterable[str]) -> tuple[str, ...]:
    """They are one fit, over all that a comparison tells."""
    held = tuple(store.calibrations())
    if not held or not set(replaced) & set(COMPARISON_DESCRIPTORS):
        return ()
    store.put_calibrations({})
    return held


def _forget_tunings(store: GalleryStorage, replaced: Iterable[str]) -> tuple[str, ...]:
    gone = [name for name, one in store.tunings().items() if {name, *one.weights} & set(replaced)]
    for name in gone:
        store.forget_tunings(name)
    return tuple(gone)


def _forget_labels(store: GalleryStorage, replaced: Iterable[str]) -> dict[str, int]:
    """What the earlier network called the images, where it was a classifier; a person's labels stay."""
    names = set(replaced)
    models = [m for m in model_store.all_models() if m.labels and names & {output.name for output in m.outputs}]
    earlier = [s for model in models for s in store.labels.classes(model.name) if s != source_of(model)]
    return {source: store.labels.forget(source) for source in earlier}
