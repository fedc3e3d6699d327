"""The exported ledger is a C2SP tiled log; proofs verify with the published rules."""

from __future__ import annotations

import os

import pytest
from stations import note

from evkit.core.errors import RefusedError
from evkit.ledger.checkpoint import parse_checkpoint_own
from evkit.ledger.tlog_proof import parse_proof_own, verify_proof
from evkit.merkle import tiles, tree
from evkit.station.export import export, prove


def test_the_tiles_rebuild_the_log(made, station, tmp_path):
    drafts = [note("C1", f"n {n}") for n in range(300)]
    station.record_many(drafts, made.officer)
    target = tmp_path / "out"
    size = export(station, os.fsencode(target))
    signed = parse_checkpoint_own((target / "checkpoint").read_bytes())
    assert signed.verify(station.trust.statement().vkey())
    assert signed.checkpoint.size == size == station.head().size
    found = tiles.read_hash_tiles(size, lambda name: (target / name).read_bytes())
    entries = []
    for ref in tiles.bundles_for_size(size):
        entries += tiles.parse_entry_bundle((target / ref.path).read_bytes(), ref.width)
    leaves = [tree.leaf_hash(entry) for entry in entries]
    assert tuple(leaves) == found.reader.leaves()
    assert tree.root(leaves) == signed.checkpoint.root
    assert (target / "tile" / "0" / "000").stat().st_size == 8192
    names = {os.path.relpath(path, target) for path in target.rglob("*") if path.is_file()}
    expected = {ref.path for ref in tiles.tiles_for_size(size)}
    expected |= {ref.path for ref in tiles.bundles_for_size(size)}
    assert names == expected | {"checkpoint"}


def test_never_over_something(station, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(RefusedError):
        export(station, os.fsencode(tmp_path / "out"))
    assert [path.name for path in tmp_path.glob("out*")] == ["out"]


def test_a_proof_for_every_entry(made, station):
    station.record_many([note("C1", f"n {n}") for n in range(20)], made.officer)
    log = station.trust.statement().vkey()
    for entry in station.entries():
        found = parse_proof_own(prove(station, entry))
        assert verify_proof(found, tree.leaf_hash(entry.envelope), log).ok
        assert not verify_proof(found, tree.leaf_hash(entry.envelope + b" "), log).ok
