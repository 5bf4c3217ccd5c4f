"""Work on all cores: in order, with few tasks under way, and nothing goes on after a failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from threadpoolctl import threadpool_info

from lookalike.parallel import begun, in_order, once


def test_answers_come_in_the_order_of_the_tasks() -> None:
    """A slow task does not let a later one come before it; no tasks give nothing."""

    def task(number: int) -> Callable[[], int]:
        return lambda: [time.sleep(0.02 * (number % 3 == 0)), number][1]

    assert list(in_order(task(number) for number in range(20))) == list(range(20))
    assert list(in_order([])) == []


def test_few_tasks_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many tasks no more are drawn than the cores can take up soon, and these in the caller's thread."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    drawn, drawers = [], set()

    def tasks() -> Iterator[Callable[[], int]]:
        for number in range(100):
            drawn.append(number)
            drawers.add(threading.current_thread())
            yield lambda number=number: number

    for done in in_order(tasks()):
        assert len(drawn) - done <= 2 * 3 + 1
    assert drawers == {threading.current_thread()}
    assert len(drawn) == 100


def test_a_failure_ends_it() -> None:
    """What a task raises comes out, and tasks that had not begun never do."""
    begun = []

    def task(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise ValueError("three")
        return number

    with pytest.raises(ValueError, match="three"):
        list(in_order((lambda number=number: task(number)) for number in range(1000)))
    assert len(begun) < 100


def test_made_once() -> None:
    """However many threads need it at the same time, it is made once, and all get the same."""
    made = []

    def make() -> object:
        time.sleep(0.02)
        made.append(object())
        return made[-1]

    get = once(make)
    assert set(in_order([get] * 30)) == set(made)
    assert len(made) == 1


def test_what_is_begun_goes_on_by_itself() -> None:
    """It runs before anybody asks, once, and its error comes to whoever asks."""
    started = threading.Event()
    get = begun(lambda: [started.set(), 7][1])
    assert started.wait(5)
    assert (get(), get()) == (7, 7)
    with pytest.raises(ZeroDivisionError):
        begun(lambda: 1 // 0)()


def test_matrix_products_have_one_thread_while_tasks_run() -> None:
    """Numpy's, within tasks of several callers, one after the other or at once; afterwards it is as it was."""

    def threads() -> list[int]:
        blas = [one for one in threadpool_info() if one["user_api"] == "blas" and "numpy" in one["filepath"]]
        return [one["num_threads"] for one in blas]

    before = threads()
    outer = in_order([threads, threads])
    assert next(outer) == [1] * len(before)
    assert list(in_order([threads])) == [[1] * len(before)]
    assert next(outer) == [1] * len(before)
    assert list(outer) == []
    assert threads() == before
