"""An inventory whose keys or indexes are not those of its rows is not sound, whatever its roots."""

from __future__ import annotations

import contextlib
import os
import sqlite3

import pytest

from evkit.core.errors import InputError
from evkit.inventory.database import sound
from evkit.inventory.database.reader import Inventory
from evkit.inventory.database.store import Writer

NAME = {
    "row": "name", "fs": 1, "seq": 0, "parent": 2, "type": "file", "allocated": True, "state": "ok",
}  # fmt: skip
STREAM = {
    "row": "stream", "fs": 1, "seq": 0, "attr": 1, "attr_id": 0, "size": 5, "bytes_digested": 5,
    "basis": "allocated", "state": "ok",
}  # fmt: skip
LOST = {"state": "unreadable", "reason": "read-error", "bytes_digested": 0}


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(sound, "_BLOCK", 7)
    path = os.fsencode(tmp_path / "i.db")
    with Writer(path) as writer:
        writer.add({"row": "source", "kind": "image", "name": "x"})
        for inode in range(20):
            writer.add(NAME | {"inode": inode, "path": f"/n{inode}", "name": f"n{inode}"})
            row = STREAM | {"inode": inode}
            more = LOST if inode == 9 else {"digests": {"md5": f"{inode:032x}"}}
            number = writer.add(row | more)
            writer.add_type(number, f"text/x-{inode}")
        writer.finish({"hashes": "md5"})
    os.chmod(path, 0o644)
    return path


def changed(path, *statements):
    with contextlib.closing(sqlite3.connect(os.fsdecode(path))) as base:
        for statement in statements:
            assert base.execute(statement).rowcount
        base.commit()
    with Inventory(path) as inventory:
        return inventory.problems()


def test_a_sound_one(path):
    with Inventory(path) as inventory:
        assert inventory.problems() == []


@pytest.mark.parametrize("change", [
    "DELETE FROM name_keys WHERE n = 39", "UPDATE name_keys SET name = 5 WHERE n = 1",
    "DELETE FROM stream_keys WHERE n = 2", "UPDATE stream_keys SET md5 = 5 WHERE n = 20",
    "UPDATE stream_keys SET inode = 5 WHERE n = 2", "DELETE FROM other_keys",
    "DELETE FROM state_keys", "INSERT INTO state_keys VALUES (777, 'name', 'damaged')",
    "INSERT INTO name_keys VALUES (777, 1, 1, 1)",
])  # fmt: skip
def test_keys_of_the_rows(path, change):
    (said,) = changed(path, change)
    assert said.startswith("rows: keys of other rows")


@pytest.mark.parametrize("change", [
    "UPDATE type_keys SET stream = 0 WHERE n = 8", "UPDATE type_keys SET mime = 'a/b' WHERE n = 0",
    "DELETE FROM type_keys WHERE n = 19", "INSERT INTO type_keys VALUES (777, 1, 'a/b')",
    "DELETE FROM type_keys",
])  # fmt: skip
def test_keys_of_the_types(path, change):
    (said,) = changed(path, change)
    assert said.startswith("engine_rows: keys of other rows")


def test_a_row_of_another_kind_among_the_types(path):
    found = changed(path, "UPDATE engine_rows SET row = (SELECT row FROM rows WHERE n = 0)")
    assert [text.partition(" ")[0] for text in found] == ["engine_rows:", "engine_rows:"]


def test_a_row_that_is_gone(path):
    found = changed(path, "DELETE FROM rows WHERE n = 12")
    assert found[0] == "rows: row 12 is missing"
    assert any(text.startswith("rows: root ") for text in found)


def test_an_index_of_something_else(path):
    """Built over another column, then described as before."""
    for column, after in (("inode", "REINDEX stream_by_size"), ("size", "PRAGMA quick_check")):
        with contextlib.closing(sqlite3.connect(os.fsdecode(path))) as base:
            base.execute("PRAGMA writable_schema = ON")
            sql = f"CREATE INDEX stream_by_size ON stream_keys ({column})"
            base.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'stream_by_size'", (sql,))
            base.commit()
        with contextlib.closing(sqlite3.connect(os.fsdecode(path))) as base:
            base.execute(after)
            base.commit()
    with Inventory(path) as inventory:
        found = inventory.problems()
    assert [text.partition(":")[0] for text in found] == ["the database is damaged"]


ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"


@pytest.mark.parametrize("change", [
    f"ALTER TABLE rows RENAME TO was; CREATE VIEW rows AS {ENDLESS} SELECT * FROM was, c;",
    f"DROP TABLE meta; CREATE VIEW meta AS {ENDLESS} SELECT 'k' || x AS key, x AS value FROM c;",
    "DROP TABLE type_keys;", "CREATE TABLE more (x);",
    "CREATE TRIGGER t AFTER INSERT ON meta BEGIN DELETE FROM rows; END;",
    "DROP INDEX name_by_name; CREATE INDEX name_by_name ON name_keys (name) WHERE n < 5;",
])  # fmt: skip
def test_other_tables_are_never_read(path, change):
    """A view that never ends would keep the first query busy for ever."""
    with contextlib.closing(sqlite3.connect(os.fsdecode(path))) as base:
        base.executescript(change)
    with pytest.raises(InputError, match="other tables"):
        Inventory(path)
