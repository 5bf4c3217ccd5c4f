"""What a worker process does: whatever needs pixels or vectors. Each process has the gallery open for itself.

Functions take and give plain values, for they cross from one process to another.
"""

from __future__ import annotations

import io
import os
import signal
import sqlite3
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import faiss
import numpy as np
from PIL import Image as Pillow

from lookalike.comparison.explain.attribution import explain, explanation_json
from lookalike.comparison.explain.draw import draw
from lookalike.comparison.faces import compare_faces as compared_faces
from lookalike.comparison.faces import portrait
from lookalike.comparison.pair import compare as compared
from lookalike.descriptors import face_names, face_network
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.classifier import classify as classified
from lookalike.descriptors.neural.classifier import labels_of
from lookalike.descriptors.neural.face_model import FaceNetwork
from lookalike.errors import LookalikeError, UserError
from lookalike.gallery import Gallery, QueryVectors
from lookalike.gallery.elsewhere.read import load_row
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.thumbnails import KEPT, Thumbnails, webp
from lookalike.imaging import from_array, load
from lookalike.imaging.filmstrip import filmstrip
from lookalike.imaging.video import open_video
from lookalike.service import serializers
from lookalike.service.problems import Conflict, plain
from lookalike.types import Box, Image, Pixels, to_json

THUMBNAIL_MIN_SIDE = 256  # pixels of the shorter side: as much as a descriptor of whole images looks at
KEYPOINT_MIN_SIDE = 800  # as much as keypoints and regions do

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ImageInput:
    """An image of a request: encoded ``data``, or the ``id`` of one of the gallery."""

    data: bytes | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What of a search may be chosen, as for ``Gallery.search``; ``good`` and ``bad`` are ids."""

    k: int = 10
    by: str | None = None
    where: str | None = None
    region: tuple[float, float, float, float] | None = None
    precision: float | None = None
    rerank: int | None = None
    views: bool = False
    good: tuple[int, ...] = ()
    bad: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class VideoSearchRequest:
    """What of a search for videos may be chosen, as for ``Gallery.search_videos``."""

    k: int = 10
    where: str | None = None
    precision: float = 0.5


@dataclass(frozen=True, slots=True)
class TextSearchRequest:
    """What of a search by words may be chosen, as for ``Gallery.search_text``."""

    k: int = 10
    without: str = ""
    where: str | None = None
    least: float = 0.5
    by: str | None = None


@dataclass(slots=True)
class _Process:
    """What this process keeps open."""

    gallery: Gallery | None = None
    thumbnails: Thumbnails | None = None
    max_pixels: int = 0


_process = _Process()


def start(folder: str, max_pixels: int) -> None:
    """Called once in every worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then ends this process
    cv2.setNumThreads(1)  # one process per core: threads within would fight
    faiss.omp_set_num_threads(1)
    _process.gallery = Gallery.open(folder)
    _process.max_pixels = max_pixels


def warm() -> bool:
    """Load what the first request would wait for: networks, and copies of the vectors."""
    gallery = _gallery()
    grey = from_array(np.tile(np.arange(256, dtype=np.uint8), (256, 1)))
    gallery.search(grey, 1, rerank=0)
    if gallery.item_count:
        gallery.items(limit=1)
    return True


def recommend(image: ImageInput | None, options: Json) -> Json:
    """The answer of ``POST /v1/recommend/image``, or one of ``POST /v1/recommend``. ``options``: as for
    ``Gallery.recommend``, with its item."""
    gallery = _gallery()
    query = None if image is None else _image_row(image.id) if image.id is not None else _image(image)
    return {"items": serializers.recommendations(gallery, gallery.recommend(query, **options))}


def recommend_each(requests: list[Json]) -> Json:
    """The answer of ``POST /v1/recommend``: what one asks in vain does not take the others along."""
    answers: list[Json] = []
    for request in requests:
        options = {name: value for name, value in request.items() if name != "image"}
        image = ImageInput(id=request["image"]) if request["image"] is not None else None
        try:
            answers.append({**recommend(image, options), "error": None})
        except LookalikeError as error:
            answers.append({"items": [], "error": plain(str(error))})
    return {"answers": answers}


def search_text(text: str, request: TextSearchRequest, image: ImageInput | None) -> Json:
    """The answer of ``POST /v1/search/text``. ``image``: what the images are to be like as well."""
    gallery = _gallery()
    like = None if image is None else _image_row(image.id) if image.id is not None else _image(image)
    result = gallery.search_text(text, like=like, **asdict(request))
    return {**result.to_dict(), "hits": serializers.text_hits(gallery, result.hits)}


def words_in(number: int, text: str) -> Json:
    """The answer of ``GET /v1/images/{number}/words``."""
    return {"evidence": to_json(_gallery().evidence_in(_image_row(number), text))}


def search(image: ImageInput, request: SearchRequest) -> Json:
    """The answer of ``POST /v1/search``."""
    gallery = _gallery()
    query = _query(image, request)
    good, bad = ([_image_row(number).path for number in ids] for ids in (request.good, request.bad))
    region = Box(*request.region) if request.region else None
    hits = gallery.search(
        query, request.k, by=request.by, where=request.where, region=region, views=request.views,
        rerank=request.rerank, precision=request.precision, good=good, bad=bad,
    )  # fmt: skip
    blank = not hits and isinstance(query, Image) and gallery.is_blank(query, by=request.by, region=region)
    described = {"id": image.id, "width": query.width, "height": query.height, "blank": blank}
    verified = any(hit.verified for hit in hits)
    return {
        "query": described,
        "by": request.by or gallery.default_by,
        "verified": verified,
        "hits": serializers.hits(gallery, hits),
    }


def search_vectors(vectors: dict[str, list[float]], request: SearchRequest) -> Json:
    """The answer of ``POST /v1/search/vectors``."""
    gallery = _gallery()
    query = QueryVectors({name: np.array(vector) for name, vector in vectors.items()})
    good, bad = ([_image_row(number).path for number in ids] for ids in (request.good, request.bad))
    hits = gallery.search(
        query, request.k, by=request.by, where=request.where, precision=request.precision, good=good, bad=bad
    )
    blank = not hits and not any(map(any, vectors.values()))
    described = {"id": None, "width": 0, "height": 0, "blank": blank}
    return {
        "query": described,
        "by": request.by or gallery.default_by,
        "verified": False,
        "hits": serializers.hits(gallery, hits),
    }


def search_videos(query: ImageInput, request: VideoSearchRequest) -> Json:
    """The answer of ``POST /v1/videos/search``."""
    gallery = _gallery()
    row = gallery.row(query.id) if query.id is not None else None
    if row is not None and row.is_video:
        described = {"width": row.width, "height": row.height, "duration": row.duration}
        hits = gallery.search_videos(row, request.k, where=request.where, precision=request.precision)
    else:
        image = _image(query, KEYPOINT_MIN_SIDE)
        described = {"width": image.width, "height": image.height, "duration": None}
        hits = gallery.search_in_videos(image, request.k, where=request.where, precision=request.precision)
    return {"query": {"id": query.id, **described}, "hits": serializers.video_hits(gallery, hits)}


def search_faces(query: ImageInput, face: int | None, k: int, where: str | None, by: str | None) -> Json:
    """The answer of ``POST /v1/faces/search``; of a face that the gallery knows by its vector."""
    gallery = _gallery()
    if query.id is not None and face is not None:
        row = _image_row(query.id)
        found = next((one.face for one in gallery.faces_of(row.path, by=by) if one.face.number == face), None)
        hits = gallery.search_face_of(row.path, face, k, where=where, by=by)
        described = {"id": row.id, "width": row.width, "height": row.height, "face": to_json(found), "turned": False}
    else:
        network = _face_network(by)
        seen = portrait(_image(query, network.card.min_side), network)
        hits = gallery.search_faces(seen, k, where=where, by=by)
        size = {"width": seen.image.width, "height": seen.image.height}
        described = {"id": query.id, **size, "face": to_json(seen.face), "turned": seen.turned}
    return {"query": described, "hits": serializers.face_hits(gallery, hits)}


def compare_faces(a: ImageInput, b: ImageInput, by: str | None) -> Json:
    """The answer of ``POST /v1/faces/compare``."""
    network = _face_network(by)
    first, second = (_image(one, network.card.min_side) for one in (a, b))
    return compared_faces(first, second, network.card.name).to_dict()


def compare(a: ImageInput, b: ImageInput, reasons: bool) -> Json:
    """The answer of ``POST /v1/compare``."""
    first, second = _image(a), _image(b)
    comparison = explanation_json(explain(first, second)) if reasons else to_json(compared(first, second))
    comparison = {name: value for name, value in comparison.items() if name not in ("content_a", "content_b")}
    return {"a": _compared_image(a, first), "b": _compared_image(b, second), **comparison}


def compare_image(a: ImageInput, b: ImageInput) -> bytes:
    """The explanation, drawn, as PNG."""
    memory = io.BytesIO()
    Pillow.fromarray(draw(explain(_image(a), _image(b)))).save(memory, "PNG")
    return memory.getvalue()


def thumbnail(number: int, side: int) -> bytes:
    """A WebP, of a video the filmstrip; small ones are kept beside the gallery. Raises LoadError if the file cannot be
    read, Conflict if it is another one by now."""
    row = _gallery().row(number)
    data = webp(_strip(row, side) if row.is_video else _small(row, side), side)
    if side <= KEPT:
        _keep(row, side, data)
    return data


def _small(row: Row, side: int) -> Pixels:
    image = load_row(row, min_side=side)
    if image.sha256 != row.sha256:
        raise _changed(row)
    return image.pixels


def _strip(row: Row, side: int) -> Pixels:
    """Of the file as it was indexed, by size and time: to read all of a video would take too long."""
    with suppress(OSError):  # which opening it tells
        check_unchanged(row, os.stat(row.path))
    return filmstrip(open_video(row.path), side)


def check_unchanged(row: Row, status: os.stat_result) -> None:
    """Raises Conflict for a file of another size or time than was indexed."""
    if (status.st_size, status.st_mtime_ns) != (row.bytes, row.mtime_ns):
        raise _changed(row)


def _changed(row: Row) -> Conflict:
    return Conflict(f"{plain(row.path)}: changed since it was indexed; index it again")


def classify(image: ImageInput, model: str, top: int) -> Json:
    """The answer of ``POST /v1/classify``; of a model by its name alone, never by a path."""
    card = model_store.find(model)
    labels_of(card)
    labels = classified([_image(image)], card).top(0, top, min_probability=0.0)
    return {"model": card.name, "labels": [{"label": one.label, "probability": one.probability} for one in labels]}


def projection(by: str | None) -> Json:
    """The answer of ``GET /v1/projection``."""
    projected = _gallery().projection(by)
    x, y = (projected.places[:, n].astype(float).round(4).tolist() for n in (0, 1))
    return {"by": projected.by, "ids": projected.ids.tolist(), "x": x, "y": y, "explained": list(projected.explained)}


def add(path: str) -> Json:
    """Add a file to the gallery: the answer of ``POST /v1/images``."""
    gallery = _gallery()
    report = gallery.add(path)
    if report.failed:
        raise UserError(f"it could not be kept: {report.failed[0].reason}")
    return serializers.images(gallery, list(gallery.rows_at([path]).values()))[0]


def checked(data: bytes) -> str:
    """The format of encoded bytes, once they have been decoded. Raises LoadError."""
    return load(data, max_pixels=_process.max_pixels).format


def _gallery() -> Gallery:
    if _process.gallery is None:
        raise RuntimeError("start() has not been called in this process")
    return _process.gallery


def _face_network(by: str | None) -> FaceNetwork:
    """The one that is meant, the one that the gallery holds, or one that is installed. Raises UserError."""
    known = (by, *_gallery().held_faces(), *face_names(), "faces")
    return face_network(next(name for name in known if name))


def _query(source: ImageInput, request: SearchRequest) -> Row | Image:
    """The row, where the gallery knows enough; otherwise the image, at a scale at which nothing is lost."""
    if source.id is not None:
        return _image_row(source.id)
    if request.region is not None:
        return _image(source)
    quick = request.rerank == 0 and request.by not in _gallery().regions
    return _image(source, THUMBNAIL_MIN_SIDE if quick else KEYPOINT_MIN_SIDE)


def _image(source: ImageInput, least: int | None = None) -> Image:
    if source.id is not None:
        _gallery().need_paths("looking at an image itself")
        return load_row(_image_row(source.id), min_side=least, max_pixels=_process.max_pixels)
    if source.data is None:
        raise UserError("an image is needed: a file, or the id of one of the gallery")
    return load(source.data, min_side=least, max_pixels=_process.max_pixels)


def _image_row(number: int) -> Row:
    """Raises UserError for a video."""
    row = _gallery().row(number)
    if row.is_video:
        raise UserError(f"{number} is a video, and an image is needed here; POST /v1/videos/search takes videos")
    return row


def _compared_image(source: ImageInput, image: Image) -> Json:
    return {"id": source.id, "width": image.width, "height": image.height}


def _keep(row: Row, side: int, data: bytes) -> None:
    """Beside the gallery. No room, or a folder that cannot be written to, is no failure."""
    with suppress(sqlite3.Error):
        if _process.thumbnails is None:
            _process.thumbnails = Thumbnails(_gallery().path)
        _process.thumbnails.put(row.sha256, side, data)
