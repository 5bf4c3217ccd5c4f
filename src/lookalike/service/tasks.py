"""What a worker process does: whatever needs pixels or vectors. Each process has the gallery open for itself.

Functions take and give plain values, for they cross from one process to another.
"""

from __future__ import annotations

import io
import signal
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import cv2
import faiss
import numpy as np
from PIL import Image as Pillow

from lookalike.comparison.explain.attribution import explain, explanation_json
from lookalike.comparison.explain.draw import draw
from lookalike.comparison.pair import compare as compared
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.classifier import classify as told
from lookalike.descriptors.neural.classifier import labels_of
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.thumbnails import KEPT, Thumbnails, webp
from lookalike.imaging import from_array, load
from lookalike.service import serializers
from lookalike.service.problems import Conflict, plain
from lookalike.types import Box, Image, to_json

QUICK = 256  # pixels of the shorter side: as much as a descriptor of whole images looks at
CLOSE = 800  # as much as keypoints and regions do

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """An image of a request: encoded ``data``, or the ``id`` of one of the gallery."""

    data: bytes | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a search may be chosen, as for ``Gallery.search``; ``good`` and ``bad`` are ids."""

    k: int = 10
    by: str | None = None
    where: str | None = None
    region: tuple[float, float, float, float] | None = None
    precision: float | None = None
    verify: int | None = None
    views: bool = False
    good: tuple[int, ...] = ()
    bad: tuple[int, ...] = ()


@dataclass(slots=True)
class _Process:
    """What this process keeps open."""

    gallery: Gallery | None = None
    thumbnails: Thumbnails | None = None
    max_pixels: int = 0


_process = _Process()


def start(folder: str, max_pixels: int) -> None:
    """Called once in every worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the front, which then ends this process
    cv2.setNumThreads(1)  # one process per core: threads within would fight
    faiss.omp_set_num_threads(1)
    _process.gallery = Gallery.open(folder)
    _process.max_pixels = max_pixels


def warm() -> bool:
    """Load what the first request would wait for: networks, and copies of the vectors."""
    gallery = _gallery()
    grey = from_array(np.tile(np.arange(256, dtype=np.uint8), (256, 1)))
    gallery.search(grey, 1, verify=0)
    return True


def search(sent: Sent, wanted: Wanted) -> Json:
    """The answer of ``POST /v1/search``."""
    gallery = _gallery()
    query = _query(sent, wanted)
    good, bad = ([gallery.row(number).path for number in ids] for ids in (wanted.good, wanted.bad))
    region = Box(*wanted.region) if wanted.region else None
    found = gallery.search(
        query, wanted.k, by=wanted.by, where=wanted.where, region=region, views=wanted.views,
        verify=wanted.verify, precision=wanted.precision, good=good, bad=bad,
    )  # fmt: skip
    blank = not found and isinstance(query, Image) and gallery.is_blank(query, by=wanted.by, region=region)
    asked = {"id": sent.id, "width": query.width, "height": query.height, "blank": blank}
    verified = any(hit.verified for hit in found)
    return {
        "query": asked,
        "by": wanted.by or gallery.default_by,
        "verified": verified,
        "hits": serializers.hits(gallery, found),
    }


def compare(a: Sent, b: Sent, reasons: bool) -> Json:
    """The answer of ``POST /v1/compare``."""
    first, second = _image(a), _image(b)
    told = explanation_json(explain(first, second)) if reasons else to_json(compared(first, second))
    told = {name: value for name, value in told.items() if name not in ("content_a", "content_b")}
    return {"a": _side(a, first), "b": _side(b, second), **told}


def compare_image(a: Sent, b: Sent) -> bytes:
    """The explanation, drawn, as PNG."""
    memory = io.BytesIO()
    Pillow.fromarray(draw(explain(_image(a), _image(b)))).save(memory, "PNG")
    return memory.getvalue()


def thumbnail(number: int, side: int) -> bytes:
    """A WebP; small ones are kept beside the gallery. Raises LoadError if the file cannot be read, Conflict if it is
    another one by now."""
    row = _gallery().row(number)
    image = load(row.path, min_side=side)
    if image.sha256 != row.sha256:
        raise Conflict(f"{plain(row.path)}: changed since it was indexed; index it again")
    data = webp(image.pixels, side)
    if side <= KEPT:
        _keep(row, side, data)
    return data


def classify(sent: Sent, model: str, top: int) -> Json:
    """The answer of ``POST /v1/classify``; of a model by its name alone, never by a path."""
    card = model_store.find(model)
    labels_of(card)
    found = told([_image(sent)], card).top(0, top, min_probability=0.0)
    return {"model": card.name, "labels": [{"label": one.label, "probability": one.probability} for one in found]}


def plan(by: str | None) -> Json:
    """The answer of ``GET /v1/map``."""
    found = _gallery().projection(by)
    x, y = (found.places[:, n].astype(float).round(4).tolist() for n in (0, 1))
    return {"by": found.by, "ids": found.ids.tolist(), "x": x, "y": y, "explained": list(found.explained)}


def take_in(path: str) -> Json:
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


def _query(sent: Sent, wanted: Wanted) -> Row | Image:
    """The row, where the gallery knows enough; otherwise the image, at a scale at which nothing is lost."""
    if sent.id is not None:
        return _gallery().row(sent.id)
    if wanted.region is not None:
        return _image(sent)
    quick = wanted.verify == 0 and wanted.by not in _gallery().regions
    return _image(sent, QUICK if quick else CLOSE)


def _image(sent: Sent, least: int | None = None) -> Image:
    if sent.id is not None:
        _gallery().need_paths("looking at an image itself")
        return load(_gallery().row(sent.id).path, min_side=least, max_pixels=_process.max_pixels)
    if sent.data is None:
        raise UserError("an image is needed: a file, or the id of one of the gallery")
    return load(sent.data, min_side=least, max_pixels=_process.max_pixels)


def _side(sent: Sent, image: Image) -> Json:
    return {"id": sent.id, "width": image.width, "height": image.height}


def _keep(row: Row, side: int, data: bytes) -> None:
    """Beside the gallery. No room, or a folder that cannot be written to, is no failure."""
    with suppress(sqlite3.Error):
        if _process.thumbnails is None:
            _process.thumbnails = Thumbnails(_gallery().path)
        _process.thumbnails.put(row.sha256, side, data)
