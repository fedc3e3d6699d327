"""Two copies never go to one place, by whatever path it is named."""

from __future__ import annotations

import errno
import os
import subprocess

import pytest

from evkit.actions import acquire_places, image_target
from evkit.actions.acquire_job import Request
from evkit.core.errors import RefusedError, StorageError, UsageError
from evkit.core.refs import parse_ref


def refused(one, other):
    request = Request(source=b"x", exhibit="C1/E1", to=os.fsencode(one), also=os.fsencode(other))
    with pytest.raises(UsageError, match="folder of the first copy"):
        acquire_places.destinations(request, b"/")


def test_a_link(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").symlink_to("one")
    refused(tmp_path / "one", tmp_path / "two")


def test_the_same_folder_mounted_twice(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    if os.name == "nt" or subprocess.run(["mount", "--bind", one, two], check=False).returncode:
        pytest.skip("bind mounts need root")
    try:
        refused(one, two)
    finally:
        subprocess.run(["umount", two], check=True)


def check_free(folder):
    request = Request(source=b"x", exhibit="C1/E1", to=os.fsencode(folder))
    acquire_places.check_free(request, parse_ref("C1/E1/A1"))


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    check_free(tmp_path)
    below = tmp_path / "C1" / "E1" / "A1"
    below.mkdir(parents=True)
    check_free(tmp_path)
    (below / "image.raw").write_bytes(b"")
    with pytest.raises(RefusedError, match="holds files already"):
        check_free(tmp_path)


def test_a_folder_that_cannot_be_looked_into_is_refused_too(tmp_path, monkeypatch):
    def fail(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "C1" / "E1" / "A1").mkdir(parents=True)
    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", fail)
        _cannot_be_looked_into(tmp_path)


def _cannot_be_looked_into(tmp_path):
    with pytest.raises(StorageError, match="Permission denied"):
        check_free(tmp_path)
    with pytest.raises(StorageError, match="Permission denied"):
        image_target.choose(os.fsencode(tmp_path / "x.dd"), "raw", None, 512)
