"""What an E01 can be: limits that are known before the first byte, and the volume section."""

from __future__ import annotations

import dataclasses
import struct

import e01kit
import pytest

from evkit.core.errors import UsageError
from evkit.images.e01 import build, layout
from evkit.images.e01.plan import MAX_CHUNKS
from evkit.images.e01.writer import E01Writer

TIB = 1 << 40


def test_the_structures_have_the_sizes_of_the_format():
    sizes = (layout.FILE_HEADER, layout.DESCRIPTOR, layout.VOLUME, layout.TABLE_HEADER,
             layout.ERROR_HEADER, layout.ERROR_ENTRY, layout.DIGEST, layout.HASH)  # fmt: skip
    assert [part.size for part in sizes] == [13, 76, 1052, 24, 520, 8, 80, 36]


def test_the_volume_byte_for_byte():
    plan = e01kit.plan(
        TIB * 5 + 4096, sector_size=4096, media_type="optical", physical=False,
        write_blocker="tableau", error_granularity=8, compression="best",
    )  # fmt: skip
    body = bytearray(1052)
    body[0] = 3
    struct.pack_into("<III", body, 4, 5 * 2**25 + 1, 8, 4096)
    struct.pack_into("<Q", body, 16, 5 * 2**28 + 1)
    body[36] = 0x01 | 0x08
    body[52] = 2
    struct.pack_into("<I", body, 56, 8)
    body[64:80] = e01kit.GUID
    assert e01kit.checked(plan.volume) == bytes(body[:-4])


@pytest.mark.parametrize(
    ("physical", "blocker", "flags"),
    [(True, "none", 3), (False, "none", 1), (True, "fastbloc", 7), (True, "tableau", 11)],
)
def test_media_flags(physical, blocker, flags):
    assert e01kit.plan(512, physical=physical, write_blocker=blocker).volume[36] == flags


@pytest.mark.parametrize(("compression", "level"), [("none", 0), ("fast", 1), ("best", 2)])
def test_compression_levels(compression, level):
    assert e01kit.plan(512, compression=compression).volume[layout.VOLUME_COMPRESSION_AT] == level


@pytest.mark.parametrize(
    ("size", "fields", "match", "hint"),
    [
        (0, {}, "empty medium", "raw"),
        (511, {}, "whole sectors: 511 bytes", "raw"),
        (4096 * 3 + 512, {"sector_size": 4096}, "multiple of 4096", "raw"),
        (520 * 64, {"sector_size": 520}, "sectors of 520", "raw"),
        (1024, {"sector_size": 1}, "sectors of 1 bytes", "raw"),
        ((MAX_CHUNKS + 1) * layout.CHUNK, {}, "at most", "raw"),
        (512, {"media_type": "floppy"}, "media type `floppy`", "removable"),
        (512, {"write_blocker": "magic"}, "write blocker flag `magic`", "tableau"),
        (512, {"compression": "zstd"}, "compression `zstd`", "none, fast, best"),
        (512, {"segment_size": 1000}, "too small", "--split"),
        (512, {"error_granularity": 0}, "granularity `0`", None),
    ],
)
def test_what_cannot_be_is_refused_at_once(size, fields, match, hint):
    with pytest.raises(UsageError, match=match) as error:
        e01kit.plan(size, **fields)
    assert hint is None or hint in error.value.hint


@pytest.mark.parametrize(
    "fields", [{"guid": bytes(15)}, {"group": 0}, {"group": 65535}, {"group_bytes": 32771}]
)
def test_what_the_program_must_not_ask_for(fields):
    with pytest.raises(ValueError, match=r"16 bytes|1 to 65534|room for a chunk"):
        e01kit.plan(512, **fields)


def test_the_largest_medium():
    plan = e01kit.plan(MAX_CHUNKS * layout.CHUNK, segment_size=TIB)
    assert plan.chunks == 2**32 - 1
    assert struct.unpack_from("<I", plan.volume, 4)[0] == 2**32 - 1


def test_more_segments_than_names_are_refused_with_a_size_that_works():
    for size, split in ((TIB, 64 << 20), (24 * TIB, 1 << 30), (64 * TIB, 4 << 30), (TIB, 60000)):
        with pytest.raises(UsageError, match=r"may need .* segments") as error:
            e01kit.plan(size, segment_size=split)
        enough = int(error.value.hint.split()[3])
        assert enough % (1 << 20) == 0
        plan = e01kit.plan(size, segment_size=enough)
        assert plan.most_segments <= layout.LAST_SEGMENT
        with pytest.raises(UsageError):
            e01kit.plan(size, segment_size=enough - (1 << 20))


def test_the_worst_case_is_one_that_can_happen():
    """Incompressible chunks need exactly as many segments, or one fewer without a long end."""
    for count in (1, 2, 9, 30):
        for add in (0, 700, 32780, 70000, 140001):
            smallest = e01kit.plan(count * layout.CHUNK).smallest_segment
            plan = e01kit.plan(count * layout.CHUNK, segment_size=smallest + add, group=3)
            memory = e01kit.Memory()
            writer = E01Writer(plan, memory)
            stored = bytes(count * 32772)
            writer.append(memoryview(stored), [32772] * count)
            written = writer.finish(md5=None, sha1=None).segments
            assert plan.most_segments - 1 <= written <= plan.most_segments


def test_the_buffer_is_bounded():
    assert e01kit.plan(TIB).buffer == 2048 * 32772
    assert e01kit.plan(40000 * 512).buffer == 625 * 32772
    assert e01kit.plan(TIB, group_bytes=1 << 20).buffer == 1 << 20
    assert e01kit.plan(TIB, group=65534).buffer == layout.OFFSET_LIMIT - build.HEAD


def test_details_count_into_the_smallest_segment():
    noise = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(2999))
    long = dataclasses.replace(e01kit.DETAILS, notes=noise)
    plan = e01kit.plan(512, details=long)
    assert plan.smallest_segment > e01kit.plan(512).smallest_segment + 2 * 2999
