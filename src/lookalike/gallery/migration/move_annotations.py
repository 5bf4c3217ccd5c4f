"""Moves what models and people said of images: labels, and whose the faces are. Said again, nothing changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lookalike.gallery.library import Library
from lookalike.gallery.migration.faces_said import exact, faces_said
from lookalike.gallery.migration.image_reader import blocks
from lookalike.gallery.migration.move_images import IdMap
from lookalike.gallery.storage.base import FaceWord, GalleryStorage, Prediction
from lookalike.types import Label

Said = tuple[frozenset[Label], frozenset[tuple[str, int]]]  # labels, and of which source so many were asked for
NOTHING: Said = (frozenset(), frozenset())


def move_labels(source: GalleryStorage, target: GalleryStorage, numbers: IdMap) -> None:
    """Labels, and what models were asked, a block of images at a time; what is said in the target alone goes."""
    models = {one.source: one.model for one in source.labels.classifiers()}
    with target.transaction():
        for one in source.labels.classifiers():
            target.labels.put_classifier(one.source, one.model, one.classes)
    for rows in blocks(source.every_row()):
        ids = [row.id for row in rows]
        known = {there: number for number, there in zip(ids, numbers.of(ids), strict=True) if there is not None}
        wanted, held = _said(source, ids), _said(target, list(known))
        changed = {
            t: wanted.get(s, NOTHING) for t, s in known.items() if wanted.get(s, NOTHING) != held.get(t, NOTHING)
        }
        if changed:
            with target.transaction():
                _say(target, changed, {number: held.get(number, NOTHING) for number in changed}, models)


def _said(store: GalleryStorage, ids: Sequence[int]) -> dict[int, Said]:
    """Image id -> what is said of it, of those of which anything is."""
    labels = {number: frozenset(one.labels) for number, one in store.labels.of_images(ids=ids)}
    asked: dict[int, set[tuple[str, int]]] = defaultdict(set)
    for number, source, top in store.labels.asked(ids):
        asked[number].add((source, top))
    return {n: (labels.get(n, frozenset()), frozenset(asked.get(n, ()))) for n in {*labels, *asked}}


def _say(
    target: GalleryStorage, wanted: Mapping[int, Said], held: Mapping[int, Said], models: Mapping[str, str]
) -> None:
    for number, (labels, _) in held.items():
        for source in {label.source for label in labels}:
            target.labels.clear(source, [number])
    predictions: dict[tuple[str, int], list[Prediction]] = defaultdict(list)
    for number, (labels, asked) in wanted.items():
        for source, top in asked:
            own = tuple(label for label in labels if label.source == source)
            predictions[source, top].append(Prediction(number, own))
    for (source, top), each in predictions.items():
        target.labels.put_predictions(source, models[source], top, each)
    target.labels.put((number, label) for number, (labels, _) in wanted.items() for label in labels)


def move_faces(source: Library, target: Library, numbers: IdMap) -> None:
    """Whose the faces of each network are. The numbers of persons differ; where all is said already, nothing is."""
    names = list(source.region_cards)
    if all(faces_said(source.store, name) == faces_said(target.store, name) for name in names):
        return
    with target.store.transaction():
        _forget_persons(target.store, names)
        persons = {number: target.store.faces.person(name) for number, name in source.store.faces.persons().items()}
        for name in names:
            faces = source.store.faces.every(name)
            places = numbers.of([one.image for one in faces])
            moved = [
                replace(one, image=there, person=None if one.person is None else persons[one.person])
                for one, there in zip(faces, places, strict=True)
                if there is not None
            ]
            target.store.faces.assign(name, moved)
            held = {_place(word) for word in target.store.faces.pending_words(name)}
            words = _words(source.store, name, numbers, persons)
            target.store.faces.keep_words(name, [word for word in words if _place(word) not in held])


def _forget_persons(target: GalleryStorage, names: Iterable[str]) -> None:
    for name in names:
        faces = target.faces.every(name)
        target.faces.assign(name, [replace(one, person=None, source=None, probability=None) for one in faces])
    target.faces.drop_empty_persons()


def _words(source: GalleryStorage, name: str, numbers: IdMap, persons: Mapping[int, int]) -> list[FaceWord]:
    words = source.faces.pending_words(name)
    places = numbers.of([one.image for one in words])
    return [
        replace(one, image=there, person=None if one.person is None else persons[one.person], number=0)
        for one, there in zip(words, places, strict=True)
        if there is not None
    ]


def _place(word: FaceWord) -> tuple[int, tuple[float, ...]]:
    """What a word is about."""
    return word.image, tuple(map(exact, word.box))
