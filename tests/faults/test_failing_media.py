"""Images, bundles, inventories and hash sets that lie on a medium which is failing.

What cannot be read there is said, as missing data or as an error; it is never a bug of evkit, and
never the end of the process.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys

import acquirekit as kit
import inventorykit
import pytest
import stations

from evkit.bundle.zipwrite import ZipSink
from evkit.cli import main

SECTOR = 512
DISK = inventorykit.SAMPLES / "laptop-ntfs.raw"
pytestmark = pytest.mark.skipif(not DISK.exists(), reason="the sample images are not here")


def run(*arguments):
    """Run one command line; return its exit code and all that it printed."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = main.run([os.fspath(argument) for argument in arguments])
    return code, out.buffer.getvalue().decode()


@contextlib.contextmanager
def failing(tmp_path, program, content, at):
    """Serve `content` with one bad sector; yields the path."""
    bad = [(at // SECTOR * SECTOR, min(SECTOR, len(content) - at // SECTOR * SECTOR))]
    with kit.bad_sectors(tmp_path, program, content, bad, f"m{at}") as (place, _):
        yield place


def e01(tmp_path):
    target = tmp_path / "a.E01"
    assert run("image", "convert", DISK, "-o", target)[0] == 0
    return target.read_bytes()


def vhd(tmp_path, program):
    target = tmp_path / "a.vhd"
    subprocess.run(
        [program("qemu-img"), "convert", "-O", "vpc", DISK, target], check=True, capture_output=True
    )
    return target.read_bytes()


def test_a_raw_image(tmp_path, program):
    content = DISK.read_bytes()
    with failing(tmp_path, program, content, 0) as place:
        code, out = run("inventory", "run", place, "-o", tmp_path / "i.db")
        assert code == 3, out
    with failing(tmp_path, program, content, len(content) // 2) as place:
        code, out = run("verify", place)
        assert (code, out.startswith("UNDECIDED")) == (5, True), out
        assert "the file cannot be read now: Input/output error" in out
        code, out = run("hash", place)
        assert code == 3, out


def test_an_e01(tmp_path, program):
    content = e01(tmp_path)
    with failing(tmp_path, program, content, len(content) // 2) as place:
        code, out = run("verify", place)
        assert (code, out.startswith("UNDECIDED")) == (5, True), out
        assert "the file cannot be read now: Input/output error" in out
        assert "it cannot be read now: Input/output error" in out  # the chunk; it is not damaged
        code, out = run("exhibit", "compare", place, DISK)
        assert (code, "cannot be read now" in out) == (4, True), out
        code, out = run("image", "convert", place, "-o", tmp_path / "back.dd")
        assert code == 3, out
    with failing(tmp_path, program, content, 0) as place:
        code, out = run("image", "info", place)
        assert "EnCase image" not in out  # its mark cannot be read


def test_what_cannot_be_read_is_not_equal_to_zeros(tmp_path, program):
    """Zeros stand for it, and the other image may have zeros there."""
    empty = tmp_path / "zeros.dd"
    empty.write_bytes(bytes(1 << 20))
    with failing(tmp_path, program, bytes(1 << 20), 300_000) as place:
        code, out = run("exhibit", "compare", place, empty)
        assert (code, out.startswith("not decided, as far as was read equal")) == (5, True), out
        code, out = run("exhibit", "compare", place, empty, "--json")
        assert (code, json.loads(out)["verdict"]) == (5, "undecided")
    assert run("exhibit", "compare", empty, empty)[0] == 0


@contextlib.contextmanager
def instead_of(path, place):
    """Put a failing file in the place of one of a station."""
    if subprocess.run(["mount", "--bind", place, path], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def test_an_acquisition_of_a_station(tmp_path, program, monkeypatch):
    made = stations.ready(tmp_path / "station")
    assert kit.acquire_with(made, DISK).exit_code == 0
    monkeypatch.setenv("EVKIT_STATION", os.fspath(made.path))
    monkeypatch.setenv("EVKIT_OFFICER", stations.OFFICER)
    (tmp_path / "phrase").write_bytes(stations.PHRASE + b"\n")
    monkeypatch.setenv("EVKIT_PASSPHRASE_FILE", os.fspath(tmp_path / "phrase"))
    folder = made.path / "cases/C1/E1/A1"
    bundle = ("bundle", "create", "C1", "--with-exhibits", "-o")
    shutil.copy(folder / "image.raw.pieces", tmp_path / "other.pieces")
    pieces = (folder / "image.raw.pieces").read_bytes()
    with (
        failing(tmp_path, program, pieces, 0) as place,
        instead_of(folder / "image.raw.pieces", place),
    ):
        code, out = run("exhibit", "compare", "C1/E1/A1", tmp_path / "other.pieces")
        assert (code, "cannot be read now" in out) == (5, True), out  # not: another one
        code, out = run(*bundle, tmp_path / "b")
        assert (code, "cannot read `" in out, "cannot write" in out) == (16, True, False), out
        assert not (tmp_path / "b").exists()


def test_an_inventory(tmp_path, program):
    """SQLite takes zeros for the rest of a page of which the start can be read."""
    made = tmp_path / "i.db"
    assert run("inventory", "run", DISK, "-o", made)[0] == 0
    content = made.read_bytes()
    for at in (0, len(content) * 2 // 3, len(content) - 1):
        with failing(tmp_path, program, content, at) as place:
            code, out = run("inventory", "export", place, "--format", "csv", "-o", tmp_path / "x")
            assert code == 14, out
            assert at == 0 or "Input/output error" in out


def test_a_container_whose_tables_cannot_be_read(tmp_path, program):
    pytest.importorskip("pyvhdi")
    with failing(tmp_path, program, vhd(tmp_path, program), 0) as place:
        code, out = run("image", "info", place)
    assert (code, "Input/output error" in out) == (14, True), out


def test_a_bundle_in_a_zip(tmp_path, program):
    """Its directory is at the end; every local header is compared with it when it is opened."""
    sink = ZipSink(os.fsencode(tmp_path / "b.zip"))
    for name in ("manifest.json", "data/large"):
        sink.add(name, [bytes([len(name)]) * 20_000], 20_000, pack=False)
    sink.commit()
    content = (tmp_path / "b.zip").read_bytes()
    for at in (content.index(b"data/large"), len(content) - 1):
        with failing(tmp_path, program, content, at) as place:
            code, out = run("verify", place, "--no-history")
        assert (code, "Input/output error" in out) == (14, True), out
        assert "another copy" in out


def test_a_hash_set_never_ends_the_process(tmp_path, program):
    """It is mapped: a page that cannot be read would be a bus error."""
    listed = tmp_path / "list.txt"
    digests = (hashlib.sha256(b"%d" % n).hexdigest() for n in range(20_000))
    listed.write_text("\n".join(digests) + "\n")
    target = tmp_path / "a.hashset"
    code, out = run("hashset", "import", listed, "--name", "a", "--kind", "known", "-o", target)
    assert code == 0, out
    content = target.read_bytes()
    for at in (0, len(content) // 2, len(content) - 1):
        with failing(tmp_path, program, content, at) as place:
            for verb in ("show", "verify"):
                done = subprocess.run(
                    [sys.executable, "-m", "evkit", "hashset", verb, place],
                    check=False, capture_output=True, text=True,
                )  # fmt: skip
                assert done.returncode in {0, 14}, (at, verb, done)
                assert done.returncode == 0 or "Input/output error" in done.stderr
            assert done.returncode == 14  # all of it was looked at
