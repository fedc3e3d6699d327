"""VHD and VHDX: a fixed VHDX, parents, a log that waits, contradictions."""

from __future__ import annotations

import os
import random
import shutil
import struct

import containers
import pytest

from evkit.core.errors import InputError
from evkit.images.opening import open_image
from evkit.images.vhdxfacts import read_facts

SIZE = 5 << 20
RANDOM = random.Random(3)
BLOCKS = {0: {0: RANDOM.randbytes(512), 9: RANDOM.randbytes(512)}, 2: {5: RANDOM.randbytes(512)}}


def medium(blocks):
    found = bytearray(SIZE)
    for number, sectors in blocks.items():
        for sector, content in sectors.items():
            at = (number << 21) + sector * 512
            found[at : at + 512] = content
    return bytes(found)


def test_a_dynamic_vhd(tmp_path):
    path = tmp_path / "d.vhd"
    path.write_bytes(containers.vhd(SIZE, BLOCKS))
    with open_image(os.fsencode(path)) as image:
        assert image.format == "vhd"
        assert image.size == SIZE
        assert image.read(0, SIZE) == medium(BLOCKS)
        assert image.metadata["disk_type"] == "dynamic"
        assert image.sector_size == 512


def test_a_fixed_vhd(tmp_path):
    data = containers.vhd(SIZE, {})
    foot = bytearray(data[-512:])
    foot[16:24] = b"\xff" * 8
    foot[60:64] = struct.pack(">I", 2)
    foot[64:68] = bytes(4)
    path = tmp_path / "f.vhd"
    path.write_bytes(medium(BLOCKS) + containers._summed(bytes(foot), 64))
    with open_image(os.fsencode(path)) as image:
        assert image.read(0, SIZE) == medium(BLOCKS)
        assert image.metadata["disk_type"] == "fixed"


def test_a_vhd_over_a_parent_is_refused_even_beside_it(tmp_path):
    """libvhdi takes further sectors of a byte of the bitmap for those of the child."""
    (tmp_path / "p.vhd").write_bytes(containers.vhd(SIZE, BLOCKS, uid=2))
    path = tmp_path / "c.vhd"
    path.write_bytes(containers.vhd(SIZE, {0: {1: b"X" * 512}}, parent="C:\\vm\\p.vhd"))
    with pytest.raises(InputError, match="differs from a parent") as caught:
        open_image(os.fsencode(path))
    assert "merge" in caught.value.hint


def test_a_file_cut_inside_its_footer(tmp_path):
    path = tmp_path / "c.vhd"
    path.write_bytes(containers.vhd(SIZE, BLOCKS)[:-100])
    with pytest.raises(InputError) as caught, open_image(os.fsencode(path)) as image:
        image.read(0, SIZE)
    assert "libvhdi" in caught.value.details


REGIONS = bytes.fromhex("06a27c8b90479a4bb8fe575f050f886e")
PARAMETERS = bytes.fromhex("3767a1ca36fa434db3b633f0aa44e76b")


def vhdx(path, *, flags=0, log=bytes(16), region=192 << 10):
    """The parts of a VHDX that evkit reads itself."""
    data = bytearray(2 << 20)
    data[:8] = b"vhdxfile"
    for at, sequence, value in ((64 << 10, 1, bytes(16)), (128 << 10, 2, log)):
        data[at : at + 64] = struct.pack("<4sIQ16s16s16s", b"head", 0, sequence, b"", b"", value)
    data[region : region + 48] = b"regi" + struct.pack("<4xII16sQII", 1, 0, REGIONS, 1 << 20, 1, 1)
    table = b"metadata" + struct.pack("<2xH20x16sIIII", 1, PARAMETERS, 65536, 8, 0, 0)
    data[1 << 20 : (1 << 20) + len(table)] = table
    data[(1 << 20) + 65536 : (1 << 20) + 65544] = struct.pack("<II", 1 << 20, flags)
    path.write_bytes(data)
    return os.fsencode(path)


@pytest.mark.parametrize("region", [192 << 10, 256 << 10])
def test_the_flags_of_a_vhdx(tmp_path, region):
    facts = read_facts(vhdx(tmp_path / "x", flags=1, region=region))
    assert (facts.fixed, facts.has_parent, facts.log_waits) == (True, False, False)
    assert facts.flags_at == (1 << 20) + 65540
    facts = read_facts(vhdx(tmp_path / "x", flags=2, log=b"\1" * 16))
    assert (facts.fixed, facts.has_parent, facts.log_waits) == (False, True, True)


def test_a_vhdx_over_a_parent_is_refused(tmp_path):
    with pytest.raises(InputError, match="differs from a parent"):
        open_image(vhdx(tmp_path / "x", flags=2))


def test_hostile_tables_end(tmp_path):
    path = tmp_path / "x"
    vhdx(path)
    good = path.read_bytes()
    assert read_facts(os.fsencode(path)).flags_at
    for at in ((192 << 10) + 8, (1 << 20) + 10, (192 << 10) + 32, (1 << 20) + 48):
        for value in (b"\xff" * 8, bytes(8)):
            path.write_bytes(good[:at] + value + good[at + 8 :])
            read_facts(os.fsencode(path))
    for length in (0, 8, 70_000, 200_000, 1 << 20, (1 << 20) + 40):
        path.write_bytes(good[:length])
        assert read_facts(os.fsencode(path)).flags_at is None


def test_a_vhdx_that_is_none_is_an_error(tmp_path):
    with pytest.raises(InputError) as caught:
        open_image(vhdx(tmp_path / "x"))
    assert "libvhdi" in caught.value.details


def test_the_tail_of_a_vhd_is_enough(vectors, tmp_path):
    shutil.copy(vectors / "images" / "ext2.vhd", tmp_path / "disk.bin")
    with open_image(os.fsencode(tmp_path / "disk.bin")) as image:
        assert image.format == "vhd"
