"""What the gallery holds: its images, their files and thumbnails, what could not be read, its projection."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, File, Query, UploadFile
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response

from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.thumbnails import KEPT, SIDES
from lookalike.service import schemas, serializers, tasks
from lookalike.service.cursors import cursor, place
from lookalike.service.forms import ids, read_upload
from lookalike.service.media_types import CheckedRoute
from lookalike.service.problems import Gone, NotThere, Refused, plain
from lookalike.service.service import Server, Service, Writable
from lookalike.version import __version__

router = APIRouter(prefix="/v1", tags=["images"], route_class=CheckedRoute)

Id = Annotated[int, InPath(ge=1, le=2**63 - 1)]
Limit = Annotated[int, Query(ge=1, le=500)]
Where = Annotated[str | None, Query(max_length=2000, examples=["width >= 1000 and format = 'JPEG'"])]
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}  # an id never means another content
VIDEOS = {  # media type -> how files are called that are of it
    "video/mp4": ("MP4", "M4V", "F4V"),
    "video/quicktime": ("MOV", "QT"),
    "video/webm": ("WEBM",),
    "video/x-matroska": ("MKV",),
    "video/ogg": ("OGV",),
    "video/mpeg": ("MPG", "MPEG", "M2V", "VOB"),
    "video/mp2t": ("TS", "M2TS", "MTS"),
    "video/x-msvideo": ("AVI",),
    "video/x-ms-asf": ("WMV", "ASF"),
    "video/x-flv": ("FLV",),
    "video/3gpp": ("3GP", "3G2"),
}
SHOWN_AS = {
    **{name: f"image/{name.lower()}" for name in ("JPEG", "PNG", "GIF", "WEBP", "AVIF")},
    **{name: kind for kind, names in VIDEOS.items() for name in names},
}
ENDINGS = {"JPEG": "jpg", "TIFF": "tif"}


@router.get("/gallery", response_model=schemas.GalleryInfo)
async def gallery(server: Server) -> dict[str, object]:
    """What the gallery holds, what a search may go by, and what this server allows."""
    settings = server.settings

    def described(opened: Gallery) -> dict[str, object]:
        info = opened.info()
        by = [{"name": name, "kind": "regions" if name in info.regions else "whole"} for name in info.descriptors]
        combined = [{"name": "blend", "kind": "blend"}] if opened.can_blend else []
        folders = [plain(folder) for folder in info.folders]
        return {
            **{name: getattr(info, name) for name in ("images", "videos", "default_by", "image_bytes", "disk_bytes")},
            **{name: dict(getattr(info, name)) for name in ("descriptors", "formats", "labels", "regions", "lacking")},
            "by": [*by, *combined],
            "text_by": opened.text_choices,
            "faces": opened.held_faces(),
            "items": opened.item_count,
            "folders": folders,
            "index_folders": [*folders, *settings.folders],
            "failures": len(info.failures),
            "verdicts": info.verdicts,
            "label_counts": opened.label_counts(),
            "retention": info.retention,
            "read_only": settings.read_only or opened.read_only,
            "keeps_uploads": settings.uploads is not None and not (settings.read_only or opened.read_only),
            "limits": {"upload_bytes": settings.upload_bytes, "upload_pixels": settings.upload_pixels},
            "version": __version__,
        }

    return await server.gallery.ask(described)


@router.get("/images", response_model=schemas.ImageList)
async def images(
    server: Server,
    where: Where = None,
    limit: Limit = 100,
    cursor_: Annotated[str | None, Query(alias="cursor", max_length=200)] = None,
    ids_: Annotated[str | None, Query(alias="ids", max_length=12_000, examples=["3,1,2"])] = None,
) -> dict[str, object]:
    """The images that a filter leaves, in the order in which they were added; or those with the given ids."""
    wanted, after = ids(ids_, "ids"), place(cursor_)

    def listed(opened: Gallery) -> dict[str, object]:
        if ids_ is not None:
            rows = opened.rows_of(wanted)
            return {"images": serializers.images(opened, rows), "next": None, "total": len(rows)}
        every = opened.ids(where)
        rest = [number for number in every if number > after][: limit + 1] if after else every[: limit + 1]
        rows = opened.rows_of(rest[:limit])
        following = cursor(rest[limit - 1]) if len(rest) > limit else None
        return {"images": serializers.images(opened, rows), "next": following, "total": len(every)}

    return await server.gallery.ask(listed)


@router.get("/ids", response_model=schemas.IdList)
async def all_ids(server: Server, where: Where = None) -> dict[str, object]:
    """The ids of all images that a filter leaves, in the order in which they were added."""
    return {"ids": await server.gallery.ask(lambda opened: opened.ids(where))}


@router.get("/images/{number}", response_model=schemas.Image)
async def image(server: Server, number: Id) -> dict[str, object]:
    """One image."""
    return (await server.gallery.ask(lambda opened: serializers.images(opened, [opened.row(number)])))[0]


@router.get("/images/{number}/thumbnail", response_class=Response, responses={200: {"content": {"image/webp": {}}}})
async def thumbnail(server: Server, number: Id, side: int = KEPT) -> Response:
    """A small image, WebP, its longer side at most 160, 320, 640 or 1600 pixels; of a video, four frames in a row."""
    if side not in SIDES:
        raise UserError(f"side: one of {', '.join(map(str, SIDES))} pixels, not {side}")
    row, retention = await server.gallery.ask(lambda opened: (opened.row(number), opened.retention))
    data = await server.gallery.thumbnail(row.sha256, side if retention == "paths" else KEPT)
    if data is None and retention != "paths":
        raise NotThere(f"image {number}: this gallery keeps no thumbnail of it")
    if data is None:
        data = await server.workers.run(tasks.thumbnail, number, side)
    return Response(data, media_type="image/webp", headers=FOR_EVER)


@router.get("/images/{number}/file", response_class=FileResponse)
async def file(server: Server, number: Id) -> FileResponse:
    """The file itself, or ranges of its bytes, if it is still the one that was indexed."""
    row = await _with_file(server, number)
    tasks.check_unchanged(row, await asyncio.to_thread(_status, row))
    kind = SHOWN_AS.get(row.format, "application/octet-stream")
    name = plain(os.path.basename(row.path))
    return FileResponse(row.path, media_type=kind, filename=name, content_disposition_type="inline")


@router.post("/images", status_code=201, response_model=schemas.Image, dependencies=[Writable])
async def add_image(server: Server, image: Annotated[UploadFile, File()]) -> dict[str, object]:
    """Keep an image in the library. Only with ``--uploads``."""
    folder = server.settings.uploads
    if folder is None:
        raise Refused("this server keeps no images that are sent to it; start it with --uploads FOLDER")
    data = await read_upload(server.settings, image)
    kind = await server.workers.run(tasks.checked, data)
    path = await asyncio.to_thread(_written, folder, data, kind)
    return await server.workers.run(tasks.add, path)


@router.delete("/images/{number}", status_code=204, dependencies=[Writable])
async def remove_image(server: Server, number: Id, trash: bool = False) -> Response:
    """Forget an image. The file stays where it is, or goes to the system's trash."""
    row = await (_with_file(server, number) if trash else server.gallery.ask(lambda opened: opened.row(number)))
    if trash:
        from lookalike.actions.dedupe_actions import trash_image

        await asyncio.to_thread(_status, row)
        labels = await server.gallery.ask(lambda opened: opened.labels_of([number]))
        await asyncio.to_thread(trash_image, server.settings.gallery, row.path, labels.get(number, ()))
    await server.gallery.ask(lambda opened: opened.remove(row.path))
    return Response(status_code=204)


@router.get("/failures", response_model=schemas.FailureList)
async def failures(
    server: Server, limit: Limit = 100, cursor_: Annotated[str | None, Query(alias="cursor", max_length=200)] = None
) -> dict[str, object]:
    """The files that could not be used, and why."""
    after = place(cursor_)
    every = (await server.gallery.ask(lambda opened: opened.info())).failures
    part = [{"path": plain(one.path), "reason": plain(one.reason)} for one in every[after : after + limit]]
    following = cursor(after + limit) if after + limit < len(every) else None
    return {"failures": part, "next": following, "total": len(every)}


@router.get("/projection", response_model=schemas.Projection)
async def projection(server: Server, by: Annotated[str | None, Query(max_length=200)] = None) -> dict[str, object]:
    """The library in two dimensions: what is alike lies near."""
    return await server.workers.run(tasks.projection, by)


async def _with_file(server: Service, number: int) -> Row:
    row, retention = await server.gallery.ask(lambda opened: (opened.row(number), opened.retention))
    if retention != "paths":
        raise NotThere(f"image {number}: this gallery does not know where its file is")
    return row


def _status(row: Row) -> os.stat_result:
    try:
        return os.stat(row.path)
    except OSError as error:
        raise Gone(f"{plain(row.path)}: the file is gone") from error


def _written(folder: str, data: bytes, kind: str) -> str:
    """Under the name of its content; complete, or not at all."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{hashlib.sha256(data).hexdigest()[:32]}.{ENDINGS.get(kind, kind.lower())}"
    draft = path.with_suffix(f".{os.getpid()}.draft")
    try:
        draft.write_bytes(data)
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return os.path.abspath(path)
