"""A gallery as one process sees it on the server: of which moment, and with what it is about to write.

Every read is of what was committed up to the state's timestamp, so it need not wait unless something was just
written. Within a transaction a reader sees what the transaction will write (buffer.py). Within a snapshot no later
image is seen.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from lookalike.errors import GalleryError, GalleryUnreachable
from lookalike.gallery.storage.milvus.buffer import Buffer
from lookalike.gallery.storage.milvus.commit import SPARE, Writer
from lookalike.gallery.storage.milvus.loss import PAUSE_SECONDS, loss, shown
from lookalike.gallery.storage.milvus.server import Document, Server
from lookalike.gallery.storage.milvus.state import State, StateName, wait_until

RANGE = 8_192  # ids of one query
INDEXED_FROM = 20_000  # vectors: fewer are compared one by one until Milvus seals them by itself


class Session:
    """``buffer``: what the transaction that goes on here will write. ``memo``: what was read of this state, not to be
    asked again."""

    def __init__(self, server: Server, unmade: bool = False) -> None:
        """``unmade``: of a gallery that is being made. Raises GalleryMissing, GalleryVersion."""
        self.server = server
        self.gallery = server.where.gallery
        self.buffer: Buffer | None = None
        self.memo: dict[str, Any] = {}
        self._names = StateName(server, secrets.randbits(40) + 1, unmade)
        self._writer = Writer(server, self._names)
        self._frozen: State | None = None
        self._known = threading.local()
        self._begun: State | None = None
        self._counters: dict[str, int] = {}
        self._memo_version = -1
        self._seen_whole = -1  # at so many breaks of the server it was last seen to show everything

    # --- reading

    def state(self) -> State:
        """Of the moment that is read."""
        if self._begun is not None:
            self._names.keep()
            return self._begun
        if self._frozen is not None:
            return self._frozen
        known: State | None = getattr(self._known, "state", None)
        if known is not None:
            return known
        state = self._whole() if self._seen_whole != self.server.breaks else self._settled()
        self._remind(state)
        return state

    def _settled(self) -> State:
        """The state, once everything is carried out."""
        state = self._names.fresh()
        return self._carried_out() if state.unapplied else state

    def _whole(self) -> State:
        """The state, once the server shows all of it. Raises GalleryUnreachable."""
        breaks, end = self.server.breaks, time.monotonic() + self.server.where.timeout
        while lost := self._lost(state := self._settled()):
            self._wait(end, lost)
        self._seen_whole = breaks
        return state

    def _lost(self, state: State) -> str:
        return "" if self.server.where.forget_lost else loss(self.server, state)

    def _wait(self, end: float, lost: str) -> None:
        if time.monotonic() > end:
            raise GalleryUnreachable(f"{self.server.where.shown}: {lost}")
        time.sleep(PAUSE_SECONDS)

    def _remind(self, state: State) -> None:
        if state.version != self._memo_version:
            self.memo = {}
            self._memo_version = state.version

    def _carried_out(self) -> State:
        """The state once its last transaction is carried out: by its writer, or here if that one is gone."""
        if not wait_until(lambda: not self._names.fresh().unapplied or self._names.is_left()):
            raise GalleryError(f"{self.server.where.shown}: another process does not finish writing; try again")
        if self._names.fresh().unapplied:
            with self.transaction():
                pass  # to begin one is to carry out what was left
        return self._names.fresh()

    def query(self, name: str, condition: str, fields: Sequence[str]) -> list[Document]:
        """Documents of a collection, as they were committed."""
        return self.server.query(name, condition, fields, self.state().timestamp)

    def ranges(self, after: int = 0, field: str = "id") -> Iterator[str]:
        """Conditions on the id of images that together mean all behind ``after`` that were committed."""
        last = self.state().image - 1
        for start in range(after, last, RANGE):
            yield f"{field} > {start} and {field} <= {min(start + RANGE, last)}"

    def is_new(self, image: int) -> bool:
        """Whether only this transaction knows of this image."""
        return self._begun is not None and image >= self._begun.image

    # --- writing

    def writing(self) -> Buffer:
        """What is to be written. Raises GalleryError outside of a transaction."""
        if self.buffer is None:
            raise GalleryError(f"{self.server.where.shown}: nothing can be written outside of a transaction")
        return self.buffer

    def next_image(self) -> int:
        """An id that no image had."""
        return self._next("image")

    def next_number(self) -> int:
        """A number that nothing else had."""
        return self._next("number")

    def _next(self, counter: str) -> int:
        self.writing()
        number = self._counters[counter]
        if number - getattr(self._begun, counter) >= SPARE:
            raise GalleryError(f"{self.server.where.shown}: more than {SPARE:,} rows in one transaction")
        self._counters[counter] += 1
        return number

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """As in the contract. After an error within, nothing was written."""
        begun = self._begun = self._begin()
        self._remind(begun)
        self._counters = {name: getattr(begun, name) for name in ("image", "number", "images", "records")}
        self.buffer = Buffer()
        try:
            yield
        except BaseException:
            self._end()
            self._names.release()
            raise
        buffer = self._end()
        if not buffer:
            self._names.release()
            return
        come = [image >= begun.image for image, one in buffer.images.items() if one is not None]
        self._counters["images"] += sum(come) - (len(buffer.images) - len(come))
        version = self._writer.commit(buffer, self._counters)
        self._remember(buffer, version)

    def _begin(self) -> State:
        """The state from which a transaction starts: never without what was committed before, which would be written
        twice. Raises GalleryError, GalleryUnreachable."""
        end = time.monotonic() + self.server.where.timeout
        while lost := self._lost(begun := self._writer.begin()):
            self._names.release()
            self._wait(end, lost)
        if not self.server.where.forget_lost:
            return begun
        images, records = shown(self.server, begun)
        return replace(begun, images=images, records=records)

    def _end(self) -> Buffer:
        buffer = self.writing()
        self.buffer = self._begun = None
        return buffer

    def _remember(self, buffer: Buffer, version: int) -> None:
        """Records that are kept whole (records.py) are right again, with these changes; all else is asked again."""
        small = self.memo.get("small", {})
        for key, record in buffer.records.items():
            kind = key.partition("/")[0]
            if record is not None and record["pieces"] > 1:
                small.pop(kind, None)
            elif kind in small:
                small[kind].pop(key, None)
                if record is not None:
                    small[kind][key] = record
        self.memo = {"small": small}
        self._memo_version = version

    def written(self) -> list[int]:
        """The numbers of descriptors of which so many vectors were written here that they are worth an index."""
        return [number for number, count in self._writer.written.items() if count >= INDEXED_FROM]

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Images that come later are not seen; what goes meanwhile is gone."""
        self._frozen = self.state()
        try:
            yield
        finally:
            self._frozen = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The state is asked for once."""
        if getattr(self._known, "state", None) is not None:
            yield
            return
        self._known.state = self.state()
        try:
            yield
        finally:
            self._known.state = None
