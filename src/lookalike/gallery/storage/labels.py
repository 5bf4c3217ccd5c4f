"""The labels in a gallery's SQLite file: what models and people call its images. Knows nothing of networks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from lookalike.gallery.storage.base import Classifier, Prediction, Question
from lookalike.gallery.storage.filters import EVERY, LABEL_ORDER, Condition
from lookalike.gallery.storage.items import ItemStore
from lookalike.gallery.storage.sql_database import MANY, SqlDatabase, batched, marks
from lookalike.types import Label, LabelledImage


class LabelStore:
    """Labels over one database connection. Reads may be made at any time, writes within a transaction."""

    def __init__(self, database: SqlDatabase, items: ItemStore) -> None:
        """``items``: the catalogue, of which filters may speak."""
        self._db, self._items = database, items

    def of_images(
        self, where: str | None = None, source: str | None = None, ids: Sequence[int] | None = None
    ) -> Iterator[tuple[int, LabelledImage]]:
        """As in the contract."""
        if ids is None:
            yield from self._of_images(self._items.filter(where), source)
            return
        for part in batched(ids, MANY):
            yield from self._of_images(Condition(f"p.id IN ({marks(part)})", tuple(part)), source)

    def _of_images(self, condition: Condition, source: str | None) -> Iterator[tuple[int, LabelledImage]]:
        versions = self._versions(source) if source else []
        said = Condition(f"l.source IN ({marks(versions)})", tuple(versions)) if versions else EVERY
        sql = f"""SELECT p.id, p.path, l.label, l.probability, l.source FROM images p JOIN labels l
                  ON l.image_id = p.id WHERE {condition.sql} AND {said.sql} ORDER BY p.id, {LABEL_ORDER}"""
        found = self._db.all(sql, (*condition.values, *said.values))
        for (number, path), rows in groupby(found, key=lambda row: row[:2]):
            yield number, LabelledImage(os.fsdecode(path), tuple(Label(*row[2:]) for row in rows))

    def counts(self) -> dict[str, dict[str, int]]:
        """source -> label -> images of which this source says it first, the commonest first."""
        sql = """SELECT source, label, count(*) FROM (SELECT source, label, row_number() OVER
                 (PARTITION BY image_id, source ORDER BY probability DESC, label) AS place FROM labels)
                 WHERE place = 1 GROUP BY source, label ORDER BY source, 3 DESC, label"""
        found: dict[str, dict[str, int]] = {}
        for source, label, count in self._db.all(sql):
            found.setdefault(source, {})[label] = count
        return found

    def unasked(self, where: str | None, source: str, top: int) -> list[int]:
        """As in the contract."""
        condition = self._items.filter(where)
        sql = f"""SELECT p.id FROM images p WHERE {condition.sql} AND p.codec IS NULL AND NOT EXISTS
                  (SELECT 1 FROM classified c WHERE c.image_id = p.id AND c.source = ? AND c.top = ?) ORDER BY p.id"""
        return [row[0] for row in self._db.all(sql, (*condition.values, source, top))]

    def classes(self, model: str) -> dict[str, tuple[str, ...]]:
        """source -> classes, of every version of a model that this gallery was classified with."""
        found = self._db.all("SELECT source, classes FROM classifiers WHERE model = ? ORDER BY source", (model,))
        return {source: tuple(json.loads(classes)) for source, classes in found}

    def classifiers(self) -> list[Classifier]:
        """As in the contract."""
        found = self._db.all("SELECT source, model, classes FROM classifiers ORDER BY source")
        return [Classifier(source, model, tuple(json.loads(classes))) for source, model, classes in found]

    def asked(self, ids: Sequence[int]) -> list[Question]:
        """As in the contract."""
        found: list[Question] = []
        for part in batched(ids, MANY):
            sql = f"""SELECT image_id, source, top FROM classified WHERE image_id IN ({marks(part)})
                      ORDER BY image_id, source"""
            found += [Question(*one) for one in self._db.all(sql, part)]
        return found

    # --- writing; call within a transaction

    def put_classifier(self, source: str, model: str, classes: Sequence[str]) -> None:
        """Remember what a version of a model calls its classes."""
        self._db.run(
            "INSERT INTO classifiers VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (source, model, json.dumps(classes))
        )

    def put_predictions(self, source: str, model: str, top: int, predictions: Iterable[Prediction]) -> None:
        """What a model said, in place of what any version of it said of these images before. Images that are gone
        meanwhile are left out."""
        there = [one for one in predictions if self._db.all("SELECT 1 FROM images WHERE id = ?", (one.image,))]
        older = "IN (SELECT source FROM classifiers WHERE model = ?)"
        for table in ("labels", "classified"):
            sql = f"DELETE FROM {table} WHERE image_id = ? AND source {older}"
            self._db.run_each(sql, [(one.image, model) for one in there])
        self._db.run_each("INSERT INTO classified VALUES (?, ?, ?)", [(one.image, source, top) for one in there])
        self.put((one.image, label) for one in there for label in one.labels)

    def put(self, labels: Iterable[tuple[int, Label]]) -> None:
        """Write labels of images, by id."""
        rows = [(number, one.label, one.probability, one.source) for number, one in labels]
        sql = """INSERT INTO labels (image_id, label, probability, source) VALUES (?, ?, ?, ?)
                 ON CONFLICT (image_id, source, label) DO UPDATE SET probability = excluded.probability"""
        self._db.run_each(sql, rows)

    def clear(self, source: str, images: Iterable[int]) -> None:
        """Forget what one source says of these images."""
        self._db.run_each("DELETE FROM labels WHERE source = ? AND image_id = ?", [(source, n) for n in images])

    def forget(self, source: str) -> int:
        """Forget all labels of a source, or of every version of a model of this name; returns how many there were."""
        known = self._versions(source)
        count = self._db.run_each("DELETE FROM labels WHERE source = ?", [(one,) for one in known])
        self._db.run_each("DELETE FROM classifiers WHERE source = ?", [(one,) for one in known])
        return count

    def _versions(self, source: str) -> list[str]:
        return [source, *self.classes(source)]
