"""Images and logs as other imagers really write them, taken in and compared."""

from __future__ import annotations

import hashlib
import os
import subprocess

import acquirekit as kit
import pytest
import stations


@pytest.fixture
def medium(tmp_path):
    path = tmp_path / "medium.raw"
    path.write_bytes(os.urandom(1_500_000) + bytes(600_224))
    return path


def digest(path, name):
    return hashlib.new(name, path.read_bytes()).hexdigest()


def test_ewfacquire_with_its_log(tmp_path, medium, program):
    subprocess.run(
        [program("ewfacquire"), "-u", "-q", "-S", "1048576", "-d", "sha1", "-l",
         tmp_path / "out.log", "-t", tmp_path / "out", medium],
        check=True, capture_output=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    made = stations.ready(tmp_path / "station")
    done = kit.intake_with(made, tmp_path / "out.E01", tmp_path / "out.log", kind="image")
    assert done.exit_code == 0
    sources = {(entry.source, entry.algorithm) for entry in done.taken.table.compared}
    assert sources >= {("container", "md5"), ("container", "sha1"), ("vendor-log", "md5")}
    media = kit.end_of(made, "C1/E1/A1").fields["media"]
    assert media["sha256"] == digest(medium, "sha256")
    assert media["sha1"] == digest(medium, "sha1")
    folder = made.path / "cases" / "C1" / "E1" / "A1"
    verified = subprocess.run(
        [program("ewfverify"), "-q", folder / "image.E01"], check=False, capture_output=True
    )
    assert verified.returncode == 0


def test_dc3dd_with_its_log_and_split(tmp_path, medium, program):
    subprocess.run(
        [program("dc3dd"), f"if={medium}", f"ofs={tmp_path}/out.000", "ofsz=1M", "hash=md5",
         "hash=sha256", f"log={tmp_path}/out.log"],
        check=True, capture_output=True,
    )  # fmt: skip
    made = stations.ready(tmp_path / "station")
    done = kit.intake_with(made, tmp_path / "out.000", tmp_path / "out.log", kind="image")
    assert done.exit_code == 0, done.lines()
    compared = [(e.algorithm, e.stated) for e in done.taken.table.compared]
    assert ("sha256", digest(medium, "sha256")) in compared
    assert kit.end_of(made, "C1/E1/A1").fields["media"]["size"] == medium.stat().st_size


def test_the_same_digests_as_dc3dd(tmp_path, medium, program):
    made = stations.ready(tmp_path / "station")
    done = kit.acquire_with(made, medium)
    subprocess.run(
        [program("dc3dd"), f"if={medium}", f"of={tmp_path}/peer", "hash=md5", "hash=sha256",
         f"log={tmp_path}/log"],
        check=True, capture_output=True,
    )  # fmt: skip
    log = (tmp_path / "log").read_text()
    assert all(value in log for value in done.made.outcome.digests.values())
    assert (tmp_path / "peer").read_bytes() == (made.path / "cases/C1/E1/A1/image.raw").read_bytes()


def test_an_image_that_its_own_maker_cut_short_is_found(tmp_path, medium, program):
    """This ewfacquire digests the last odd bytes and leaves them out of the image."""
    with open(medium, "ab") as handle:
        handle.write(b"odd end")
    subprocess.run(
        [program("ewfacquire"), "-u", "-q", "-t", tmp_path / "out", medium],
        check=True, capture_output=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    made = stations.ready(tmp_path / "station")
    done = kit.intake_with(made, tmp_path / "out.E01", kind="image")
    whole = done.taken.values["media"]["size"] == medium.stat().st_size
    assert done.exit_code == (0 if whole else 4)
    assert kit.acquire_with(made, medium).made.outcome.digests["md5"] == digest(medium, "md5")
