"""Faces and persons on Milvus; the boxes and vectors of faces are regions (regions.py)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from lookalike.gallery.storage.base import FaceWord, PackedFace, StoredFace
from lookalike.gallery.storage.face_codec import NOWHERE
from lookalike.gallery.storage.milvus.buffer import bytes_of, text_of
from lookalike.gallery.storage.milvus.descriptors import Descriptors
from lookalike.gallery.storage.milvus.meta import Meta
from lookalike.gallery.storage.milvus.records import RecordFilter, Records, json_of
from lookalike.gallery.storage.milvus.server import Document
from lookalike.gallery.storage.milvus.session import Session

_UNSWEPT = "unswept faces"
_Changed = Callable[[StoredFace, StoredFace], StoredFace]  # what is held, what is given -> what is held from now on


class Faces:
    """Records ``face/<descriptor>/<image>/<place>``, named by their person; ``person/<number>``, ``word/<number>``."""

    def __init__(self, session: Session, records: Records, descriptors: Descriptors, meta: Meta) -> None:
        self._session, self._records, self._descriptors, self._meta = session, records, descriptors, meta
        self._number = descriptors.number
        self.words = FaceWords(session, records)
        self.forget_words = self.words.forget_person
        self.pending_words = self.words.every
        self.keep_words = self.words.keep

    def _asked(self, name: str, person: int | None = None) -> RecordFilter:
        return RecordFilter("face", str(self._number(name)), None if person is None else (str(person),))

    def every(self, name: str) -> list[StoredFace]:
        """As in the contract."""
        return list(map(_face, self._records.find(self._asked(name))))

    def of_images(self, name: str, ids: Sequence[int]) -> dict[int, list[StoredFace]]:
        """As in the contract."""
        found: dict[int, list[StoredFace]] = {}
        for one in map(_face, self._records.find(self._asked(name), ids)):
            found.setdefault(one.image, []).append(one)
        return found

    def of_person(self, name: str, number: int) -> list[StoredFace]:
        """As in the contract."""
        return list(map(_face, self._records.find(self._asked(name, number))))

    def spoken_of(self, image: int) -> dict[str, list[StoredFace]]:
        """Descriptor -> the faces of an image of which a person said whose they are."""
        found: dict[str, list[StoredFace]] = {}
        for name in self._descriptors.regions():
            said = [one for one in self.of_images(name, [image]).get(image, []) if one.source == "user"]
            if said:
                found[name] = said
        return found

    def persons(self) -> dict[int, str | None]:
        """As in the contract."""
        held = self._records.small("person").values()
        return {one["seq"]: json_of(one) for one in sorted(held, key=lambda one: one["seq"])}

    def unswept(self) -> set[str]:
        """As in the contract."""
        return set(self._meta.get(_UNSWEPT, []))

    # --- writing; call within a transaction

    def set_unswept(self, digests: set[str]) -> None:
        """As in the contract."""
        self._meta.put(_UNSWEPT, sorted(digests))

    def put(self, image: int, number: int, faces: Iterable[PackedFace]) -> None:
        """The faces of an image by the descriptor of this number, in the order of its regions."""
        for place, one in enumerate(faces):
            self._write(StoredFace(image, place, *one), number)

    def put_copy(self, image: int, source: int) -> None:
        """Take over those of another image with the same bytes."""
        for one in self._records.find(RecordFilter("face"), [source]):
            self._write(replace(_face(one), image=image), int(one["owner"]))

    def _write(self, one: StoredFace, number: int) -> None:
        said = [text_of(one.landmarks), one.utility, one.flaw, one.person, one.source, one.probability]
        key = f"face/{number}/{one.image}/{one.place}"
        name = "" if one.person is None else str(one.person)
        self._records.put(key, json.dumps(said), image=one.image, seq=one.place, owner=str(number), name=name)

    def person(self, name: str | None) -> int:
        """As in the contract."""
        if name is not None:
            for number, known in self.persons().items():
                if known == name:
                    return number
        number = self._session.next_number()
        self._records.put(f"person/{number}", json.dumps(name), seq=number)
        return number

    def rename(self, number: int, name: str) -> None:
        """As in the contract."""
        self._records.put(f"person/{number}", json.dumps(name), seq=number)

    def assign(self, name: str, faces: Iterable[StoredFace]) -> None:
        """As in the contract."""
        self._change(
            name,
            faces,
            lambda held, one: replace(held, person=one.person, source=one.source, probability=one.probability),
        )

    def _change(self, name: str, faces: Iterable[StoredFace], changed: _Changed) -> None:
        number = self._number(name)
        given = list(faces)
        stored = self.of_images(name, sorted({one.image for one in given}))
        held = {(one.image, one.place): one for every in stored.values() for one in every}
        for one in given:
            if (one.image, one.place) in held:
                self._write(changed(held[one.image, one.place], one), number)

    def drop_empty_persons(self) -> None:
        """As in the contract."""
        used = {one["name"] for kind in ("face", "word") for one in self._records.find(RecordFilter(kind), data=False)}
        self._records.delete(f"person/{number}" for number in self.persons() if str(number) not in used)

    def forget(self, name: str, faces: Iterable[StoredFace]) -> None:
        """As in the contract."""
        self._change(name, faces, lambda held, _one: StoredFace(held.image, held.place, NOWHERE, 0.0, "forgotten"))
        self._descriptors.count_backfill(name)  # an index that holds them begins anew


class FaceWords:
    """What was said of faces that are to be found again (face_words.py)."""

    def __init__(self, session: Session, records: Records) -> None:
        self._session, self._records = session, records

    def of_image(self, image: int, descriptor: str) -> list[FaceWord]:
        """What was said, in the order in which it was kept."""
        return list(map(_word, self._records.find(RecordFilter("word", descriptor), [image])))

    def every(self, name: str) -> list[FaceWord]:
        """As ``FaceStorage.pending_words``."""
        return list(map(_word, self._records.find(RecordFilter("word", name))))

    # --- writing; call within a transaction

    def keep(self, name: str, words: Iterable[FaceWord]) -> None:
        """Remember these."""
        for one in words:
            self._write(name, replace(one, number=self._session.next_number()))

    def _write(self, descriptor: str, one: FaceWord) -> None:
        said = [one.box, one.person, one.forgotten]
        name = "" if one.person is None else str(one.person)
        key = f"word/{one.number}"
        self._records.put(key, json.dumps(said), image=one.image, seq=one.number, owner=descriptor, name=name)

    def drop(self, words: Iterable[FaceWord]) -> None:
        """They were said again of faces."""
        self._records.delete(f"word/{one.number}" for one in words)

    def forget_person(self, person: int) -> None:
        """As in the contract."""
        for one in self._records.find(RecordFilter("word", names=(str(person),))):
            self._write(one["owner"], replace(_word(one), person=None, forgotten=True))


def _face(one: Document) -> StoredFace:
    landmarks, *rest = json_of(one)
    return StoredFace(one["image"], one["seq"], bytes_of(landmarks), *rest)


def _word(one: Document) -> FaceWord:
    box, person, forgotten = json_of(one)
    return FaceWord(one["image"], tuple(box), person, forgotten, one["seq"])
