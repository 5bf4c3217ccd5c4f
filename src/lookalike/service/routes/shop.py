"""A shop's catalogue for its backend and its shelf: items by filter, words and facets; what is like one of them."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, UploadFile
from fastapi import File as InForm
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, Response

from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.recommend.options import DIVERSITY
from lookalike.service import forms, schemas, serializers, tasks
from lookalike.service.cursors import cursor, place
from lookalike.service.media_types import CheckedRoute
from lookalike.service.problems import NotThere
from lookalike.service.service import Server, Service, Writable

router = APIRouter(prefix="/v1", tags=["shop"], route_class=CheckedRoute)

Where = Annotated[str | None, Query(max_length=2000, examples=["item.price < 50 and item.size = 'M'"])]
Words = Annotated[str, Query(max_length=500, description="words of titles and text columns")]
Limit = Annotated[int, Query(ge=1, le=500)]
Code = Annotated[str, InPath(min_length=1, max_length=500, description="as the catalogue calls the item")]
Codes = Annotated[list[str] | None, Query(max_length=50, description="ids of items that were judged")]
SEED = secrets.token_hex(8)  # another server begins its versions anew
KEPT = {"Cache-Control": "private, no-cache"}  # kept, and asked for again: 304 where nothing was written since
EITHER: dict[int | str, dict[str, Any]] = {
    304: {"description": "Nothing was written since: what was kept is still true"}
}


@router.get("/items", response_model=schemas.CatalogueShelf, responses=EITHER)
async def items(
    request: Request,
    server: Server,
    where: Where = None,
    text: Words = "",
    limit: Limit = 100,
    cursor_: Annotated[str | None, Query(alias="cursor", max_length=200)] = None,
    ids: Annotated[list[str] | None, Query(max_length=500, description="these items alone, in this order")] = None,
) -> Response:
    """The items that a filter and words leave, and what they have in each column (facets), whatever the filter says of
    this column alone: who chose one size sees how many there are of the others."""
    begin = place(cursor_)

    def listed(opened: Gallery) -> dict[str, object]:
        if ids is not None:
            found = serializers.catalogue_items(opened, opened.items_by_id(ids))
            return {"items": found, "next": None, "total": len(found), "facets": []}
        shelf = opened.items(where, text=text, begin=begin, limit=limit)
        following = cursor(begin + limit) if begin + limit < shelf.total else None
        part = serializers.catalogue_items(opened, shelf.items)
        return {
            "items": part,
            "next": following,
            "total": shelf.total,
            "facets": [one.to_dict() for one in shelf.facets],
        }

    return await _cached(request, server, lambda: server.gallery.ask(listed))


@router.get("/items/{code:path}/recommendations", response_model=schemas.Recommendations, responses=EITHER)
async def item_recommendations(
    request: Request,
    server: Server,
    code: Code,
    k: Annotated[int, Query(ge=1, le=200)] = 10,
    by: Annotated[str | None, Query(max_length=2000, examples=["content=2,text=1"])] = None,
    where: Where = None,
    text: Words = "",
    diversity: Annotated[float, Query(ge=0, le=1)] = DIVERSITY,
    fold: Annotated[str | None, Query(max_length=200)] = None,
    good: Codes = None,
    bad: Codes = None,
) -> Response:
    """Items like this one, each with the parts that its score is the sum of."""
    options = {
        "item": code, "k": k, "by": by or None, "where": where or None, "text": text, "diversity": diversity,
        "fold": fold or None, "good": good or [], "bad": bad or [],
    }  # fmt: skip
    await _known(server, code)
    return await _cached(request, server, lambda: server.workers.run(tasks.recommend, None, options))


@router.get("/items/{code:path}", response_model=schemas.CatalogueItem, responses=EITHER)
async def item(request: Request, server: Server, code: Code) -> Response:
    """One item."""
    return await _cached(request, server, lambda: _known(server, code))


@router.patch("/items", response_model=schemas.ItemChangeReport, dependencies=[Writable])
async def change_items(server: Server, body: schemas.ItemChanges) -> dict[str, object]:
    """New prices, stock, titles, any column of up to 1,000 items. No image is read, all is written at once, and the
    same once more changes nothing. What cannot be done is told of its item alone, under ``failed``."""
    changes: dict[str, dict[str, str | float | None]] = {}
    for one in body.items:
        if one.id in changes:
            raise UserError(f"items: {one.id!r} is there twice")
        titled = {} if one.title is None else {"title": one.title}
        if "title" in one.values:
            raise UserError("items: the title stands beside the values, not among them")
        changes[one.id] = {**one.values, **titled}
    report = await server.gallery.ask(lambda opened: opened.update_items(changes))
    return report.to_dict()


@router.put(
    "/items/{code:path}",
    response_model=schemas.CatalogueItem,
    dependencies=[Writable],
    responses={201: {"model": schemas.CatalogueItem, "description": "There was none of this id"}},
)
async def put_item(response: Response, server: Server, code: Code, body: schemas.NewItem) -> dict[str, object]:
    """Write a whole item, new or in the place of the one of this id."""

    def put(opened: Gallery) -> bool:
        paths = [opened.row(number).path for number in body.images]
        return opened.put_item(code, title=body.title, images=paths, values=body.values)

    if "title" in body.values:
        raise UserError("values: the title stands beside the values, not among them")
    response.status_code = 201 if await server.gallery.ask(put) else 200
    return await _known(server, code)


@router.delete("/items/{code:path}", status_code=204, dependencies=[Writable])
async def forget_item(server: Server, code: Code) -> Response:
    """Take an item out of the catalogue; its images stay. One that is gone already is 404."""
    await _known(server, code)
    await server.gallery.ask(lambda opened: opened.forget_items([code]))
    return Response(status_code=204)


@router.post("/recommend", response_model=schemas.RecommendAnswers)
async def recommend(server: Server, body: schemas.RecommendBatch) -> dict[str, object]:
    """Items like each of many items, or images of the gallery, in one request; where one cannot be answered, its
    ``error`` says why."""
    return await server.workers.run(tasks.recommend_each, [one.model_dump() for one in body.requests])


@router.post("/recommend/image", response_model=schemas.Recommendations)
async def recommend_image(
    server: Server,
    image: Annotated[UploadFile | None, InForm(description="an image in any format that can be read")] = None,
    id: Annotated[  # noqa: A002  the name that it has in the API
        int | None, Form(ge=1, le=2**63 - 1, description="the id of an image of the gallery")
    ] = None,
    k: Annotated[int, Form(ge=1, le=200)] = 10,
    by: Annotated[str | None, Form(max_length=2000, examples=["regions=2,content=1"])] = None,
    where: Annotated[str | None, Form(max_length=2000, examples=["item.stock > 0"])] = None,
    text: Annotated[str, Form(max_length=500)] = "",
    diversity: Annotated[float, Form(ge=0, le=1)] = DIVERSITY,
) -> dict[str, object]:
    """Items like what an image shows: a customer's photograph, or a cut-out."""
    query = await forms.image_input(server.settings, image, id, ("image", "id"))
    options = {"k": k, "by": by or None, "where": where or None, "text": text, "diversity": diversity}
    return await server.workers.run(tasks.recommend, query, options)


async def _known(server: Service, code: str) -> dict[str, object]:
    """The item. Raises NotThere."""
    found = await server.gallery.ask(lambda opened: serializers.catalogue_items(opened, opened.items_by_id([code])))
    if not found:
        raise NotThere(f"the catalogue has no item {code!r}")
    return found[0]


async def _cached(request: Request, server: Service, answer: Any) -> Response:
    """The answer with an ETag of what was asked for and of the gallery's state, or 304 to who has it already."""
    version = await server.gallery.ask(lambda opened: opened.version())
    asked = json.dumps([SEED, version, request.url.path, request.url.query])
    tag = f'W/"{hashlib.sha256(asked.encode()).hexdigest()[:32]}"'
    known = {one.strip() for one in request.headers.get("if-none-match", "").split(",")}
    if tag in known:
        return Response(status_code=304, headers={"ETag": tag, **KEPT})
    return JSONResponse(await answer(), headers={"ETag": tag, **KEPT})
