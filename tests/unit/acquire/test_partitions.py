"""Partition tables: plain ones, chains that loop, GPT of both sectors, and hostile ones."""

from __future__ import annotations

import errno
import os
import random
import struct

import pytest

from evkit.acquire import partitions
from evkit.acquire.partitions import Part
from evkit.acquire.source import Facts, Opened
from evkit.core.errors import EvkitError, InputError, UsageError

MIB = 1 << 20


def entry(kind, start, count, flag=0):
    return struct.pack("<B3xB3xII", flag, kind, start, count)


def table(*entries):
    return (bytes(446) + b"".join(entries)).ljust(510, b"\0") + b"\x55\xaa"


def gpt(sector, parts, *, width=128, count=128, magic=b"EFI PART"):
    """Sectors 1 to 33 of a GPT."""
    head = struct.pack("<8s64xQII", magic, 2, count, width).ljust(sector, b"\0")
    rows = b"".join(
        struct.pack("<16s16sQQ", b"k" * 16, b"u" * 16, a, b).ljust(width, b"\0") for a, b in parts
    )
    return head + rows


@pytest.fixture
def medium(tmp_path):
    opened = []

    def make(pieces, size=64 * MIB, sector=512):
        path = tmp_path / f"m{len(opened)}"
        with open(path, "wb") as handle:
            handle.truncate(size)
            for offset, data in pieces.items():
                handle.seek(offset)
                handle.write(data)
        descriptor = os.open(path, os.O_RDONLY)
        opened.append(descriptor)
        facts = Facts(path=os.fsencode(path), kind="file", size=size, sector_size=sector)
        return Opened(descriptor=descriptor, facts=facts, direct=False)

    yield make
    for descriptor in opened:
        os.close(descriptor)


def test_primary_and_logical(medium):
    found = partitions.find(
        medium(
            {
                0: table(entry(7, 2048, 8, 0x80), entry(5, 4096, 60000), entry(0x83, 99, 1)),
                4096 * 512: table(entry(0x83, 63, 100), entry(5, 1000, 200)),
                5096 * 512: table(entry(0x82, 63, 10)),
            }
        )
    )
    assert found == [
        Part(1, 2048 * 512, 8 * 512), Part(2, 4096 * 512, 60000 * 512), Part(3, 99 * 512, 512),
        Part(5, 4159 * 512, 100 * 512), Part(6, 5159 * 512, 10 * 512),
    ]  # fmt: skip


@pytest.mark.parametrize("onward", [0, 1000])
def test_a_chain_that_loops_ends(medium, onward):
    found = partitions.find(
        medium(
            {
                0: table(entry(0xF, 4096, 60000)),
                4096 * 512: table(entry(0x83, 63, 100), entry(5, onward, 200)),
                5096 * 512: table(entry(0x83, 63, 100), entry(5, 0, 200)),
            }
        )
    )
    assert [part.number for part in found] == [1, 5, 6][: 2 + bool(onward)]


def test_a_chain_without_end_is_cut(medium):
    """Each link is another place; so many there are not."""
    pieces = {0: table(entry(5, 1, 60000))}
    for number in range(400):
        pieces[(1 + number) * 512] = table(entry(0x83, 1, 1), entry(5, number + 1, 2))
    found = partitions.find(medium(pieces))
    assert len(found) < 256


@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.parametrize("stated", [512, 4096])
def test_gpt(medium, sector, stated):
    """The table says what its sectors are, whatever the source says of itself."""
    pieces = {0: table(entry(0xEE, 1, 2**32 - 1)), sector: gpt(sector, [(40, 47), (100, 199)])}
    found = partitions.find(medium(pieces, sector=stated))
    assert found == [Part(1, 40 * sector, 8 * sector), Part(2, 100 * sector, 100 * sector)]


def test_gpt_from_its_second_header(medium):
    second = struct.pack("<8s64xQII", b"EFI PART", 2, 128, 128)
    pieces = {
        0: table(entry(0xEE, 1, 2**32 - 1)),
        512: b"EFI  ART" + gpt(512, [(40, 47)])[8:],
        64 * MIB - 512: second,
    }
    assert partitions.find(medium(pieces)) == [Part(1, 40 * 512, 8 * 512)]


def test_a_gpt_that_cannot_be_read_is_no_mbr(medium):
    """The one entry of its protective table is the whole disk, which nobody asked for."""
    with pytest.raises(InputError, match="GPT"):
        partitions.choose(medium({0: table(entry(0xEE, 1, 1000))}), "1")


@pytest.mark.parametrize(
    ("width", "count", "rows"),
    [
        (16, 128, []), (1 << 20, 128, []), (128, 2**32 - 1, [(40, 47)]), (128, 0, []),
        (128, 128, [(2**64 - 1, 2**64 - 1), (9, 3), (2**63, 2**64 - 1)]),
    ],
)  # fmt: skip
def test_hostile_gpt(medium, width, count, rows):
    pieces = {0: table(entry(0xEE, 1, 9)), 512: gpt(512, rows, width=128, count=count)}
    data = bytearray(pieces[512])
    struct.pack_into("<I", data, 84, width)
    pieces[512] = bytes(data)
    opened = medium(pieces)
    try:
        found = partitions.find(opened)
    except InputError:
        return
    assert all(part.offset + part.length <= 64 * MIB for part in found)


def test_random_bytes_never_raise_anything_else(medium):
    chance = random.Random(4)
    for _ in range(150):
        head = bytearray(chance.randbytes(512))
        head[510:512] = b"\x55\xaa"
        for at in range(446, 510, 16):
            head[at] = chance.choice((0, 0x80))
            head[at + 4] = chance.choice((0, 5, 7, 0xEE, 0x83))
        pieces = {0: bytes(head), 512: gpt(512, [(5, 9)])[: chance.randrange(200)]}
        try:
            found = partitions.find(medium(pieces, chance.choice((512, 4096, MIB))))
        except EvkitError:
            continue
        assert all(part.length > 0 for part in found)


@pytest.mark.parametrize("size", [0, 1, 511, 512])
def test_a_medium_that_is_too_small(medium, size):
    assert partitions.find(medium({}, size)) == []


def test_a_boot_sector_is_no_table(medium):
    sector = bytearray(os.urandom(510) + b"\x55\xaa")
    sector[446] = 0x31
    assert partitions.find(medium({0: bytes(sector)})) == []


def test_choosing_names_what_is_there(medium):
    opened = medium({0: table(entry(7, 2048, 2048))})
    assert partitions.choose(opened, "1").length == MIB
    with pytest.raises(UsageError, match="no partition `2`") as caught:
        partitions.choose(opened, "2")
    assert "1 (1,048,576 bytes" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0+10", (0, 10)), ("2048s+8s", (MIB, 4096)), ("8s-9s", (4096, 512)),
        ("100+", (100, 900)), ("1000+5", (1000, 5)), ("9-3", (9, -6)),
    ],
)  # fmt: skip
def test_ranges(text, expected):
    assert partitions.read_range(text, 512, 1000) == expected


@pytest.mark.parametrize(
    "text",
    ["", "+", "5", "a+b", "1+2+3", "-1+5", "1.5+2", "\N{SUPERSCRIPT TWO}+1", "9" * 5000 + "+1"],
)
def test_what_is_no_range(text):
    with pytest.raises(UsageError, match="is not a range"):
        partitions.read_range(text, 512, 1000)


def test_a_table_that_cannot_be_read_is_no_medium_without_one(medium, monkeypatch):
    """A read ends before a sector that fails, as it ends before the end of the medium."""
    real = os.preadv

    def failing(descriptor, buffers, offset):
        if offset >= 512:
            raise OSError(errno.EIO, "Input/output error")
        with buffers[0][: 512 - offset] as view:
            return real(descriptor, [view], offset)

    made = medium({0: table(entry(0xEE, 1, 1000)), 512: gpt(512, [(40, 99)])})
    monkeypatch.setattr("evkit.acquire.partitions.os.preadv", failing)
    assert partitions.OfSource(made).read(0, 512)[510:] == b"\x55\xaa"
    with pytest.raises(InputError, match="cannot be read"):
        partitions.find(made)
