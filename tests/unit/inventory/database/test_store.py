"""The inventory file: built aside, sealed, opened immutable, checked against its own roots."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import stat

import inventorykit as kit
import leftovers
import pytest

from evkit.core.errors import InputError, LockedError, RefusedError, StorageError
from evkit.inventory.database import partfile, store
from evkit.inventory.database.reader import Inventory
from evkit.manifest import rows
from evkit.merkle.tree import root

ERROR = {"row": "error", "stage": "walk", "reason": "made-up"}


@pytest.fixture
def path(tmp_path):
    return os.fsencode(tmp_path / "inventory.db")


def _make(path, count=3):
    with store.Writer(path) as writer:
        for number in range(count):
            writer.add(ERROR | {"detail": str(number)})
        writer.add_type(0, "text/plain")
        return writer.finish({"created": "now"})


def test_the_file_is_sealed(path):
    _make(path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o444
    folder = os.path.dirname(path)
    assert os.listdir(folder) == [b"inventory.db"]  # no journal, no part
    with open(path, "rb") as handle:
        header = handle.read(20)
    assert header[18:20] == b"\x01\x01"  # the file was left in DELETE mode, not WAL


def test_the_roots_are_those_of_the_rows(path):
    meta = _make(path)
    with sqlite3.connect(os.fsdecode(path)) as connection:
        found = connection.execute("SELECT n, salt, row FROM rows ORDER BY n").fetchall()
    connection.close()
    assert [number for number, _, _ in found] == [0, 1, 2]
    assert len({salt for _, salt, _ in found}) == 3
    leaves = [rows.row_leaf(salt, text.encode()) for _, salt, text in found]
    assert root(leaves).hex() == meta["row_root"]
    with Inventory(path) as inventory:
        assert inventory.problems() == []


def test_nothing_is_written_beside_an_open_inventory(path):
    _make(path)
    os.chmod(os.path.dirname(path), 0o555)
    try:
        with Inventory(path) as inventory:
            assert len(kit.of_kind(inventory, "error")) == 3
            with pytest.raises(sqlite3.OperationalError):
                inventory._db.execute("DELETE FROM rows")
        assert os.listdir(os.path.dirname(path)) == [b"inventory.db"]
    finally:
        os.chmod(os.path.dirname(path), 0o755)


def test_an_existing_inventory_is_never_replaced(path):
    _make(path)
    with pytest.raises(RefusedError):
        store.Writer(path)


def test_failure_leaves_nothing(path):
    with pytest.raises(InputError), store.Writer(path) as writer:
        writer.add({"row": "nonsense"})
    assert os.listdir(os.path.dirname(path)) == []


def test_a_leftover_of_a_dead_run_is_reused(path):
    with open(path + b".part", "wb") as handle:
        handle.write(b"scrap" * 1000)
    _make(path)
    with Inventory(path) as inventory:
        assert inventory.problems() == []


def test_two_writers_do_not_meet(path):
    with store.Writer(path), pytest.raises(LockedError):
        store.Writer(path)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("UPDATE rows SET row = replace(row, 'made-up', 'unmade') WHERE n = 1", "root"),
        ("UPDATE rows SET salt = zeroblob(16) WHERE n = 1", "root"),
        ("DELETE FROM rows WHERE n = 2", "rows"),
        ("DELETE FROM rows WHERE n = 1", "missing"),
        ("UPDATE meta SET value = '00' WHERE key = 'row_root'", "root"),
        ("DELETE FROM engine_rows", "engine_rows"),
    ],
)
def test_a_change_shows(path, change, word):
    _make(path)
    os.chmod(path, 0o644)
    connection = sqlite3.connect(os.fsdecode(path))
    connection.execute(change)
    connection.commit()
    connection.close()
    with Inventory(path) as inventory:
        assert any(word in text for text in inventory.problems())


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00", b"x" * 5000])
def test_other_files_are_no_inventories(path, content):
    with open(path, "wb") as handle:
        handle.write(content)
    with pytest.raises(InputError):
        Inventory(path)


def test_damage_is_an_input_error_or_a_finding(path):
    _make(path, 200)
    with open(path, "rb") as handle:
        good = handle.read()
    with Inventory(path) as inventory:
        lines = list(inventory.lines())
    broken = path + b".broken"
    for place in range(0, len(good), 997):
        with open(broken, "wb") as handle:
            handle.write(good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :])
        try:
            with Inventory(broken) as inventory:
                assert inventory.problems() or list(inventory.lines()) == lines
        except InputError:
            pass


def test_a_full_destination_is_said(path, monkeypatch):
    monkeypatch.setattr(partfile, "_PRAGMAS", (*partfile._PRAGMAS, "max_page_count = 40"))

    def fill():
        with store.Writer(path) as writer:
            for number in range(20000):
                writer.add(ERROR | {"detail": f"{number:0100}"})

    with pytest.raises(StorageError, match="full"):
        fill()
    assert os.listdir(os.path.dirname(path)) == []


def test_a_file_system_without_locks_is_not_another_process(path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    _make(path, 3)
    with Inventory(path) as inventory:
        assert inventory.problems() == []


def test_a_place_that_sqlite_cannot_open_is_said(tmp_path):
    """Its paths have 512 bytes at most."""
    folder = tmp_path
    while len(os.fsencode(folder)) < 600:
        folder /= "x" * 100
    folder.mkdir(parents=True)
    with leftovers.none(), pytest.raises(StorageError, match="cannot write"):
        store.Writer(os.fsencode(folder / "i.db"))
    (folder / "i.db").write_bytes(b"x")
    with pytest.raises(InputError, match="cannot read"):
        Inventory(os.fsencode(folder / "i.db"))
