"""Hash sets are read as they were written; a damaged or hostile one is refused in words."""

from __future__ import annotations

import hashlib
import os
import random

import hashsetkit as kit
import pytest

from evkit.core import ejson
from evkit.core.errors import InputError, RefusedError, UsageError
from evkit.inventory.hashsets import build, model
from evkit.inventory.hashsets.reader import HashSet
from evkit.inventory.hashsets.sorter import Sorter


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.hashset"
    kit.write(path, [kit.digests(number) for number in range(300)])
    return path


def opened(path) -> HashSet:
    return HashSet(os.fsencode(path))


def test_what_was_put_in_is_found_and_nothing_else(own):
    with opened(own) as found:
        assert found.algorithms == ("sha256", "sha1", "md5")
        assert len(found) == 900
        for number in range(300):
            for name, digest in zip(model.WIDTHS, kit.digests(number), strict=True):
                assert found.has(name, digest)
        for number in range(300, 600):
            for name, digest in zip(model.WIDTHS, kit.digests(number), strict=True):
                assert not found.has(name, digest)
        assert not found.has("sha512", bytes(64))
        assert not found.has("sha256", kit.digests(1)[1])
        wanted = sorted(kit.digests(number)[2] for number in range(200, 400))
        assert found.among("md5", wanted) == {kit.digests(n)[2] for n in range(200, 300)}
        assert found.among("sha512", [bytes(64)]) == set()


@pytest.mark.parametrize("count", [1, 2, 49, 300, 70_000])
def test_sizes_of_the_fan_out(tmp_path, count):
    path = tmp_path / "x"
    width, chance = 16, random.Random(count)
    wanted = {chance.randbytes(width) for _ in range(count)}
    written = kit.write(path, [(digest,) for digest in wanted])
    assert [s.bits for s in written.header.sections] == [16 if count >= 65536 else 8]
    with opened(path) as found:
        assert all(found.has("md5", digest) for digest in wanted)
        assert not any(found.has("md5", chance.randbytes(width)) for _ in range(2000))
        assert [d for block in found.digests("md5") for d in block] == sorted(wanted)
        assert found.check() == written.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_digests_that_are_not_spread_evenly(tmp_path):
    """A guess from the first bytes is wrong everywhere here; the answers must not be."""
    low = [bytes(2) + b"\xff" * 10 + number.to_bytes(4, "big") for number in range(3000)]
    high = [b"\0\1" + bytes(10) + number.to_bytes(4, "big") for number in range(1, 3000)]
    same = [b"\7" * 15 + bytes([number]) for number in range(256)]
    path = tmp_path / "x"
    kit.write(path, [(digest,) for digest in [*low, *high, *same]])
    with opened(path) as found:
        found.check()
        assert all(found.has("md5", digest) for digest in [*low, *high, *same])
        assert not found.has("md5", b"\0\1" + bytes(14))
        assert not found.has("md5", bytes(2) + b"\xff" * 10 + b"\0\0\xff\xff")
        assert not found.has("md5", b"\7" * 14 + b"\6\0")


def test_runs_on_the_disk_give_the_same_file(tmp_path):
    chance = random.Random(4)
    entries = [kit.digests(chance.randrange(500)) for _ in range(2000)]
    small = kit.write(tmp_path / "small", entries, run=64)
    large = kit.write(tmp_path / "large", entries)
    assert (tmp_path / "small").read_bytes() == (tmp_path / "large").read_bytes()
    assert small.sha256 == large.sha256
    assert sorted(os.listdir(tmp_path)) == ["large", "small"]


def test_many_runs_are_merged_in_blocks(tmp_path):
    chance = random.Random(5)
    wanted = [chance.randbytes(16) for _ in range(6000)]
    with Sorter(16, os.fsencode(tmp_path), run=32) as sorter:
        for digest in wanted:
            sorter.add(digest)
        found = [digest for block in sorter.blocks() for digest in block]
    assert found == sorted(set(wanted))


def test_provenance_is_kept(tmp_path):
    source = model.Source(
        name=b"lis\xff.json",
        size=7,
        sha256="a" * 64,
        format="vics",
        origin="NCA",
        categories=(1, 2),
    )
    with build.Builder(os.fsencode(tmp_path)) as builder:
        builder.add(kit.digests(1))
        builder.add([hashlib.md5(b"").digest()])
        builder.add([bytes(32), kit.digests(2)[2]])
        builder.add([bytes(20)])
        builder.leave_out("malformed")
        given = kit.header(source=source, release="7", sensitive=True)
        written = builder.write(os.fsencode(tmp_path / "x"), given)
    with opened(tmp_path / "x") as found:
        assert found.header == written.header
        assert found.header.source == source
        assert found.header.entries == 2
        assert found.header.left_out == {"empty-content": 1, "no-digest": 1, "malformed": 1}
        assert [(s.algorithm, s.count) for s in found.header.sections] == [
            ("sha256", 1), ("sha1", 1), ("md5", 2)
        ]  # fmt: skip
    assert os.stat(tmp_path / "x").st_mode & 0o777 == 0o444


def test_a_set_is_never_replaced_and_never_empty(tmp_path, own):
    before = own.read_bytes()
    with pytest.raises(RefusedError, match="exists already"):
        kit.write(own, [kit.digests(1)])
    assert own.read_bytes() == before
    with pytest.raises(InputError, match="no digest in it"):
        kit.write(tmp_path / "none", [[hashlib.sha256(b"").digest()]])
    assert os.listdir(tmp_path) == ["own.hashset"]


@pytest.mark.parametrize("name", ["", "Own", "../x", "a/b", "-a", "x" * 65, "a b", "ä", "a\n"])
def test_names(name):
    with pytest.raises(UsageError, match="cannot be the name"):
        model.check_name(name)
    with pytest.raises(InputError):
        kit.header(name=name, sections=(model.Section(algorithm="md5", count=1, bits=8),)).encode()


def test_every_cut_is_refused(own):
    whole = own.read_bytes()
    own.chmod(0o644)
    for length in [*range(0, 700, 7), *range(700, len(whole), 997), len(whole) - 1]:
        own.write_bytes(whole[:length])
        with pytest.raises(InputError):
            opened(own).check()
    own.write_bytes(whole + b"x")
    with pytest.raises(InputError, match="bytes instead of"):
        opened(own)


def test_every_flipped_bit_is_noticed(own):
    whole = own.read_bytes()
    own.chmod(0o644)
    chance = random.Random(6)
    places = {
        *range(0, 700, 5),
        *(chance.randrange(len(whole)) for _ in range(300)),
        len(whole) - 1,
    }
    for place in sorted(places):
        data = bytearray(whole)
        data[place] ^= 1 << chance.randrange(8)
        own.write_bytes(data)
        with pytest.raises(InputError), opened(own) as found:
            found.check()


def sealed(data: bytes) -> bytes:
    """Give changed bytes the digest that belongs to them."""
    return data[:-32] + hashlib.sha256(data[:-32]).digest()


def test_a_set_that_is_not_in_order_is_refused_although_its_digest_is_right(own):
    whole = bytearray(own.read_bytes())
    own.chmod(0o644)
    end = len(whole) - 32
    last, before = whole[end - 16 : end], whole[end - 32 : end - 16]
    for changed in (last + before, before + before, last + last):
        data = bytes(whole[: end - 32] + changed + whole[end:])
        own.write_bytes(sealed(data))
        with opened(own) as found, pytest.raises(InputError, match="not in order"):
            found.check()


def test_a_table_that_leads_elsewhere_is_refused(own):
    data = bytearray(own.read_bytes())
    own.chmod(0o644)
    start = 20 + int.from_bytes(data[16:20], "big")
    table = [int.from_bytes(data[start + 8 * n : start + 8 * n + 8], "big") for n in range(257)]

    def changed(**values) -> None:
        other = list(table)
        for key, value in values.items():
            other[int(key[1:])] = value
        raw = b"".join(value.to_bytes(8, "big") for value in other)
        own.write_bytes(sealed(bytes(data[:start] + raw + data[start + len(raw) :])))

    for values in ({"n0": 1}, {"n256": 301}, {"n256": 299}, {"n3": 2**64 - 1}, {"n100": 0}):
        changed(**values)
        with pytest.raises(InputError, match="fan-out table"):
            opened(own)
    place = next(n for n in range(1, 256) if table[n] < table[n + 1])
    changed(**{f"n{place}": table[place] + 1})
    with opened(own) as found, pytest.raises(InputError, match="not in order"):
        found.check()


DOCUMENT = kit.header(sections=(model.Section(algorithm="md5", count=1, bits=8),)).document()


def hostile():
    def with_(**values):
        return {**DOCUMENT, **values}

    source = DOCUMENT["source"]
    section = DOCUMENT["sections"][0]
    yield from (
        [], "x", {}, with_(schema="evkit/hash-set/2"), with_(more=1), with_(name="../../x"),
        with_(category="bad"), with_(sensitive=1), with_(created=""), with_(entries=-1),
        with_(entries=True), with_(release=5), with_(release="x" * 5000), with_(left_out=[]),
        with_(left_out={"a": 0}), with_(left_out={"A": 1}), with_(source=None),
        with_(source={**source, "sha256": "0"}), with_(source={**source, "name_b64": "AA=="}),
        with_(source={**source, "categories": []}), with_(source={**source, "format": ""}),
        with_(sections=[]), with_(sections=[section, section]), with_(sections=[5]),
        with_(sections=[{**section, "algorithm": "sha512"}]),
        with_(sections=[{**section, "bits": 7}]), with_(sections=[{**section, "bits": 8.0}]),
        with_(sections=[{**section, "count": 0}]),
        with_(sections=[{**section, "count": 2**53 - 1}]),
        with_(sections=[section, {**section, "algorithm": "sha1"}]),
        with_(sections=[{**section, "algorithm": ["md5"]}]),
    )  # fmt: skip


@pytest.mark.parametrize("document", list(hostile()), ids=lambda item: str(item)[:40])
def test_hostile_headers_are_refused(tmp_path, document):
    import json

    data = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    with pytest.raises(InputError):
        model.parse_header(data)
    path = tmp_path / "x"
    path.write_bytes(
        sealed(model.MAGIC + len(data).to_bytes(4, "big") + data + bytes(257 * 8 + 48))
    )
    with pytest.raises(InputError):
        opened(path)


def test_lengths_and_counts_that_no_file_has(tmp_path):
    path = tmp_path / "x"
    data = ejson.dumps(DOCUMENT)
    for head in (b"\xff" * 4, (1 << 16 | 1).to_bytes(4, "big"), bytes(4)):
        path.write_bytes(model.MAGIC + head + data + bytes(5000))
        with pytest.raises(InputError):
            opened(path)
    for odd in (b"", b"x", b"evkit hashset 2\n" + bytes(100)):
        path.write_bytes(odd)
        with pytest.raises(InputError):
            opened(path)
    with pytest.raises(InputError, match="cannot read"):
        opened(tmp_path / "absent")
    with pytest.raises(InputError):
        opened(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a file"):
        opened(tmp_path / "pipe")


@pytest.mark.slow
def test_thirty_million_digests_in_bounded_memory(tmp_path):
    """The size of the largest set in use; in a process of its own, because memory is measured."""
    import subprocess
    import sys

    script = (
        "import os, random, sys, time\n"
        "import hashsetkit as kit, usage\n"
        "from evkit.inventory.hashsets import build\n"
        "from evkit.inventory.hashsets.reader import HashSet\n"
        "path = os.fsencode(sys.argv[1])\n"
        "chance = random.Random(1)\n"
        "kept = []\n"
        "with build.Builder(os.path.dirname(path)) as builder:\n"
        "    for number in range(300):\n"
        "        data = chance.randbytes(32 * 100_000)\n"
        "        kept += [data[at:at + 32] for at in range(0, len(data), 32 * 300)]\n"
        "        for at in range(0, len(data), 32):\n"
        "            builder.add((data[at:at + 32],))\n"
        "    written = builder.write(path, kit.header())\n"
        "peak = usage.peak()\n"
        "assert written.header.sections[0].count == 30_000_000\n"
        "assert peak < 400_000_000, peak\n"
        "with HashSet(path) as found:\n"
        "    assert found.check() == written.sha256\n"
        "    assert all(found.has('sha256', digest) for digest in kept)\n"
        "    assert not any(found.has('sha256', chance.randbytes(32)) for _ in range(100_000))\n"
    )
    support = os.fspath(kit.Path(kit.__file__).parent)
    subprocess.run(
        [sys.executable, "-c", script, os.fspath(tmp_path / "x")],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([support, *sys.path])},
    )
