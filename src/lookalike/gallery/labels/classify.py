"""Asks a model what the images of a gallery show, and writes its labels a batch at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from lookalike.descriptors.neural.classifier import Classified, classify, labels_of, source_of
from lookalike.descriptors.neural.model_card import ModelCard
from lookalike.errors import StorageFull, UserError
from lookalike.gallery.load_verified import load_or_failure
from lookalike.gallery.storage.base import GalleryStorage, Prediction
from lookalike.gallery.storage.class_codec import KEPT, unpacked
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.sql_database import MANY, batched
from lookalike.parallel import in_order
from lookalike.types import ClassifyReport, Failure, Image, Progress

CHUNK = 16  # images per task: enough to go through a network together
BATCH = 256  # images per transaction
BATCH_SECONDS = 2.0  # and at least this often: what a killed process can lose

Answer = Prediction | Failure


class Classifier:
    """One run of ``Gallery.classify``: asks about what was not asked yet, writes batches, counts everything."""

    def __init__(
        self, store: GalleryStorage, card: ModelCard, top: int, least: float | None, progress: Progress | None
    ) -> None:
        self._store, self._card, self._progress = store, card, progress
        self._top, self._least = top, least
        self._source = source_of(card)
        self._batch: list[Prediction] = []
        self._written = time.monotonic()
        self._labelled = self._abstained = 0
        self._failed: list[Failure] = []

    def run(self, where: str | None, redo: bool, replace: bool) -> ClassifyReport:
        """Classify these images. Interrupted at any moment, what was predicted so far is written first.

        Raises UserError if another version of the model has labelled images with other classes, unless it is to
        ``replace`` them, and what ``classify`` raises."""
        chosen = self._store.select(where).tolist()  # before anything is written: the filter may be wrong
        self._enter(replace)
        ids = self._store.labels.unasked(where, self._source, self._top)
        asked = chosen if redo else ids
        try:
            for done, answer in enumerate(self._answers(asked), 1):
                self._take(answer)
                if self._progress:
                    self._progress(done, len(asked))
        except StorageFull:
            raise
        except BaseException:
            self._write()
            raise
        self._write()
        counts = self._store.labels.counts().get(self._source, {})
        unchanged = len(chosen) - len(asked)
        return ClassifyReport(self._source, self._labelled, self._abstained, unchanged, counts, tuple(self._failed))

    def _enter(self, replace: bool) -> None:
        name, classes = self._card.name, labels_of(self._card).names
        with self._store.transaction():
            others = [old for old in self._store.labels.classes(name).values() if set(old) != set(classes)]
            if others and not replace:
                raise UserError(
                    f"this gallery holds labels of a model {name!r} with other classes ({_listed(others[0])}) than "
                    f"this one ({_listed(classes)}); give the model another name, or replace its labels (--replace)"
                )
            if others:
                self._store.labels.forget(name)
            self._store.labels.put_classifier(self._source, name, classes)

    def _answers(self, ids: Sequence[int]) -> Iterator[Answer]:
        """Of what was kept at indexing, without a look at the files; of the others from the images."""
        kept = self._kept(ids)
        yield from kept.values()
        ids = [number for number in ids if number not in kept]
        for answers in in_order(
            partial(_predictions, rows, self._card, self._top, self._least) for rows in self._chunks(ids)
        ):
            yield from answers

    def _kept(self, ids: Sequence[int]) -> dict[int, Prediction]:
        """By image, if the gallery holds vectors of this very network, and the classes beside them are enough."""
        labels = labels_of(self._card)
        card = next(output for output in self._card.outputs if output.name == labels.output)
        if self._top > KEPT or self._store.fingerprints().get(card.name) != card.fingerprint:
            return {}
        found = {}
        for number, data in self._store.classes_of(card.name, ids).items():
            places, shares = unpacked(data, f"classes of image {number}")
            probabilities = np.zeros((1, len(labels.names)), np.float32)
            probabilities[0, places] = shares
            classified = Classified(probabilities, labels, self._source)
            found[number] = Prediction(number, classified.top(0, self._top, self._least))
        return found

    def _chunks(self, ids: Sequence[int]) -> Iterator[list[Row]]:
        """Rows in blocks, read as it goes; what another process has removed meanwhile is left out."""
        for part in batched(ids, MANY):
            rows = list(self._store.rows(part).values())
            yield from (rows[place : place + CHUNK] for place in range(0, len(rows), CHUNK))

    def _take(self, answer: Answer) -> None:
        if isinstance(answer, Failure):
            self._failed.append(answer)
            return
        self._batch.append(answer)
        if len(self._batch) >= BATCH or time.monotonic() - self._written > BATCH_SECONDS:
            self._write()

    def _write(self) -> None:
        batch, self._batch = self._batch, []
        if batch:
            with self._store.transaction():
                self._store.labels.put_predictions(self._source, self._card.name, self._top, batch)
            self._labelled += sum(bool(one.labels) for one in batch)
            self._abstained += sum(not one.labels for one in batch)
        self._written = time.monotonic()


def _predictions(rows: Sequence[Row], card: ModelCard, top: int, least: float | None) -> list[Answer]:
    """One answer per image; what cannot be read comes last."""
    read = [(row, load_or_failure(row, min_side=card.input.side)) for row in rows]
    usable = [(row, image) for row, image in read if isinstance(image, Image)]
    classified = classify([image for _, image in usable], card)
    predictions = [Prediction(row.id, classified.top(place, top, least)) for place, (row, _) in enumerate(usable)]
    return [*predictions, *(failure for _, failure in read if isinstance(failure, Failure))]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
