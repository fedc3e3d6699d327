"""E01 by other programs: read by evkit as libewf reads it, and as the source was."""

from __future__ import annotations

import hashlib
import os
import subprocess

import pyewf
import pytest

from evkit.images.e01.names import find_segments
from evkit.images.e01.reader import E01Image

FORMATS = ("ewf", "smart", "ftk", "encase1", "encase2", "encase3", "encase4", "encase5", "encase6",
           "encase7", "linen5", "linen6", "linen7", "ewfx")  # fmt: skip
CASE = ["-C", "FIR 12/2026", "-D", "a stick", "-E", "E1", "-e", "A. Examiner", "-N", "some notes"]


@pytest.fixture(scope="module")
def medium():
    noise = b"".join(hashlib.sha512(b"%d" % n).digest() for n in range(22000))
    content = noise[:1_200_000] + bytes(700_000) + b"words " * 50_000 + noise[1_200_000:] + b"end"
    return content + bytes(-len(content) % 512)


@pytest.fixture
def acquire(tmp_path, program):
    def run(content, *options):
        (tmp_path / "m.raw").write_bytes(content)
        subprocess.run(
            [program("ewfacquire"), "-u", "-q", *CASE, "-t", tmp_path / "out", *options,
             tmp_path / "m.raw"],
            check=True, capture_output=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        first = next(tmp_path.glob("out.[EeSs]01"))
        return find_segments(os.fsencode(first))

    return run


def by_libewf(paths):
    handle = pyewf.handle()
    handle.open([os.fsdecode(path) for path in paths])
    try:
        return handle.read_buffer(handle.get_media_size())
    finally:
        handle.close()


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format(acquire, medium, kind):
    paths = acquire(medium, "-f", kind, "-d", "sha1")
    with E01Image(paths) as image:
        assert image.read(0, image.size + 1) == medium == by_libewf(paths)
        assert image.findings == ()
        assert image.metadata["case_number"] == "FIR 12/2026"
        assert image.metadata["examiner_name"] == "A. Examiner"
        assert image.metadata["description"] == "a stick"
        assert image.metadata["notes"] == "some notes"
        assert image.stored_digests["md5"] == hashlib.md5(medium).hexdigest()
        with_sha1 = kind in {"encase6", "encase7", "linen6", "linen7", "ewfx"}
        assert ("sha1" in image.stored_digests) == with_sha1
        if with_sha1:
            assert image.stored_digests["sha1"] == hashlib.sha1(medium).hexdigest()


@pytest.mark.parametrize("kind", ["smart", "ftk", "encase1", "encase5", "encase6", "ewf"])
def test_several_segments(acquire, medium, kind):
    paths = acquire(medium, "-f", kind, "-S", "1048576")
    assert len(paths) > 1
    with E01Image(paths) as image:
        assert image.read(0, image.size) == medium == by_libewf(paths)
        assert image.findings == ()
        assert image.read(1_048_000, 9000) == medium[1_048_000:1_057_000]


@pytest.mark.parametrize("level", ["none", "empty-block", "fast", "best"])
@pytest.mark.parametrize("kind", ["encase6", "ftk", "smart"])
def test_every_compression(acquire, medium, kind, level):
    paths = acquire(medium[:900_096], "-f", kind, "-c", level)
    with E01Image(paths) as image:
        assert image.read(0, image.size) == medium[:900_096] == by_libewf(paths)
        assert image.findings == ()


@pytest.mark.parametrize("size", [512, 32768, 33280, 1_048_576])
def test_sizes(acquire, medium, size):
    paths = acquire(medium[:size])
    with E01Image(paths) as image:
        assert image.read(0, image.size + 1) == medium[:size] == by_libewf(paths)
        assert image.findings == ()


@pytest.mark.parametrize("size", [513, 100_000, 98304 + 7, 98304 - 7])
@pytest.mark.parametrize("level", ["none", "fast"])
def test_a_medium_that_is_no_whole_number_of_sectors(acquire, medium, size, level):
    """libewf leaves out the end, and finds its own MD5 wrong; evkit reads all that was digested."""
    content = medium[-size:]
    paths = acquire(content, "-c", level)
    assert by_libewf(paths) == content[: size // 512 * 512]
    with E01Image(paths) as image:
        assert image.read(0, image.size + 1) == content
        assert image.stored_digests["md5"] == hashlib.md5(content).hexdigest()
        codes = {finding.code for finding in image.findings}
        assert codes - {"chunk-count"} == {"odd-end"}


@pytest.mark.parametrize("options", [["-b", "16"], ["-b", "1024"], ["-P", "4096", "-b", "64"],
                                     ["-P", "2048", "-m", "optical"]])  # fmt: skip
def test_other_shapes(acquire, medium, options):
    content = medium[: 200 * 4096]
    paths = acquire(content, *options)
    with E01Image(paths) as image:
        assert image.read(0, image.size) == content
        assert image.findings == ()
        if "-P" in options:
            assert image.sector_size == int(options[1])


def test_names_beyond_99(acquire, medium):
    """A hundred segments and more take 1 MiB each at least, so a sparse medium is made of noise."""
    content = (medium + medium[::-1]) * 23
    paths = acquire(content, "-S", "1048576")
    assert len(paths) > 100
    assert paths[100].endswith(b".EAB")
    with E01Image(paths) as image:
        digest = hashlib.md5()
        for at in range(0, image.size, 1 << 22):
            digest.update(image.read(at, 1 << 22))
        assert digest.hexdigest() == image.stored_digests["md5"]
        assert image.findings == ()


def test_the_published_images(vectors):
    for name in ("ext2.E01", "ext2.split.E01"):
        paths = find_segments(os.fsencode(vectors / "images" / name))
        with E01Image(paths) as image:
            assert image.read(0, image.size) == by_libewf(paths)
