"""Rows of the gallery and results of the library -> plain values for JSON, with ids in place of paths as keys."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lookalike.gallery import Gallery
from lookalike.gallery.storage.row import Row
from lookalike.service.problems import plain
from lookalike.types import (
    CatalogueItem,
    FaceHit,
    Hit,
    PersonFace,
    PersonSummary,
    Recommendation,
    Result,
    TextHit,
    VideoHit,
    VideoPair,
    to_json,
)

Json = dict[str, Any]


def images(gallery: Gallery, rows: Sequence[Row]) -> list[Json]:
    """What people see of these images."""
    numbers = [row.id for row in rows]
    labels, objects = gallery.labels_of(numbers), gallery.objects_of(numbers)
    return [_image(row, labels.get(row.id, ()), objects.get(row.id, {}), gallery.retention) for row in rows]


def _image(row: Row, labels: Iterable[Any], objects: Mapping[str, int], retention: str) -> Json:
    path = plain(row.path)
    return {
        "id": row.id,
        "path": path if retention == "paths" else None,
        "name": os.path.basename(path),
        "width": row.width,
        "height": row.height,
        "bytes": row.bytes,
        "format": row.format,
        "taken": row.taken and plain(row.taken),
        "camera": row.camera and plain(row.camera),
        "frames": row.frames,
        "damage": row.damage,
        **{name: getattr(row, name) for name in ("codec", "duration", "fps", "bitrate")},
        "labels": to_json(list(labels)),
        "objects": {name or "objects": count for name, count in objects.items()},
        "sha256": row.sha256,
    }


def hits(gallery: Gallery, results: Sequence[Hit]) -> list[Json]:
    """The hits whose images are still held."""
    rows = gallery.rows_at([hit.path for hit in results])
    by_number = {one["id"]: one for one in images(gallery, list(rows.values()))}
    return [_hit(by_number[rows[hit.path].id], hit, gallery) for hit in results if hit.path in rows]


def _hit(image: Json, hit: Hit, gallery: Gallery) -> Json:
    fields = _without(hit, "path")
    fields["feedback_contributions"] = by_id(gallery, hit.feedback_contributions)
    return {**image, **fields}


def text_hits(gallery: Gallery, results: Sequence[TextHit]) -> list[Json]:
    """The hits of a search by words whose images are still held."""
    by_path = images_at(gallery, [hit.path for hit in results])
    return [{**by_path[hit.path], **_without(hit, "path")} for hit in results if hit.path in by_path]


def video_hits(gallery: Gallery, results: Sequence[VideoHit]) -> list[Json]:
    """The hits whose videos are still held."""
    by_path = images_at(gallery, [hit.path for hit in results])
    return [{**by_path[hit.path], **_without(hit, "path")} for hit in results if hit.path in by_path]


def video_pairs(gallery: Gallery, pairs: Sequence[VideoPair]) -> list[Json]:
    """Those of which both videos are still held."""
    by_path = images_at(gallery, [path for pair in pairs for path in (pair.a, pair.b)])
    held = (pair for pair in pairs if pair.a in by_path and pair.b in by_path)
    return [{**pair.to_dict(), "a": by_path[pair.a], "b": by_path[pair.b]} for pair in held]


def face_hits(gallery: Gallery, results: Sequence[FaceHit]) -> list[Json]:
    """The hits whose images are still held."""
    by_path = images_at(gallery, [hit.path for hit in results])
    return [{**by_path[hit.path], **_without(hit, "path")} for hit in results if hit.path in by_path]


def persons(gallery: Gallery, results: Sequence[PersonSummary]) -> list[Json]:
    """Those whose cover is still held, with its id in place of its path."""
    rows = gallery.rows_at([one.cover for one in results])
    return [{**one.to_dict(), "cover": rows[one.cover].id} for one in results if one.cover in rows]


def person_faces(gallery: Gallery, results: Sequence[PersonFace]) -> list[Json]:
    """Those whose images are still held."""
    by_path = images_at(gallery, [one.path for one in results])
    return [{**by_path[one.path], **_without(one, "path")} for one in results if one.path in by_path]


def catalogue_items(gallery: Gallery, results: Sequence[CatalogueItem]) -> list[Json]:
    """With ids of images in place of paths."""
    rows = gallery.rows_at({path for one in results for path in one.paths})
    return [
        {**_without(one, "paths"), "images": [rows[path].id for path in one.paths if path in rows]} for one in results
    ]


def recommendations(gallery: Gallery, results: Sequence[Recommendation]) -> list[Json]:
    """Those whose item and image are still held."""
    items = {one["id"]: one for one in catalogue_items(gallery, gallery.items_by_id([one.id for one in results]))}
    rows = gallery.rows_at({one.path for one in results})
    return [
        {**items[one.id], **_without(one, "path"), "image": rows[one.path].id}
        for one in results
        if one.id in items and one.path in rows
    ]


def images_at(gallery: Gallery, paths: Iterable[str]) -> dict[str, Json]:
    """Path -> what people see of it, of those that are held."""
    rows = gallery.rows_at(set(paths))
    return dict(zip(rows, images(gallery, list(rows.values())), strict=True))


def _without(result: Result, name: str) -> Json:
    return {key: value for key, value in result.to_dict().items() if key != name}


def by_id(gallery: Gallery, contributions: Mapping[str, float]) -> dict[str, float]:
    """What each example contributed, with ids in place of paths; "query" stays."""
    rows = gallery.rows_at([path for path in contributions if path != "query"])
    return {str(rows[name].id) if name in rows else name: value for name, value in contributions.items()}
