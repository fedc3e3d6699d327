"""E01 under random layouts and random damage: exact, or refused, or with a place; never else."""

from __future__ import annotations

import os
import struct
import zlib

import e01variants as v
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evkit.core.errors import EvkitError
from evkit.images.e01 import chain, codec, metadata, names, parse
from evkit.images.e01.finding import AMBIGUOUS, Findings
from evkit.images.e01.reader import E01Image

SLOW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
RECIPES = st.builds(
    dict,
    chunk=st.sampled_from([512, 1024, 4096]),
    group=st.integers(1, 5),
    per_segment=st.integers(1, 9),
    compress=st.booleans(),
    relative=st.booleans(),
    table2=st.booleans(),
    data=st.booleans(),
    digest=st.booleans(),
    backwards=st.booleans(),
    end_size=st.sampled_from([0, 76]),
)


def medium(sectors: int, seed: int) -> bytes:
    noise = zlib.compress(str(seed).encode() * 50)
    return b"".join(
        bytes(512) if (seed >> n % 60) & 1 else (noise * 99)[n : n + 512] for n in range(sectors)
    )


@SLOW
@given(st.integers(0, 40), st.integers(0, 2**60), RECIPES, st.data())
def test_any_layout_is_read_exactly(tmp_path, sectors, seed, recipe, data):
    content = medium(sectors, seed)
    with E01Image(v.write(tmp_path, v.build(content, **recipe))) as image:
        assert image.read(0, len(content) + 5) == content
        assert {found.code for found in image.findings} <= {"table-order"}
        start = data.draw(st.integers(0, len(content)))
        size = data.draw(st.integers(0, len(content)))
        assert image.read(start, size) == content[start : start + size]
        covered = [
            n for r in image.runs(0, image.chunks) for n in range(r.first, r.first + len(r.sizes))
        ]
        assert covered == list(range(image.chunks))


@SLOW
@given(st.integers(1, 20), st.integers(0, 2**60), RECIPES, st.data())
def test_any_damage_is_noticed(tmp_path, sectors, seed, recipe, data):
    content = medium(sectors, seed)
    files = v.build(content, **recipe)
    for _ in range(data.draw(st.integers(1, 4))):
        number = data.draw(st.integers(0, len(files) - 1))
        at = data.draw(st.integers(0, len(files[number]) - 1))
        patch = data.draw(st.binary(min_size=1, max_size=30))
        files[number] = files[number][:at] + patch + files[number][at + len(patch) :]
    paths = v.write(tmp_path, files)
    for partial in (False, True):
        try:
            with E01Image(paths, partial=partial) as image:
                out = bytearray(image.size)
                damaged = image.decode(0, image.chunks, memoryview(out))
                assert out == content or damaged or image.findings
        except EvkitError:
            continue


@SLOW
@given(st.integers(1, 20), st.integers(0, 2**60), RECIPES, st.data())
def test_sections_that_lie_with_the_right_checksum(tmp_path, sectors, seed, recipe, data):
    """Another medium is read only where the reader says that there can be two."""
    content = medium(sectors, seed)
    files = v.build(content, **recipe)
    for _ in range(data.draw(st.integers(1, 3))):
        number = data.draw(st.integers(0, len(files) - 1))
        try:
            found = v.sections(files[number])
        except (ValueError, OverflowError, struct.error):
            break
        kind, at, after = data.draw(st.sampled_from(found))
        places = [at, after, 0, 13, 2**64 - 1, *(start for _, start, _ in found)]
        files[number] = v.reseal(
            files[number],
            at,
            data.draw(st.sampled_from([kind.encode(), b"table", b"table2", b"sectors", b"done"])),
            data.draw(st.sampled_from(places)),
            data.draw(st.sampled_from([after - at, 0, 76, 5, 2**64 - 1])),
        )
    try:
        with E01Image(v.write(tmp_path, files), partial=True) as image:
            out = bytearray(image.size)
            damaged = image.decode(0, image.chunks, memoryview(out))
            codes = {finding.code for finding in image.findings}
            assert out == content or damaged or codes & AMBIGUOUS
    except EvkitError:
        return


@given(st.binary(max_size=3000))
def test_any_bytes_as_bodies(body):
    parse.read_volume(body)
    parse.read_errors(body)
    parse.read_sessions(body)
    for kind in ("hash", "digest", "xhash"):
        parse.read_digests(kind, body)
    for kind in ("header", "header2", "xheader"):
        metadata.read_header(kind, body)
        metadata.read_header(kind, zlib.compress(body))
    chain.read_number(body)


@SLOW
@given(st.binary(max_size=2000))
def test_any_bytes_as_a_segment(tmp_path, body):
    path = tmp_path / "x.E01"
    for data in (v.MAGIC + body, v.MAGIC + b"\x01\x01\x00\x00\x00" + body):
        path.write_bytes(data)
        for partial in (False, True):
            with pytest.raises(EvkitError):
                E01Image([os.fsencode(path)], partial=partial)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            walked = chain.Walker(descriptor, len(data), "`x`", 1, Findings()).walk()
        finally:
            os.close(descriptor)
        starts = [section.offset for section in walked.sections]
        assert starts == sorted(starts)


@given(st.text(alphabet="abcemnptu1\t\n\r 5äé", max_size=300))
def test_any_text_of_a_header(text):
    for kind, encoded in (
        ("header2", text.encode("utf-16-le")),
        ("header", text.encode("latin-1")),
    ):
        found = metadata.read_header(kind, zlib.compress(encoded))
        assert found is None or all(value and key for key, value in found.items())


@given(st.integers(1, 99999), st.sampled_from([b"E", b"e", b"S", b"s"]))
def test_names_there_and_back(number, letter):
    assert names.number_of(b"x" + names.extension(number, letter), letter) == number


@given(st.binary(max_size=2000), st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4))
def test_any_stored_bytes_are_decoded_or_named(stored, sizes):
    out = bytearray(b"\xaa" * (512 * len(sizes) - 100))
    damaged = {
        found.chunk for found in codec.decode(memoryview(stored), sizes, memoryview(out), chunk=512)
    }
    for chunk in damaged:
        part = out[chunk * 512 : (chunk + 1) * 512]
        assert part == bytes(len(part))


@given(st.binary(min_size=1, max_size=3000), st.sampled_from(codec.COMPRESSIONS))
def test_stored_chunks_come_back(content, compression):
    coder = codec.Codec(compression, chunk=512)
    buffer = bytearray(coder.bound(len(content)))
    used, packed = coder.encode(memoryview(content), memoryview(buffer))
    out = bytearray(len(content))
    sizes = codec.read_sizes(packed)
    assert not codec.decode(memoryview(buffer)[:used], sizes, memoryview(out), chunk=512)
    assert out == content
