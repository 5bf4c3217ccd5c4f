"""Whether a gallery on Milvus is whole, and how much of the server it takes."""

from __future__ import annotations

from lookalike.errors import GalleryDamaged
from lookalike.gallery.storage.milvus.collections import images_of, records_of, vectors_of
from lookalike.gallery.storage.milvus.descriptors import Descriptors
from lookalike.gallery.storage.milvus.records import Records
from lookalike.gallery.storage.milvus.rows import Rows
from lookalike.gallery.storage.milvus.session import Session
from lookalike.gallery.storage.milvus.vectors import VectorStore

_ROW_BYTES = 1_000  # of an image's row and of a record, about


def flaw(session: Session, rows: Rows, vectors: VectorStore, descriptors: Descriptors) -> str:
    """ "ok", or the first thing that is wrong: rows that are missing or there twice, vectors and records of images that
    are not there."""
    held = rows.every_id().tolist()
    known = set(held)
    if len(held) != len(known):
        return f"images that are there twice: {len(held) - len(known):,}"
    if len(held) < rows.count():
        return f"images that Milvus shows no more: {rows.count() - len(held):,}"
    lost = sum(len(vectors.images(name) - known) for name in _named(descriptors))
    lost += len(_owners(session) - known)
    return f"rows that belong to no image: {lost:,}" if lost else "ok"


def forget_lost(session: Session, rows: Rows, records: Records, vectors: VectorStore, descriptors: Descriptors) -> None:
    """What Milvus shows is all there is from now on, and what belongs to other images goes. Raises GalleryDamaged where
    it lost what says how the gallery was made."""
    with session.transaction():
        known = set(rows.ids().tolist())
        orphans = _owners(session).union(*(vectors.images(name) for name in _named(descriptors))) - known
        if not descriptors.numbers():
            raise GalleryDamaged(
                f"{session.server.where.shown}: Milvus has lost how it was made; index into a new gallery"
            )
        records.delete_of_images(sorted(orphans))
        vectors.forget_images(orphans)
        for image in sorted(orphans) or [0]:  # one at least, with which the new counts are committed
            seq = session.next_number()
            records.put(f"removal/{seq}", str(image), seq=seq)


def _owners(session: Session) -> set[int]:
    """The images to which anything belongs."""
    conditions = session.ranges(field="image")
    name = records_of(session.gallery)
    return {one["image"] for condition in conditions for one in session.query(name, condition, ["image"])}


def _named(descriptors: Descriptors) -> dict[str, int]:
    numbers = descriptors.numbers()
    named = {name: descriptors.number(name) for name in descriptors.fingerprints()}
    return {name: number for name, number in named.items() if number in numbers}


def bytes_held(session: Session, descriptors: Descriptors) -> int:
    """Bytes of what the server holds, without its indexes: counted, not measured."""
    state = session.state()
    counted = [images_of(session.gallery), records_of(session.gallery)]
    total = sum(_count(session, name, state.timestamp) * _ROW_BYTES for name in counted)
    for number, width in descriptors.widths().items():
        total += _count(session, vectors_of(session.gallery, number), state.timestamp) * width
    return total


def _count(session: Session, name: str, since: int) -> int:
    return int(session.server.query(name, "", ["count(*)"], since)[0]["count(*)"])
