"""Galleries at ``milvus://host:port/name`` (see ../engines.py)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from lookalike.errors import GalleryExists
from lookalike.gallery.storage.base import GalleryStorage, NewGallery
from lookalike.gallery.storage.milvus.address import address
from lookalike.gallery.storage.milvus.collections import make_images, make_records, make_state, make_vectors
from lookalike.gallery.storage.milvus.server import Server
from lookalike.gallery.storage.milvus.state import FORMAT, State, found
from lookalike.gallery.storage.milvus.store import MilvusStore


def exists(place: str) -> bool:
    """As in Engine."""
    server = Server(address(place))
    try:
        return found(server) is not None
    finally:
        server.close()


def open_storage(place: str) -> GalleryStorage:
    """As in Engine."""
    server = Server(address(place))
    try:
        return MilvusStore(server)
    except BaseException:
        server.close()
        raise


def create_storage(place: str, new: NewGallery) -> None:
    """As in Engine. Its first transaction makes it visible: a state of version 0 is no gallery yet."""
    server = Server(address(place))
    try:
        if found(server) is not None:
            raise GalleryExists(f"{server.where.shown}: there is something already; open it, or choose another name")
        with ThreadPoolExecutor(2 + len(new.cards)) as threads:  # each waits for the server to load it
            waiting = [threads.submit(make, server) for make in (make_images, make_records)]
            for number, card in enumerate(new.cards, 1):  # as they will be numbered; those of regions have no vectors
                if card.name not in new.regions:
                    waiting.append(threads.submit(make_vectors, server, number, card.metric, card.dim))
            for one in waiting:
                one.result()
        if found(server, unmade=True) is None:  # else one is left of who began to make it, or is just making it
            make_state(server, State(FORMAT, 0, 0).name(server.where.gallery))
        MilvusStore(server, unmade=True).fill(new)
    finally:
        server.close()
