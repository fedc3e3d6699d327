"""Damaged images never bring the parent down, lose a count or invent a digest."""

from __future__ import annotations

import hashlib
import os
import random

import inventorykit as kit
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evkit.core.errors import InputError
from evkit.core.paths import from_fields, to_fields
from evkit.inventory.coverage import problems
from evkit.inventory.parts import divide
from evkit.inventory.runner import Limits
from evkit.inventory.scan import Options
from evkit.inventory.wire import Message
from evkit.manifest import rows

ROUNDS = int(os.environ.get("EVKIT_MUTATIONS", "8"))


def _check(inventory, raw: bytes) -> None:
    coverage = inventory.coverage()
    assert problems(coverage) == []
    assert inventory.problems() == []
    streams = kit.of_kind(inventory, "stream")
    assert len(streams) == coverage["streams"]["listed"]
    for row in streams:
        assert ("digests" in row) == (row["state"] == "ok")
        plain = not {"resident", "compressed"} & set(row.get("flags", ()))
        if row["state"] == "ok" and plain and "extents_left_out" not in row and row["size"]:
            content = b"".join(
                bytes(length) if place < 0 else raw[place : place + length]
                for place, length in row.get("extents", ())
            )
            if len(content) == row["size"] and "sparse" not in row.get("flags", ()):
                assert hashlib.md5(content).hexdigest() == row["digests"]["md5"], row


@pytest.mark.parametrize(
    "name", ["usb-fat16.raw", "phone-gpt-ext4.raw", "laptop-ntfs.raw", "disc.iso"]
)
def test_mutated_images(name, tmp_path):
    source = kit.SAMPLES / name
    if not source.exists():
        pytest.skip("the sample images are not here")
    original = source.read_bytes()
    used = [place for place in range(0, len(original), 512) if any(original[place : place + 512])]
    for seed in range(ROUNDS):
        chance = random.Random(f"{name} {seed}")
        data = bytearray(original)
        for _ in range(chance.choice((1, 4, 32, 200))):
            place = min(chance.choice(used) + chance.randrange(512), len(data) - 9)
            size = chance.choice((1, 1, 2, 8))
            data[place : place + size] = chance.choice(
                (chance.randbytes(size), b"\xff" * size, bytes(size))
            )
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)) :]
        path = tmp_path / f"{seed}.raw"
        path.write_bytes(data)
        options = Options(types=False, limits=Limits(silence=30, cpu=30))
        try:
            with kit.scan(path, tmp_path / f"{seed}.db", options) as inventory:
                _check(inventory, bytes(data))
        except InputError:
            continue  # said, not crashed


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 50))), st.integers(0, 150))
def test_partitions_and_gaps_add_up(ranges, size):
    clipped = [(min(o, size), max(min(o + n, size) - min(o, size), 0)) for o, n in ranges]
    parts = [{"offset": o, "size": n, "kind": "allocated", "table": "dos"} for o, n in clipped]
    members = {byte for offset, length in clipped for byte in range(offset, offset + length)}
    found = divide(parts, size)
    assert (found.covered, found.gaps) == (len(members), size - len(members))
    gaps = [(row["offset"], row["size"]) for row in found.rows if row["kind"] == "gap"]
    assert {b for o, n in gaps for b in range(o, o + n)} == set(range(size)) - members


@given(st.binary(max_size=60))
@settings(max_examples=300)
def test_names_of_any_bytes_survive_in_rows(name):
    row = {
        "row": "name", "fs": 1, "inode": 5, **to_fields(b"/" + name), **to_fields(name, "name"),
        "parent": 2, "type": "file", "allocated": True, "state": "ok",
    }  # fmt: skip
    data = rows.encode(row)
    assert from_fields(rows.parse(data), "name") == name
    line = rows.export_line(0, bytes(16), data)
    assert line.count(b"\n") == 1
    assert rows.parse_export_line(line)[3] == data


@given(st.binary(max_size=200))
@settings(max_examples=500)
def test_any_line_of_a_child_is_a_message_or_refused(line):
    try:
        message = Message.parse(line)
    except InputError:
        return
    assert message.kind in {
        "image", "part", "fs", "row", "offer", "info", "type", "beat", "done", "item", "end",
        "mark", "orphans", "listed", "lost", "late",
    }  # fmt: skip
