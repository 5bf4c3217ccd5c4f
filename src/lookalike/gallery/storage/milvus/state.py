"""What a gallery's state is, kept in the NAME of one tiny collection: the one thing in Milvus that changes at once, for
everybody, and only from what it was.

A rename succeeds for one of several who try, for the old name is gone then: so it is the lock that lets one writer in,
and the moment at which a transaction is committed. It takes about 2 ms, and whether the name is still there 1 ms.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace

from lookalike.errors import GalleryError, GalleryMissing, GalleryVersion
from lookalike.gallery.storage.milvus.server import Server

FORMAT = 2  # of the collections
LEASE_SECONDS = 15  # for which a writer keeps others out without a word
WAIT_SECONDS = 60.0  # for another process to finish its batch
_PAUSE_SECONDS = 0.02
_MARK = "__state_"


@dataclass(frozen=True, slots=True)
class State:
    """``version``: transactions so far. ``timestamp``: the server's, after the last write of them. ``image``,
    ``number``: the next ids of images and of anything else. ``images``, ``records``: how many documents there are once
    the last transaction is carried out. ``unapplied``: 1 while it is committed in the journal, but not yet carried out.
    ``until``: the server's milliseconds up to which ``holder`` may write; 0 if nobody writes."""

    format: int
    version: int
    timestamp: int
    image: int = 1
    number: int = 1
    images: int = 0
    records: int = 0
    unapplied: int = 0
    until: int = 0
    holder: int = 0

    def name(self, gallery: str) -> str:
        """As the collection is called."""
        return f"{gallery}{_MARK}{'_'.join(map(str, astuple(self)))}"


class StateName:
    """A gallery's state on a server. ``me``: who writes here, a number that no other writer has."""

    def __init__(self, server: Server, me: int, unmade: bool = False) -> None:
        """``unmade``: of a gallery that is being made."""
        self._unmade = unmade
        self._server, self.me = server, me
        self._gallery = server.where.gallery
        self._renewed = 0.0
        self._seen = time.monotonic()
        self.state = self.read()

    def read(self) -> State:
        """As it is now. Raises GalleryMissing, GalleryVersion."""
        state = found(self._server, self._unmade)
        if state is None:
            where = self._server.where.shown
            raise GalleryMissing(f"{where}: no gallery there; make one with: lookalike index FOLDER --gallery {where}")
        return state

    def fresh(self) -> State:
        """As it is now, once what was committed is carried out: by its writer, or by us if that one is gone."""
        if not self._server.has(self.state.name(self._gallery)):
            self.state, self._seen = self.read(), time.monotonic()
        return self.state

    def is_left(self) -> bool:
        """Whether a writer began, and its time is over: by the server's clock, which may stand still under load, or
        because we saw nothing of it for so long."""
        if not self.state.until:
            return False
        silent = time.monotonic() - self._seen > LEASE_SECONDS
        return silent or self._server.milliseconds() > self.state.until

    def take(self) -> State:
        """Be the only writer; returns what the last one left. Raises GalleryError where another does not finish."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            before = self.fresh()
            if before.holder in (0, self.me) or self.is_left():
                if self._become(self._mine(before)):
                    return before
            else:
                time.sleep(_PAUSE_SECONDS)
        raise GalleryError(
            f"{self._server.where.shown}: another process is writing and did not finish in time; try again"
        )

    def keep(self) -> None:
        """Go on being the only writer. Raises GalleryError if another one has taken over."""
        if time.monotonic() - self._renewed > LEASE_SECONDS / 3:
            self.become(self._mine(self.state))

    def become(self, state: State) -> None:
        """From the state that we have to another. Raises GalleryError if another writer has taken over."""
        if not self._become(state):
            raise GalleryError(
                f"{self._server.where.shown}: this process was silent for too long, and another one writes now; "
                "nothing of this batch is kept, try again"
            )

    def release(self, **changes: int) -> None:
        """Let others write, and leave the state with these changes."""
        self.become(replace(self.state, until=0, holder=0, **changes))

    def _become(self, state: State) -> bool:
        done = self._server.rename(self.state.name(self._gallery), state.name(self._gallery))
        if done:
            self.state = state
            self._renewed = self._seen = time.monotonic()
        return done

    def _mine(self, state: State) -> State:
        until = max(self._server.milliseconds() + LEASE_SECONDS * 1000, state.until + 1)
        return replace(state, until=until, holder=self.me)


def found(server: Server, unmade: bool = False) -> State | None:
    """The state of the server's gallery, None if there is no such gallery; ``unmade``: also of one that is just being
    made. Raises GalleryVersion."""
    start = server.where.gallery + _MARK
    numbers = [name.removeprefix(start).split("_") for name in server.collections() if name.startswith(start)]
    if not numbers:
        return None
    latest = max(numbers, key=lambda parts: int(parts[1]))
    if int(latest[0]) != FORMAT:
        raise GalleryVersion(
            f"{server.where.shown}: made by another Lookalike (format {latest[0]} on Milvus, this one reads {FORMAT}); "
            "open it with that one, or upgrade with: pip install -U lookalike"
        )
    state = State(*map(int, latest))
    return state if state.version or unmade else None


def wait_until(done: Callable[[], bool]) -> bool:
    """Whether it was done in time."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        if done():
            return True
        time.sleep(_PAUSE_SECONDS)
    return False
