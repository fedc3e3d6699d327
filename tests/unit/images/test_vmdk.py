"""VMware images: extents, snapshots, what is refused, hostile descriptors."""

from __future__ import annotations

import os
import random
import struct

import containers
import pytest

from evkit.core.errors import InputError
from evkit.images.opening import find_files, open_image
from evkit.images.vmdkdescriptor import parse_descriptor, read_descriptor

SIZE = 3 << 20
MEDIUM = random.Random(7).randbytes(SIZE)
CID = "70e6f0e5"


def flat(folder, name="disk", cid=CID, parts=2):
    step = SIZE // parts
    lines = []
    for number in range(parts):
        (folder / f"{name}-f{number}.vmdk").write_bytes(MEDIUM[number * step : (number + 1) * step])
        lines.append(f'RW {step // 512} FLAT "{name}-f{number}.vmdk" 0')
    path = folder / f"{name}.vmdk"
    path.write_bytes(containers.descriptor(lines, cid=cid))
    return path


def snapshot(folder, grains, name="snap", parent=(CID, "disk.vmdk"), cid="00000002"):
    (folder / f"{name}-delta.vmdk").write_bytes(containers.cowd(SIZE, grains))
    path = folder / f"{name}.vmdk"
    lines = [f'RW {SIZE // 512} VMFSSPARSE "{name}-delta.vmdk"']
    path.write_bytes(containers.descriptor(lines, cid=cid, parent=parent))
    return path


def over(grains, below=MEDIUM):
    found = bytearray(below)
    for grain, content in grains.items():
        found[grain * 512 : grain * 512 + 512] = content
    return bytes(found)


def content(path):
    with open_image(os.fsencode(path)) as image:
        return image.read(0, image.size)


def test_two_flat_extents(tmp_path):
    path = flat(tmp_path)
    kind, files = find_files(os.fsencode(path))
    assert kind.name == "vmdk"
    assert [os.path.basename(f) for f in files] == [b"disk.vmdk", b"disk-f0.vmdk", b"disk-f1.vmdk"]
    assert content(path) == MEDIUM
    with open_image(os.fsencode(path)) as image:
        assert image.read(SIZE // 2 - 300, 600) == MEDIUM[SIZE // 2 - 300 : SIZE // 2 + 300]
        assert image.metadata["content_id"] == CID
        assert image.remarks == ()


def test_an_extent_that_begins_inside_its_file_is_refused(tmp_path):
    """libvmdk reads it from byte 2, where the format says sector 2."""
    (tmp_path / "x.bin").write_bytes(b"before".ljust(1024) + MEDIUM)
    path = tmp_path / "d.vmdk"
    path.write_bytes(containers.descriptor([f'RW {SIZE // 512} FLAT "x.bin" 2']))
    with pytest.raises(InputError, match="libvmdk misreads"):
        content(path)


@pytest.mark.parametrize("grains", [{}, {0: b"A" * 512, 5: b"B" * 512, 6143: b"C" * 512}])
def test_a_snapshot_over_its_parent(tmp_path, grains):
    flat(tmp_path)
    path = snapshot(tmp_path, grains)
    assert content(path) == over(grains)
    with open_image(os.fsencode(path)) as image:
        assert len(image.segments) == 5
        assert "`disk.vmdk`" in image.remarks[0]
        assert "file 3" in image.remarks[0]


def test_a_snapshot_of_a_snapshot(tmp_path):
    flat(tmp_path)
    first, second = {1: b"A" * 512, 9: b"B" * 512}, {9: b"C" * 512, 70: b"D" * 512}
    snapshot(tmp_path, first, "s1")
    path = snapshot(tmp_path, second, "s2", ("00000002", "s1.vmdk"), "00000003")
    assert content(path) == over(second, over(first))


def test_the_parent_must_be_the_one_it_was_made_from(tmp_path):
    flat(tmp_path, cid="11111111")
    with pytest.raises(InputError, match="not the parent") as caught:
        content(snapshot(tmp_path, {}))
    assert caught.value.details == {"wanted CID": CID, "found CID": "11111111"}


@pytest.mark.parametrize("gone", ["disk.vmdk", "disk-f1.vmdk", "snap-delta.vmdk"])
def test_a_missing_file_is_named(tmp_path, gone):
    flat(tmp_path)
    path = snapshot(tmp_path, {})
    (tmp_path / gone).unlink()
    with pytest.raises(InputError, match=gone):
        find_files(os.fsencode(path))


def test_a_snapshot_of_itself(tmp_path):
    path = snapshot(tmp_path, {}, parent=("00000002", "snap.vmdk"))
    with pytest.raises(InputError, match="named twice"):
        content(path)


def test_an_extent_outside_the_folder_is_not_read(tmp_path):
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret.bin").write_bytes(MEDIUM)
    path = inside / "d.vmdk"
    for name in ("../secret.bin", str(tmp_path / "secret.bin"), "/etc/passwd", "/dev/zero"):
        path.write_bytes(containers.descriptor([f'RW 8 FLAT "{name}" 0']))
        with pytest.raises(InputError, match="not beside"):
            content(path)


def test_an_extent_that_was_cut_short(tmp_path):
    path = flat(tmp_path)
    os.truncate(tmp_path / "disk-f1.vmdk", 1000)
    with pytest.raises(InputError, match="shorter"):
        content(path)


def test_an_extent_by_itself_points_to_its_descriptor(vectors, tmp_path):
    data = bytearray((vectors / "images" / "ext2.vmdk").read_bytes())
    data[28:44] = bytes(16)  # where its descriptor lies
    path = tmp_path / "x-s001.vmdk"
    path.write_bytes(data)
    with pytest.raises(InputError, match="one extent") as caught:
        open_image(os.fsencode(path))
    assert "lists the extents" in caught.value.hint
    path.write_bytes(containers.cowd(SIZE, {}))
    with pytest.raises(InputError, match="one extent"):
        open_image(os.fsencode(path))


def test_zeros_over_a_parent_are_refused(vectors, tmp_path):
    """libvmdk gives the parent's bytes where a grain is marked as zeros."""
    data = bytearray((vectors / "images" / "ext2.vmdk").read_bytes())
    flags = struct.unpack_from("<I", data, 8)[0]
    struct.pack_into("<I", data, 8, flags | 4)
    (tmp_path / "z.vmdk").write_bytes(data)
    assert content(tmp_path / "z.vmdk") == content(vectors / "images" / "ext2.vmdk")
    flat(tmp_path)
    path = tmp_path / "top.vmdk"
    lines = ['RW 8192 SPARSE "z.vmdk"']
    path.write_bytes(containers.descriptor(lines, parent=(CID, "disk.vmdk")))
    with pytest.raises(InputError, match="libvmdk misreads"):
        content(path)


@pytest.mark.parametrize(
    "line",
    [
        "RW 8 ZERO", 'RW 8 FLAT "a" x', "RW 8 FLAT", 'RW -8 FLAT "a" 0', 'RW 8 "a"',
        'RW 8 VMFSRDM "a"', 'RW 9999999999999999 FLAT "a" 0', "RW ", 'RW 8 FLAT "a\0b" 0',
    ],
)  # fmt: skip
def test_extents_that_cannot_be_read(tmp_path, line):
    (tmp_path / "a").write_bytes(bytes(1 << 16))
    path = tmp_path / "d.vmdk"
    path.write_bytes(containers.descriptor([line]))
    with pytest.raises(InputError):
        open_image(os.fsencode(path))


def test_hostile_texts_end():
    for text in (b"", b"# Disk DescriptorFile", b"RW " * 100_000, b"CID=" + b"f" * 100_000):
        with pytest.raises(InputError):
            parse_descriptor(text, inside=False, shown="x")
    with pytest.raises(InputError, match="names other files"):
        parse_descriptor(b'RW 1 FLAT "a" 0\nRW 1 FLAT "b" 0', inside=True, shown="x")
    made = parse_descriptor(b'parentCID=zz\nRW 1 FLAT "a" 0', inside=False, shown="x")
    assert made.parent == ()


def test_names_in_a_windows_code_page(tmp_path):
    text = b'encoding="windows-1252"\nRW 1 FLAT "caf\xe9.vmdk" 0\n'
    made = parse_descriptor(text, inside=False, shown="x")
    assert made.extents[0].names == (b"caf\xe9.vmdk", "café.vmdk".encode())


def test_the_descriptor_of_another_program(vectors):
    made = read_descriptor(os.fsencode(vectors / "images" / "ext2.vmdk"))
    assert made.inside
    assert made.parent == ()
    assert [(part.kind, part.size) for part in made.extents] == [("SPARSE", 4194304)]
