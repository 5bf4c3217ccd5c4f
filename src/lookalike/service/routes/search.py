"""Search, comparison, classification: an image comes in, what is known of it goes out; it is kept nowhere."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Query, UploadFile
from fastapi import Path as InPath
from fastapi.responses import Response

from lookalike.errors import UserError
from lookalike.service import forms, schemas, tasks
from lookalike.service.media_types import CheckedRoute
from lookalike.service.service import Server

router = APIRouter(prefix="/v1", tags=["search and compare"], route_class=CheckedRoute)

Upload = Annotated[UploadFile | None, File(description="an image in any format that can be read")]
Number = Annotated[int | None, Form(ge=1, le=2**63 - 1, description="the id of an image of the gallery")]


@router.post("/search", response_model=schemas.SearchResponse)
async def search(
    server: Server,
    image: Upload = None,
    id: Number = None,  # noqa: A002  the name that it has in the API
    k: Annotated[int, Form(ge=1, le=1000, description="how many hits")] = 10,
    by: Annotated[str | None, Form(max_length=12_000, description="a descriptor, blend, or weights")] = None,
    where: Annotated[str | None, Form(max_length=2000, description="a filter", examples=["width >= 1000"])] = None,
    region: Annotated[
        str | None,
        Form(max_length=200, description="this part of the query alone, in its pixels", examples=["120,80,300,200"]),
    ] = None,
    precision: Annotated[float | None, Form(ge=0.5, lt=1, description="only copies with this probability")] = None,
    rerank: Annotated[
        int | None, Form(ge=0, le=100, description="so many of the best are verified by geometry; 0 for none")
    ] = None,
    views: Annotated[bool, Form(description="query with the image mirrored and rotated as well")] = False,
    good: Annotated[
        str | None, Form(max_length=12_000, description="ids of images that are what is meant", examples=["4,7"])
    ] = None,
    bad: Annotated[str | None, Form(max_length=12_000, description="ids of images that are not")] = None,
) -> dict[str, object]:
    """The images of the gallery that are most like this one, or this part of it, best first."""
    query = await forms.image_input(server.settings, image, id, ("image", "id"))
    request = tasks.SearchRequest(
        k, by or None, where or None, forms.region(region), precision, rerank, views,
        forms.ids(good, "good"), forms.ids(bad, "bad"),
    )  # fmt: skip
    return await server.workers.run(tasks.search, query, request)


@router.post("/search/vectors", response_model=schemas.SearchResponse)
async def search_vectors(server: Server, body: schemas.VectorSearchRequest) -> dict[str, object]:
    """The images of the gallery that are most like one that stays with the client, which sends only its vectors (GET
    /v1/networks says how they are made). Nothing is verified by geometry, for that needs the image."""
    request = tasks.SearchRequest(
        body.k, body.by, body.where, precision=body.precision, good=tuple(body.good), bad=tuple(body.bad)
    )
    return await server.workers.run(tasks.search_vectors, body.vectors, request)


@router.post("/search/text", response_model=schemas.TextSearchResponse)
async def search_text(
    server: Server,
    text: Annotated[str, Form(max_length=500, description="what is looked for", examples=["red car on a street"])] = "",
    image: Upload = None,
    id: Number = None,  # noqa: A002  the name that it has in the API
    without: Annotated[str, Form(max_length=500, description="what is not to be seen", examples=["people"])] = "",
    k: Annotated[int, Form(ge=1, le=1000, description="how many hits")] = 10,
    where: Annotated[str | None, Form(max_length=2000, description="a filter", examples=["width >= 1000"])] = None,
    least: Annotated[float, Form(ge=0, le=1, description="only images that show it with this probability")] = 0.5,
    by: Annotated[
        str | None,
        Form(max_length=200, description="a network that reads texts, or words (`text_by` of GET /v1/gallery)"),
    ] = None,
) -> dict[str, object]:
    """The images of the gallery that show what a text says, the most probable first; words that nobody can judge. With
    an image, or the id of one, only those that show the same kind of thing as well: one of text, without, image and id
    is needed."""
    if not (text.strip() or without.strip() or image is not None or id is not None):
        raise UserError("send text, without, image or id: what an image is to show, or is not to")
    like = (
        None if image is None and id is None else await forms.image_input(server.settings, image, id, ("image", "id"))
    )
    request = tasks.TextSearchRequest(k, without, where or None, least, by or None)
    return await server.workers.run(tasks.search_text, text, request, like)


@router.get("/images/{number}/words", response_model=schemas.WordPlaces)
async def words_in(
    server: Server,
    number: Annotated[int, InPath(ge=1, le=2**63 - 1)],
    text: Annotated[str, Query(min_length=1, max_length=500, examples=["red car"])],
) -> dict[str, object]:
    """What speaks for each word of a text in this image, and which part of it shows that; the file is read."""
    return await server.workers.run(tasks.words_in, number, text)


@router.post("/videos/search", response_model=schemas.VideoSearchResponse)
async def search_videos(
    server: Server,
    image: Upload = None,
    id: Annotated[  # noqa: A002  the name that it has in the API
        int | None, Form(ge=1, le=2**63 - 1, description="the id of an image or a video of the gallery")
    ] = None,
    k: Annotated[int, Form(ge=1, le=1000, description="how many hits")] = 10,
    where: Annotated[str | None, Form(max_length=2000, description="a filter", examples=["duration > 60"])] = None,
    precision: Annotated[
        float, Form(ge=0, lt=1, description="only with this probability; 0: those that could not be verified as well")
    ] = 0.5,
) -> dict[str, object]:
    """The videos of the gallery that show this image, or share a segment with this video, and when."""
    query = await forms.image_input(server.settings, image, id, ("image", "id"))
    request = tasks.VideoSearchRequest(k, where or None, precision)
    return await server.workers.run(tasks.search_videos, query, request)


@router.post("/compare", response_model=schemas.Comparison, response_model_exclude_unset=True)
async def compare(
    server: Server,
    a: Upload = None,
    b: Upload = None,
    a_id: Number = None,
    b_id: Number = None,
    explain: Annotated[bool, Form()] = False,
) -> dict[str, object]:
    """The relation of two images, its probability and the evidence; with ``explain``, the reasons."""
    first = await forms.image_input(server.settings, a, a_id, ("a", "a_id"))
    second = await forms.image_input(server.settings, b, b_id, ("b", "b_id"))
    return await server.workers.run(tasks.compare, first, second, explain)


@router.post("/compare/image", response_class=Response, responses={200: {"content": {"image/png": {}}}})
async def compare_image(
    server: Server, a: Upload = None, b: Upload = None, a_id: Number = None, b_id: Number = None
) -> Response:
    """The reasons for a comparison, drawn, as PNG."""
    first = await forms.image_input(server.settings, a, a_id, ("a", "a_id"))
    second = await forms.image_input(server.settings, b, b_id, ("b", "b_id"))
    return Response(await server.workers.run(tasks.compare_image, first, second), media_type="image/png")


@router.post("/classify", response_model=schemas.Classification)
async def classify(
    server: Server,
    model: Annotated[str, Form(min_length=1, max_length=200)],
    image: Upload = None,
    id: Number = None,  # noqa: A002  the name that it has in the API
    top: Annotated[int, Form(ge=1, le=100)] = 5,
) -> dict[str, object]:
    """What a model calls an image."""
    query = await forms.image_input(server.settings, image, id, ("image", "id"))
    return await server.workers.run(tasks.classify, query, model, top)
