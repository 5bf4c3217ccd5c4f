"""The verbs of a gallery about faces: who is where, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence

from lookalike.comparison.faces import Portrait
from lookalike.gallery.faces import naming, overview, persons
from lookalike.gallery.faces.face_search import search_faces, search_held_face
from lookalike.gallery.faces.forget import forget_person
from lookalike.gallery.library import Library
from lookalike.imaging import ImageSource
from lookalike.paths import PathLike
from lookalike.types import FaceCounts, FaceGroupReport, FaceHit, ForgetReport, ImageFace, Person, PersonSummary


class FaceVerbs:
    """What ``Gallery`` says about faces. ``by``: a descriptor of faces that is held; the only one, if nothing is
    said."""

    _library: Library

    def search_faces(
        self, image: ImageSource | Portrait, k: int = 10, *, where: str | None = None, by: str | None = None
    ) -> list[FaceHit]:
        """The k faces most like the largest one of an image, or the one of a portrait that was read already, each with
        its box, nearest first. Raises NoFace for an image without one that can be compared."""
        return search_faces(self._library, image, k, where, by)

    def search_face_of(
        self, path: PathLike, number: int, k: int = 10, *, where: str | None = None, by: str | None = None
    ) -> list[FaceHit]:
        """As ``search_faces``, of a face that is held: of its image, which one, from 1. It is a hit itself. Raises
        UserError for one that there is not, or that cannot be compared."""
        return search_held_face(self._library, str(path), number, k, where, by)

    def face_counts(self, *, by: str | None = None) -> FaceCounts:
        """How many images were looked at, and how many faces there are. Raises UserError where no faces are held."""
        return overview.face_counts(self._library, by)

    def held_faces(self) -> list[str]:
        """The descriptors of faces that are held, those too that another process has added since."""
        return persons.held_names(self._library)

    def faces_of(self, path: PathLike, *, by: str | None = None) -> tuple[ImageFace, ...]:
        """The faces of an image that is held, and whose they are."""
        return overview.image_faces(self._library, str(path), by)

    def group_faces(self, *, by: str | None = None) -> FaceGroupReport:
        """Group the faces into persons, each once in an image. Names that a user gave stay, and hold for the faces that
        are grouped with theirs, with a probability; who is undecided stays alone."""
        return persons.group_persons(self._library, by)

    def persons(self, *, by: str | None = None) -> tuple[Person, ...]:
        """The persons as they were grouped and named last: by name, then the groups without one, the largest first."""
        return persons.list_persons(self._library, by)

    def person_summaries(self, *, by: str | None = None) -> tuple[PersonSummary, ...]:
        """The persons in short, in the same order."""
        return overview.summaries(self._library, by)

    def person(self, number: int, *, by: str | None = None) -> Person:
        """By the number of its group. Raises UserError for one that there is not."""
        return persons.numbered_person(self._library, number, by)

    def find_person(self, who: str, *, by: str | None = None) -> Person:
        """By name, or by the number of a group that has none. Raises UserError that lists those that there are."""
        return persons.find_person(self._library, who, by)

    def name_group(self, number: int, name: str, *, by: str | None = None) -> Person:
        """Say who a group is: all of its faces are of that person then, by your word. Two groups of one name become
        one; one that has a name already is called otherwise. Raises UserError for a number that there is not."""
        return naming.name_group(self._library, number, name, by)

    def name_face(self, path: PathLike, name: str | None, *, number: int | None = None, by: str | None = None) -> None:
        """Say whose a face is, or that it is nobody's (None), so that it is grouped with none. ``number``: which one of
        its image, from 1."""
        naming.name_face(self._library, str(path), number, name, by)

    def split_faces(
        self, faces: Sequence[tuple[PathLike, int]], name: str | None = None, *, by: str | None = None
    ) -> Person:
        """Say that these faces, (path, number of the face) each, are one person, and not the ones that they were: of
        this name, or without one of a group of their own, which stays apart."""
        return naming.split_faces(self._library, [(str(path), number) for path, number in faces], name, by)

    def forget_person(self, who: str, *, by: str | None = None) -> ForgetReport:
        """Delete vectors and landmarks of a person's faces, by name or number of a group, from the store, its log and
        its indexes, and look through all files of the gallery whether a part is left. A face at
        the same place stays forgotten when its file changes; an image that is taken out and added again shows it."""
        return forget_person(self._library, who, by)
