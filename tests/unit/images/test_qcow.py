"""QEMU images: tables, packed clusters, parents, features that are refused, hostile headers."""

from __future__ import annotations

import os
import random
import struct
import zlib

import pytest

from evkit.core.errors import InputError
from evkit.images.opening import find_files, open_image

CLUSTER = 4096
SIZE = 1 << 20
RANDOM = random.Random(11)
MARKS = {0: b"first", 3: b"third", 100: b"hundredth", 255: b"last"}


def cluster(text):
    return (text * CLUSTER)[:CLUSTER]


def qcow(
    path, data, *, packed=(), zeros=(), version=3, size=SIZE, backing=b"", kind=b"", features=0,
    shift=0, crypt=0, snapshots=0,
):  # fmt: skip
    """An image with clusters `{number: bytes}`; `packed` ones are deflated, `shift` bytes apart."""
    head = CLUSTER
    table_at, first_at = 2 * CLUSTER, CLUSTER
    table = [0] * 512
    at, body = 3 * CLUSTER, bytearray()
    for number, content in data.items():
        if number in packed:
            engine = zlib.compressobj(9, zlib.DEFLATED, -12)
            small = bytes(shift) + engine.compress(content) + engine.flush()
            place = at + len(body) + shift
            bits = 62 - (12 - 8)
            more = (place % 512 + len(small) - shift + 511) // 512 - 1
            table[number] = 1 << 62 | more << bits | place
            body += small + bytes(-len(small) % 512)
        else:
            body += bytes(-(at + len(body)) % CLUSTER)
            table[number] = 1 << 63 | at + len(body)
            body += content
    for number in zeros:
        table[number] |= 1
    name_at = 512 if backing else 0
    made = struct.pack(
        ">4sIQIIQIIQQIIQ", b"QFI\xfb", version, name_at, len(backing), 12, size, crypt, 1, first_at,
        0, 0, snapshots, 0,
    )  # fmt: skip
    if version == 3:
        made += struct.pack(">QQQIIB7x", features, 0, 0, 4, 112, 0)
    if kind:
        made += struct.pack(">II", 0xE2792ACA, len(kind)) + kind.ljust(8, b"\0")
    made = made.ljust(512, b"\0") + backing
    first = struct.pack(">Q", 1 << 63 | table_at).ljust(CLUSTER, b"\0")
    tables = struct.pack(">512Q", *table)
    path.write_bytes(made.ljust(head, b"\0") + first + tables + body)
    return os.fsencode(path)


def medium(data, size=SIZE, below=b""):
    found = bytearray(below[:size].ljust(size, b"\0"))
    for number, content in data.items():
        found[number * CLUSTER : (number + 1) * CLUSTER] = content
    return bytes(found)


def check(path, wanted):
    with open_image(path) as image:
        assert image.size == len(wanted)
        assert image.read(0, image.size + 9) == wanted
        for _ in range(60):
            at, length = RANDOM.randrange(len(wanted)), RANDOM.randrange(30_000)
            assert image.read(at, length) == wanted[at : at + length]


DATA = {number: cluster(text) for number, text in MARKS.items()}


@pytest.mark.parametrize("version", [2, 3])
def test_stored_clusters(tmp_path, version):
    check(qcow(tmp_path / "a", DATA, version=version), medium(DATA))


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("shift", [0, 1, 2, 511])
def test_packed_clusters_at_even_and_odd_places(tmp_path, version, shift):
    """At odd places libqcow gives zeros for version 3."""
    path = qcow(tmp_path / "a", DATA, packed={3, 100}, version=version, shift=shift)
    check(path, medium(DATA))


def test_zero_clusters_hide_what_is_below(tmp_path):
    below = RANDOM.randbytes(SIZE)
    (tmp_path / "base.raw").write_bytes(below)
    path = qcow(tmp_path / "a", DATA, zeros={0, 7}, backing=b"base.raw", kind=b"raw")
    check(path, medium({**DATA, 0: bytes(CLUSTER), 7: bytes(CLUSTER)}, below=below))


def test_a_size_that_ends_inside_a_cluster(tmp_path):
    check(qcow(tmp_path / "a", DATA, size=SIZE - 1000), medium(DATA)[: SIZE - 1000])


def test_a_shorter_parent_is_followed_by_zeros(tmp_path):
    (tmp_path / "base.raw").write_bytes(b"x" * 5000)
    path = qcow(tmp_path / "a", {3: cluster(b"c")}, backing=b"base.raw", kind=b"raw")
    check(path, medium({3: cluster(b"c")}, below=b"x" * 5000))


@pytest.mark.parametrize("kind", [b"qcow2", b""])
def test_a_chain_of_three(tmp_path, kind):
    (tmp_path / "base.raw").write_bytes(b"r" * SIZE)
    one, two = {0: cluster(b"one"), 9: cluster(b"one")}, {9: cluster(b"two")}
    qcow(tmp_path / "mid", one, backing=b"base.raw", kind=b"raw")
    path = qcow(tmp_path / "top", two, backing=b"/var/lib/vm/mid", kind=kind)
    check(path, medium(two, below=medium(one, below=b"r" * SIZE)))
    kind_found, files = find_files(path)
    assert kind_found.name == "qcow"
    assert [os.path.basename(f) for f in files] == [b"top", b"mid", b"base.raw"]
    with open_image(path) as image:
        assert len(image.remarks) == 2
        assert "`/var/lib/vm/mid`" in image.remarks[0]


def test_a_raw_parent_stays_raw_whatever_it_holds(tmp_path):
    """A machine could write the mark of another image into its raw disk."""
    below = b"QFI\xfb".ljust(SIZE, b"e")
    (tmp_path / "base.raw").write_bytes(below)
    path = qcow(tmp_path / "a", {}, backing=b"base.raw", kind=b"raw")
    check(path, below)


@pytest.mark.parametrize("kind", [b"", b"qcow2", b"vmdk"])
def test_a_parent_of_another_kind_is_refused(vectors, tmp_path, kind):
    (tmp_path / "base").write_bytes((vectors / "images" / "ext2.vmdk").read_bytes())
    with pytest.raises(InputError, match="laid over"):
        open_image(qcow(tmp_path / "a", DATA, backing=b"base", kind=kind))


def test_parents_that_are_missing_or_itself(tmp_path):
    for name in (b"absent", b"../a", b"nbd://host/disk", b'json:{"driver":"file"}', b"/etc/shadow"):
        with pytest.raises(InputError):
            open_image(qcow(tmp_path / "a", DATA, backing=name, kind=b"qcow2"))
    path = qcow(tmp_path / "b", DATA, backing=b"b", kind=b"qcow2")
    with pytest.raises(InputError, match="named twice"):
        open_image(path)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"features": 4}, "another file"),
        ({"features": 8}, "zstd"),
        ({"features": 16}, "divides"),
        ({"features": 1 << 40}, "no evkit knows"),
        ({"crypt": 1}, "encrypted"),
        ({"version": 4}, "version 4"),
        ({"size": 2**60}, "larger"),
        ({"size": 1 << 40}, "damaged"),
    ],
)
def test_what_is_not_decoded_is_refused_with_its_reason(tmp_path, more, words):
    with pytest.raises(InputError, match=words):
        open_image(qcow(tmp_path / "a", DATA, **more))


def test_what_a_reader_must_know_is_a_remark(tmp_path):
    with open_image(qcow(tmp_path / "a", DATA, features=2, snapshots=3)) as image:
        assert "marked as damaged" in image.remarks[0]
        assert "3 earlier states" in image.remarks[1]


def test_every_cut_is_an_error_or_the_same_bytes(tmp_path):
    path = tmp_path / "a"
    wanted = medium(DATA)
    data = open_bytes(qcow(path, DATA, packed={3}))
    for length in range(509, len(data), 509):
        path.write_bytes(data[:length])
        try:
            with open_image(os.fsencode(path)) as image:
                for at in range(0, SIZE, CLUSTER):
                    try:
                        assert image.read(at, CLUSTER) == wanted[at : at + CLUSTER]
                    except InputError:
                        continue
        except InputError:
            continue


def open_bytes(path):
    with open(path, "rb") as handle:
        return handle.read()


def test_damaged_packed_clusters(tmp_path):
    path = tmp_path / "a"
    data = bytearray(open_bytes(qcow(path, {0: cluster(b"text")}, packed={0})))
    data[3 * CLUSTER] ^= 0xFF
    path.write_bytes(data)
    with open_image(os.fsencode(path)) as image, pytest.raises(InputError, match="packed"):
        image.read(0, 1)
    with open_image(os.fsencode(path)) as image:
        assert image.read(CLUSTER, 10) == bytes(10)
