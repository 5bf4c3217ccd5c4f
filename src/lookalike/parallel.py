"""Work on all cores: answers in order, with few tasks under way, so that few images are in memory.

While it goes on, a matrix product has no threads of its own: those wait busily, and take the cores from the tasks.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from threading import Lock
from typing import TypeVar

from threadpoolctl import ThreadpoolController

T = TypeVar("T")


def in_order(tasks: Iterable[Callable[[], T]]) -> Iterator[T]:
    """What each task gives, in their order. Threads suffice: decoding and describing release the interpreter.

    ``tasks`` is drawn from as it goes, in the caller's thread. Left early, what has not begun is dropped."""
    with _one_blas_thread:
        yield from _in_order(tasks)


def _in_order(tasks: Iterable[Callable[[], T]]) -> Iterator[T]:
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


class _OneBlasThread:
    """While anybody is within, in any thread, numpy's matrix products have one thread."""

    def __init__(self) -> None:
        self._lock, self._within, self._limit = Lock(), 0, ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if not self._within:
                self._limit.enter_context(ThreadpoolController().limit(limits=1, user_api="blas"))
            self._within += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._within -= 1
            if not self._within:
                self._limit.close()


_one_blas_thread = _OneBlasThread()


def once(make: Callable[[], T]) -> Callable[[], T]:
    """``make``, run by the thread that needs it first; the others wait for what it gives."""
    lock, made = Lock(), cache(make)

    def get() -> T:
        with lock:
            return made()

    return get


def begun(make: Callable[[], T]) -> Callable[[], T]:
    """``make``, begun now in a thread of its own; who asks waits for what it gives, or for its error."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="lookalike-begun")
    future = pool.submit(make)
    pool.shutdown(wait=False)
    return future.result
