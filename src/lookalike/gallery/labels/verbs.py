"""The verbs of a gallery about labels: what its images are called, by whom, and what is likely wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from lookalike.descriptors.neural.classifier import classifier
from lookalike.errors import UserError
from lookalike.gallery.labels.classify import Classifier
from lookalike.gallery.labels.import_labels import label_from_csv, label_from_folders
from lookalike.gallery.labels.label_errors import NEIGHBOURS, PRECISION, find_label_errors
from lookalike.gallery.labels.label_next import next_labels
from lookalike.gallery.labels.suggest import suggest_labels
from lookalike.gallery.labels.zero_shot import label_by_names
from lookalike.gallery.library import Library
from lookalike.paths import PathLike, absolute
from lookalike.types import ClassifyReport, Label, LabelError, LabelledImage, LabelReport, NextLabel, Progress


class LabelVerbs:
    """What ``Gallery`` says about labels."""

    _library: Library

    def classify(
        self,
        model: str | os.PathLike[str],
        *,
        where: str | None = None,
        top: int = 1,
        least: float | None = None,
        redo: bool = False,
        replace: bool = False,
        progress: Progress | None = None,
    ) -> ClassifyReport:
        """Ask a model what the images show, and keep its ``top`` best labels of each: for ``where`` from then on.

        ``model``: its name, or the path of its card. ``least``: the probability, 0..1, below which it says nothing; by
        default its card's. Only images that this very model was not asked about are read,
        or all with ``redo``; what an older version of it said is replaced. Interrupted, the next call goes on.
        ``replace``: drop the labels of a model of the same name that has other classes; otherwise that is a UserError.
        """
        store = self._library.store
        store.privacy.need_paths("classifying")
        if top < 1:
            raise UserError(f"top must be 1 or more, not {top}")
        if least is not None and not 0 <= least <= 1:
            raise UserError(f"least must be a probability, 0..1, not {least:g}")
        return Classifier(store, classifier(os.fspath(model)), top, least, progress).run(where, redo, replace)

    def suggest_labels(
        self,
        *,
        names: Sequence[str] | None = None,
        where: str | None = None,
        top: int = 5,
        least: float = 0.5,
        progress: Progress | None = None,
    ) -> ClassifyReport:
        """Label images with the tags and classes that they show with at least the probability ``least``, the ``top``
        likeliest of each, in place of earlier suggestions; no file is read. They are labels of the source "words".
        What the network `content` saw nothing in is left out. Raises UserError in a gallery that does not hold it.

        ``names``: these instead, judged by a network that reads texts (``lookalike models import``), as labels of the
        source "names". Raises UserError in a gallery that holds none."""
        if top < 1:
            raise UserError(f"top must be 1 or more, not {top}")
        if not 0 <= least <= 1:
            raise UserError(f"least must be a probability, 0..1, not {least:g}")
        if names is not None:
            return label_by_names(self._library, names, where, top, least)
        return suggest_labels(self._library, where, top, least, progress)

    def next_labels(self, count: int, *, where: str | None = None) -> list[NextLabel]:
        """The images that a person should label next, the one that teaches most first, and why: by a person's labels so
        far (``label_from_csv``, ``label_from_folders``) they are unsure, they are unlike one another, and many other
        unsure images are like them. Raises UserError in a gallery that does not hold the network `content`."""
        if count < 1:
            raise UserError(f"count must be 1 or more, not {count}")
        return next_labels(self._library, count, where)

    def labels(self, *, where: str | None = None, source: str | None = None) -> list[LabelledImage]:
        """The images that have labels, by path, each with its labels. ``source``: of this model, or of a person's
        "csv" or "folders", alone."""
        found = (labelled for _, labelled in self._library.store.labels.of_images(where, source))
        return sorted(found, key=lambda one: one.path)

    def labels_of(self, numbers: Sequence[int]) -> dict[int, tuple[Label, ...]]:
        """Image id -> labels, the most probable first, of those of these images that have any."""
        return {number: one.labels for number, one in self._library.store.labels.of_images(ids=numbers)}

    def label_counts(self) -> dict[str, dict[str, int]]:
        """source -> label -> images of which this source says it first, the commonest first."""
        return self._library.store.labels.counts()

    def label_from_folders(self, root: PathLike) -> LabelReport:
        """A person's labels: images below ``root`` are called as the first folder on the way to them."""
        self._library.store.privacy.need_paths("labelling by folders")
        return label_from_folders(self._library.store, root)

    def label_from_csv(self, file: PathLike) -> LabelReport:
        """A person's labels: the columns path (or file name) and label; an empty label takes the last one back."""
        return label_from_csv(self._library.store, file)

    def put_labels(self, labels: Mapping[str, Sequence[Label]]) -> None:
        """Write path -> labels, beside those that the images have; what is not held is left out."""
        store = self._library.store
        rows = {path: row for path in labels if (row := store.row_of(absolute(path))) is not None}
        with store.transaction():
            store.labels.put((row.id, label) for path, row in rows.items() for label in labels[path])

    def forget_labels(self, source: str) -> int:
        """Forget the labels of a model, or of "csv" or "folders"; returns how many there were."""
        with self._library.store.transaction():
            return self._library.store.labels.forget(source)

    def label_errors(
        self,
        *,
        by: str | None = None,
        k: int = NEIGHBOURS,
        source: str | None = None,
        precision: float = PRECISION,
    ) -> list[LabelError]:
        """The images whose k nearest labelled neighbours are called otherwise, the most probably wrong first. Those
        whose label is wrong with a probability of at least ``precision`` are ``likely``; the others are worth a look.
        ``by``: a descriptor that is held; the default is a semantic one where there is any. ``source``: as in
        ``labels``. Raises UserError for fewer than k + 1 labelled images, or one label alone."""
        if k < 1:
            raise UserError(f"k must be 1 or more, not {k}")
        if not 0 < precision <= 1:
            raise UserError(f"a precision must be above 0 and at most 1, not {precision}")
        return find_label_errors(self._library.store, self._library.card(by), k, source, precision)
