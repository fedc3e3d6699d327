"""The list of files: one spelling per row, read strictly."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evkit.core.errors import InputError
from evkit.manifest import filelist
from evkit.manifest.filelist import Row, decode_row, encode_row, read_list

FILE = Row(
    n=1, path=b"d/a\xff\n\xe2\x80\xae", type="file", state="ok", name="files/000001", size=3,
    sha256="ab" * 32, md5="cd" * 16, mode=0o644, uid=0, gid=0, mtime_ns=1_795_326_607_147_288_269,
    ctime_ns=-1, atime_ns=0,
)  # fmt: skip
LINK = Row(n=2, path=b"l", type="symlink", state="ok", target=b"/x\xfe")
DEVICE = Row(n=3, path=b"s", type="special", state="ok", reason="fifo")
LOST = Row(n=4, path=b"u", type="file", state="unreadable", reason="Input/output error")
LARGE = dataclasses.replace(
    FILE, n=5, path=b"b", name=None, size=2 << 20, state="changed", reason="x",
    pieces={"algorithm": "rfc6962-sha256-16384", "size": 2 << 20, "root": "ef" * 32},
)  # fmt: skip
ROWS = [FILE, LINK, DEVICE, LOST, LARGE]


def test_round_trip():
    data = b"".join(encode_row(row) for row in ROWS)
    assert data.count(b"\n") == len(ROWS)
    assert read_list(data) == ROWS
    assert b'"mtime_ns":"1795326607147288269"' in data
    assert read_list(b"") == []


@given(st.binary(min_size=1, max_size=40), st.binary(min_size=1, max_size=40))
def test_any_name_survives(path, target):
    row = dataclasses.replace(LINK, n=1, path=path, target=target)
    assert read_list(encode_row(row)) == [row]


def test_every_cut_of_a_list_is_an_error_or_a_shorter_list():
    data = b"".join(encode_row(row) for row in ROWS)
    ends = {0, *(i + 1 for i, byte in enumerate(data) if byte == 10)}
    for length in range(len(data)):
        if length in ends:
            read_list(data[:length])
            continue
        with pytest.raises(InputError):
            read_list(data[:length])


def test_flips_never_give_the_same_rows():
    data = encode_row(FILE)
    for at in range(len(data)):
        flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        try:
            assert read_list(flipped) != [FILE]
        except InputError:
            continue


@pytest.mark.parametrize(
    "change",
    [
        {"n": 0}, {"name": "files/../../etc/passwd"}, {"name": "image.raw"}, {"size": None},
        {"sha256": None}, {"sha256": "AB" * 32}, {"md5": "zz" * 16}, {"type": "socket"},
        {"state": "fine"}, {"state": "unreadable"}, {"type": "dir"}, {"target": b"x"},
        {"pieces": {"algorithm": "rfc6962-sha256-16384", "size": 4, "root": "ef" * 32}},
        {"pieces": {"root": "ef" * 32}}, {"mode": -1}, {"mtime_ns": 2**63}, {"reason": 5},
    ],
)  # fmt: skip
def test_what_does_not_belong_together_is_refused(change):
    with pytest.raises(InputError):
        read_list(encode_row(dataclasses.replace(FILE, **change)))


def test_numbers_and_names_of_a_list():
    with pytest.raises(InputError, match="row 1"):
        read_list(encode_row(LINK))
    twice = dataclasses.replace(FILE, n=2)
    with pytest.raises(InputError, match="again"):
        read_list(encode_row(FILE) + encode_row(twice))


@pytest.mark.parametrize(
    "line",
    [b"\n", b"{}\n", b"[]\n", b'{"n":1}\n', b"x" * filelist.MAX_ROW + b"\n",
     encode_row(FILE).replace(b'"n":1', b'"n": 1'), encode_row(FILE).replace(b"\n", b"\r\n"),
     encode_row(FILE).replace(b'"uid":0', b'"uid":0,"x":1')],
)  # fmt: skip
def test_malformed_lines(line):
    with pytest.raises(InputError):
        decode_row(line)
