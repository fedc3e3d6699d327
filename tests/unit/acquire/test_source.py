"""What may be a source, and what is said about it."""

from __future__ import annotations

import dataclasses
import os

import pytest

from evkit.acquire import source
from evkit.core.errors import InputError


def test_a_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 700)
    opened = source.open_source(os.fsencode(path))
    assert (opened.facts.kind, opened.facts.size) == ("file", 700)
    found = source.fields(opened.facts)
    assert found["size"] == 700
    assert "read_only" not in found
    opened.close()


def test_reading_leaves_the_access_time_alone(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 700)
    os.utime(path, ns=(1, 1))
    opened = source.open_source(os.fsencode(path))
    os.pread(opened.descriptor, 700, 0)
    opened.close()
    assert path.stat().st_atime_ns == 1


@pytest.mark.parametrize("kind", ["absent", "folder", "fifo", "device"])
def test_refused(tmp_path, kind):
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path = "/dev/null"
    with pytest.raises(InputError):
        source.open_source(os.fsencode(path))


def test_standard_input_is_not_closed():
    opened = source.open_source(b"-")
    assert opened.facts.kind == "stream"
    opened.close()
    os.fstat(0)


def test_changes_are_named(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x")
    opened = source.open_source(os.fsencode(path))
    path.write_bytes(b"xy")
    os.utime(path, ns=(5, 5))
    after = source.describe(opened.facts.path, opened.descriptor)
    assert len(source.changes(opened.facts, after)) == 2
    assert source.changes(after, after) == []
    opened.close()


def test_hostile_names_are_data(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff\x1b[31m"
    with open(path, "wb"):
        pass
    opened = source.open_source(path)
    found = source.fields(opened.facts)
    assert found["path_b64"]
    assert "\x1b" not in found["path"]
    opened.close()


DISK = source.Facts(
    path=b"/dev/sdb",
    kind="block",
    size=1 << 30,
    device="8:16",
    identity={"make": "ACME", "model": "Disk 9", "serial": "S1", "name": "sdb"},
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"path": b"/dev/sdc", "device": "8:32", "read_only": True, "claimed": True}, None),
        ({"identity": {**DISK.identity, "name": "sdc"}}, None),
        ({"identity": {**DISK.identity, "serial": "S2"}}, "its serial was `S1` and is `S2`"),
        ({"identity": {"make": "ACME", "model": "Disk 9"}}, "its serial was `S1` and is not known"),
        ({"size": (1 << 30) - 512}, "its size was"),
        ({"sector_size": 4096}, "512 bytes and have 4096"),
        ({"kind": "file"}, "it was a block and is a file"),
        ({"inode": (1, 2)}, None),
    ],
)
def test_another_device_in_its_place_is_seen(change, words):
    found = source.same_device(DISK, dataclasses.replace(DISK, **change))
    assert (found == []) is (words is None)
    assert words is None or words in found[0]


def test_another_file_of_the_same_length_is_seen():
    file = source.Facts(path=b"a", kind="file", size=5, inode=(1, 2))
    assert source.same_device(file, dataclasses.replace(file, inode=(1, 3))) == [
        "it is another file"
    ]


def test_what_is_exchanged_for_something_else_is_not_described_as_a_file(tmp_path):
    reader, writer = os.pipe()
    try:
        with pytest.raises(InputError, match="neither a regular file nor a block device"):
            source.describe(b"x", reader)
    finally:
        os.close(reader)
        os.close(writer)
