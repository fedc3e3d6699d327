"""Every kind of volume is named by its marks, and by nothing that only looks like one."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evkit.inventory.volumes import detect
from evkit.inventory.volumes.formats import FORMATS, MARKS
from evkit.manifest.rows import STATES

RANDOM = random.Random(4).randbytes(1 << 18)


def _with(*pieces: tuple[int, bytes], fill: bytes = b"x", size: int = detect.PROBE) -> bytes:
    data = bytearray(fill * size)
    for offset, piece in pieces:
        data[offset : offset + len(piece)] = piece
    return bytes(data)


def _look(data: bytes, size: int | None = None) -> detect.Guess:
    return detect.look(lambda offset, n: data[offset : offset + n], size or len(data))


@pytest.mark.parametrize(("offset", "mark", "kind"), MARKS)
def test_each_mark_is_found(offset, mark, kind):
    pieces = [(offset, mark)]
    if kind == "minix":
        pieces.append((1024 + 8, b"\x10\x00\x00\x00"))
    guess = detect.guess(_with(*pieces))
    assert guess.type == kind
    assert guess.state == FORMATS[kind].state
    assert FORMATS[kind].title in guess.text


def test_every_format_has_a_state_of_rows_and_can_be_found():
    marked = {kind for _, _, kind in MARKS}
    special = {"bitlocker-to-go", "filevault", "core-storage", "swap", "hibernation", "zfs",
               "geli", "intel-raid", "ddf-raid", "ldm", "vmfs", "ntfs", "udf"}  # fmt: skip
    assert marked | special == set(FORMATS)
    assert {form.state for form in FORMATS.values()} <= STATES


def test_bitlocker_to_go_looks_like_fat_and_is_not():
    boot = [(3, b"MSWIN4.1"), (82, b"FAT32   "), (510, b"\x55\xaa")]
    assert detect.guess(_with(*boot)).type == "fat"
    for guid in (
        "4967d63b-2e29-4ad8-8399-f6a339e3d001",
        "92a84d3b-dd80-4d0e-9e4e-b1e3284eaed8",
    ):
        import uuid

        hidden = _with(*boot, (424, uuid.UUID(guid).bytes_le))
        assert detect.guess(hidden)[:3] == (
            "bitlocker-to-go", "encrypted", "bitlocker-to-go-volume",
        )  # fmt: skip
        assert detect.also(hidden, "fat32") == ["bitlocker-to-go"]


def test_core_storage_says_whether_it_is_filevault():
    header = [(8, b"\x01\x00\x10\x00"), (88, b"CS")]
    assert detect.guess(_with(*header))[:2] == ("core-storage", "unsupported")
    locked = detect.guess(_with(*header, (172, b"\x02\x00\x00\x00")))
    assert locked[:2] == ("filevault", "encrypted")
    assert detect.guess(_with((88, b"CS"))).type == "unknown"  # two letters are no mark


@pytest.mark.parametrize("order", ["<", ">"])
def test_zfs_by_its_uberblocks(order):
    block = struct.pack(order + "QQ", 0x00BAB10C, 5000)
    assert detect.guess(_with((0x20000 + 4096, block), fill=b"\0")).type == "zfs"


def test_udf_alone_and_beside_iso_9660():
    bridge = [(0x8000, b"\x01CD001"), (0x8800, b"\x00BEA01"), (0x9000, b"\x00NSR02")]
    assert detect.guess(_with(*bridge[1:], fill=b"\0")).type == "udf"
    assert detect.also(_with(*bridge, fill=b"\0"), "iso9660") == ["udf"]


@pytest.mark.parametrize(
    ("place", "mark", "kind"),
    [
        (-512, b"GEOM::ELI\0", "geli"),
        (-4096, b"GEOM::ELI\0", "geli"),
        (-1024, b"Intel Raid ISM Cfg Sig. 1.3.00", "intel-raid"),
        (-512, b"\xde\x11\xde\x11", "ddf-raid"),
        (-512, b"PRIVHEAD", "ldm"),
        (-8192, b"\xfc\x4e\x2b\xa9", "linux-raid"),
        (-65536, b"\xfc\x4e\x2b\xa9", "linux-raid"),
    ],
)
def test_marks_at_the_end(place, mark, kind):
    data = bytearray(1 << 20)
    data[len(data) + place : len(data) + place + len(mark)] = mark
    assert _look(bytes(data)).type == kind


def test_vmfs_lies_far_from_the_start():
    data = bytearray(2 << 20)
    data[1 << 20 : (1 << 20) + 4] = b"\x0d\xd0\x01\xc0"
    assert _look(bytes(data)).type == "vmfs"


def test_random_throughout_is_encrypted_and_random_at_the_start_is_not():
    hidden = RANDOM * 8
    guess = _look(hidden)
    assert guess[:3] == ("unknown", "encrypted", "high-entropy")
    assert "VeraCrypt" in guess.text
    begins = RANDOM + bytes(1 << 20)
    assert _look(begins)[:2] == ("unknown", "unreadable")


def test_zeros_and_text_are_neither():
    assert _look(bytes(1 << 20)).reason == "begins-with-zeros"
    assert _look(b"plain text " * 50_000).reason == "no-known-file-system"
    assert _look(b"").reason == "begins-with-zeros"


def test_what_cannot_be_read_is_not_an_exception():
    def read(offset: int, size: int) -> bytes:
        raise OSError("bad sector")

    assert detect.look(read, 1 << 20).state == "unreadable"


def test_a_fat_with_an_old_mark_is_still_named_and_the_mark_is_said():
    data = _with((4086, b"SWAPSPACE2"), (0x10040, b"_BHRfS_M"))
    assert detect.also(data, "fat16") == ["btrfs", "swap"]
    assert detect.also(data, "btrfs") == ["swap"]


def test_ext4_that_encrypts_files_one_by_one():
    head = bytearray(detect.PROBE)
    head[1024 + 0x62] = 1
    assert detect.file_encryption(bytes(head), "ext4")
    assert not detect.file_encryption(bytes(head), "ntfs")
    assert not detect.file_encryption(bytes(detect.PROBE), "ext4")


@given(st.binary(max_size=3000), st.binary(max_size=3000), st.integers(0, 2**53))
@settings(max_examples=200)
def test_any_bytes_have_a_name(head, tail, size):
    guess = detect.guess(head, tail)
    assert guess.state in STATES
    assert guess.text
    detect.also(head, "ntfs")
    _look(head, size or None)
