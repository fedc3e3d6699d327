"""`evkit.verify.mftrecord`: what a record says, and nothing from a record that is odd."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evkit.verify.mftrecord import find_attribute, record_size

CONTENT = b"secret words" * 40


def boot(clusters=-10, name=b"NTFS    ") -> bytes:
    data = bytearray(512)
    data[3:11] = name
    struct.pack_into("<HB", data, 0x0B, 512, 8)
    struct.pack_into("<b", data, 0x40, clusters)
    return bytes(data)


def resident(content=CONTENT, kind=128, number=3, offset=24) -> bytes:
    length = -(-(offset + len(content)) // 8) * 8
    head = struct.pack("<IIBBHHHIH", kind, length, 0, 0, 24, 0, number, len(content), offset)
    return (head.ljust(offset, b"\0") + content).ljust(length, b"\0")


def outside(size=5000, valid=4096, first=0, kind=128, number=3) -> bytes:
    head = struct.pack("<IIBBHHH", kind, 72, 1, 0, 64, 0, number)
    head += struct.pack("<QQHHIQQQ", first, 1, 64, 0, 0, 8192, size, valid)
    return head.ljust(72, b"\0")


def record(*attributes, seq=7, base=0, size=1024) -> bytes:
    data = bytearray(size)
    count = size // 512 + 1
    struct.pack_into("<4sHH", data, 0, b"FILE", 48, count)
    struct.pack_into("<HHH", data, 16, seq, 1, 56)
    struct.pack_into("<Q", data, 32, base)
    at = 56
    for part in (*attributes, struct.pack("<II", 0xFFFFFFFF, 0)):
        data[at : at + len(part)] = part
        at += len(part)
    mark = b"\x05\x00"
    data[48:50] = mark
    for number in range(1, count):
        end = number * 512 - 2
        data[48 + 2 * number : 50 + 2 * number] = data[end : end + 2]
        data[end : end + 2] = mark
    return bytes(data)


def test_resident_content_over_the_end_of_a_sector():
    data = record(resident(b"x", kind=48, number=1), resident())
    found = find_attribute(data, 7, 128, 3)
    assert found is not None
    assert (found.content, found.resident, found.size) == (CONTENT, True, len(CONTENT))
    assert data[found.offset : found.offset + 10] == CONTENT[:10]


def test_the_valid_length_of_content_elsewhere():
    found = find_attribute(record(outside()), 7, 128, 3)
    assert found is not None
    assert (found.resident, found.size, found.valid) == (False, 5000, 4096)


@pytest.mark.parametrize(
    ("data", "asked"),
    [
        (record(resident()), (8, 128, 3)),  # another use of the record
        (record(resident()), (7, 128, 4)),
        (record(resident()), (7, 144, 3)),
        (record(resident(), resident()), (7, 128, 3)),  # twice
        (record(resident(), base=5), (7, 128, 3)),  # continues another record
        (record(outside(valid=6000)), (7, 128, 3)),
        (record(outside(first=4)), (7, 128, 3)),  # a later part
        (record(resident(offset=24)[:16] + b"\xff" * 8 + b"x" * 8), (7, 128, 3)),
        (record(resident(offset=8)), (7, 128, 3)),
        (record(resident())[:512], (7, 128, 3)),
        (record(resident())[:1000], (7, 128, 3)),
        (b"BAAD" + record(resident())[4:], (7, 128, 3)),
        (record(resident())[:1022] + b"\x06\x00", (7, 128, 3)),  # torn write
        (b"", (7, 128, 3)),
    ],
)
def test_nothing_from_a_record_that_does_not_fit(data, asked):
    assert find_attribute(data, *asked) is None


@given(st.data())
def test_hostile_records_never_raise(data):
    made = bytearray(record(resident(), outside(number=9)))
    for _ in range(data.draw(st.integers(1, 8))):
        made[data.draw(st.integers(0, len(made) - 1))] = data.draw(st.integers(0, 255))
    for number in (3, 9):
        found = find_attribute(bytes(made), 7, 128, number)
        assert found is None or len(found.content) <= len(made)
    find_attribute(data.draw(st.binary(max_size=1100)), 7, 128, 3)


@pytest.mark.parametrize(("clusters", "size"), [(-10, 1024), (-12, 4096), (1, 4096), (-9, 512)])
def test_the_size_of_records(clusters, size):
    assert record_size(boot(clusters)) == size


@pytest.mark.parametrize(
    "data", [boot(-128), boot(0), boot(100), boot(name=b"MSDOS5.0"), b"", b"x"]
)
def test_no_size(data):
    assert record_size(data) is None
