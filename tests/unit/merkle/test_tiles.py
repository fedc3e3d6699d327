"""`evkit.merkle.tiles`: a complete published log rebuilt, published paths, strict readers."""

from __future__ import annotations

import base64
import json
import time

import pytest

from evkit.core.errors import InputError
from evkit.merkle import proof, tiles, tree
from evkit.merkle.tiles import ENTRIES, TileRef


@pytest.fixture(scope="module")
def log(vectors):
    return vectors / "note" / "tessera-log"


@pytest.fixture(scope="module")
def entries(log):
    texts = json.loads((log / "entries.json").read_text())["entries_in_order"]
    return [text.encode() for text in texts]


def test_the_published_log_is_rebuilt_byte_for_byte(log, entries):
    leaves = [tree.leaf_hash(entry) for entry in entries]
    made = {}
    for size in range(1, len(entries) + 1):
        made |= tiles.hash_tiles(leaves[:size])
        for ref in tiles.bundles_for_size(size):
            first = ref.number * tiles.TILE_WIDTH
            made[ref.path] = tiles.entry_bundle(entries[first : first + ref.width])
    stored = {
        path.relative_to(log).as_posix(): path.read_bytes()
        for path in (log / "tile").rglob("*")
        if path.is_file()
    }
    assert len(stored) == 30
    assert made == stored


def test_roots_of_all_published_checkpoints(log, entries):
    leaves = [tree.leaf_hash(entry) for entry in entries]
    reader = tiles.reader_from_leaves(leaves)
    seen = {}
    for path in log.glob("checkpoint*"):
        _origin, size, root = path.read_text().split("\n")[:3]
        seen[int(size)] = base64.b64decode(root)
        assert tree.root(leaves[: int(size)]) == seen[int(size)]
        assert tree.root_from_reader(int(size), reader) == seen[int(size)]
    assert sorted(seen) == list(range(16))
    for old in range(1, 16):
        for new in range(old, 16):
            link = proof.consistency_proof(old, new, reader)
            assert proof.verify_consistency(old, new, seen[old], seen[new], link)


def test_the_published_log_is_read_back(log, entries):
    def fetch(path):
        return (log / path).read_bytes()

    for size in range(len(entries) + 1):
        made = tiles.read_hash_tiles(size, fetch)
        assert made.reader.leaves() == tuple(map(tree.leaf_hash, entries[:size]))
        for ref in tiles.bundles_for_size(size):
            assert tiles.parse_entry_bundle(fetch(ref.path), ref.width) == entries[:size]


@pytest.fixture(scope="module")
def examples(vectors):
    return json.loads((vectors / "note" / "tile-examples.json").read_text())["groups"]


def test_published_index_paths_and_tile_counts(examples):
    specification = examples[0]
    for case in specification["index_encoding"]:
        path = f"tile/0/{case['path']}"
        assert tiles.tile_path(0, case["index"]) == path
        assert tiles.parse_tile_path(path) == TileRef(0, case["index"], 256)
    for case in specification["tiles_of_size"]:
        expected = []
        for level in case["levels"]:
            expected += [TileRef(level["level"], n, 256) for n in range(level["full"])]
            if level["partial_width"]:
                expected.append(TileRef(level["level"], level["full"], level["partial_width"]))
        assert list(tiles.tiles_for_size(case["size"])) == expected


def test_published_paths_of_the_go_form(examples):
    for case in examples[1]["paths"]:
        parts = case["path"].split("/")
        path = "/".join(["tile", *parts[2:]]).replace("tile/data", "tile/entries")
        if case.get("reject"):
            with pytest.raises(InputError):
                tiles.parse_tile_path(path)
            continue
        level = ENTRIES if case["level"] == "data" else case["level"]
        width = 256 if case["width"] == 1 << case["height"] else case["width"]
        assert tiles.tile_path(level, case["index"], width) == path
        assert tiles.parse_tile_path(path) == TileRef(level, case["index"], width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/x001/x000/x001",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/300",
        "tile/0/000.p/",
        "tile/0/٠٠٠",
        "tile/0/000\n",
        "tile/0/../0/000",
        "tile/Entries/000",
        "tile/-1/000",
        "tile/0/" + "x999/" * 6 + "999",
        "tile/0/" + "x001/" * 100 + "000",
    ],
)
def test_paths_that_are_refused(path):
    with pytest.raises(InputError):
        tiles.parse_tile_path(path)


@pytest.mark.parametrize(
    ("level", "index", "width"),
    [(64, 0, 256), (-2, 0, 256), (0, -1, 256), (0, 0, 0), (0, 0, 257), (True, 0, 1), (0, 0, True)],
)
def test_tiles_that_do_not_exist_have_no_path(level, index, width):
    with pytest.raises(InputError):
        tiles.tile_path(level, index, width)


def test_tiles_of_the_largest_size_have_paths():
    refs = [TileRef(7, 127, 255), TileRef(ENTRIES, 2**63 // 256 - 1, 255), TileRef(63, 0, 1)]
    for ref in refs:
        assert tiles.parse_tile_path(ref.path) == ref


def test_a_log_of_66_000_entries_has_three_levels_of_tiles():
    leaves = [tree.leaf_hash(b"%d" % number) for number in range(66_000)]
    made = tiles.hash_tiles(leaves)
    assert {path.split("/")[1] for path in made} == {"0", "1", "2"}
    assert made["tile/2/000.p/1"] == tree.root(leaves[:65536])
    again = tiles.read_hash_tiles(66_000, made.__getitem__)
    assert again.reader.leaves() == tuple(leaves)
    damaged = bytearray(made["tile/1/000"])
    damaged[5] ^= 1
    with pytest.raises(InputError, match="tile/1/000"):
        tiles.read_hash_tiles(66_000, (made | {"tile/1/000": bytes(damaged)}).__getitem__)
    with pytest.raises(InputError, match="bytes long"):
        tiles.read_hash_tiles(66_000, (made | {"tile/1/000": b""}).__getitem__)


def test_a_reader_over_10_000_leaves_is_quick():
    leaves = [tree.leaf_hash(b"%d" % number) for number in range(10_000)]
    started = time.process_time()
    reader = tiles.reader_from_leaves(leaves)
    for index in range(0, 10_000, 10):
        proof.inclusion_proof(index, 10_000, reader)
    assert time.process_time() - started < 5  # about 0.05 s; a proof in linear time takes minutes


def test_entry_bundles_are_read_strictly():
    entries = [b"", b"a", b"b" * 65535]
    bundle = tiles.entry_bundle(entries)
    assert bundle[:5] == b"\0\0\0\1a"
    assert tiles.parse_entry_bundle(bundle, 3) == entries
    for width in (0, 1, 2, 4, 256):
        with pytest.raises(InputError):
            tiles.parse_entry_bundle(bundle, width)
    for cut in (1, 2, 3, 4, 5, 6, len(bundle) - 1):
        with pytest.raises(InputError):
            tiles.parse_entry_bundle(bundle[:cut], 3)
    with pytest.raises(InputError):
        tiles.parse_entry_bundle(bundle + b"\0", 3)


def test_entry_bundles_have_limits():
    for entries in ([], [b""] * 257, [b"x" * 65536]):
        with pytest.raises(InputError):
            tiles.entry_bundle(entries)


def test_a_tile_beyond_the_log_is_refused():
    made = tiles.HashTiles([tree.leaf_hash(b"")] * 300)
    assert made.size == 300
    for ref in (TileRef(0, 1, 45), TileRef(1, 0, 2), TileRef(2, 0, 1), TileRef(ENTRIES, 0, 1)):
        with pytest.raises(InputError):
            made.tile(ref)
