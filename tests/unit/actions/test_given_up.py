from __future__ import annotations

import errno
import os

import pytest

from evkit.acquire.imaging import FAILED
from evkit.actions.intake import given_up
from evkit.actions.intake_job import Taken
from evkit.core.errors import StorageError

WHY = StorageError("the destination is full")


def given(folder):
    taken = Taken(files=3)
    given_up(os.fsencode(folder), taken, FAILED, WHY)
    assert (taken.result, taken.error, taken.artifacts) == (FAILED, WHY, [])


def test_unfinished_copies_are_removed_and_nothing_else(tmp_path):
    (tmp_path / "a.part").write_bytes(b"1")
    (tmp_path / "b.part").mkdir()
    (tmp_path / "b.part" / "c").write_bytes(b"2")
    (tmp_path / "journal.json").write_bytes(b"3")
    given(tmp_path)
    assert os.listdir(tmp_path) == ["journal.json"]


@pytest.mark.parametrize("call", ["listdir", "unlink"])
def test_a_medium_that_fails_does_not_hide_why_it_ended(tmp_path, monkeypatch, call):
    (tmp_path / "a.part").write_bytes(b"1")

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        given(tmp_path)
