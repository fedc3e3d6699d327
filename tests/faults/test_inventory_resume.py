"""An inventory that is killed goes on: the same rows in the end, or a refusal, never others."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

import inventorykit as kit
import pytest

from evkit.core import durable
from evkit.core.errors import CheckFailedError, LockedError, RefusedError, StorageError
from evkit.inventory.database import partfile, store
from evkit.inventory.database.reader import Inventory
from evkit.inventory.runner import EngineStoppedError
from evkit.inventory.taker import VolumeTaker
from evkit.inventory.wire import Message
from evkit.manifest import rowaccept, rows

IDENTITY = {"name": "disk", "digests": "md5"}
BATCH = 400
KILLS = int(os.environ.get("EVKIT_KILLS", "10"))


def _row(number: int) -> dict:
    if number % 3:
        return {
            "row": "stream", "fs": 1, "inode": number, "seq": 0, "attr": 1, "attr_id": 0,
            "size": 5, "bytes_digested": 5, "basis": "allocated", "state": "ok",
            "digests": {"md5": f"{number:032x}", "sha256": f"{number:064x}"},
        }  # fmt: skip
    return {
        "row": "name", "fs": 1, "inode": number, "seq": 0, "path": f"/d/{number}",
        "name": f"{number}", "parent": 2, "type": "file", "allocated": True, "state": "ok",
    }  # fmt: skip


def _fill(writer, first, last, mark=BATCH):
    for number in range(first, last):
        row = _row(number)
        assert writer.add_bytes(rows.encode(row), rowaccept.facts_of(row)) == number
        if row["row"] == "stream" and number % 2:
            writer.add_type(number, "text/plain")
        if number % mark == mark - 1:
            writer.checkpoint()


def _content(path):
    """Return rows and keys of a file, all but the salts."""
    with Inventory(path) as inventory:
        assert inventory.problems() == []
        tables = ("name_keys", "stream_keys", "other_keys", "state_keys", "type_keys")
        found = [inventory._ask(f"SELECT * FROM {table} ORDER BY n").fetchall() for table in tables]
        texts = [
            inventory._ask(f"SELECT n, row FROM {table} ORDER BY n").fetchall()
            for table in ("rows", "engine_rows")
        ]
        indexes = inventory._ask(
            "SELECT type, name, sql FROM sqlite_master ORDER BY name"
        ).fetchall()
        return found, texts, indexes


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_BATCH", 100)
    return os.fsencode(tmp_path / "i.db")


def _whole(path, count=5000):
    with store.Writer(path, IDENTITY) as writer:
        _fill(writer, 0, count)
        writer.finish({"hashes": "md5"})
    return _content(path)


def _run(path, *steps, **how):
    with store.Writer(path, IDENTITY, **how) as writer:
        for step in steps:
            step(writer)


def _interrupt(_writer):
    raise KeyboardInterrupt


def _stop(path, count, **how):
    """Leave a part file behind, as a run that is stopped does."""
    with pytest.raises(KeyboardInterrupt):
        _run(path, lambda writer: _fill(writer, 0, count), _interrupt, **how)


def test_a_stopped_run_goes_on(path):
    wanted = _whole(path + b".whole")
    _stop(path, 2950)
    with sqlite3.connect(os.fsdecode(path + b".part")) as connection:
        salts = connection.execute("SELECT n, salt FROM rows ORDER BY n").fetchall()
    connection.close()
    assert len(salts) == 2800
    with store.Writer.resume(path, IDENTITY) as writer:
        assert writer.resumed == 2800
        _fill(writer, 0, 5000)
        writer.finish({"hashes": "md5"})
    assert _content(path) == wanted
    with Inventory(path) as inventory:
        assert inventory._ask("SELECT n, salt FROM rows LIMIT 2800").fetchall() == salts
    assert sorted(os.listdir(os.path.dirname(path))) == [b"i.db", b"i.db.whole"]


def test_it_goes_on_as_often_as_it_is_stopped(path):
    wanted = _whole(path + b".whole")
    for count in (900, 2000, 2100, 2100, 4999):
        _stop(path, count, resume=True)
    with store.Writer.resume(path, IDENTITY) as writer:
        _fill(writer, 0, 5000)
        writer.finish({"hashes": "md5"})
    assert _content(path) == wanted


def test_nothing_kept_is_in_nobodys_way(path):
    _stop(path, 90)
    assert os.listdir(os.path.dirname(path)) == []
    open(path + b".part", "wb").close()
    _whole(path)
    with store.Writer.resume(path + b".other", IDENTITY) as writer:
        assert writer.resumed == 0


def test_without_a_word_it_is_refused_and_with_one_begun_anew(path):
    _stop(path, 3000)
    before = os.stat(path + b".part").st_size
    with pytest.raises(RefusedError, match=r"keeps 2,800 rows") as caught:
        store.Writer(path, IDENTITY)
    assert "--resume" in caught.value.hint
    assert "--restart" in caught.value.hint
    assert os.stat(path + b".part").st_size == before
    with store.Writer(path, IDENTITY, restart=True) as writer:
        assert writer.resumed == 0
        _fill(writer, 0, 10)
        writer.finish({})
    with Inventory(path) as inventory:
        assert inventory.meta["rows"] == "10"


@pytest.mark.parametrize("change", [{"name": "another"}, {"digests": "sha256"}, {"more": True}])
def test_another_source_or_other_options_are_refused(path, change):
    _stop(path, 3000)
    with pytest.raises(RefusedError, match=next(iter(change))):
        store.Writer.resume(path, IDENTITY | change)
    assert os.path.exists(path + b".part")


def test_another_engine_is_refused(path):
    def version(number):
        return lambda writer: writer.remember("engine", f"libtsk {number}")

    with pytest.raises(KeyboardInterrupt):
        _run(path, version(1), lambda writer: _fill(writer, 0, 3000), _interrupt)
    with pytest.raises(RefusedError, match="engine"):
        _run(path, version(2), resume=True)
    _run(path, version(1), resume=True)


@pytest.mark.parametrize("at", [0, 1, 1399, 2799])
def test_other_rows_than_those_kept_are_refused(path, at):
    _stop(path, 3000)
    other = _row(at) | {"inode": 99999}
    with pytest.raises(RefusedError, match=f"row {at}"):
        _run(path, lambda writer: _fill(writer, 0, at), lambda w: w.add(other), resume=True)
    with store.Writer.resume(path, IDENTITY) as writer:  # nothing was lost by that
        _fill(writer, 0, 3000)
        writer.finish({})


@pytest.mark.parametrize("kind", ["tree", "image"])
def test_only_access_times_of_files_may_move(path, kind):
    """Reading a link moves its access time; what is kept is the time before evkit read it."""
    source = {"row": "source", "kind": kind, "name": "x"}
    times = {"a": "5", "m": "7"}
    name = _row(3) | {"times": times, "zone": "utc"}
    last = [_row(number) for number in range(300)]

    def give(*rows):
        return lambda writer: [writer.add(row) for row in rows]

    with pytest.raises(KeyboardInterrupt):
        _run(path, give(source, name, *last), lambda w: w.checkpoint(), _interrupt)
    for changed in ({"times": times | {"m": "8"}}, {"times": {"m": "7"}, "uid": 0}):
        with pytest.raises(RefusedError):
            _run(path, give(source, name | changed), resume=True)
    moved = name | {"times": times | {"a": "6"}}
    if kind == "image":
        with pytest.raises(RefusedError):
            _run(path, give(source, moved), resume=True)
        return
    _run(path, give(source, moved, *last), lambda w: w.finish({}), resume=True)
    with Inventory(path) as inventory:
        assert inventory.row(1)["times"]["a"] == "5"


def test_other_types_than_those_kept_are_refused(path):
    _stop(path, 3000)
    with pytest.raises(RefusedError, match="engine row 0"):
        _run(
            path, lambda w: w.add(_row(0)), lambda w: w.add(_row(1)),
            lambda w: w.add_type(1, "text/html"), resume=True,
        )  # fmt: skip


def test_fewer_rows_than_kept_are_refused(path):
    _stop(path, 3000)
    with pytest.raises(RefusedError, match="fewer"):
        _run(path, lambda writer: _fill(writer, 0, 2000), lambda w: w.finish({}), resume=True)
    assert os.path.exists(path + b".part")


def test_content_that_failed_a_check_is_not_kept(path):
    def fail(_writer):
        raise CheckFailedError("it changed")

    with pytest.raises(CheckFailedError):
        _run(path, lambda writer: _fill(writer, 0, 3000), fail)
    assert os.listdir(os.path.dirname(path)) == []


def test_two_runs_at_once(path):
    with store.Writer(path, IDENTITY) as writer:
        _fill(writer, 0, 1000)
        for how in ({}, {"resume": True}, {"restart": True}):
            with pytest.raises(LockedError):
                store.Writer(path, IDENTITY, **how)
        assert partfile.is_held(writer.part)
        writer.finish({})
    assert not partfile.is_held(path)
    with Inventory(path) as inventory:
        assert inventory.problems() == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE rows SET row = replace(row, '\"size\":5', '\"size\":6') WHERE n = 1000",
        "UPDATE rows SET row = replace(row, '/d/', '/e/') WHERE n = 999",
        "UPDATE rows SET row = row || ' ' WHERE n = 7",
        "UPDATE rows SET row = CAST(row AS BLOB) WHERE n = 7",
        "UPDATE rows SET row = 7 WHERE n = 7",
        "UPDATE rows SET salt = zeroblob(16) WHERE n = 2799",
        "UPDATE rows SET salt = zeroblob(15) WHERE n = 2799",
        "DELETE FROM rows WHERE n = 2799",
        "DELETE FROM rows WHERE n = 5",
        "UPDATE rows SET n = 9999 WHERE n = 2799",
        "UPDATE engine_rows SET row = replace(row, 'plain', 'html') WHERE n = 3",
        "DELETE FROM engine_rows WHERE n = 0",
        "UPDATE name_keys SET inode = 5 WHERE n = 999",
        "DELETE FROM name_keys WHERE n = 999",
        "INSERT INTO name_keys VALUES (7777, 1, 1, 1)",
        "UPDATE stream_keys SET md5 = 5 WHERE n = 1000",
        "INSERT INTO state_keys VALUES (1, 'name', 'damaged')",
        "UPDATE type_keys SET mime = 'a/b' WHERE n = 0",
        "INSERT INTO type_keys VALUES (7777, 1, 'a/b')",
        "UPDATE meta SET value = replace(value, '2800', '2799') WHERE key = 'checkpoint'",
        "UPDATE meta SET value = '[]' WHERE key = 'identity'",
        "UPDATE meta SET value = '{' WHERE key = 'identity'",
    ],
)
def test_what_a_power_loss_or_a_hand_changed_is_not_gone_on_with(path, change):
    _stop(path, 3000)
    connection = sqlite3.connect(os.fsdecode(path + b".part"))
    assert connection.execute(change).rowcount == 1
    connection.commit()
    connection.close()
    with pytest.raises(RefusedError, match="cannot be gone on with") as caught:
        store.Writer.resume(path, IDENTITY)
    assert "--restart" in caught.value.hint


def test_torn_pages_are_refused_or_give_the_same_inventory(path):
    wanted = _whole(path + b".whole", 3000)
    _stop(path, 2950)
    with open(path + b".part", "rb") as handle:
        good = handle.read()
    chance = random.Random(7)
    refused = 0
    for _ in range(60):
        data = bytearray(good)
        for _ in range(chance.choice((1, 3))):
            place = chance.randrange(len(data) // 512) * 512
            data[place : place + 512] = chance.choice((bytes(512), chance.randbytes(512)))
        if chance.random() < 0.2:
            del data[chance.randrange(len(data) // 4096) * 4096 :]
        with open(path + b".part", "wb") as handle:
            handle.write(data)
        try:
            with store.Writer.resume(path, IDENTITY) as writer:
                _fill(writer, 0, 3000)
                writer.finish({"hashes": "md5"})
        except (RefusedError, StorageError):
            refused += 1
        else:
            assert _content(path) == wanted
            os.unlink(path)
    assert refused > 20


WORK = """
import os, sys, time
sys.path[:0] = {paths!r}
import test_inventory_resume as work
from evkit.inventory.database import store
store._BATCH = 100
with store.Writer({path!r}, work.IDENTITY, resume=True) as writer:
    print(writer.resumed, flush=True)
    work._fill(writer, 0, 1000)
    print("some are kept", flush=True)
    work._fill(writer, 1000, 60000)
    writer.finish({{"hashes": "md5"}})
"""


def test_killed_at_random_instants(tmp_path):
    path = os.fsencode(tmp_path / "i.db")
    wanted = _whole(path + b".whole", 60000)
    paths = [os.path.dirname(__file__), os.path.dirname(kit.__file__)]
    chance = random.Random(11)
    kept, kills = [], 0
    while not os.path.exists(path):
        program = [sys.executable, "-c", WORK.format(paths=paths, path=path)]
        process = subprocess.Popen(program, stdout=subprocess.PIPE)
        kept.append(int(process.stdout.readline() or -1))
        if kills == KILLS - 1:
            process.stdout.readline()  # however busy the machine is
        if kills < KILLS:
            time.sleep(chance.uniform(0.0, 0.35))
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        process.stdout.close()
    assert kept == sorted(kept)
    assert kept[-1] > 0
    assert _content(path) == wanted


RUN = """
import sys
from evkit.inventory.database import store
store._BATCH = 20
sys.argv = ["evkit", "inventory", "run", {what!r}, "-o", {path!r}, "--no-types", *{more!r}]
from evkit.cli.main import entry
entry()
"""


@pytest.mark.parametrize("what", ["folder", "phone-gpt-ext4.raw", "laptop-ntfs.raw"])
def test_the_command_is_killed_and_goes_on(tmp_path, what):
    source = tmp_path / "folder" if what == "folder" else kit.SAMPLES / what
    if what == "folder":
        for number in range(600):
            place = source / f"d{number % 7}" / f"f{number}"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(b"x" * number)
    elif not source.exists():
        pytest.skip("the sample images are not here")

    def start(path):
        more = ["--resume"] if path.with_name(f"{path.name}.part").exists() else []
        words = RUN.format(what=str(source), path=str(path), more=more)
        program = [sys.executable, "-c", words]
        return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    whole, path = tmp_path / "whole.db", tmp_path / "i.db"
    begun = time.monotonic()
    _, problem = start(whole).communicate()
    took = time.monotonic() - begun
    assert whole.exists(), problem
    chance = random.Random(what)
    for kill in range(4):
        process = start(path)
        time.sleep(took * chance.uniform(0.3, 1.0))
        process.kill()
        process.communicate()
        if path.exists():
            break
        if kill == 3:
            text = start(path).communicate()[0].decode()
            assert "inventory in" in text
    assert not (tmp_path / "i.db.part").exists()
    assert _content(os.fsencode(path)) == _content(os.fsencode(whole))


def test_stopped_at_every_durable_step_and_gone_on_with(path, tmp_path):
    wanted = _whole(path + b".whole", 1500)

    def make(target, at):
        seen = itertools.count()
        durable.observe(lambda _kind, _path: next(seen) < at or os._exit(9))
        _run(
            target, lambda w: _fill(w, 0, 1500), lambda w: w.finish({"hashes": "md5"}), resume=True
        )
        durable.observe(None)

    for at in itertools.count():
        target = os.fsencode(tmp_path / f"{at}.db")
        child = os.fork()
        if child == 0:
            make(target, at)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if not os.path.exists(target):
            make(target, 1 << 30)
        assert _content(target) == wanted
        if code == 0:
            break
    assert at >= 8


def test_batches_that_are_kept_are_replayed(path):
    """As the engine's scheduler does: it asks ahead, and reads only what is not kept."""
    _stop(path, 2950)
    with store.Writer.resume(path, IDENTITY) as writer:
        batches = [range(first, first + 300) for first in range(0, 3000, 300)]
        listed = [[n for n in batch if n % 3] for batch in batches]
        answers = [writer.batch(1, records) for records in listed]
        assert answers == [200] * 9 + [66]  # what is kept ends inside the last one
        assert writer.batch(1, [2990]) == 0


def test_rows_of_now_are_not_taken_for_kept_ones(path):
    _stop(path, 2950)
    with store.Writer.resume(path, IDENTITY) as writer:
        _fill(writer, 0, 4000)
        assert [writer.batch(1, asked) for asked in (range(2800), [2800], [3001])] == [1866, 0, 0]


def test_a_scan_takes_kept_batches_instead_of_reading(path):
    names = [_row(n) for n in range(0, 600, 3)]
    streams = [_row(n) for n in range(600) if n % 3]
    listed = [row["inode"] for row in streams]
    asked = [listed[at : at + 50] for at in range(0, len(listed), 50)]

    def messages(writer, read):
        yield from (Message("row", row) for row in names)
        yield Message("mark", {})
        known = [writer.batch(1, records) for records in asked]
        for records, count in zip(asked, known, strict=True):
            if count:
                yield Message("stored", {}, "", count)
            else:
                read.append(records[0])
                for row in (_row(inode) for inode in records):
                    yield Message("row", row)
                    yield Message("type", {}, "text/plain")
            yield Message("mark", {})

    def work(path, stop=None):
        read, seen = [], []
        with store.Writer(path, IDENTITY, resume=True) as writer:
            own = {
                "row": "filesystem",
                "fs": 1,
                "offset": 0,
                "size": 0,
                "type": "ext4",
                "state": "ok",
            }
            taker = VolumeTaker(writer, seen.extend, own)
            for message in itertools.islice(messages(writer, read), stop):
                taker.take(message)
            if stop is not None:
                raise KeyboardInterrupt
            writer.finish({"hashes": "md5"})
        return read, seen, taker.done

    read, seen, done = work(path + b".whole")
    assert len(read) == 8
    with pytest.raises(KeyboardInterrupt):
        work(path, 200 + 1 + 4 * 101 + 20)
    again, counted, digested = work(path)
    assert again == read[4:]
    assert (counted, digested) == (seen, done)
    assert _content(path) == _content(path + b".whole")


def test_a_file_of_a_folder_that_is_kept_is_not_read_again(path):
    _stop(path, 401)
    own = {"row": "filesystem", "fs": 1, "offset": 0, "size": 0, "type": "tree", "state": "ok"}
    seen = []
    with store.Writer.resume(path, IDENTITY) as writer:
        taker = VolumeTaker(writer, seen.extend, own)
        for number in range(410):
            row = _row(number)
            kept = {key: value for key, value in row.items() if key != "digests"}
            kept |= {"state": "skipped", "reason": "stored", "bytes_digested": 0}
            stream = row["row"] == "stream"
            taker.take(Message("row", kept if stream and number < writer.resumed else row))
            assert taker.stream == (number if stream else -1)
            if stream and number % 2 and number >= writer.resumed:
                taker.take(Message("type", {}, "text/plain"))
        with pytest.raises(EngineStoppedError, match="nothing is kept"):
            taker.take(Message("row", kept))
        writer.finish({"hashes": "md5"})
    assert [facts.state for facts in seen] == ["ok"] * 410
    with store.Writer(path + b".whole", IDENTITY) as writer:
        _fill(writer, 0, 410)
        writer.finish({"hashes": "md5"})
    assert _content(path) == _content(path + b".whole")


@pytest.mark.parametrize("inode", [1, 3])
def test_a_child_cannot_pass_another_row_off_as_kept(path, inode):
    _stop(path, 3000)
    with store.Writer.resume(path, IDENTITY) as writer:
        _fill(writer, 0, 4)  # the next row is the stream of record 4
        with pytest.raises(RefusedError):
            writer.replay_stream(1, inode)


def test_a_full_disk_keeps_what_there_is(tmp_path, program):
    """A file system of 4 MiB of its own, where the kernel lets it be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = program("mount")
    small = [mount, "-t", "tmpfs", "-o", "size=4m", "evkit", str(folder)]
    if subprocess.run(small, check=False, capture_output=True).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    path = os.fsencode(folder / "i.db")
    try:
        with pytest.raises(StorageError, match="full") as caught:
            _run(path, lambda writer: _fill(writer, 0, 200000))
        assert "--resume" in caught.value.hint
        subprocess.run([mount, "-o", "remount,size=64m", str(folder)], check=True)
        with store.Writer.resume(path, IDENTITY) as writer:
            assert writer.resumed >= 5000
            _fill(writer, 0, 20000)
            writer.finish({"hashes": "md5"})
        found = _content(path)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
    assert found == _whole(os.fsencode(tmp_path / "whole.db"), 20000)
