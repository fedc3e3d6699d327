"""Two copies never go to one place, by whatever path it is named."""

from __future__ import annotations

import os
import subprocess

import pytest

from evkit.actions import acquire_places
from evkit.actions.acquire_job import Request
from evkit.core.errors import UsageError


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
