"""Containers that QEMU wrote, against the raw medium they were made from, byte for byte."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess

import acquirekit as kit
import inventorykit
import pytest
import stations

from evkit.cli import main
from evkit.cli.session import Session
from evkit.images.opening import find_files, open_image
from evkit.station import Station

SIZE = 9 << 20


def _words(rng, size):
    found = b" ".join(b"%s%d" % (rng.choice((b"alpha", b"beta\n")), rng.randrange(999))
                      for _ in range(size // 4))  # fmt: skip
    return found[:size]


@pytest.fixture(scope="module")
def medium(tmp_path_factory):
    """Nine MiB: noise, text, long zeros, an odd end."""
    rng = random.Random(21)
    parts = [rng.randbytes(1 << 20), _words(rng, 1 << 20), bytes(3 << 20), _words(rng, 300_000)]
    data = b"".join(parts)
    data += rng.randbytes(5000) + bytes(SIZE - len(data) - 5000 - 512) + b"end".ljust(512, b"!")
    path = tmp_path_factory.mktemp("medium") / "medium.raw"
    path.write_bytes(data)
    return path


@pytest.fixture
def qemu(program, tmp_path):
    def run(*arguments, tool="qemu-img"):
        words = [program(tool), *map(str, arguments)]
        subprocess.run(words, check=True, capture_output=True, cwd=tmp_path)

    return run


def convert(qemu, source, target, kind, options=()):
    more = [word for option in options for word in ("-o", option)] if kind else []
    qemu("convert", "-f", "raw", "-O", kind, *more, source, target)


def check(path, wanted):
    """The medium, whole and in pieces at random places."""
    rng = random.Random(4)
    with open_image(os.fsencode(path)) as image:
        assert image.size == len(wanted)
        assert image.read(0, image.size) == wanted
        for _ in range(100):
            at, length = rng.randrange(image.size), rng.randrange(1, 200_000)
            assert image.read(at, length) == wanted[at : at + length]


CASES = [
    ("vmdk", ["subformat=monolithicSparse"]),
    ("vmdk", ["subformat=monolithicSparse,zeroed_grain=on"]),
    ("vmdk", ["subformat=monolithicFlat"]),
    ("vmdk", ["subformat=twoGbMaxExtentSparse"]),
    ("vmdk", ["subformat=twoGbMaxExtentFlat"]),
    ("vmdk", ["subformat=streamOptimized"]),
    ("vpc", ["force_size=on"]),
    ("vpc", ["subformat=fixed,force_size=on"]),
    ("vhdx", []),
    ("vhdx", ["block_size=1M,log_size=1M"]),
    ("vhdx", ["subformat=fixed"]),
    ("vhdx", ["block_state_zero=off"]),
    ("qcow2", []),
    ("qcow2", ["compat=0.10"]),
    ("qcow2", ["cluster_size=4096"]),
    ("qcow2", ["cluster_size=2M"]),
    ("qcow2", ["preallocation=metadata"]),
    ("qcow", []),
]


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_what_qemu_wrote(tmp_path, medium, qemu, kind, options):
    convert(qemu, medium, "disk.bin", kind, options)
    check(tmp_path / "disk.bin", medium.read_bytes())


@pytest.mark.parametrize("options", ["compat=1.1", "compat=0.10", "cluster_size=4096"])
def test_packed_clusters(tmp_path, medium, qemu, options):
    qemu("convert", "-f", "raw", "-O", "qcow2", "-c", "-o", options, medium, "disk.bin")
    check(tmp_path / "disk.bin", medium.read_bytes())


def test_packed_clusters_of_the_first_version(tmp_path, medium, program):
    """QEMU 7.2 writes the whole image and then ends with 1, without a word."""
    words = [program("qemu-img"), "convert", "-f", "raw", "-O", "qcow", "-c", medium, "disk.bin"]
    subprocess.run(words, check=False, capture_output=True, cwd=tmp_path)
    check(tmp_path / "disk.bin", medium.read_bytes())


@pytest.mark.parametrize(
    ("options", "packed"), [("compat=0.10", True), ("compat=0.10", False), ("compat=1.1", False)]
)
def test_libqcow_agrees_where_it_is_right(tmp_path, medium, qemu, options, packed):
    import pyqcow

    more = ["-c"] if packed else []
    qemu("convert", "-f", "raw", "-O", "qcow2", *more, "-o", options, medium, "disk.bin")
    other = pyqcow.file()
    with open(tmp_path / "disk.bin", "rb") as handle:
        other.open_file_object(handle)
        with open_image(os.fsencode(tmp_path / "disk.bin")) as image:
            assert image.size == other.get_media_size()
            for at in range(0, image.size, 1 << 20):
                assert image.read(at, 1 << 20) == other.read_buffer_at_offset(1 << 20, at)
        other.close()


def written(qemu, tmp_path, kind, name):
    """Write over the image through QEMU; return what QEMU then reads."""
    qemu("-c", "write -P 0x41 0 65536", "-c", "write -P 0x42 5000192 4096",
         "-c", f"write -P 0x43 {SIZE - 512} 512", name, tool="qemu-io")  # fmt: skip
    qemu("convert", "-f", kind, "-O", "raw", name, "seen.raw")
    return (tmp_path / "seen.raw").read_bytes()


@pytest.mark.parametrize("below", ["qcow2", "raw"])
def test_a_qemu_image_over_a_parent(tmp_path, medium, qemu, below):
    convert(qemu, medium, "base.img", below)
    qemu("create", "-f", "qcow2", "-b", "base.img", "-F", below, "top.qcow2")
    check(tmp_path / "top.qcow2", written(qemu, tmp_path, "qcow2", "top.qcow2"))


def test_zeros_over_a_parent(tmp_path, medium, qemu):
    convert(qemu, medium, "base.img", "qcow2")
    qemu("create", "-f", "qcow2", "-b", "base.img", "-F", "qcow2", "top.qcow2")
    qemu("-c", "write -z 65536 131072", "top.qcow2", tool="qemu-io")
    check(tmp_path / "top.qcow2", written(qemu, tmp_path, "qcow2", "top.qcow2"))


def test_a_vmware_snapshot(tmp_path, medium, qemu):
    convert(qemu, medium, "base.vmdk", "vmdk")
    qemu("create", "-f", "vmdk", "-b", "base.vmdk", "-F", "vmdk", "top.vmdk")
    check(tmp_path / "top.vmdk", written(qemu, tmp_path, "vmdk", "top.vmdk"))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("vhdx", "subformat=fixed"),  # libvhdi by itself misreads this one
        ("vhdx", "subformat=dynamic"),
        ("vmdk", "subformat=twoGbMaxExtentSparse"),  # three extents
        ("vpc", "force_size=on"),
        ("qcow2", "cluster_size=64k"),
    ],
)
def test_past_four_gib(tmp_path, qemu, kind, options):
    """Writes around 2 and 4 GiB; the rest is a hole."""
    size = (4 << 30) + (64 << 20)
    qemu("create", "-f", kind, "-o", options, "disk.bin", size)
    places = {0: b"A", (2 << 30) - 4096: b"B", (4 << 30) - 4096: b"C", (4 << 30) + (40 << 20): b"D"}
    for at, letter in places.items():
        qemu("-f", kind, "-c", f"write -P {letter[0]} {at} 8192", "disk.bin", tool="qemu-io")
    with open_image(os.fsencode(tmp_path / "disk.bin")) as image:
        assert image.size == size
        for at, letter in places.items():
            assert image.read(at, 12288) == letter * 8192 + bytes(4096)
            assert at == 0 or image.read(at - 4096, 4096) == bytes(4096)


@pytest.mark.parametrize(
    ("kind", "options", "names"),
    [
        ("vmdk", "subformat=twoGbMaxExtentFlat", ["image.vmdk", "image-001.raw"]),
        ("vmdk", "subformat=twoGbMaxExtentSparse", ["image.vmdk", "image-001.vmdk"]),
        ("vhdx", "subformat=fixed", ["image.vhdx"]),
        ("vpc", "force_size=on", ["image.vhd"]),
        ("qcow2", "", ["image.qcow2", "image-001.qcow2"]),
    ],
)
def test_taken_in_inventoried_and_verified(
    tmp_path, vectors, qemu, monkeypatch, capsys, kind, options, names
):
    source = inventorykit.unpack(vectors / "images", "ext2.raw", tmp_path)
    more = ["-o", options] if options else []
    qemu("convert", "-f", "raw", "-O", kind, *more, source, "disk.dd")
    if kind == "qcow2":
        os.rename(tmp_path / "disk.dd", tmp_path / "base")
        qemu("create", "-f", "qcow2", "-b", "base", "-F", "qcow2", "disk.dd")
    made = stations.ready(tmp_path / "station")
    done = kit.intake_with(made, tmp_path / "disk.dd", kind="image")
    assert done.exit_code == 0, done.lines()
    end = kit.end_of(made, "C1/E1/A1")
    segments = [item["name"] for item in end.fields["artifacts"] if item["role"] == "segment"]
    assert segments == names
    media = end.fields["media"]
    content = source.read_bytes()
    assert media["size"] == len(content)
    assert media["sha256"] == hashlib.sha256(content).hexdigest()
    assert end.fields["format"] == {"vpc": "vhd", "qcow2": "qcow"}.get(kind, kind)
    assert end.fields["source"]["segments"][0].startswith("disk.dd sha256:")
    library = {"vmdk": "libvmdk ", "vhdx": "libvhdi ", "vpc": "libvhdi "}.get(kind)
    assert end.fields["source"].get("decoded_by", "").startswith(library or "")
    assert ("decoded_by" in end.fields["source"]) == bool(library)
    folder = made.path / "cases" / "C1" / "E1" / "A1"
    kit.as_recorded(folder, end)
    # by its place in the station it opens as well: neutral names stand for those inside
    here = find_files(os.fsencode(folder / names[0]))[1]
    assert [os.path.basename(path).decode() for path in here] == names

    monkeypatch.setattr(Station, "signer", lambda *_: made.officer)
    monkeypatch.setattr(Session, "passphrase", lambda *_, **__: b"")
    monkeypatch.setenv("EVKIT_STATION", str(made.path))
    monkeypatch.setenv("EVKIT_OFFICER", stations.OFFICER)
    assert main.run(["inventory", "run", "C1/E1/A1", "--no-types"]) == 0, capsys.readouterr()
    assert main.run(["verify", "C1/E1/A1"]) in {0, 5}
    assert "is a container; its files were compared" in capsys.readouterr().out
    with inventorykit.Inventory(os.fsencode(folder / "inventory.db")) as inventory:
        found = {row["path"] for row in inventorykit.of_kind(inventory, "name")}
    published = (vectors / "images" / "published" / "ext2.vmdk.paths").read_text().split()
    assert set(published) - {"/", "/$OrphanFiles"} <= found


def test_a_container_as_long_as_its_medium_is_not_taken_for_raw(tmp_path, qemu, capsys):
    """Its digest is that of the container; the medium has another, and nothing is wrong."""
    qemu("create", "-f", "qcow2", "disk", 1 << 20)
    os.truncate(tmp_path / "disk", 1 << 20)
    made = stations.ready(tmp_path / "station")
    done = kit.intake_with(made, tmp_path / "disk", kind="image")
    assert done.exit_code == 0, done.lines()
    assert main.run(["--station", str(made.path), "verify", "C1/E1/A1"]) in {0, 5}
    assert "FAIL" not in capsys.readouterr().out
