"""Labels that nobody trained: which of a few names images show, by a network with a text tower.

Radford et al., arXiv 2103.00020, section 3.1. Each name is asked for by itself, as in a search, so an image may have
several of them, or none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from lookalike.errors import UserError
from lookalike.gallery.index.model_words import ModelWords, text_descriptors
from lookalike.gallery.library import Library
from lookalike.gallery.storage.base import Prediction
from lookalike.types import ClassifyReport, Floats, Label

MODEL = "names"  # what these labels are called by in `labels forget` and --source
MAX_NAMES = 1000


def label_by_names(library: Library, names: Sequence[str], where: str | None, top: int, least: float) -> ClassifyReport:
    """As ``Gallery.suggest_labels`` with ``names``."""
    asked = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not 1 <= len(asked) <= MAX_NAMES:
        raise UserError(f"one to {MAX_NAMES:,} names can be asked for, not {len(asked):,}")
    held = text_descriptors(library.cards)
    if not held:
        raise UserError(
            "names are judged by a network that reads texts, and this gallery holds none: lookalike models import, then"
            f" lookalike index --gallery {library.place} --with NAME"
        )
    card, store = library.cards[held[0]], library.store
    columns = library.text_columns.get(card.name)
    words = ModelWords(store, card.name, columns.keep(np.isin(columns.ids, store.select(where))))
    source = f"{MODEL} {_digest(card.fingerprint, asked)}"
    found = words.probabilities(asked)
    predictions = [
        Prediction(number, _best(asked, found[:, place], source, top, least))
        for place, number in enumerate(words.ids.tolist())
    ]
    with store.transaction():
        store.labels.put_classifier(source, MODEL, asked)
        store.labels.put_predictions(source, MODEL, top, predictions)
    labelled = sum(bool(one.labels) for one in predictions)
    return ClassifyReport(source, labelled, len(predictions) - labelled, 0, store.labels.counts().get(source, {}))


def _best(names: Sequence[str], probabilities: Floats, source: str, top: int, least: float) -> tuple[Label, ...]:
    likely = [(-float(one), name) for name, one in zip(names, probabilities, strict=True) if one >= least]
    return tuple(Label(name, -negative, source) for negative, name in sorted(likely)[:top])


def _digest(fingerprint: str, names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join([fingerprint, *names]).encode()).hexdigest()[:12]
