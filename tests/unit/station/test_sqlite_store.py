"""The store: one transaction per append, nothing changed or removed, proofs from stored nodes."""

from __future__ import annotations

import hashlib
import os
import sqlite3

import leftovers
import pytest

from evkit.core.errors import EvkitError, InputError, RefusedError
from evkit.merkle import proof, tree
from evkit.station.sqlite_store import SqliteStore, grow
from evkit.station.store import Entry, Secret


def _entry(index: int, case: str | None = None, seq: int | None = None) -> Entry:
    envelope = f"envelope {index}".encode()
    return Entry(
        index=index,
        event_id=hashlib.sha256(envelope).hexdigest(),
        envelope=envelope,
        kind="note",
        case=case,
        case_seq=seq,
        signer="aa" if index % 2 else "bb",
    )


@pytest.fixture
def store(tmp_path):
    made = SqliteStore.create(os.fsencode(tmp_path / "ledger.db"))
    yield made
    made.close()


def test_an_empty_store(store):
    assert store.head() == (0, tree.EMPTY_ROOT, None)
    assert store.case_tip("C1") is None
    assert list(store.entries(0, 10)) == []
    assert store.leaf_hashes() == []


def test_heads_follow_the_tree(store):
    leaves: list[bytes] = []
    for batch in (1, 1, 3, 8, 1):
        entries = [_entry(len(leaves) + at) for at in range(batch)]
        leaves += [tree.leaf_hash(entry.envelope) for entry in entries]
        head = store.append(entries, [])
        assert head == (len(leaves), tree.root(leaves), None)
        assert store.head() == head
    assert store.leaf_hashes() == leaves
    assert store.leaf_hashes(4) == leaves[:4]
    assert store.head_at(5).root == tree.root(leaves[:5])
    assert store.head_at(3) is None
    for index in range(len(leaves)):
        path = proof.inclusion_proof(index, len(leaves), store.node)
        assert proof.verify_inclusion(index, len(leaves), leaves[index], path, tree.root(leaves))


def test_grow_agrees_with_the_plain_tree():
    leaves = [tree.leaf_hash(bytes([n])) for n in range(70)]
    for start in (0, 1, 2, 3, 31, 32, 33):
        for count in (0, 1, 2, 5, 32, 36):
            root, nodes = grow(start, leaves[start : start + count], tree.Subtrees(leaves[:start]))
            assert root == tree.root(leaves[: start + count])
            want = tree.Subtrees(leaves[: start + count])
            assert all(want(level, index) == value for level, index, value in nodes)
            assert sum(level == 0 for level, _, _ in nodes) == count


def test_lookups(store):
    entries = [_entry(0), _entry(1, "Case-1", 1), _entry(2, "CASE-1", 2), _entry(3)]
    secret = Secret(entries[1].event_id, "victim", "کلثوم", "c2FsdA==")
    store.append(entries, [secret])
    assert list(store.entries(1, 3)) == entries[1:3]
    assert list(store.case_entries("case-1")) == entries[1:3]
    assert store.case_tip("cAsE-1") == (2, entries[2].event_id, "CASE-1")
    assert store.find(entries[3].event_id) == entries[3]
    assert store.find("0" * 64) is None
    assert store.last_by("aa") == entries[3]
    assert store.last_by("cc") is None
    assert store.openings(entries[1].event_id) == [secret]
    assert store.openings(entries[0].event_id) == []


def test_a_gap_a_repeat_and_a_double_case_number_are_refused(store):
    store.append([_entry(0, "C1", 1)], [])
    for wrong in (_entry(0), _entry(2), _entry(1, "c1", 1)):
        with pytest.raises(RefusedError):
            store.append([wrong], [])
    again = _entry(1)
    object.__setattr__(again, "event_id", _entry(0).event_id)
    with pytest.raises(RefusedError):
        store.append([again], [])
    assert store.head().size == 1
    store.append([_entry(1)], [])
    assert store.head().size == 2


def test_a_failing_batch_leaves_nothing(store):
    with pytest.raises(RefusedError):
        store.append([_entry(0), _entry(1, "C1", 1), _entry(2, "C1", 1)], [])
    assert store.head().size == 0
    assert store.leaf_hashes() == []


def test_a_note_is_stored_once(store):
    store.append([_entry(0)], [])
    store.set_note(1, b"first")
    store.set_note(1, b"second")
    assert store.head().note == b"first"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entries",
        "UPDATE entries SET kind = 'x'",
        "DELETE FROM heads",
        "UPDATE heads SET root = zeroblob(32)",
        "UPDATE heads SET note = x'00'",
        "DELETE FROM nodes",
        "UPDATE nodes SET hash = zeroblob(32)",
        "UPDATE openings SET value = 'x'",
    ],
)
def test_the_file_itself_refuses_edits(tmp_path, statement):
    path = tmp_path / "ledger.db"
    store = SqliteStore.create(os.fsencode(path))
    store.append([_entry(0)], [Secret(_entry(0).event_id, "n", "v", "c2FsdA==")])
    store.set_note(1, b"note")
    store.close()
    with sqlite3.connect(path) as db, pytest.raises(sqlite3.IntegrityError, match="only grows"):
        db.execute(statement)
    db.close()


def test_durable_settings(tmp_path):
    store = SqliteStore.create(os.fsencode(tmp_path / "odd %41?#&name.db"))
    assert store._db.execute("PRAGMA synchronous").fetchone() == (3,)
    assert store._db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    store.close()
    assert (tmp_path / "odd %41?#&name.db").is_file()


def test_created_once(tmp_path):
    path = os.fsencode(tmp_path / "ledger.db")
    SqliteStore.create(path).close()
    with pytest.raises(RefusedError):
        SqliteStore.create(path)


def test_a_store_that_cannot_be_written_is_read(tmp_path, monkeypatch):
    path = os.fsencode(tmp_path / "ledger.db")
    store = SqliteStore.create(path)
    store.append([_entry(0)], [])
    store.close()
    monkeypatch.setattr(os, "access", lambda *_: False)
    store = SqliteStore.open(path)
    assert store.head().size == 1
    with pytest.raises(Exception, match="readonly"):
        store.append([_entry(1)], [])
    store.close()


def test_damage(tmp_path):
    path = tmp_path / "ledger.db"
    with pytest.raises(InputError, match="is missing"):
        SqliteStore.open(os.fsencode(path))
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(InputError, match="damaged"):
        SqliteStore.open(os.fsencode(path))
    path.write_bytes(b"")
    with pytest.raises(InputError, match="not a ledger"):
        SqliteStore.open(os.fsencode(path))


@pytest.mark.parametrize(
    "content", [b"", b"SQLite format 3\0" + b"\xff" * 4096, b"no database" * 500]
)
def test_a_damaged_ledger_leaves_no_file_open(tmp_path, content):
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    before = leftovers.files()
    with pytest.raises(EvkitError) as caught:
        SqliteStore.open(os.fsencode(path))
    assert caught.traceback  # it is held, with its frames
    opened = {leads for number, leads in leftovers.files().items() if number not in before}
    assert os.fspath(path) not in opened
