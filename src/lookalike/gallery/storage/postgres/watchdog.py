"""Ends a connection whose server does not answer in time, for libpq waits for ever."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic

INTERVAL = 0.25  # seconds between two looks


class Watchdog:
    """A thread that looks after one connection; costs microseconds a statement."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.is_asleep = False
        self.has_bitten = False  # since the last statement began
        self._watched: tuple[float, int] | None = None  # when it is over, and the socket
        self._closed = threading.Event()
        threading.Thread(target=self._run, name="deadline", daemon=True).start()

    @contextmanager
    def watching(self, number: int) -> Iterator[None]:
        """What is done within has so many seconds; then the socket of this ``number`` is shut down, and who waits for
        it gets an error."""
        self._watched = monotonic() + self._seconds, number
        try:
            yield
        finally:
            self._watched = None

    def close(self) -> None:
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(min(INTERVAL, self._seconds / 4)):
            watched = self._watched
            if watched is not None and monotonic() > watched[0] and not self.is_asleep:
                self._watched, self.has_bitten = None, True
                with suppress(OSError), socket.socket(fileno=os.dup(watched[1])) as connection:
                    connection.shutdown(socket.SHUT_RDWR)
