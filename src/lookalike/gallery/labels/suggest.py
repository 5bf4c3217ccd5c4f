"""Labels by words: the tags and classes that images probably show, by what the gallery keeps. No file is read.

A tag's probability is that of the head of tags (words/tag_head.py), a class's that of the curve by which the share
that the network `content` gives to classes becomes the probability of a word. Where both have one name, the tag's
counts, for it knows of its class.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lookalike.gallery.index.word_index import WordColumns, need_words
from lookalike.gallery.library import Library
from lookalike.gallery.storage.base import Prediction
from lookalike.types import ClassifyReport, Floats, Label, Progress
from lookalike.words.class_names import class_names
from lookalike.words.tag_head import by_tags, tag_head

MODEL = "words"  # what these labels are called by in `labels forget` and --source
BATCH = 1024  # images per transaction


def suggestion_source() -> str:
    """The name of these labels' source, and digits that change with the tags and their curves."""
    return f"{MODEL} {tag_head().digest[:12]}"


def suggest_labels(
    library: Library, where: str | None, top: int, least: float, progress: Progress | None
) -> ClassifyReport:
    """As ``Gallery.suggest_labels``."""
    need_words(library.cards, library.place)
    store, source = library.store, suggestion_source()
    columns = library.word_index.get()
    chosen = columns.keep(np.isin(columns.ids, store.select(where)) & columns.described)
    with store.transaction():
        store.labels.put_classifier(source, MODEL, sorted({*tag_head().names, *class_names()}))
    done = labelled = 0
    for start in range(0, len(chosen.ids), BATCH):
        part = list(
            _predictions(chosen.keep(np.arange(start, min(start + BATCH, len(chosen.ids)))), source, top, least)
        )
        with store.transaction():
            store.labels.put_predictions(source, MODEL, top, part)
        done += len(part)
        labelled += sum(bool(one.labels) for one in part)
        if progress:
            progress(done, len(chosen.ids))
    return ClassifyReport(source, labelled, done - labelled, 0, store.labels.counts().get(source, {}))


def _predictions(columns: WordColumns, source: str, top: int, least: float) -> Iterator[Prediction]:
    tags = np.stack([by_tags(columns.tags[:, [tag]]) for tag in range(columns.tags.shape[1])], axis=1)
    classes = _class_probabilities(columns)
    for place, number in enumerate(columns.ids.tolist()):
        known = dict(zip(tag_head().names, tags[place].tolist(), strict=True))
        for kind, probability in zip(columns.places[place].tolist(), classes[place].tolist(), strict=True):
            known.setdefault(class_names()[kind], probability)
        best = sorted((-probability, name) for name, probability in known.items() if probability >= least)[:top]
        yield Prediction(number, tuple(Label(name, -negative, source) for negative, name in best))


def _class_probabilities(columns: WordColumns) -> Floats:
    """(N, K): of the likeliest classes, each by itself; 0 of those that are not kept."""
    shares = columns.shares.astype(np.float32)
    flat = tag_head().by_classes(shares.reshape(-1), 1).reshape(shares.shape)
    return np.where(shares > 0, flat, 0).astype(np.float32)
