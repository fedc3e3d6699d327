"""Images that evkit wrote, read by libewf (two versions) and The Sleuth Kit."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess

import e01kit
import pyewf
import pytest

CHUNK = 32768
NOISE = hashlib.shake_128(b"evkit").digest(12 * CHUNK)
TEXT = b"".join(b"%06d the quick brown fox\n" % n for n in range(9000))
TEXT = TEXT[: 6 * CHUNK + 5 * 512]
MIXED = TEXT[:40000] + bytes(5 * CHUNK) + NOISE[: 2 * CHUNK + 9] + bytes(7)
MIXED += b"\1" * (-len(MIXED) % 4096)
URDU = "انسپکٹر محمد علی خان"

CASES = {
    "one sector": (b"x" * 512, {}),
    "one sector of zeros": (bytes(512), {}),
    "one chunk": (NOISE[:CHUNK], {}),
    "one chunk of zeros": (bytes(CHUNK), {}),
    "a chunk and a sector": (NOISE[: CHUNK + 512], {}),
    "one sector less than two chunks": (TEXT[: 2 * CHUNK - 512], {}),
    "text, fast": (TEXT, {}),
    "text, best": (TEXT, {"compression": "best"}),
    "text, none": (TEXT, {"compression": "none"}),
    "incompressible, fast": (NOISE, {}),
    "incompressible, best": (NOISE, {"compression": "best"}),
    "incompressible, none": (NOISE, {"compression": "none"}),
    "runs of zeros": (MIXED, {}),
    "small groups": (MIXED, {"group": 2}),
    "segments": (NOISE, {"segment_size": 100_000}),
    "segments, small groups": (NOISE + MIXED, {"segment_size": 120_000, "group": 1}),
    "sectors of 4096": (MIXED, {"sector_size": 4096}),
    "sectors of 4096, segments": (NOISE, {"sector_size": 4096, "segment_size": 70_000}),
    "sectors of 2048, optical": (MIXED, {"sector_size": 2048, "media_type": "optical"}),
    "a volume": (MIXED, {"physical": False}),
    "memory": (MIXED, {"media_type": "memory", "physical": False}),
    "removable, write blocker": (MIXED, {"media_type": "removable", "write_blocker": "tableau"}),
    "fastbloc": (MIXED, {"write_blocker": "fastbloc"}),
}
# first sector of the file system
SAMPLES = {"usb-fat16.raw": 128, "laptop-ntfs.raw": 0, "phone-gpt-ext4.raw": 64, "disc.iso": 0}


@pytest.mark.parametrize("name", CASES)
def test_readers_agree(tmp_path, program, name):
    data, fields = CASES[name]
    paths = e01kit.write_e01(tmp_path, data, **fields)
    assert (len(paths) > 1) == ("segments" in name)
    limit = fields.get("segment_size", 1 << 40)
    assert all(path.stat().st_size <= limit for path in paths)
    read_back(tmp_path, program, paths, data)
    said = run(program("img_stat"), "-i", "ewf", paths[0])
    assert f"Size of data in bytes:\t{len(data)}\n" in said
    assert f"Sector size:\t{fields.get('sector_size', 512)}\n" in said
    assert f"MD5 hash of data:\t{hashlib.md5(data).hexdigest()}\n" in said


def test_no_part_is_longer_than_asked_for_at_any_edge(tmp_path, program):
    """As in CFTT assertion DA-AO-05, with readers that open every result."""
    data = NOISE[: 7 * CHUNK]
    smallest = e01kit.plan(len(data)).smallest_segment
    for index, limit in enumerate(
        [smallest, smallest + 1, *range(smallest + 600, smallest + 3 * CHUNK, 13001)]
    ):
        paths = e01kit.write_e01(tmp_path, data, name=f"i{index}", segment_size=limit)
        assert max(path.stat().st_size for path in paths) <= limit
        assert run(program("ewfverify"), "-q", "-d", "sha1", paths[0]).endswith("SUCCESS\n")
        assert through_pyewf(paths) == data


def test_more_than_99_segments(tmp_path, program):
    data = NOISE * 10
    paths = e01kit.write_e01(tmp_path, data, segment_size=38_000, compression="none")
    assert len(paths) == 120
    assert [paths[98].suffix, paths[99].suffix, paths[119].suffix] == [".E99", ".EAA", ".EAU"]
    read_back(tmp_path, program, paths, data)


def test_case_details_in_urdu(tmp_path, program):
    details = dataclasses.replace(
        e01kit.DETAILS, examiner=URDU, notes="a\tb\nc", description="\U0001f50d ضبط شدہ"
    )
    paths = e01kit.write_e01(tmp_path, TEXT, details=details)
    said = run(program("ewfinfo"), paths[0])
    shown = dict(line.strip().split(":", 1) for line in said.splitlines() if line.startswith("\t"))
    shown = {key: value.strip() for key, value in shown.items()}
    assert shown["Examiner name"] == URDU
    assert shown["Description"] == details.description
    assert shown["Notes"] == "a b c"
    assert shown["Case number"] == "FIR-12/2026"
    assert shown["Evidence number"] == "E1"
    assert shown["Model"] == "DataTraveler 3.0"
    assert shown["Serial number"] == "0019E06B"
    assert shown["Software version used"] == "evkit 0.1.0"
    assert shown["Operating system used"] == "Linux"
    assert shown["File format"] == "EnCase 6"
    assert shown["Sectors per chunk"] == "64"
    assert shown["Error granularity"] == "1"
    assert shown["Media type"] == "fixed disk"
    assert shown["Is physical"] == "yes"
    assert shown["Set identifier"] == "03020100-0504-0706-0809-0a0b0c0d0e0f"
    assert shown["Acquisition date"] == "Thu Nov 26 00:35:39 2026"
    assert shown["MD5"] == hashlib.md5(TEXT).hexdigest()
    assert shown["SHA1"] == hashlib.sha1(TEXT).hexdigest()
    handle = pyewf.handle()
    handle.open([str(paths[0])])
    values = handle.get_header_values()
    assert values["examiner_name"] == URDU
    assert values["description"] == details.description
    assert values["acquiry_software_version"] == "evkit 0.1.0"
    assert handle.get_hash_values()["SHA1"] == hashlib.sha1(TEXT).hexdigest()
    handle.close()


@pytest.mark.parametrize(
    ("compression", "shown"),
    [("none", "no compression"), ("fast", "good (fast) compression"), ("best", "best compression")],
)
def test_the_compression_that_is_stated(tmp_path, program, compression, shown):
    paths = e01kit.write_e01(tmp_path, TEXT, compression=compression)
    assert f"Compression level:\t{shown}\n" in run(program("ewfinfo"), paths[0])


def test_the_error_list(tmp_path, program):
    data = bytearray(NOISE)
    unread = [(5 * 512, 512), (64 * 512, 3 * 512), (len(NOISE) - 512, 512)]
    for offset, length in unread:
        data[offset : offset + length] = bytes(length)
    paths = e01kit.write_e01(tmp_path, bytes(data), unread=unread)
    said = run(program("ewfinfo"), paths[0])
    assert "total number: 3\n" in said
    assert "at sector(s): 5 - 5 number: 1\n" in said
    assert "at sector(s): 64 - 66 number: 3\n" in said
    assert "at sector(s): 767 - 767 number: 1\n" in said
    read_back(tmp_path, program, paths, bytes(data))


def test_an_error_list_with_a_segment_of_its_own(tmp_path, program):
    """The list does not fit behind the last group: one chunk and the end go into one more."""
    unread = [(sector * 1024, 512) for sector in range(384)]
    smallest = e01kit.plan(len(NOISE)).smallest_segment
    data = bytearray(NOISE)
    for offset, length in unread:
        data[offset : offset + length] = bytes(length)
    paths, finished = e01kit.write(
        tmp_path, bytes(data), unread=unread, segment_size=smallest + 4000, group=1,
        compression="none",
    )  # fmt: skip
    assert (len(paths), len(finished.errors), finished.unsaid) == (12, 384, 0)
    assert "total number: 384\n" in run(program("ewfinfo"), paths[0])
    read_back(tmp_path, program, paths, bytes(data))


@pytest.mark.parametrize("name", [*SAMPLES])
@pytest.mark.parametrize(
    "fields", [{}, {"segment_size": 45_000, "compression": "none"}], ids=["whole", "segments"]
)
def test_files_of_file_systems(tmp_path, program, repository, name, fields):
    """`fls` lists the same files in the E01 as in the raw image."""
    raw = repository / "sample_images" / name
    data = raw.read_bytes()
    paths = e01kit.write_e01(tmp_path, data, **fields)
    assert (len(paths) > 1) == bool(fields)
    start = str(SAMPLES[name])
    expected = run(program("fls"), "-r", "-p", "-o", start, "-i", "raw", raw)
    assert expected.count("\n") > 10
    assert run(program("fls"), "-r", "-p", "-o", start, "-i", "ewf", *paths) == expected
    read_back(tmp_path, program, paths, data)


def read_back(folder, program, paths, data):
    """All readers give the medium back, and find its digests right."""
    first = paths[0]
    assert run(program("ewfverify"), "-q", "-d", "sha1", first).endswith("SUCCESS\n")
    run(program("ewfexport"), "-u", "-q", "-t", folder / "export", first)
    assert (folder / "export.raw").read_bytes() == data
    assert through_pyewf(paths) == data


def through_pyewf(paths):
    handle = pyewf.handle()
    handle.open([str(path) for path in paths])
    try:
        size = handle.get_media_size()
        found = b""
        while len(found) < size and (block := handle.read_buffer(size - len(found))):
            found += block
        assert handle.read_buffer_at_offset(100, size - 100) == found[-100:]
        return found
    finally:
        handle.close()


def run(*command):
    done = subprocess.run(
        command, capture_output=True, check=False, stdin=subprocess.DEVNULL,
        env=os.environ | {"LC_ALL": "C.UTF-8", "TZ": "UTC"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.decode("utf-8", "surrogateescape")
