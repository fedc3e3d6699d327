"""A file system that cannot keep modes, locks, links or renames is refused."""

from __future__ import annotations

import os

import pytest

from evkit.core.errors import RefusedError, StorageError
from evkit.station import probe


def test_this_file_system_will_do(tmp_path):
    probe.require(os.fsencode(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "broken", "missing"),
    [
        ("link", PermissionError(1, "no links"), "hard links"),
        ("replace", OSError(95, "no rename"), "atomic renames"),
        ("chmod", None, "file modes"),
    ],
)
def test_what_is_missing_is_named(tmp_path, monkeypatch, name, broken, missing):
    def stand_in(*_: object, **__: object) -> None:
        if broken is not None:
            raise broken

    monkeypatch.setattr(os, name, stand_in)
    with pytest.raises(RefusedError) as caught:
        probe.require(os.fsencode(tmp_path))
    monkeypatch.undo()
    assert missing in caught.value.details["does not work"]
    assert list(tmp_path.iterdir()) == []


def test_locks_that_do_not_exclude(tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "try_lock", lambda _: True)
    with pytest.raises(RefusedError) as caught:
        probe.require(os.fsencode(tmp_path))
    assert caught.value.details["does not work"] == "locks"


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(StorageError):
        probe.require(os.fsencode(tmp_path / "none"))
