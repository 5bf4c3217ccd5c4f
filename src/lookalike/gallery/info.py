"""What a gallery holds, and how much room it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lookalike.gallery.library import Library
from lookalike.gallery.storage.privacy import Retention
from lookalike.gallery.storage.thumbnails import FILE as THUMBNAILS
from lookalike.types import Failure


@dataclass(frozen=True, slots=True)
class GalleryInfo:
    """What a gallery holds. Sizes in bytes; ``descriptors``: name -> fingerprint; ``formats``: name -> images
    and videos.
    ``keypoints``: whether they are kept. ``verdicts``: pairs that a person has judged. ``labels``: source -> images.
    ``regions``: descriptor of regions -> images that have them. ``retention``: see ``Gallery.retention``.
    ``lacking``: replaced descriptor -> images that are to be described anew still (``Gallery.describe_lacking``).
    """

    path: str
    images: int
    videos: int
    descriptors: Mapping[str, str]
    default_by: str
    folders: tuple[str, ...]
    image_bytes: int
    disk_bytes: int
    formats: Mapping[str, int]
    failures: tuple[Failure, ...]
    verdicts: int
    keypoints: bool
    labels: Mapping[str, int]
    regions: Mapping[str, int] = field(default_factory=dict)
    retention: Retention = "paths"
    lacking: Mapping[str, int] = field(default_factory=dict)


def gallery_info(library: Library, default_by: str, lacking: Mapping[str, int]) -> GalleryInfo:
    """As it is now."""
    store, totals, videos = library.store, library.store.totals(), library.store.frames.videos()
    beside = [*library.path.glob("index/**/*"), *library.path.glob(THUMBNAILS)]
    return GalleryInfo(
        path=library.place,
        images=store.count() - videos,
        videos=videos,
        descriptors=store.fingerprints(),
        default_by=default_by,
        folders=tuple(store.roots()),
        image_bytes=totals["bytes"],
        disk_bytes=store.disk_bytes() + sum(map(_size, beside)),
        formats=totals["formats"],
        failures=tuple(store.failures()),
        verdicts=totals["verdicts"],
        keypoints=store.keeps_keypoints(),
        labels={source: sum(counts.values()) for source, counts in store.labels.counts().items()},
        regions={name: store.regions.described(name) for name in library.region_cards},
        retention=store.privacy.retention,
        lacking=lacking,
    )


def _size(file: Path) -> int:
    """Bytes; 0 for one that another process has just replaced."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
