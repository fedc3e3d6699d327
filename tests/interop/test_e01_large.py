"""Images beyond 2 TiB, 4 TiB and 2 GiB of one group, really written and read back. Slow."""

from __future__ import annotations

import hashlib
import shutil
import struct
import subprocess

import e01kit
import pyewf
import pytest

from evkit.images.e01.writer import E01Writer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
CHUNK = 32768
TIB = 1 << 40
RUN = 1 << 16


def write_large(folder, size, unread):
    """Zeros but for marks around 2 TiB and 4 TiB and in the last chunk (8 GB of disk)."""
    plan = e01kit.plan(size)
    last = plan.chunks - 1
    marks = {0, 2**26 - 1, 2**26, last} | {n for n in (2**27 - 1, 2**27) if n < last}
    target = e01kit.Folder(folder)
    writer = E01Writer(plan, target)
    zero, zero_size = e01kit.encode(bytes(CHUNK), "best")
    run, run_sizes = memoryview(zero * RUN), zero_size * RUN
    done = 0
    while done < plan.chunks:
        if done in marks:
            stored, sizes = e01kit.encode(mark(done)[: plan.last_chunk if done == last else CHUNK])
            writer.append(memoryview(stored), sizes)
            done += 1
        else:
            count = min(RUN, min(m for m in marks if m > done) - done)
            writer.append(run[: count * len(zero)], run_sizes[:count])
            done += count
    finished = writer.finish(md5=bytes(16), sha1=bytes(20), unread=unread)
    assert finished.segments == len(target.paths) > 1
    assert all(path.stat().st_size <= plan.segment_size for path in target.paths)
    return target.paths, finished, marks


def test_beyond_four_tib(tmp_path):
    """The libewf of Debian (20140813) opens no image of 4 TiB or more, whoever wrote it."""
    size = 4 * TIB + 5 * CHUNK + 512
    unread = [(2 * TIB - 512, 1024), (4 * TIB, 512)]
    try:
        paths, finished, marks = write_large(tmp_path, size, unread)
        assert (finished.errors, finished.unsaid) == (((2**32 - 1, 1),), 2)
        check_large(paths, size, marks)
    finally:
        shutil.rmtree(tmp_path)


def test_the_largest_image_that_old_readers_open(tmp_path, program):
    size = 4 * TIB - CHUNK
    try:
        paths, _, marks = write_large(tmp_path, size, [])
        check_large(paths, size, marks)
        said = subprocess.run([program("ewfinfo"), paths[0]], capture_output=True, check=True)
        assert b"(%d bytes)" % size in said.stdout
        assert b"Number of sectors:\t%d\n" % (size // 512) in said.stdout
        said = subprocess.run(
            [program("img_stat"), "-i", "ewf", *paths], capture_output=True, check=True
        )
        assert b"Size of data in bytes:\t%d\n" % size in said.stdout
        for chunk in sorted(marks - {0}):  # img_cat does not take `-s 0`
            found = subprocess.run(
                [program("img_cat"), "-i", "ewf", "-s", str(chunk * 64), "-e",
                 str(chunk * 64 + 63), *paths],
                capture_output=True, check=True,
            )  # fmt: skip
            assert found.stdout == mark(chunk)[:CHUNK]
    finally:
        shutil.rmtree(tmp_path)


def test_a_group_of_incompressible_chunks_closes_before_2_gib(tmp_path, program):
    """65,527 chunks fit under 31 bits, fewer than the entries of a table (4 GB of disk)."""
    count = 65_527 + 10
    plan = e01kit.plan(count * CHUNK, group=65_534, segment_size=8 << 30)
    target = e01kit.Folder(tmp_path)
    writer = E01Writer(plan, target)
    noise = hashlib.shake_128(b"large").digest(128 * CHUNK)
    stored, sizes = e01kit.encode(noise)
    digest = hashlib.md5()
    done = 0
    while done < count:
        part = min(128, count - done)
        writer.append(memoryview(stored)[: part * (CHUNK + 4)], sizes[:part])
        digest.update(noise[: part * CHUNK])
        done += part
    writer.finish(md5=digest.digest(), sha1=None)
    try:
        assert entries(target.paths[0]) == [65_527, 10]
        said = subprocess.run(
            [program("ewfverify"), "-q", target.paths[0]], capture_output=True, check=True
        )
        assert said.stdout.endswith(b"SUCCESS\n")
        handle = pyewf.handle()
        handle.open([str(target.paths[0])])
        for chunk in (0, 65_526, 65_527, count - 1):
            found = handle.read_buffer_at_offset(CHUNK, chunk * CHUNK)
            assert found == noise[chunk % 128 * CHUNK :][:CHUNK]
        handle.close()
    finally:
        shutil.rmtree(tmp_path)


def check_large(paths, size, marks):
    handle = pyewf.handle()
    handle.open([str(path) for path in paths])
    assert handle.get_media_size() == size
    last = (size - 1) // CHUNK
    for chunk in sorted(marks | {n for n in (1, 2**26 + 1, 2**27 + 1, last - 1) if n < last}):
        length = min(CHUNK, size - chunk * CHUNK)
        expected = mark(chunk)[:length] if chunk in marks else bytes(length)
        assert handle.read_buffer_at_offset(CHUNK, chunk * CHUNK) == expected
    handle.close()


def mark(chunk):
    return b"chunk %012d\n" % chunk * (CHUNK // 16) + bytes(CHUNK)


def entries(path):
    """Number of entries of each table, walking the sections of a large file."""
    found = []
    with open(path, "rb") as file:
        at = 13
        while True:
            file.seek(at)
            kind, after, _ = struct.unpack("<16sQQ", file.read(32))
            if kind.rstrip(b"\0") == b"table":
                file.seek(at + 76)
                found.append(struct.unpack("<I", file.read(4))[0])
            if after == at:
                return found
            at = after
