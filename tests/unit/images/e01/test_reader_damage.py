"""Damage and lies in E01 images: noted where the evidence is still there, else refused."""

from __future__ import annotations

import contextlib
import os
import struct
import zlib

import e01variants as v
import pytest

from evkit.core.errors import InputError
from evkit.images.e01 import layout
from evkit.images.e01.reader import E01Image
from evkit.images.opening import open_image

NOISE = bytes((i * i * 31 + i // 7) & 255 for i in range(40000))
MEDIUM = (NOISE + bytes(70000) + b"text " * 9000 + NOISE)[: 185 * 1024]


def opened(tmp_path, files, **options):
    return E01Image(v.write(tmp_path, files), **options)


def codes(image):
    return {finding.code for finding in image.findings}


def changed(kind, change, number=0, **recipe):
    """One image with the body of a section changed by a function."""
    (data,) = v.build(MEDIUM, **recipe)
    at, after = v.find(data, kind, number)
    return data[: at + 76] + change(data[at + 76 : after]) + data[after:]


ZEROED = {
    "volume": {"volume-damaged"},
    "data": {"data-damaged"},
    "header2": {"header2-damaged"},
    "header": {"header-damaged"},
    "error2": {"error2-damaged"},
    "digest": {"digest-damaged"},
    "hash": {"hash-damaged"},
    "table": {"table-damaged"},
    "table2": {"table-damaged"},
}


@pytest.mark.parametrize("kind", ZEROED)
@pytest.mark.parametrize("fill", [b"\x00", b"\xff", b"\x5a"])
def test_a_destroyed_section_does_not_hide_the_medium(tmp_path, kind, fill):
    data = changed(kind, lambda body: fill * len(body), errors=[(1, 1)])
    with opened(tmp_path, [data]) as image:
        assert image.read(0, image.size) == MEDIUM
        assert ZEROED[kind] <= codes(image)
        assert all(finding.segment == 1 and finding.offset for finding in image.findings)


@pytest.mark.parametrize("style", [v.GUYMAGER, v.FTK, v.ENCASE1, v.SMART])
def test_a_medium_that_no_section_describes(tmp_path, style):
    (data,) = v.build(MEDIUM, style, data=False)
    at, after = v.find(data, (style.volume or b"").decode())
    for fill in (b"\0", b"\xff"):
        destroyed = data[: at + 76] + fill * (after - at - 76) + data[after:]
        with opened(tmp_path, [destroyed]) as image:
            assert image.read(0, image.size) == MEDIUM
            assert "volume-lost" in codes(image)
    with opened(tmp_path, v.build(MEDIUM, style, data=False, volume=None)) as image:
        assert image.read(0, image.size) == MEDIUM


def test_a_damaged_chunk_has_a_place(tmp_path):
    (data,) = v.build(MEDIUM, compress=False, group=3)
    at, _ = v.find(data, "sectors", 1)
    with opened(tmp_path, [v.flip(data, at + 76 + 32772 + 5)]) as image:
        place = "chunk 4, sectors 256\N{EN DASH}319, segment `a.E01`: its checksum is wrong"
        with pytest.raises(InputError, match=place):
            image.read(0, image.size)
        assert image.read(0, 4 * 32768) == MEDIUM[: 4 * 32768]
        with pytest.raises(InputError, match="chunk 4"):
            image.read(5 * 32768 - 1, 1)
        out = bytearray(image.size)
        assert [chunk for chunk, _, _ in image.decode(0, image.chunks, memoryview(out))] == [4]
        assert out == MEDIUM[: 4 * 32768] + bytes(32768) + MEDIUM[5 * 32768 :]


def test_a_chunk_that_unpacks_to_too_much_or_too_little(tmp_path):
    for size in (1 << 26, 100):
        bomb = zlib.compress(bytes(size), 9)
        segment = v.Segment()
        segment.add(b"volume", v.volume_body(65536, v.GUYMAGER))
        stored = bomb + zlib.compress(bytes(32768))
        offset = segment.add(b"sectors", stored)
        entries = [76 | 1 << 31, 76 + len(bomb) | 1 << 31]
        segment.add(b"table", v.table_body(b"table", entries, offset, v.GUYMAGER))
        segment.end(b"done")
        with opened(tmp_path, [bytes(segment.data)]) as image:
            with pytest.raises(InputError, match=r"chunk 0.*where 32768 belong"):
                image.read(0, 10)
            assert image.read(32768, 32768) == bytes(32768)


def test_either_table_is_enough(tmp_path):
    for kind in ("table", "table2"):
        for change in (
            lambda body: bytes(24) + body[24:],
            lambda body: body[:24] + b"\xff" * (len(body) - 24),
            lambda body: v.flip(body, 30),
            lambda body: v.flip(body, 0),
            lambda body: v.flip(body, 9),
        ):
            with opened(tmp_path, [changed(kind, change, group=3)]) as image:
                assert image.read(0, image.size) == MEDIUM
                assert "table-damaged" in codes(image)
                recovered = kind == "table" and change(bytes(40))[24:] != bytes(16)
                assert ("table-recovered" in codes(image)) <= (kind == "table" or not recovered)


def test_both_tables_damaged_in_one_entry(tmp_path):
    (data,) = v.build(MEDIUM)
    for kind in ("table", "table2"):
        at, _ = v.find(data, kind)
        data = v.flip(data, at + 76 + 24 + 4 * 2, 0x10)
    with opened(tmp_path, [data]) as image:
        out = bytearray(image.size)
        damaged = {chunk for chunk, _, _ in image.decode(0, image.chunks, memoryview(out))}
        assert damaged
        assert damaged <= {1, 2}
        assert codes(image) == {"table-damaged"}


def test_tables_that_differ_are_two_images_in_one(tmp_path):
    def swap(entries, kind):
        return entries[::-1] if kind == b"table2" else entries

    medium = NOISE[:32768] + NOISE[:32768][::-1]
    with opened(tmp_path, v.build(medium, compress=False, entries=swap)) as image:
        assert image.read(0, image.size) == medium
        assert codes(image) == {"tables-differ"}


@pytest.mark.parametrize("lie", [0, 1, 5, 7, 1_000_000, 2**32 - 1])
@pytest.mark.parametrize("kinds", [(b"table",), (b"table2",), (b"table", b"table2")])
def test_tables_that_lie_about_their_length(tmp_path, lie, kinds):
    def count(real, kind):
        return lie if kind in kinds else real

    with opened(tmp_path, v.build(MEDIUM, count=count)) as image:
        out = bytearray(image.size)
        damaged = image.decode(0, image.chunks, memoryview(out))
        assert codes(image)
        whole = lie > 6 or kinds == (b"table2",)
        assert (not damaged and out == MEDIUM) if whole else True
        start = min((chunk for chunk, _, _ in damaged), default=6) * 32768
        assert out[:start] == MEDIUM[:start]


@pytest.mark.parametrize("base", [1, 2**31, 2**40, 2**64 - 1])
def test_tables_that_point_elsewhere(tmp_path, base):
    with opened(tmp_path, v.build(MEDIUM, base=lambda real, kind: base)) as image:
        out = bytearray(image.size)
        assert len(image.decode(0, image.chunks, memoryview(out))) == image.chunks
        assert "chunk-outside" in codes(image)
        with pytest.raises(InputError, match="chunk 0, sectors 0"):
            image.read(0, 1)


def test_chunks_that_are_missing_or_too_many(tmp_path):
    with opened(tmp_path, v.build(MEDIUM, sectors=len(MEDIUM) // 512 + 64, chunks=7)) as image:
        assert image.size == len(MEDIUM) + 32768
        assert codes(image) == {"chunks-missing"}
        with pytest.raises(InputError, match=r"chunk 6.*no table"):
            image.read(image.size - 1, 1)
    with opened(tmp_path, v.build(MEDIUM, sectors=64, chunks=1)) as image:
        assert image.read(0, 10**7) == MEDIUM[:32768]
        assert codes(image) == {"chunks-extra"}
    with opened(tmp_path, v.build(MEDIUM, chunks=99)) as image:
        assert image.read(0, image.size) == MEDIUM
        assert codes(image) == {"chunk-count"}


def test_volume_sections_that_contradict_each_other(tmp_path):
    (data,) = v.build(MEDIUM)
    at, after = v.find(data, "data")
    other = v.volume_body(len(MEDIUM) - 512, v.GUYMAGER)
    with opened(tmp_path, [data[: at + 76] + other + data[after:]]) as image:
        assert image.read(0, image.size) == MEDIUM
        assert codes(image) == {"volumes-differ"}


def test_digests_that_contradict_each_other(tmp_path):
    (data,) = v.build(MEDIUM, md5=b"\1" * 16)
    at, after = v.find(data, "hash")
    data = data[: at + 76] + v.hash_body(b"\2" * 16) + data[after:]
    with opened(tmp_path, [data]) as image:
        assert codes(image) == {"digests-differ"}
        assert ("hash", "md5", "02" * 16) in image.stored
        assert ("digest", "md5", "01" * 16) in image.stored


def test_headers_that_differ_and_header2_before_header(tmp_path):
    (data,) = v.build(MEDIUM)
    at, _ = v.find(data, "header2", 1)
    body = v.header_body(b"header2", v.CASE | {"e": "somebody else"})
    segment = v.Segment()
    for kind, start, end in v.sections(data):
        if kind in {"sectors", "table", "table2", "done"}:
            continue
        segment.add(kind.encode(), body if start == at else data[start + 76 : end])
    v._group(segment, [v.store(MEDIUM[:512], v.GUYMAGER, last=True)], v.GUYMAGER)
    segment.end(b"done")
    with opened(tmp_path, [bytes(segment.data)]) as image:
        assert "headers-differ" in codes(image)
        assert image.metadata["examiner_name"] == "Ünal"


def test_a_header_that_unpacks_without_end(tmp_path):
    bomb = zlib.compress(bytes(1 << 27), 9)
    with opened(tmp_path, v.build(MEDIUM, headers=(), extra=[(b"header2", bomb)])) as image:
        assert codes(image) == {"header2-damaged"}
        assert image.read(0, image.size) == MEDIUM


def test_text_of_a_header_is_taken_as_it_is(tmp_path):
    case = v.CASE | {"e": "\x1b[31mx\u202e", "zz": "unknown", "t": "y" * 9000, "p": "abc"}
    segment = v.Segment()
    segment.add(b"header2", v.header_body(b"header2", case))
    segment.add(b"volume", v.volume_body(512, v.GUYMAGER))
    v._group(segment, [v.store(bytes(512), v.GUYMAGER, last=True)], v.GUYMAGER)
    segment.end(b"done")
    with opened(tmp_path, [bytes(segment.data)]) as image:
        assert image.metadata["examiner_name"] == "\x1b[31mx\u202e"
        assert len(image.metadata["notes"]) == 4096
        assert "zz" not in image.metadata
        assert codes(image) == {"password"}


# --- sections ------------------------------------------------------------------------------------


def test_two_images_in_one_file(tmp_path):
    """By offsets one medium, by sizes another; each chain is sound for a reader of only one."""
    one, two = MEDIUM, MEDIUM[::-1]
    (first,), (second,) = v.build(one), v.build(two)
    at, after = v.find(first, "header2")
    # the first section ends, by its size, where the second image begins
    shift = len(first) - 13
    moved = v.Segment()
    moved.data = bytearray(first)
    for kind, start, end in v.sections(second):
        body = second[start + 76 : end]
        if kind in {"table", "table2"}:
            base = struct.unpack_from("<Q", body, 8)[0] + shift
            body = v.checked(body[:8] + struct.pack("<Q", base) + body[16:20]) + body[24:]
        if kind == "done":
            moved.end(b"done")
        else:
            moved.add(kind.encode(), body)
    data = v.reseal(bytes(moved.data), at, b"header2", after, len(first) - 13)
    with opened(tmp_path, [data]) as image:
        assert image.read(0, image.size) == one
        assert codes(image) == {"section-contradiction", "trailing-data"}
        text = image.findings[0].text
        assert f"by its offset {after:,}, by its size {len(first):,}" in text


def test_bytes_after_the_last_section(tmp_path):
    (data,) = v.build(MEDIUM)
    with opened(tmp_path, [data + b"hidden"]) as image:
        assert image.read(0, image.size) == MEDIUM
        assert [f.code for f in image.findings] == ["trailing-data"]
        assert image.findings[0].offset == len(data)


def test_unknown_sections_and_one_that_says_incomplete(tmp_path):
    extra = [(b"vendor", b"x" * 50), (b"incomplete", b"y" * 9)]
    with opened(tmp_path, v.build(MEDIUM, extra=extra)) as image:
        assert image.read(0, image.size) == MEDIUM
        assert codes(image) == {"section-unknown", "incomplete"}


def test_sections_without_sizes(tmp_path):
    """Expert Witness 1.35 wrote none."""
    (data,) = v.build(MEDIUM)
    for kind, at, after in v.sections(data)[:-1]:
        data = v.reseal(data, at, kind.encode(), after, 0)
    with opened(tmp_path, [data]) as image:
        assert image.read(0, image.size) == MEDIUM
        assert codes(image) == {"section-sizes"}


@pytest.mark.parametrize("after", [0, 13, 100, 2**63, 2**64 - 1])
@pytest.mark.parametrize("kind", ["header2", "volume", "sectors", "table", "hash", "done"])
def test_chains_that_loop_or_lead_nowhere(tmp_path, kind, after):
    """The chain is taken up again behind the section."""
    (data,) = v.build(MEDIUM, group=3)
    at, real = v.find(data, kind)
    for size in (real - at, 0, 5, 2**63):
        if kind == "done" and size == real - at == 76 and after == 100:
            continue
        lying = v.reseal(data, at, kind.encode(), after, size)
        with opened(tmp_path, [lying]) as image:
            assert image.read(0, image.size) == MEDIUM
            assert {"section-contradiction", "section-damaged"} & codes(image)


def test_a_loop_of_two_sections(tmp_path):
    segment = v.Segment()
    first = segment.add(b"header", b"x" * 20)
    segment.add(b"header2", b"y" * 20, after=first)
    with pytest.raises(InputError):
        opened(tmp_path, [bytes(segment.data)])


def test_a_million_sections_end(tmp_path, monkeypatch):
    monkeypatch.setattr("evkit.images.e01.chain.MAX_SECTIONS", 500)
    segment = v.Segment()
    for _ in range(600):
        segment.add(b"xyz")
    segment.end(b"done")
    with pytest.raises(InputError):
        opened(tmp_path, [bytes(segment.data)])
    with pytest.raises(InputError):
        opened(tmp_path, [bytes(segment.data)], partial=True)


def test_several_sections_lost_in_the_middle(tmp_path):
    """What lies behind the damage keeps its place."""
    (data,) = v.build(MEDIUM, group=1, compress=False, data=False)
    start, _ = v.find(data, "sectors", 2)
    end, _ = v.find(data, "sectors", 4)
    data = data[:start] + b"\xee" * (end - start) + data[end:]
    with opened(tmp_path, [data]) as image:
        out = bytearray(image.size)
        damaged = [chunk for chunk, _, _ in image.decode(0, image.chunks, memoryview(out))]
        assert damaged == [2, 3]
        assert out == MEDIUM[:65536] + bytes(65536) + MEDIUM[131072:]


def test_a_table_without_its_section_of_chunks(tmp_path):
    """The header of `sectors` is destroyed; the table still says where the chunks are."""
    (data,) = v.build(MEDIUM, group=2)
    at, _ = v.find(data, "sectors", 1)
    with opened(tmp_path, [data[:at] + b"\xee" * 76 + data[at + 76 :]]) as image:
        assert image.read(0, image.size) == MEDIUM
        assert "section-damaged" in codes(image)


# --- what is not an E01 ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "not a segment"),
        (b"EVF", "not a segment"),
        (bytes(100), "not a segment"),
        (b"EVF2\x0d\x0a\x81\x00" + bytes(100), "not a segment"),
        (layout.LOGICAL_MAGIC + bytes(100), "logical evidence"),
        (layout.MAGIC + bytes(5), "is segment 0"),
        (layout.MAGIC + b"\x01\x01\x00\x00\x00", "ends"),
    ],
)
def test_files_that_are_no_image(tmp_path, data, word):
    with pytest.raises(InputError, match=word):
        opened(tmp_path, [data])


def test_logical_evidence_under_the_other_mark(tmp_path):
    with pytest.raises(InputError, match="logical evidence") as caught:
        opened(tmp_path, v.build(MEDIUM, extra=[(b"ltree", bytes(100))]))
    assert "--kind files" in caught.value.hint


def test_folders_pipes_and_nothing(tmp_path):
    os.mkfifo(tmp_path / "p.E01")
    for name in ("p.E01", ".", "absent.E01"):
        with pytest.raises(InputError):
            E01Image([os.fsencode(tmp_path / name)])


def test_a_damaged_file_header(tmp_path):
    (data,) = v.build(MEDIUM)
    for at in range(1, 13):
        with opened(tmp_path, [v.flip(data, at)]) as image:
            assert image.read(0, image.size) == MEDIUM
            assert codes(image) & {"file-header", "segment-number"}


def test_every_cut_is_an_error_or_a_place(tmp_path):
    (data,) = v.build(MEDIUM, group=2)
    first = v.find(data, "table")[1]  # from here on one group is whole
    for length in [*range(8, 900, 37), *range(900, len(data), 997), len(data) - 1]:
        with pytest.raises(InputError):
            opened(tmp_path, [data[:length]])
        with contextlib.ExitStack() as stack:
            if length < first:
                stack.enter_context(contextlib.suppress(InputError))
            with opened(tmp_path, [data[:length]], partial=True) as image:
                out = bytearray(image.size)
                damaged = {chunk for chunk, _, _ in image.decode(0, image.chunks, memoryview(out))}
                assert "section-cut" in codes(image)
                for chunk in set(range(image.chunks)) - damaged:
                    part = slice(chunk * 32768, (chunk + 1) * 32768)
                    assert out[part] == MEDIUM[part]


def test_the_same_through_open_image(tmp_path):
    paths = v.write(tmp_path, [v.build(MEDIUM)[0][:5000]])
    with pytest.raises(InputError, match="ends before"):
        open_image(paths[0])
