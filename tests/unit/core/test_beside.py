"""Work beside the caller: its answer, its error, and when it was never begun."""

from __future__ import annotations

import threading
import time

import pytest

from evkit.core.beside import Beside


def test_it_runs_beside_the_caller():
    go, ran = threading.Event(), []

    def work() -> str:
        assert go.wait(60)
        ran.append(threading.current_thread())
        return "done"

    beside = Beside(work)
    beside.start()
    go.set()
    assert beside.result() == beside.result() == "done"
    assert ran == [beside]


@pytest.mark.parametrize("begun", [True, False])
def test_an_error_is_raised_when_the_answer_is_wanted(begun):
    beside = Beside(lambda: 1 // 0)
    if begun:
        beside.start()
    with pytest.raises(ZeroDivisionError):
        beside.result()


def test_what_was_not_begun_is_done_when_it_is_wanted():
    beside = Beside(threading.current_thread)
    assert beside.result() is threading.current_thread()


def test_nothing_is_left_running_at_the_end_of_a_block():
    slow = Beside(lambda: not time.sleep(0.2))
    with pytest.raises(KeyError), slow:
        raise KeyError
    assert not slow.is_alive()
    assert slow.result() is True
