"""Faces and the people whose they are: found, compared, grouped, named, forgotten."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, UploadFile
from fastapi import File as InForm
from fastapi import Path as InPath
from fastapi.responses import Response

from lookalike.descriptors import face_names
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.thumbnails import KEPT
from lookalike.service import face_crops, forms, job_functions, schemas, serializers, tasks
from lookalike.service.cursors import cursor, place
from lookalike.service.media_types import CheckedRoute
from lookalike.service.problems import NotThere
from lookalike.service.service import Server, Writable
from lookalike.types import Box, Person

router = APIRouter(prefix="/v1", tags=["people"], route_class=CheckedRoute)

Number = Annotated[int, InPath(ge=1, le=2**63 - 1)]
Limit = Annotated[int, Query(ge=1, le=500)]
Cursor = Annotated[str | None, Query(alias="cursor", max_length=200)]
By = Annotated[str | None, Query(max_length=200, description="a network of faces; the only one that is held")]
FormBy = Annotated[str | None, Form(max_length=200, description="a network of faces; the only one that is held")]
Id = Annotated[int | None, Form(ge=1, le=2**63 - 1, description="the id of an image of the gallery")]
Upload = Annotated[UploadFile | None, InForm(description="an image in any format that can be read")]
BRIEFLY = {"Cache-Control": "private, max-age=3600"}


@router.get("/faces", response_model=schemas.FaceState)
async def faces(server: Server, by: By = None) -> dict[str, object]:
    """Which networks of faces are installed and which the gallery holds, and how many faces it knows."""

    def counted(opened: Gallery) -> dict[str, object]:
        held = opened.held_faces()
        counts = opened.face_counts(by=by).to_dict() if held or by else None
        return {"installed": face_names(), "held": held, "counts": counts}

    return await server.gallery.ask(counted)


@router.post("/faces", status_code=202, response_model=schemas.Job, dependencies=[Writable])
async def find_people(server: Server, body: schemas.FaceRequest) -> dict[str, object]:
    """Look for faces in the images that were not looked at yet, and group all of them into persons: a job.

    What a person said of faces stays. Ask the people whose faces you search."""
    by = await server.gallery.ask(lambda opened: _network(opened, body.by))
    return server.jobs.begin("faces", job_functions.faces, server.settings.gallery, by).to_dict()


@router.post("/faces/search", response_model=schemas.FaceSearchResponse)
async def search_faces(
    server: Server,
    image: Upload = None,
    id: Id = None,  # noqa: A002  the name that it has in the API
    face: Annotated[int | None, Form(ge=1, le=64, description="of an image of the gallery: which face, from 1")] = None,
    k: Annotated[int, Form(ge=1, le=1000, description="how many hits")] = 10,
    where: Annotated[str | None, Form(max_length=2000, description="a filter", examples=["width >= 1000"])] = None,
    by: FormBy = None,
) -> dict[str, object]:
    """The faces of the gallery that are most like the largest face of an image, or like one that the gallery knows."""
    query = await forms.image_input(server.settings, image, id, ("image", "id"))
    return await server.workers.run(tasks.search_faces, query, face, k, where or None, by or None)


@router.post("/faces/compare", response_model=schemas.FaceComparison)
async def compare_faces(
    server: Server,
    a: Upload = None,
    b: Upload = None,
    a_id: Id = None,
    b_id: Id = None,
    by: FormBy = None,
) -> dict[str, object]:
    """Whether the largest faces of two images are of one person, with a calibrated probability."""
    first = await forms.image_input(server.settings, a, a_id, ("a", "a_id"))
    second = await forms.image_input(server.settings, b, b_id, ("b", "b_id"))
    return await server.workers.run(tasks.compare_faces, first, second, by or None)


@router.get("/images/{number}/faces", response_model=schemas.ImageFaces)
async def image_faces(server: Server, number: Number, by: By = None) -> dict[str, object]:
    """The faces of an image, and whose they are. None of an image that was not looked at."""

    def listed(opened: Gallery) -> dict[str, object]:
        row = opened.row(number)
        held = opened.held_faces() or by
        return {"faces": [one.to_dict() for one in opened.faces_of(row.path, by=by)] if held else []}

    return await server.gallery.ask(listed)


@router.get(
    "/images/{number}/faces/{face}/thumbnail",
    response_class=Response,
    responses={200: {"content": {"image/webp": {}}}},
)
async def face_thumbnail(
    server: Server, number: Number, face: Annotated[int, InPath(ge=1, le=64)], side: int = 160, by: By = None
) -> Response:
    """A face with a little around it, a square WebP of at most 160 or 320 pixels. It is kept nowhere."""
    if side not in face_crops.CROP_SIDES:
        raise NotThere(f"side: one of {', '.join(map(str, face_crops.CROP_SIDES))} pixels, not {side}")
    row, box, retention = await server.gallery.ask(lambda opened: (*_box(opened, number, face, by), opened.retention))
    if retention == "paths":
        data = await server.workers.run(face_crops.face_crop, row, box, side)
    else:
        kept = await server.gallery.thumbnail(row.sha256, KEPT)
        if kept is None:
            raise NotThere(f"image {number}: this gallery keeps no thumbnail of it")
        data = face_crops.crop_of_thumbnail(kept, row, box, side)
    return Response(data, media_type="image/webp", headers=BRIEFLY)


@router.get("/persons", response_model=schemas.PersonList)
async def persons(server: Server, by: By = None, limit: Limit = 100, cursor_: Cursor = None) -> dict[str, object]:
    """The persons as they were grouped and named last: by name, then the groups without one, the largest first."""
    begin = place(cursor_)

    def listed(opened: Gallery) -> dict[str, object]:
        every = opened.person_summaries(by=by) if opened.held_faces() or by else ()
        part = serializers.persons(opened, every[begin : begin + limit])
        following = cursor(begin + limit) if begin + limit < len(every) else None
        return {"persons": part, "next": following, "total": len(every)}

    return await server.gallery.ask(listed)


@router.post("/persons", response_model=schemas.PersonSaid, dependencies=[Writable])
async def say_person(server: Server, body: schemas.FacesOf, by: By = None) -> dict[str, object]:
    """Say whose these faces are, (id of an image, number of a face in it) each: of the person of this name, or, without
    one, of a person of their own, or of nobody who is known. Your word goes before any grouping."""

    def said(opened: Gallery) -> dict[str, object]:
        faces = [(opened.row(image).path, face) for image, face in body.faces]
        if body.nobody:
            for path, face in faces:
                opened.name_face(path, None, number=face, by=by)
            return {"person": None}
        return {"person": opened.split_faces(faces, body.name, by=by).number}

    return await server.gallery.ask(said)


@router.get("/persons/{person}", response_model=schemas.Person)
async def person(
    server: Server, person: Number, by: By = None, limit: Limit = 100, cursor_: Cursor = None
) -> dict[str, object]:
    """A person's faces, the surest first, each with its image."""
    begin = place(cursor_)

    def listed(opened: Gallery) -> dict[str, object]:
        found = _person(opened, person, by)
        part = serializers.person_faces(opened, found.faces[begin : begin + limit])
        following = cursor(begin + limit) if begin + limit < len(found.faces) else None
        return {"number": person, "name": found.name, "faces": part, "next": following, "total": len(found.faces)}

    return await server.gallery.ask(listed)


@router.post("/persons/{person}/name", response_model=schemas.PersonSaid, dependencies=[Writable])
async def name_person(server: Server, person: Number, body: schemas.PersonName, by: By = None) -> dict[str, object]:
    """Say who a person is. One who is called so already and this one are one from then on."""

    def named(opened: Gallery) -> dict[str, object]:
        _person(opened, person, by)
        return {"person": opened.name_group(person, body.name, by=by).number}

    return await server.gallery.ask(named)


@router.delete("/persons/{person}", status_code=202, response_model=schemas.Job, dependencies=[Writable])
async def forget_person(server: Server, person: Number, by: By = None) -> dict[str, object]:
    """Delete the vectors and landmarks of a person's faces, and look through all files whether a part is left: a job.

    The images stay."""

    who = await server.gallery.ask(lambda opened: _person(opened, person, by).name or str(person))
    return server.jobs.begin("forget", job_functions.forget_person, server.settings.gallery, who, by).to_dict()


def _network(opened: Gallery, by: str | None) -> str:
    """The one that is meant: the one that is held, or else the only one that is installed. Raises UserError."""
    held = opened.held_faces()
    if by or held:
        return by or held[0]
    installed = face_names()
    return installed[0] if len(installed) == 1 else "faces"


def _person(opened: Gallery, number: int, by: str | None) -> Person:
    """Raises NotThere for a number that no person has."""
    try:
        return opened.person(number, by=by)
    except UserError as error:
        raise NotThere(str(error)) from error


def _box(opened: Gallery, number: int, face: int, by: str | None) -> tuple[Row, Box]:
    row = opened.row(number)
    faces = opened.faces_of(row.path, by=by) if opened.held_faces() or by else ()
    found = next((one.face.box for one in faces if one.face.number == face), None)
    if found is None:
        raise NotThere(f"image {number}: shows {len(faces)} faces, and none is number {face}")
    return row, found
