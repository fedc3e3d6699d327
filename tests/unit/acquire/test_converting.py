"""Converting: the engine that decodes and encodes at once, parts compared by pieces, judgements."""

from __future__ import annotations

import errno
import hashlib
import os
import random

import e01kit
import leftovers
import pytest

from evkit.acquire import converting, engine, imaging, judging, mapfile
from evkit.acquire.decoding import Decodable
from evkit.acquire.imaging import Order
from evkit.acquire.output.branch import MASTER, Branch
from evkit.acquire.output.names import NEUTRAL, Names
from evkit.acquire.stopping import Stop
from evkit.acquire.windowing import WindowReader, inside
from evkit.core.errors import InputError, StorageError
from evkit.hashing.pieces import PieceHasher
from evkit.images.e01.reader import E01Image
from evkit.images.raw import RawImage

MIB = 1 << 20
CHUNK = 32768
UNDECODABLE = InputError("cannot be decoded")
NAMES = ("md5", "sha1", "sha256")


def tree_of(data):
    hasher = PieceHasher()
    hasher.update(data)
    return hasher.finish()


def content(size, seed=2):
    rng = random.Random(seed)
    return (rng.randbytes(size // 3) + b"words " * (size // 10) + bytes(size))[:size]


class Stored:
    """Keeps what the engine encodes."""

    def __init__(self):
        self.data, self.sizes = bytearray(), []

    def append(self, stored, sizes):
        self.data += stored
        self.sizes += sizes


@pytest.mark.parametrize("size", [512, CHUNK, 4 * MIB, 4 * MIB + 512, 9 * MIB + 1024])
@pytest.mark.parametrize("processes", [False, True])
def test_one_pass_gives_what_two_passes_give(tmp_path, monkeypatch, size, processes):
    data = content(size)
    paths = e01kit.write_e01(tmp_path, data, compression="best")
    kept = Stored()
    encoding = engine.Encoding(compression="fast", append=kept.append)
    sink = bytearray()

    class Target:
        def write(self, view):
            sink.extend(view)

    if processes:
        monkeypatch.setattr(engine, "PROCESSES_FROM", 0)
    with E01Image([os.fsencode(path) for path in paths]) as image:
        order = engine.Order(names=NAMES, encoding=encoding, target=Target(), block_nodes=True)
        outcome = engine.decode_all(Decodable(image), order)
    assert bytes(sink) == data
    assert (bytes(kept.data), kept.sizes) == e01kit.encode(data)
    assert outcome.digests == {name: hashlib.new(name, data).hexdigest() for name in NAMES}
    assert outcome.pieces.root == tree_of(data).root
    assert outcome.damage == ()


def test_a_full_disk_ends_the_pass_and_no_thread_stays(tmp_path):
    paths = e01kit.write_e01(tmp_path, content(40 * MIB))

    def full(_stored, _sizes):
        raise StorageError("full")

    encoding = engine.Encoding(compression="fast", append=full)
    with E01Image([os.fsencode(path) for path in paths]) as image:
        order = engine.Order(names=NAMES, encoding=encoding)
        with leftovers.none(), pytest.raises(StorageError, match="full"):
            engine.decode_all(Decodable(image), order)


class Medium:
    """An image over bytes with places that fail."""

    format = "raw"
    sector_size = 512
    declared_gaps = ()
    segments = ()

    def __init__(self, data, bad=(), error=UNDECODABLE):
        self.data, self.bad, self.error = data, bad, error
        self.size = len(data)

    def read(self, offset, size):
        if any(offset < at + length and at < offset + size for at, length in self.bad):
            raise self.error
        return self.data[offset : offset + size]


def read_all(reader, step=700_001):
    found = bytearray()
    while True:
        buffer = bytearray(step)
        count = reader.fill(memoryview(buffer))
        found += buffer[:count]
        if count < step:
            return bytes(found)


@pytest.mark.parametrize(
    ("offset", "length", "pieces"),
    [(0, 1, 1), (MIB - 1, 2, 2), (MIB, MIB, 1), (100, 3 * MIB, 4), (5 * MIB, 333, 1),
     (0, 5 * MIB + 333, 6), (5 * MIB + 332, 1, 1)],
)  # fmt: skip
def test_a_part_and_the_pieces_around_it(offset, length, pieces):
    data = content(5 * MIB + 333)
    reader = WindowReader(Medium(data), offset, length, tree_of(data))
    assert read_all(reader) == data[offset : offset + length]
    assert (reader.equal, reader.unequal, reader.lost, reader.gaps) == (pieces, [], 0, [])
    plain = WindowReader(Medium(data), offset, length)
    assert read_all(plain) == data[offset : offset + length]
    assert plain.equal == 0


@pytest.mark.parametrize("at", [MIB, MIB + 5, 2 * MIB - 1])
def test_every_byte_of_a_touched_piece_counts(at):
    data = content(4 * MIB)
    other = bytearray(data)
    other[at] ^= 1
    reader = WindowReader(Medium(bytes(other)), MIB + 1000, 10, tree_of(data))
    read_all(reader)
    assert reader.unequal == [(MIB, MIB)]
    assert judging.of_part(reader, tree_of(data)).state == judging.DIFFERS


@pytest.mark.parametrize("error", [InputError("no"), OSError(errno.EIO, "no")])
def test_what_cannot_be_decoded_is_a_gap_of_the_part(error):
    data = content(4 * MIB)
    bad = [(MIB + 40_000, 1), (3 * MIB, 10)]
    reader = WindowReader(Medium(data, bad, error), MIB + 30_000, MIB, tree_of(data))
    wanted = bytearray(data)
    wanted[MIB + CHUNK : MIB + 2 * CHUNK] = bytes(CHUNK)
    assert read_all(reader) == bytes(wanted[MIB + 30_000 : 2 * MIB + 30_000])
    assert reader.gaps == [(CHUNK - 30_000, CHUNK)]
    assert (reader.equal, reader.lost) == (1, 1)
    assert judging.of_part(reader, tree_of(data)).state == judging.PARTLY


def test_an_image_that_ends_early_is_a_gap():
    data = content(2 * MIB)
    medium = Medium(data)
    medium.data = data[: MIB + 100_000]
    reader = WindowReader(medium, 0, 2 * MIB, tree_of(data))
    found = read_all(reader)
    whole = (MIB + 100_000) // CHUNK * CHUNK
    assert found == data[:whole] + bytes(2 * MIB - whole)
    assert reader.gaps == [(whole, 2 * MIB - whole)]


def test_inside():
    ranges = [(0, 10), (95, 10), (200, 50), (245, 100)]
    assert inside(ranges, 100, 150) == [(0, 5), (100, 50)]
    assert inside(ranges, 300, 10) == [(0, 10)]
    assert inside(ranges, 20, 10) == []


def judge(data, made, stated=(), damage=(), *, recorded=True):
    trees = (tree_of(data) if recorded else None, tree_of(made))
    digests = {name: hashlib.new(name, made).hexdigest() for name in NAMES}
    return judging.of_whole(stated, digests, trees, damage)


def stated_of(data, *names):
    return tuple(("x", name, hashlib.new(name, data).hexdigest()) for name in names)


def test_judgements_without_recorded_pieces():
    data, other = content(3 * MIB), content(3 * MIB, 9)
    state = judge(data, data, recorded=False).state
    assert state == judging.NOTHING
    assert judge(data, data, stated_of(data, *NAMES), recorded=False).state == judging.EQUAL
    mixed = (*stated_of(data, "md5"), *stated_of(other, "sha1"))
    found = judge(data, data, mixed, recorded=False)
    assert found.state == judging.DIFFERS
    assert [entry.agrees for entry in found.digests] == [True, False]
    absent = (("x", "sha512", "00" * 64),)
    assert judge(data, data, absent, recorded=False).state == judging.DIFFERS
    found = judge(data, other, stated_of(data, "md5"), [(0, 5)], recorded=False)
    assert found.state == judging.NOT_COMPARED


def test_judgements_with_recorded_pieces():
    data = content(5 * MIB)
    stated = stated_of(data, "sha256")
    found = judge(data, data, stated)
    assert (found.state, found.pieces, found.lost) == (judging.EQUAL, 5, 0)
    zeroed = bytearray(data)
    zeroed[MIB + 10 : MIB + 20] = bytes(10)
    found = judge(data, bytes(zeroed), stated, [(MIB + 10, 10)])
    assert (found.state, found.pieces, found.lost) == (judging.PARTLY, 4, 1)
    assert found.digests == ()
    zeroed[3 * MIB] ^= 1
    found = judge(data, bytes(zeroed), stated, [(MIB + 10, 10)])
    assert (found.state, found.ranges) == (judging.DIFFERS, ((3 * MIB, MIB),))
    assert (found.pieces, found.lost) == (3, 1)


def test_zeros_that_were_recorded_as_such_are_equal():
    """The intake of a damaged E01 recorded zeros; converting it gives the same."""
    data = bytes(2 * MIB)
    found = judge(data, data, stated_of(data, "sha256"), [(0, 100)])
    assert found.state == judging.EQUAL


def test_digests_and_pieces_must_both_agree():
    data, other = content(2 * MIB), content(2 * MIB, 7)
    assert judge(data, data, stated_of(other, "sha256")).state == judging.DIFFERS


def order_for(folder, data, names=NEUTRAL, **options):
    (folder / "new").mkdir()
    branch = Branch(copy=MASTER, folder=os.fsencode(folder / "new"), suffix=b".x.part")
    return Order(folder=branch.folder, branches=(branch,), names=NAMES, files=names, **options)


def run(image, order, **origin):
    with Stop() as stop:
        return converting.convert(converting.Origin(image=image, **origin), order, stop)


def test_names_of_files(tmp_path):
    data = content(3 * MIB)
    (tmp_path / "disk.dd").write_bytes(data)
    names = Names(whole="x.img", stem="x", pieces="x.pieces", map="x.map")
    with RawImage([os.fsencode(tmp_path / "disk.dd")]) as image:
        chart = mapfile.of_gaps([(512, 512)], len(data))
        done = run(image, order_for(tmp_path, data, names), chart=chart)
    assert done.made.error is None
    assert sorted(os.listdir(tmp_path / "new")) == ["x.img", "x.map", "x.pieces"]
    assert done.made.result == imaging.WITH_GAPS
    assert done.damage == []


def test_statuses_of_a_map_are_kept(tmp_path):
    data = content(MIB)
    (tmp_path / "disk.dd").write_bytes(data)
    chart = mapfile.RescueMap(len(data), mapfile.FINISHED)
    chart.mark(0, 512, mapfile.UNTRIED)
    chart.mark(1024, 512, mapfile.BAD)
    with RawImage([os.fsencode(tmp_path / "disk.dd")]) as image:
        run(image, order_for(tmp_path, data), chart=chart)
    found = mapfile.read(os.fsencode(tmp_path / "new" / "image.map"))
    assert list(found.blocks())[:3] == [(0, 512, "?"), (512, 512, "+"), (1024, 512, "-")]


def test_a_source_that_changes_gets_no_copy(tmp_path, monkeypatch):
    data = content(2 * MIB)
    path = tmp_path / "disk.dd"
    path.write_bytes(data)
    real = engine.read_all

    def read_and_change(source, order):
        found = real(source, order)
        os.utime(path, ns=(1, 1))
        return found

    monkeypatch.setattr(engine, "read_all", read_and_change)
    with RawImage([os.fsencode(path)]) as image:
        done = run(image, order_for(tmp_path, data))
    assert isinstance(done.made.error, InputError)
    assert "changed while they were read" in done.made.error.message
    assert os.listdir(tmp_path / "new") == []


def test_a_source_that_shrinks_gets_no_copy(tmp_path):
    data = content(2 * MIB)
    path = tmp_path / "disk.dd"
    path.write_bytes(data)
    with RawImage([os.fsencode(path)]) as image:
        os.truncate(path, MIB)
        done = run(image, order_for(tmp_path, data))
    assert "changed" in done.made.error.message
    assert os.listdir(tmp_path / "new") == []


def test_a_failing_destination(tmp_path, monkeypatch):
    from evkit.acquire.output.branch import Fan

    (tmp_path / "disk.dd").write_bytes(content(9 * MIB))

    def full(*_):
        raise StorageError("no space")

    monkeypatch.setattr(Fan, "write", full)
    with RawImage([os.fsencode(tmp_path / "disk.dd")]) as image:
        done = run(image, order_for(tmp_path, b""))
    assert isinstance(done.made.error, StorageError)
    assert done.made.result == imaging.FAILED
    assert os.listdir(tmp_path / "new") == []
