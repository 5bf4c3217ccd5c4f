"""Labels of images on Milvus."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from lookalike.gallery.storage.base import Classifier, Prediction, Question
from lookalike.gallery.storage.filters import PERSONS
from lookalike.gallery.storage.milvus.records import RecordFilter, Records, digest, json_of
from lookalike.gallery.storage.milvus.rows import Rows
from lookalike.gallery.storage.sql_database import batched
from lookalike.types import Ids, Label, LabelledImage

_PART = 1_000  # images whose labels are read at a time


class Labels:
    """Records ``label/<image>/<source, label>`` and ``classified/<image>/<source>``, which belong to their source;
    ``classifier/<source>``."""

    def __init__(self, records: Records, rows: Rows, select: Callable[[str | None], Ids]) -> None:
        """``select``: the ids of the images that a filter leaves."""
        self._records, self._rows, self._select = records, rows, select

    def of_images(
        self, where: str | None = None, source: str | None = None, ids: Sequence[int] | None = None
    ) -> Iterator[tuple[int, LabelledImage]]:
        """As in the contract."""
        known = None if source is None else self._versions(source)
        for part in batched(self._select(where) if ids is None else ids, _PART):
            held = self._rows.rows(part)
            for image, labels in self.by_image(part).items():
                said = tuple(one for one in labels if known is None or one.source in known)
                if said and image in held:
                    yield image, LabelledImage(held[image].path, said)

    def by_image(self, ids: Sequence[int] | None = None) -> dict[int, list[Label]]:
        """Image id, rising -> its labels, the most probable first; of equals, a person's (filters.LABEL_ORDER)."""
        found: dict[int, list[Label]] = {}
        for one in self._records.find(RecordFilter("label"), ids):
            found.setdefault(one["image"], []).append(_label(one))
        return {image: sorted(labels, key=_order) for image, labels in found.items()}

    def counts(self) -> dict[str, dict[str, int]]:
        """As in the contract."""
        found: dict[str, Counter[str]] = {}
        for labels in self.by_image().values():
            first: dict[str, Label] = {}
            for one in sorted(labels, key=lambda one: (-one.probability, one.label)):
                first.setdefault(one.source, one)
            for source, one in first.items():
                found.setdefault(source, Counter())[one.label] += 1
        return {
            source: dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
            for source, counts in sorted(found.items())
        }

    def unasked(self, where: str | None, source: str, top: int) -> list[int]:
        """As in the contract."""
        asked = {one["image"] for one in self._records.find(RecordFilter("classified", source)) if json_of(one) == top}
        stills = set(self._rows.which_are(codec=False))
        return [image for image in self._select(where).tolist() if image in stills and image not in asked]

    def classes(self, model: str) -> dict[str, tuple[str, ...]]:
        """As in the contract."""
        return {one.source: one.classes for one in self.classifiers() if one.model == model}

    def classifiers(self) -> list[Classifier]:
        """As in the contract."""
        said = sorted(map(json_of, self._records.small("classifier").values()))
        return [Classifier(source, model, tuple(classes)) for source, model, classes in said]

    def asked(self, ids: Sequence[int]) -> list[Question]:
        """As in the contract."""
        found = self._records.find(RecordFilter("classified"), ids)
        return sorted(Question(one["image"], one["owner"], json_of(one)) for one in found)

    # --- writing; call within a transaction

    def put_classifier(self, source: str, model: str, classes: Sequence[str]) -> None:
        """As in the contract."""
        key = f"classifier/{digest(source)}"
        if key not in self._records.small("classifier"):
            self._records.put(key, json.dumps([source, model, list(classes)]))

    def put_predictions(self, source: str, model: str, top: int, predictions: Iterable[Prediction]) -> None:
        """As in the contract."""
        given = list(predictions)
        held = self._rows.rows([one.image for one in given])
        there = [one for one in given if one.image in held]
        for older in self.classes(model):
            self._records.delete_all(("label", "classified"), older, [one.image for one in there])
        for one in there:
            key = f"classified/{one.image}/{digest(source)}"
            self._records.put(key, str(top), image=one.image, owner=source)
        self.put((one.image, label) for one in there for label in one.labels)

    def put(self, labels: Iterable[tuple[int, Label]]) -> None:
        """As in the contract."""
        for image, one in labels:
            key = f"label/{image}/{digest(one.source, one.label)}"
            data = json.dumps([one.label, one.probability])
            self._records.put(key, data, image=image, owner=one.source, name=one.label)

    def clear(self, source: str, images: Iterable[int]) -> None:
        """As in the contract."""
        self._records.delete_all(("label",), source, list(images))

    def forget(self, source: str) -> int:
        """As in the contract."""
        count = 0
        for one in self._versions(source):
            count += self._records.delete_all(("label",), one)
            self._records.delete_all(("classified",), one)
            self._records.delete([f"classifier/{digest(one)}"])
        return count

    def _versions(self, source: str) -> list[str]:
        return [source, *self.classes(source)]


def _label(one: dict[str, object]) -> Label:
    label, probability = json_of(one)
    return Label(label, probability, str(one["owner"]))


def _order(one: Label) -> tuple[float, bool, str, str]:
    return -one.probability, one.source not in PERSONS, one.source, one.label
