"""The lock waits, says so after a second, and names its holder."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time

import pytest

from evkit.core.errors import LockedError
from evkit.core.progress import Progress
from evkit.station import lock


class Notes(Progress):
    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


def test_the_holder_is_named(tmp_path):
    path = os.fsencode(tmp_path / "ledger.lock")
    holding = lock.hold(path, officer="third-officer")
    with holding, pytest.raises(LockedError) as caught, lock.hold(path, timeout=0.1):
        pass
    assert caught.value.exit_code == 11
    assert str(os.getpid()) in caught.value.message
    assert "third-officer" in caught.value.message
    assert caught.value.details["officer"] == "third-officer"
    assert caught.value.details["host"]
    assert caught.value.details["command"]


def test_the_lock_is_free_again(tmp_path):
    path = os.fsencode(tmp_path / "ledger.lock")
    for _ in range(3):
        with lock.hold(path, timeout=0.1):
            pass
    with pytest.raises(ValueError), lock.hold(path):
        raise ValueError
    with lock.hold(path, timeout=0.1):
        pass


def test_a_note_after_one_second(tmp_path):
    path = os.fsencode(tmp_path / "ledger.lock")
    notes = Notes()
    entered = threading.Event()
    with lock.hold(path, officer="a"):

        def wait() -> None:
            with lock.hold(path, progress=notes, timeout=30):
                entered.set()

        thread = threading.Thread(target=wait)
        begun = time.monotonic()
        thread.start()
        while not notes.said and time.monotonic() < begun + 60:
            assert not entered.wait(0.05)
        assert time.monotonic() - begun >= 1
        assert len(notes.said) == 1
        assert "waiting for the ledger" in notes.said[0]
    thread.join(60)
    assert entered.is_set()


def _die_holding(path: bytes) -> None:
    with lock.hold(path, officer="gone"):
        os._exit(9)


def test_a_dead_holder_holds_nothing(tmp_path):
    path = os.fsencode(tmp_path / "ledger.lock")
    child = multiprocessing.get_context("fork").Process(target=_die_holding, args=(path,))
    child.start()
    child.join(60)
    assert child.exitcode == 9
    with lock.hold(path, timeout=0.1):
        pass


@pytest.mark.parametrize("content", [b"", b"{", b"\xff" * 5000, b"[1]", b'{"pid":"\\u001b[2J"}'])
def test_what_the_file_says_is_not_trusted(tmp_path, content):
    path = tmp_path / "ledger.lock"
    with lock.hold(os.fsencode(path)):
        path.write_bytes(content)
        with pytest.raises(LockedError) as caught, lock.hold(os.fsencode(path), timeout=0.05):
            pass
    assert "\x1b" not in caught.value.message
