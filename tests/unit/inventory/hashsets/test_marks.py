"""Marks of an inventory: bound to its rows, in order, adding up; anything else is refused."""

from __future__ import annotations

import os
import random

import hashsetkit
import inventorykit as kit
import pytest

from evkit.core.errors import InputError, RefusedError
from evkit.inventory.hashsets import marking, marks, marksheader
from evkit.inventory.hashsets.reader import HashSet

IMAGE = kit.SAMPLES / "usb-fat16.raw"
pytestmark = pytest.mark.skipif(not IMAGE.exists(), reason="the sample images are not here")


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "inventory.db"
    kit.scan(IMAGE, path).close()
    return path


def mark(database, *sets):
    """Write sets of raw digests, look the inventory up in them, write the marks."""
    opened = []
    for number, (category, digests) in enumerate(sets):
        path = database.parent / f"set{number}.hashset"
        if not path.exists():
            hashsetkit.write(
                path, [[digest] for digest in digests], name=f"set{number}", category=category
            )
        opened.append(HashSet(os.fsencode(path)))
    named = [marking.Named(item, item.check()) for item in opened]
    raw = os.fsencode(database)
    with kit.Inventory(raw) as inventory:
        header, found = marking.look_up(inventory, named)
    for item in opened:
        item.close()
    path = marks.next_name(raw)
    marking.write(path, header, found)
    return path


def streams(database):
    with kit.Inventory(os.fsencode(database)) as inventory:
        return {
            number: {name: bytes.fromhex(text) for name, text in row["digests"].items()}
            for number, row in inventory.rows("stream")
            if row.get("size") and "digests" in row
        }


def test_the_strongest_digest_counts(database, monkeypatch):
    monkeypatch.setattr(marking, "_BATCH", 3)
    rows = streams(database)
    first, second, third = sorted(rows)[:3]
    both = [rows[first]["sha256"], rows[first]["md5"], rows[second]["md5"]]
    path = mark(database, ("notable", both), ("known", [rows[third]["sha256"]]))
    found = marks.Marks.open(path)
    assert [m.digest for m in found.of(first)] == ["sha256"]
    assert [m.digest for m in found.of(second)] == ["md5"]
    assert [(m.set, m.category, m.weak) for m in found.of(third)][-1] == ("set1", "known", False)
    assert found.of(first)[0].document()["weak"] is False
    assert set(found.streams("known")) & set(found.streams("notable")) in ({third}, set())
    assert len(found) == found.header.counts["marks"]
    assert os.stat(path).st_mode & 0o777 == 0o444
    with pytest.raises(RefusedError):
        marking.write(path, found.header, marking.array("Q"))


def test_names_are_numbered_and_the_newest_counts(database):
    rows = streams(database)
    one, two = sorted(rows)[:2]
    raw = os.fsencode(database)
    assert marks.marks_for(raw) is None
    mark(database, ("notable", [rows[one]["sha256"]]))
    for _ in range(9):
        last = mark(database, ("notable", [rows[one]["sha256"]]))
    assert last.endswith(b"inventory.db.marks-10.jsonl")
    assert marks.names(raw)[-1] == last
    assert marks.marks_for(raw).path == last
    assert marks.marks_for(raw).of(two) == ()
    (database.parent / "inventory.db.marks-x.jsonl").write_text("")
    (database.parent / "inventory.db.marks-0.jsonl").write_text("")
    assert marks.marks_for(raw).path == last


def test_marks_of_another_inventory_are_refused(database):
    rows = streams(database)
    path = mark(database, ("notable", [next(iter(rows.values()))["sha256"]]))
    other = database.parent / "other.db"
    kit.scan(IMAGE, other).close()
    os.rename(path, os.fsencode(other) + b".marks.jsonl")
    with pytest.raises(InputError, match="of another inventory"):
        marks.marks_for(os.fsencode(other))


def test_damaged_marks_are_refused(database):
    rows = streams(database)
    digests = [row["sha256"] for row in rows.values()]
    path = mark(database, ("notable", digests), ("known", digests[::2]))
    with open(path, "rb") as handle:
        whole = handle.read()
    os.chmod(path, 0o644)
    chance = random.Random(3)
    lines = whole.splitlines(keepends=True)
    for _ in range(60):
        damaged = list(lines)
        kind = chance.randrange(4)
        at = chance.randrange(1, len(damaged))
        if kind == 0:
            del damaged[at]
        elif kind == 1:
            damaged.insert(at, damaged[at])
        elif kind == 2:
            damaged[at] = damaged[at].replace(b'"stream":', b'"stream":9')
        else:
            damaged[at] = damaged[at][: chance.randrange(len(damaged[at]))]
        if damaged == lines:
            continue
        with open(path, "wb") as handle:
            handle.write(b"".join(damaged))
        with pytest.raises(InputError, match="not a sound marks file"):
            marks.Marks.open(path)
    for data in (b"", b"{}\n", b"x" * (2 << 20), lines[0][:-1], bytes(100)):
        with open(path, "wb") as handle:
            handle.write(data)
        with pytest.raises(InputError):
            marks.Marks.open(path)
    with pytest.raises(InputError, match="cannot read"):
        marks.Marks.open(path + b"x")


def test_headers_that_are_refused(database):
    rows = streams(database)
    path = mark(database, ("notable", [next(iter(rows.values()))["sha256"]]))
    header = marks.Marks.open(path).header
    from evkit.core import ejson

    document = ejson.loads(header.encode())
    for change in (
        {"schema": "evkit/marks/2"}, {"more": 1}, {"sets": []}, {"sets": [1]},
        {"sets": document["sets"] * 501}, {"counts": {}}, {"created": 5},
        {"inventory": {"rows": -1, "row_root": "0" * 64}}, {"inventory": []},
        {"inventory": {"rows": 1, "row_root": "x"}},
        {"sets": [{**document["sets"][0], "category": ["known"]}]},
        {"sets": [{**document["sets"][0], "sha256": None}]},
        {"counts": {**document["counts"], "weak": -1}},
    ):  # fmt: skip
        with pytest.raises(InputError):
            marksheader.parse_header(ejson.dumps({**document, **change}))
