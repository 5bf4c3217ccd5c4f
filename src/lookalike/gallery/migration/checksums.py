"""Checksums of all that a gallery holds, that do not depend on its ids nor on their order: equal for equal contents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import blake2b

from lookalike.gallery.library import Library
from lookalike.gallery.migration.faces_said import exact, faces_said
from lookalike.gallery.migration.image_reader import ImageReader, blocks
from lookalike.gallery.migration.move_tables import ITEMS, items_of
from lookalike.gallery.storage.base import GalleryStorage, Item, NewImage
from lookalike.gallery.storage.row import Row

Entry = tuple[str, object]  # kind of content, and one of it


@dataclass(slots=True)
class Checksums:
    """Kind of content -> how much of it there is, and the sum of its digests."""

    counts: dict[str, int] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, value: object) -> None:
        """One more; the order does not matter."""
        digest = blake2b(
            repr(value).encode("utf-8", "surrogatepass"), digest_size=8, person=kind.encode()[:16]
        ).digest()
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.sums[kind] = (self.sums.get(kind, 0) + int.from_bytes(digest, "little")) % 2**64

    def differences(self, other: Checksums) -> list[str]:
        """The kinds in which the two differ, in words."""
        kinds = sorted({*self.counts, *other.counts})
        found = []
        for kind in kinds:
            here, there = self.counts.get(kind, 0), other.counts.get(kind, 0)
            if here != there:
                found.append(f"{kind}: {here:,} and {there:,}")
            elif self.sums[kind] != other.sums[kind]:
                found.append(f"{kind}: of the {here:,}, some differ")
        return found


def checksums(library: Library, advance: Callable[[int], None]) -> Checksums:
    """Of everything; every image is read. ``advance(n)`` is called for n more images."""
    found = Checksums()
    with ImageReader(library) as reader:
        for rows in blocks(library.store.every_row()):
            for image in reader.images(rows):
                for kind, value in _of_image(image):
                    found.add(kind, value)
            for kind, value in _of_labels(library.store, rows):
                found.add(kind, value)
            advance(len(rows))
    for kind, value in _of_tables(library.store):
        found.add(kind, value)
    for name in library.region_cards:
        for said in faces_said(library.store, name):
            found.add(f"faces by {name}", said)
    return found


def _of_image(image: NewImage) -> Iterator[Entry]:
    path = image.row.path
    yield "images", _plain(image.row)
    for name, (vector, contrast) in image.vectors.items():
        yield f"vectors of {name}", (path, vector, exact(contrast))
    for name, classes in image.classes.items():
        yield f"classes of {name}", (path, classes)
    for name, regions in image.regions.items():
        yield f"regions of {name}", (path, regions.data, sorted(regions.objects.items()))
    for name, frames in image.frames.items():
        yield f"frames of {name}", (path, frames)
    beside = {"keypoints": image.keypoints, "sounds": image.sound, "thumbnails": image.thumbnail}
    yield from ((kind, (path, data)) for kind, data in beside.items() if data is not None)


def _plain(row: Row) -> list[tuple[str, object]]:
    """Without the id."""
    fields = {name: value for name, value in asdict(row).items() if name != "id"}
    return [(name, exact(value) if isinstance(value, float) else value) for name, value in sorted(fields.items())]


def _of_labels(store: GalleryStorage, rows: list[Row]) -> Iterator[Entry]:
    paths = {row.id: row.path for row in rows}
    for number, one in store.labels.of_images(ids=list(paths)):
        for label in one.labels:
            yield "labels", (paths[number], label.label, exact(label.probability), label.source)
    for number, source, top in store.labels.asked(list(paths)):
        yield "questions to models", (paths[number], source, top)


def _of_tables(store: GalleryStorage) -> Iterator[Entry]:
    yield from (("descriptors", one) for one in store.fingerprints().items())
    yield from (("descriptors to be described anew", name) for name in store.unfinished())
    yield from (("networks of regions", one) for one in store.regions.names().items())
    yield from (("classifiers", one) for one in store.labels.classifiers())
    yield from (("folders", root) for root in store.roots())
    yield from (("patterns of folders", (root, one)) for root, one in store.patterns().items())
    yield from (("failed files", one) for one in store.failed_files())
    yield from (("verdicts", one) for one in store.verdicts())
    yield from (("calibrations", one) for one in store.calibrations().items())
    yield from (("tunings", (name, one.curve, _sorted(one.weights))) for name, one in store.tunings().items())
    yield from (("persons to be swept", digest) for digest in store.faces.unswept())
    yield from (("columns of the catalogue", one) for one in store.items.columns().items())
    yield from (("items", (one.code, one.title, one.files, _sorted(one.values))) for one in _items(store))


def _items(store: GalleryStorage) -> Iterator[Item]:
    codes = list(store.items.codes())
    for part in (codes[at : at + ITEMS] for at in range(0, len(codes), ITEMS)):
        yield from items_of(store, part)


def _sorted(values: Mapping[str, object]) -> list[tuple[str, object]]:
    return sorted(values.items())
