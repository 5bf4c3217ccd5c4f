"""Whether Milvus shows all that was committed.

It answers while it still loads what it holds. And Milvus 2.3.5 was seen to lose rows for good that it had acknowledged
and not yet flushed, where it was killed several times within minutes and served so many collections that they share
channels: a node that is started again skips messages of its log. So what there should be is counted, and nobody takes
an image that is not shown for one that is not there.
"""

from __future__ import annotations

from lookalike.gallery.storage.milvus.collections import images_of, records_of
from lookalike.gallery.storage.milvus.server import Server
from lookalike.gallery.storage.milvus.state import State

PAUSE_SECONDS = 0.25  # between two looks whether all is shown by now


def shown(server: Server, state: State) -> tuple[int, int]:
    """How many images and other records of those that were committed are shown."""
    gallery = server.where.gallery
    conditions = {
        images_of(gallery): f"id < {state.image}",
        records_of(gallery): f'image < {state.image} and kind != "journal"',
    }
    images, records = (
        int(server.query(name, condition, ["count(*)"], state.timestamp)[0]["count(*)"])
        for name, condition in conditions.items()
    )
    return images, records


def loss(server: Server, state: State) -> str:
    """What is not shown, for people; nothing if all is. ``state``: with nothing to be carried out."""
    images, records = shown(server, state)
    if images >= state.images and records >= state.records:
        return ""
    return (
        f"Milvus shows {images:,} of {state.images:,} images and {records:,} of {state.records:,} other records: it is "
        "still loading them, or has lost them; whatever it shows later is kept, try again. If they are lost, restore "
        f"Milvus' own backup, or go on without them: open {server.where.shown}?lost=forget once and index again"
    )
