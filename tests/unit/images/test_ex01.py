"""Ex01 through libewf, what evkit reads of its sections itself, and the lists of L01."""

from __future__ import annotations

import hashlib
import os
import random
import struct
import zlib

import containers
import pytest

from evkit.actions.image import info
from evkit.core.errors import InputError
from evkit.images import detect, ewf2sections
from evkit.images.ewf2sections import read_segment
from evkit.images.ewflogical import read_logical
from evkit.images.ex01 import segment_extension
from evkit.images.opening import find_files, open_image

MEDIUM = random.Random(5).randbytes(300_000) + bytes(200_000) + b"end" * 4
MEDIUM += bytes(-len(MEDIUM) % 512)


def write(folder, segments=1, name="disk", **more):
    for number, data in enumerate(containers.ex01(MEDIUM, segments=segments, **more), 1):
        (folder / f"{name}.Ex{number:02d}").write_bytes(data)
    return os.fsencode(folder / f"{name}.Ex01")


@pytest.mark.parametrize("segments", [1, 3])
def test_the_medium(tmp_path, segments):
    path = write(tmp_path, segments)
    assert len(find_files(path)[1]) == segments
    with open_image(path) as image:
        assert image.format == "ewf2"
        assert image.read(0, image.size + 1) == MEDIUM
        assert image.read(32_000, 2_000) == MEDIUM[32_000:34_000]
        assert image.stored_digests == {
            "md5": hashlib.md5(MEDIUM).hexdigest(),
            "sha1": hashlib.sha1(MEDIUM).hexdigest(),
        }
        assert image.metadata["examiner_name"] == "examiner"
        assert image.sector_size == 512
        assert image.declared_gaps == ()


def test_sectors_that_its_maker_could_not_read(tmp_path):
    with open_image(write(tmp_path, errors=((3, 2), (2**33, 1)))) as image:
        assert image.declared_gaps == ((1536, 1024), (2**42, 512))


def test_any_segment_finds_all_and_a_name_that_is_not_utf8(tmp_path):
    write(tmp_path, 2)
    assert len(find_files(os.fsencode(tmp_path / "disk.Ex02"))[1]) == 2
    folder = os.fsencode(tmp_path)
    for number in (b"1", b"2"):
        os.rename(folder + b"/disk.Ex0" + number, folder + b"/\xff.Ex0" + number)
    with open_image(folder + b"/\xff.Ex01") as image:
        assert image.read(0, image.size) == MEDIUM


def test_missing_foreign_and_misplaced_segments(tmp_path):
    path = write(tmp_path, 3)
    third = tmp_path / "disk.Ex03"
    kept = third.read_bytes()
    third.unlink()
    with pytest.raises(InputError, match=r"disk\.Ex03"):
        open_image(path)
    third.write_bytes((tmp_path / "disk.Ex02").read_bytes())
    with pytest.raises(InputError, match="where segment 3 belongs"):
        open_image(path)
    third.write_bytes(kept[:16] + bytes(16) + kept[32:])
    with pytest.raises(InputError, match="another image"):
        open_image(path)
    third.write_bytes(kept)
    (tmp_path / "disk.Ex04").write_bytes(kept[:12] + b"\4" + kept[13:])
    with pytest.raises(InputError, match="last segment"):
        open_image(path)


def test_extensions():
    numbers = {1: ".Ex01", 99: ".Ex99", 100: ".ExAA", 775: ".ExZZ", 776: ".EyAA", 2127: ".EzZZ"}
    for number, text in numbers.items():
        assert segment_extension(number) == text.encode()
    assert segment_extension(100, b"ex") == b".exaa"


def test_every_cut_is_an_error(tmp_path):
    path = tmp_path / "a.Ex01"
    data = containers.ex01(MEDIUM[:65536])[0]
    for length in [*range(8, 200, 7), *range(200, len(data), 997), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(InputError):
            open_image(os.fsencode(path))


def test_flipped_bits_never_pass_unseen(tmp_path):
    """Each flip is an error, a digest that differs, or leaves the medium as it was."""
    small = MEDIUM[290_000:330_240]
    small += bytes(-len(small) % 512)
    data = containers.ex01(small, errors=((1, 1),))[0]
    md5 = hashlib.md5(small).hexdigest()
    path = tmp_path / "a.Ex01"
    for offset in range(8, len(data), 37):
        flipped = bytearray(data)
        flipped[offset] ^= 0x10
        path.write_bytes(flipped)
        try:
            with open_image(os.fsencode(path)) as image:
                found = hashlib.md5(image.read(0, image.size)).hexdigest()
                assert found == md5 or found != image.stored_digests.get("md5")
        except InputError:
            continue


def test_a_damaged_list_of_errors_is_named_not_believed(tmp_path):
    path = tmp_path / "a.Ex01"
    data = containers.ex01(MEDIUM[:65536], errors=((1, 1),))[0]
    at = data.index(struct.pack("<QI4x", 1, 1)) - 32  # the head of the list
    path.write_bytes(data[:at] + b"\2" + data[at + 1 :])
    facts = read_segment(os.fsencode(path))
    assert facts.damaged
    assert facts.errors == ()


FILES = {"a.txt": b"hello", "\x1b[31mb.bin": b"x" * 70_000}


def test_the_files_of_an_l01(tmp_path):
    path = tmp_path / "any.name"
    path.write_bytes(containers.l01(FILES))
    listed = read_logical(os.fsencode(path))
    assert [(e.path, e.size) for e in listed.entries] == [
        ("/folder", 0),
        ("/folder/a.txt", 5),
        ("/folder/\x1b[31mb.bin", 70_000),
    ]
    assert listed.entries[1].md5 == hashlib.md5(b"hello").hexdigest()
    assert listed.metadata["examiner_name"] == "examiner"
    made = info(os.fsencode(path))
    assert made.exit_code == 0
    assert "files and no medium" in made.lines()[-1]
    assert "\x1b" not in "\n".join(made.lines())
    assert made.document()["entries"][1]["stated_md5"] == listed.entries[1].md5
    assert made.document()["decoded_by_evkit"] is False


def test_an_l01_is_never_a_medium(tmp_path):
    path = tmp_path / "disk.dd"
    path.write_bytes(containers.l01(FILES))
    assert detect.detect(os.fsencode(path)).logical
    for step in (find_files, open_image):
        with pytest.raises(InputError, match="does not decode") as caught:
            step(os.fsencode(path))
        assert "--kind files" in caught.value.hint


def test_an_l01_that_libewf_cannot_list_is_still_named(tmp_path):
    path = tmp_path / "a.L01"
    data = containers.l01(FILES)
    for length in (20, 500, len(data) // 2):
        path.write_bytes(data[:length])
        made = info(os.fsencode(path))
        assert made.kind.name == "ewf-logical"
        assert made.remarks
    path.write_bytes(b"LEF2\r\n\x81\0".ljust(4096, b"\0"))
    assert info(os.fsencode(path)).kind.name == "ewf2-logical"


def test_a_list_of_errors_that_fills_the_disk_is_not_read(tmp_path, monkeypatch):
    path, length, asked = tmp_path / "a.Ex01", 5 << 30, []

    def section(kind, before, size):
        body = ewf2sections._SECTION.pack(kind, 0, before, size, 0, 0, bytes(28), 0)[:-4]
        return body + struct.pack("<I", zlib.adler32(body))

    at = 32 + length
    with open(path, "wb") as handle:
        handle.write(ewf2sections._HEADER.pack(ewf2sections.MAGIC, 2, 1, 1, 1, bytes(16)))
        handle.seek(at)
        handle.write(section(ewf2sections.ERRORS, 0, length))
        handle.write(section(ewf2sections.DONE, at, 0))
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda *args: asked.append(args[1]) or real(*args))
    facts = read_segment(os.fsencode(path))
    assert (facts.damaged, facts.errors, facts.last) == (True, (), True)
    assert max(asked) < 1000
