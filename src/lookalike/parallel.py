"""Work on all cores: answers in order, with few tasks under way, so that few images are in memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import TypeVar

T = TypeVar("T")


def in_order(tasks: Iterable[Callable[[], T]]) -> Iterator[T]:
    """What each task gives, in their order. Threads suffice: decoding and describing release the interpreter.

    ``tasks`` is drawn from as it goes, in the caller's thread. Left early, what has not begun is dropped."""
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    pool = ThreadPoolExecutor(workers, thread_name_prefix="lookalike")
    waiting: deque[Future[T]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(task))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def once(make: Callable[[], T]) -> Callable[[], T]:
    """``make``, run by the thread that needs it first; the others wait for what it gives."""
    lock, made = Lock(), cache(make)

    def get() -> T:
        with lock:
            return made()

    return get
