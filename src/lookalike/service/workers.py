"""The worker processes: as many as cores, each with the gallery open; one that hangs or breaks is replaced.

pebble keeps them (concurrent.futures would lose all of them with one). What an image can do to its decoder, it does to
a worker alone, and for ``timeout`` seconds at most.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from lookalike.service import tasks
from lookalike.service.problems import Busy, TimedOut
from lookalike.service.settings import Settings

T = TypeVar("T")


class Workers:
    """Call ``start`` once, then ``run`` from the event loop, then ``stop``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool = ProcessPool(
            max_workers=settings.workers,
            initializer=tasks.start,
            initargs=(settings.gallery, settings.upload_pixels),
            context=multiprocessing.get_context("spawn"),
        )
        self.waiting = 0

    async def warm(self) -> None:
        """Let every worker load its networks and vectors. Raises what opening the gallery raises."""
        await asyncio.gather(*(self.run(tasks.warm) for _ in range(self._settings.workers)))

    async def run(self, task: Callable[..., T], *values: Any) -> T:
        """What the task gives, in one of the processes. Raises its LookalikeError, Busy if too many wait, TimedOut.

        A client that goes away takes its task along, if it has not begun."""
        if self.waiting >= self._settings.waiting + self._settings.workers:
            raise Busy("too many requests are waiting; try again in a second")
        self.waiting += 1
        try:
            future = self._pool.schedule(task, args=values, timeout=self._settings.timeout)
            return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise TimedOut(f"this took longer than {self._settings.timeout:g} seconds and was given up") from error
        except ProcessExpired as error:
            raise TimedOut("the process that looked at this image broke; it may be damaged") from error
        finally:
            self.waiting -= 1

    def stop(self) -> None:
        """End the processes, whatever they are at."""
        self._pool.stop()  # type: ignore[no-untyped-call]  # pebble types only a part of itself
        self._pool.join()
