"""Checkpoints: only what is durable in order, pieces and gaps beside it, read back strictly."""

from __future__ import annotations

import os

import pytest

from evkit.acquire import engine, mapfile
from evkit.acquire.output import checkpoint
from evkit.acquire.output.checkpoint import Checkpoints
from evkit.acquire.output.resumed import Resumed
from evkit.core import durable
from evkit.core.errors import InputError

BLOCK = engine.BLOCK
NODE = 4 * 32


class Out:
    """An output that tells where it stands."""

    def __init__(self):
        self.at = 0
        self.synced = 0
        self.on_write = None

    def sync(self):
        self.synced += 1

    def state(self):
        return {"at": self.at, "done": []}


@pytest.fixture
def work(tmp_path):
    saved, lost = [], []
    out, tally = Out(), engine.Tally.fresh((), block_nodes=True)
    points = Checkpoints(os.fsencode(tmp_path), BLOCK, saved.append)
    points.watch(out, tally, lambda: lost, 20 * BLOCK)

    def know(*numbers):
        for number in numbers:
            tally.nodes[number] = bytes([number]) * NODE
            tally.leaves[number] = bytes([number]) * (256 * 32)

    return points, out, know, saved, lost


def test_what_is_written_out_of_turn_waits(work, tmp_path):
    points, out, know, saved, _ = work
    know(0, 2, 3)
    out.at = 4 * BLOCK
    points.make()
    assert saved == [{"at": BLOCK, "done": [], "blocks": 1}]
    points.make()
    assert len(saved) == 1  # nothing new
    know(1)
    out.at = 2 * BLOCK + 5
    points.make()
    assert saved[-1]["blocks"] == 2
    assert (tmp_path / "pieces.part").read_bytes() == bytes(NODE) + b"\1" * NODE
    assert out.synced == 2


def test_pieces_come_back(work, tmp_path):
    points, out, know, _, _ = work
    know(0, 1, 2)
    out.at = 3 * BLOCK
    points.make()
    tally = engine.Tally.fresh((), block_nodes=True)
    checkpoint.load(os.fsencode(tmp_path), tally, 3 * BLOCK, BLOCK)
    assert tally.size == 3 * BLOCK
    assert tally.nodes[2] == b"\2" * NODE
    assert len(tally.leaves[1]) == 256 * 32
    with pytest.raises(InputError, match="cut short"):
        checkpoint.load(os.fsencode(tmp_path), tally, 4 * BLOCK, BLOCK)
    (tmp_path / "blocks.part").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        checkpoint.load(os.fsencode(tmp_path), tally, 3 * BLOCK, BLOCK)
    with pytest.raises(InputError):
        checkpoint.load(os.fsencode(tmp_path), tally, 1 << 90, BLOCK)


def test_gaps_are_kept_up_to_where_the_work_goes_on(work, tmp_path):
    points, out, know, saved, lost = work
    know(0, 1)
    out.at = 2 * BLOCK
    lost += [(512, 512), (2 * BLOCK - 512, 4096), (5 * BLOCK, 512)]
    points.make()
    assert saved[-1]["gaps"] is True
    found = Resumed.of(saved[-1])
    assert found.lost(os.fsencode(tmp_path), 2 * BLOCK, 20 * BLOCK) == [
        (512, 512), (2 * BLOCK - 512, 512),
    ]  # fmt: skip
    assert found.lost(os.fsencode(tmp_path), BLOCK, 20 * BLOCK) == [(512, 512)]
    (tmp_path / "image.map.part").write_bytes(b"nonsense")
    with pytest.raises(InputError):
        found.lost(os.fsencode(tmp_path), BLOCK, 20 * BLOCK)


def test_the_journal_comes_last(work):
    points, out, know, _, _ = work
    seen = []
    durable.observe(lambda kind, path: seen.append((kind, os.path.basename(path))))
    out.sync = lambda: seen.append(("fsync", b"image"))
    points._save = lambda state: seen.append(("save", b""))
    try:
        know(0)
        out.at = BLOCK
        points.make()
    finally:
        durable.observe(None)
    kinds = [what for what in seen if what[0] in {"fsync", "save", "dirsync"}]
    assert kinds[0] == ("fsync", b"image")
    assert kinds[1] == ("fsync", b"pieces.part")
    assert kinds[-1] == ("save", b"")


def test_whole_work_is_kept_with_its_last_short_block(work, tmp_path):
    points, out, know, saved, _ = work
    know(0, 1)
    out.at = BLOCK
    points.make()
    tally = points._tally
    tally.nodes[2] = b"\7" * 32
    tally.leaves[2] = b"\7" * 32
    tally.size = 2 * BLOCK + 99
    chart = mapfile.of_gaps([(0, 512)], tally.size)
    points.whole(tally, chart, {"size": tally.size})
    assert saved[-1] == {"whole": {"size": tally.size, "gaps": True}}
    again = engine.Tally.fresh((), block_nodes=True)
    checkpoint.load(os.fsencode(tmp_path), again, tally.size, BLOCK)
    assert again.nodes == tally.nodes
    assert again.leaves == tally.leaves
    checkpoint.remove(os.fsencode(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "state",
    [
        {"blocks": -1}, {"blocks": True}, {"blocks": "1"}, {"done": {}}, {"done": [1]},
        {"map": 1}, {"gaps": None}, {"failed": "second"}, {"failed": [1]}, {"whole": []},
        {"e01": []}, {"e01": {"segment": 1}}, {"e01": {"segment": 2, "offset": 9, "chunks": 9}},
        {"blocks": 9, "e01": {"segment": 1, "offset": 9, "chunks": 9}},
        {"blocks": 0, "e01": {"segment": 1, "offset": 9, "chunks": 9000}},
        {"e01": {"segment": 1 << 40, "offset": 9, "chunks": 9}},
    ],
)  # fmt: skip
def test_a_malformed_state(state):
    with pytest.raises(InputError):
        Resumed.of(state)


def test_files_that_hold_what_was_durable():
    part = {"name": "image.001", "size": 100, "sha256": None}
    other = {**part, "name": "image.002"}
    found = Resumed.of({"blocks": 1, "done": [part, other]})
    assert found.names(200, 100) == ["image.001", "image.002"]
    assert found.names(201, 100) == ["image.001", "image.002", "image.003"]
    assert found.names(150, 100) == ["image.001", "image.002"]
    assert found.names(0, 100) == []
    assert Resumed.of({}).names(0, None) == []
    assert Resumed.of({"blocks": 1}).names(5, None) == ["image.raw"]
    with pytest.raises(InputError):
        Resumed.of({"whole": {"files": []}}).files()
