"""Whatever an MFT record holds, reading it gives an answer and never an error."""

from __future__ import annotations

import struct

import mftkit
from hypothesis import given, settings
from hypothesis import strategies as st

from evkit.inventory import validlength

NAME = bytes(64) + b"\x02\x03" + "ab".encode("utf-16-le")


def _resident(kind, content):
    length = (0x18 + len(content) + 7) & ~7
    head = struct.pack("<IIBBHHHIHH", kind, length, 0, 0, 0, 0, 1, len(content), 0x18, 0)
    return (head + content).ljust(length, b"\0")


def _record(*attributes):
    data = bytearray(1024)
    data[:8] = b"FILE" + struct.pack("<HH", 0x30, 3)
    struct.pack_into("<H", data, 0x14, 0x38)
    body = b"".join(attributes) + b"\xff\xff\xff\xff"
    data[0x38 : 0x38 + len(body)] = body
    return bytes(data)


def _names(data):
    return validlength._file_names(data, validlength._attributes(data))


def test_names_of_a_record():
    names = [_resident(0x30, NAME), _resident(0x80, b"x"), _resident(0x30, NAME + b"c\0")]
    assert _names(_record(*names)) == [NAME, NAME + b"c\0"]
    assert _names(_record(*names, _resident(0x20, b""))) is None
    assert _names(_record()) == []
    assert _names(b"") is None


@given(st.data())
@settings(max_examples=500)
def test_damaged_records(data):
    record = bytearray(_record(_resident(0x30, NAME), _resident(0x80, b"x" * 30)))
    for _ in range(data.draw(st.integers(1, 8))):
        record[data.draw(st.integers(0, 0xC0))] = data.draw(st.integers(0, 255))
    cut = bytes(record[: data.draw(st.sampled_from((1024, 1024, 512, 0x60, 0x41)))])
    for found in (cut, validlength._fixed(cut) or b""):
        names = _names(found) if len(found) >= 0x40 else []
        assert names is None or all(len(name) <= len(found) for name in names)
    mftkit.valid_length(cut, 0x80, 1)
