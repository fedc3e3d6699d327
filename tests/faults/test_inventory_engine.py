"""Children that die, hang or lie at one directory or record cost that one and nothing else.

The engine is replaced by small programs; the order of the rows never depends on how many there are.
"""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys

import inventorykit as kit
import leftovers
import pytest

from evkit.core.errors import InputError, StorageError
from evkit.inventory import held, pool, runner, schedule
from evkit.inventory.coverage import problems
from evkit.inventory.runner import EngineStoppedError, Limits
from evkit.inventory.scan import Options, Target

ROUNDS = int(os.environ.get("EVKIT_MUTATIONS", "8"))
HASTY = Limits(silence=3.0, lines=5000)  # where to be hung is as good as any other end
PATIENT = Limits(silence=60.0, lines=5000)  # a busy machine may be slow to start a child
BODY = """
{before}
if request["task"] == "table":
    say("image", {{"size": 1 << 20, "sector_size": 0, "format": "raw", "gaps": []}})
    say("part", {{"kind": "partition", "table": "dos", "offset": 0, "size": 4096}})
else:
    good(1, **more)
say("done")
"""


@pytest.fixture(autouse=True)
def what_hangs_is_given_up_soon(monkeypatch, tmp_path):
    kit.give_up_soon(monkeypatch, tmp_path)


def _scan(tmp_path, before, limits=PATIENT, jobs=1):
    image = tmp_path / "disk.raw"
    image.write_bytes(bytes(1 << 20))
    command = kit.fake_engine(tmp_path, BODY.format(before=before))
    options = Options(command=command, limits=limits, jobs=jobs, types=False)
    aim = Target(name=b"disk.raw", paths=[os.fsencode(image)])
    return kit.run(aim, tmp_path / "i.db", options)


BAD = {
    "crash": ("os.kill(os.getpid(), 11)", "engine-crash"),
    "exit": ("sys.exit(3)", "engine-crash"),
    "hang": ("hang()", "engine-hang"),
    "garbage": ("put('Segmentation fault')", "engine-garbage"),
    "binary": ("sys.stdout.buffer.write(bytes(range(256)) + b'\\n')", "engine-garbage"),
    "an endless line": ("sys.stdout.write('x' * (5 << 20))", "engine-garbage"),
    "a row of another volume": (
        "say('row', {'row': 'error', 'fs': 2, 'stage': 'walk', 'reason': 'x'})",
        "engine-garbage",
    ),
    "a row of its own making": (
        "say('row', {'row': 'coverage', 'fs': 1, 'result': 'complete'})",
        "engine-garbage",
    ),
    "a type of nothing": ('put(\'["type","text/plain"]\')', "engine-garbage"),
    "facts in between": ("facts()", "engine-garbage"),
    "a flood of rows": (
        "[folder(1, n) for n in range(6000)]",
        "engine-limit",
    ),
    "a flood of beats": ("[say('beat', n) for n in range(6000)]", "engine-limit"),
    "an end too early": ("say('end', 1)", "engine-garbage"),
    "records that cannot be": ("say('listed', [], [-1, 0, 0, 0, 0, 0, 0])", "engine-garbage"),
    "directories that cannot be": ("say('listed', [[1, 2]], [])", "engine-garbage"),
    "lines of no record": ("put('+{}'); say('listed', [], [])", "engine-garbage"),
    "done": ("say('done')", "engine-crash"),
}


@pytest.mark.parametrize("name", BAD)
def test_one_bad_directory_costs_only_itself(tmp_path, name):
    bad, reason = BAD[name]
    before = f"""
def bad(n):
    if n == 30:
        {bad}
more = dict(below=range(10, 50), listing=bad)
"""
    with _scan(tmp_path, before) as inventory:
        rows = kit.of_kind(inventory, "directory")
        assert [row["inode"] for row in rows] == [2, *range(10, 50)]
        assert [(row["inode"], row["reason"]) for row in rows if row["state"] != "ok"] == [
            (30, reason)
        ]
        assert kit.of_kind(inventory, "filesystem")[0]["state"] == "ok"
        assert kit.of_kind(inventory, "error") == []
        assert problems(inventory.coverage()) == []
        assert inventory.coverage()["directories"]["failed"] == 1
        assert inventory.problems() == []


BAD_RECORDS = [name for name in BAD if not name.startswith(("records", "directories", "lines"))]


@pytest.mark.parametrize("name", BAD_RECORDS)
def test_one_bad_record_costs_only_itself(tmp_path, name):
    bad, reason = BAD[name]
    before = f"""
def bad(n):
    if n in (130, 131, 199):
        {bad}
more = dict(streams=range(100, 200), record=bad)
"""
    with _scan(tmp_path, before) as inventory:
        errors = kit.of_kind(inventory, "error")
        assert [row["inode"] for row in errors] == list(range(100, 200))
        lost = [(row["inode"], row["reason"]) for row in errors if row["reason"] != "made-up"]
        assert lost == [(130, reason), (131, reason), (199, reason)]
        assert inventory.problems() == []


def test_a_crash_that_does_not_come_again_costs_nothing(tmp_path):
    flag = tmp_path / "flag"
    before = f"""
def once(n):
    if n == 150 and not os.path.exists({str(flag)!r}):
        open({str(flag)!r}, "w").close()
        os.kill(os.getpid(), 11)
more = dict(streams=range(100, 200), record=once)
"""
    with _scan(tmp_path, before) as inventory:
        errors = kit.of_kind(inventory, "error")
        assert [(row["inode"], row["reason"]) for row in errors] == [
            (n, "made-up") for n in range(100, 200)
        ]


def test_a_crash_that_comes_of_what_was_before_costs_nothing(tmp_path):
    """A child whose heap is spoiled by one record and dies at the next is no loss."""
    before = """
seen = []
def after(n):
    if n == 151 and 150 in seen:
        os.kill(os.getpid(), 11)
    seen.append(n)
more = dict(streams=range(100, 200), record=after)
"""
    with _scan(tmp_path, before) as inventory:
        errors = kit.of_kind(inventory, "error")
        assert {row["reason"] for row in errors} == {"made-up"}
        assert [row["inode"] for row in errors] == list(range(100, 200))


@pytest.mark.parametrize("jobs", [2, 3])
def test_rows_do_not_depend_on_how_many_children_there_are(tmp_path, monkeypatch, jobs):
    monkeypatch.setattr(schedule, "FOLDERS", 3)
    monkeypatch.setattr(schedule, "RECORDS", 7)
    before = """
import random
import sys
def slow(n):
    time.sleep(random.random() / 100)
    if n in (33, 160):
        os.kill(os.getpid(), 9)
more = dict(below=range(10, 90), streams=range(100, 200), record=slow, listing=slow)
"""
    one, many = tmp_path / "one", tmp_path / "many"
    one.mkdir()
    many.mkdir()
    _scan(one, before, Limits()).close()
    _scan(many, before, Limits(), jobs).close()
    assert kit.plain_rows(one / "i.db") == kit.plain_rows(many / "i.db")


@pytest.mark.parametrize("window", [1, 8, 100_000])
def test_real_images_have_the_same_rows_with_any_number_of_children(tmp_path, monkeypatch, window):
    image = kit.SAMPLES / "laptop-ntfs.raw"
    if not image.exists():
        pytest.skip("the sample images are not here")
    monkeypatch.setattr(schedule, "FOLDERS", 1)
    monkeypatch.setattr(schedule, "RECORDS", 3)
    monkeypatch.setattr(schedule, "WINDOW", window)
    found = []
    for jobs in (1, 3):
        database = tmp_path / f"{jobs}.db"
        kit.scan(image, database, Options(jobs=jobs, orphans=100)).close()
        found.append(kit.plain_rows(database))
    assert found[0] == found[1]


def test_losses_are_capped(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "LOSSES", 3)
    before = """
def bad(n):
    if n % 2:
        print("?!", flush=True)
more = dict(streams=range(100, 200), record=bad)
"""
    with _scan(tmp_path, before) as inventory:
        errors = kit.of_kind(inventory, "error")
        assert errors[-1]["stage"] == "engine"
        assert "too many losses" in errors[-1]["detail"]
        system = kit.of_kind(inventory, "filesystem")[0]
        assert (system["state"], system["reason"]) == ("damaged", "engine-garbage")
        assert problems(inventory.coverage()) == []


def test_children_that_never_come_up_again_end_the_volume(tmp_path):
    flag = tmp_path / "flag"
    before = f"""
if request["task"] != "table":
    if os.path.exists({str(flag)!r}):
        sys.exit(5)
def once(n):
    open({str(flag)!r}, "w").close()
    os.kill(os.getpid(), 11)
more = dict(streams=range(100, 200), record=once)
"""
    with _scan(tmp_path, before) as inventory:
        (error,) = kit.of_kind(inventory, "error")
        assert (error["stage"], error["reason"]) == ("engine", "engine-crash")
        assert kit.of_kind(inventory, "filesystem")[0]["state"] == "damaged"


@pytest.mark.parametrize(("crashes", "lost"), [(1, False), (2, True)])
def test_a_crash_while_the_volume_is_opened_is_tried_again_once(tmp_path, crashes, lost):
    """The system may have ended the child to make room; what crashes it will do so again."""
    seen = tmp_path / "seen"
    before = f"""
if request["task"] != "table":
    say("info", {{"engine": "x"}})
    with open({str(seen)!r}, "a") as count:
        count.write("x")
    if os.path.getsize({str(seen)!r}) <= {crashes}:
        os.kill(os.getpid(), 9)
more = dict(streams=range(100, 110))
"""
    with _scan(tmp_path, before) as inventory:
        (volume,) = kit.of_kind(inventory, "filesystem")
        errors = [row["reason"] for row in kit.of_kind(inventory, "error")]
    assert seen.read_text() == "x" * 2
    assert volume["state"] == ("damaged" if lost else "ok")
    assert errors == (["engine-crash"] if lost else ["made-up"] * 10)


def test_another_file_system_than_before_is_a_lie(tmp_path):
    flag = tmp_path / "flag"
    before = f"""
def facts():
    kind = "fat16" if os.path.exists({str(flag)!r}) else "fat12"
    say("fs", {{"type": kind, "state": "ok", "root": 2}})
def once(n):
    open({str(flag)!r}, "w").close()
    os.kill(os.getpid(), 11)
more = dict(streams=range(100, 200), record=once)
"""
    with _scan(tmp_path, before) as inventory:
        (error,) = kit.of_kind(inventory, "error")
        assert (error["reason"], error["detail"]) == (
            "engine-garbage", "another file system than before",
        )  # fmt: skip


def test_a_child_that_says_that_a_call_takes_too_long_loses_that_one_at_once(tmp_path):
    before = f"""
runs = {str(tmp_path / "runs")!r}
def late(n):
    if n == 12:
        with open(runs, "a") as file:
            file.write("x")
        say("late", 2 if task_has(12) else 0)
        sys.exit(3)
def task_has(n):
    return True
more = dict(below=range(10, 20), listing=late)
"""
    with _scan(tmp_path, before) as inventory:
        rows = [r for r in kit.of_kind(inventory, "directory") if r["state"] != "ok"]
        assert [(r["inode"], r["state"], r["reason"]) for r in rows] == [
            (12, "unreadable", "directory-not-listed")
        ]
        assert "seconds of processor time" in rows[0]["detail"]
    assert (tmp_path / "runs").read_text() == "x"


def test_what_a_task_brings_goes_to_disk_when_it_is_much(tmp_path, monkeypatch):
    small, large = tmp_path / "small", tmp_path / "large"
    small.mkdir()
    large.mkdir()
    before = """
def many(n):
    for number in range(300):
        folder(1, 1000 * n + number)
    if n == 33:
        os.kill(os.getpid(), 9)
more = dict(below=range(30, 36), listing=many)
"""
    _scan(small, before).close()
    monkeypatch.setattr(held, "MOST", 1000)
    monkeypatch.setattr(held, "_RUN", 50)
    _scan(large, before).close()
    assert kit.plain_rows(small / "i.db") == kit.plain_rows(large / "i.db")
    assert len(kit.plain_rows(small / "i.db")[0]) > 1500


def test_no_room_for_what_waits(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(held, "MOST", 10)
    monkeypatch.setattr(held.tempfile, "TemporaryFile", full)
    with pytest.raises(StorageError, match="No space left"):
        _scan(tmp_path, "more = {}")


def test_a_million_rows_do_not_outrun_the_parent(tmp_path):
    before = """
line = raw({"row": "directory", "fs": 1, "inode": 2, "seq": 0, "path": "/", "allocated": True,
            "entries": 0, "state": "ok"})
def many(n):
    sys.stdout.write((line + chr(10)) * 200_000)
more = dict(listing=many)
"""
    with _scan(tmp_path, before, Limits(silence=60.0)) as inventory:
        assert inventory.coverage()["directories"]["listed"] == 200_001


@pytest.mark.parametrize("room", [0, 1, 2, 3])
def test_no_room_for_another_process(tmp_path, monkeypatch, room):
    """The table takes one child, the volume one or more; what cannot be had is done without."""
    monkeypatch.setattr(schedule, "RECORDS", 7)
    real, started = subprocess.Popen, []

    def popen(*arguments, **options):
        if len(started) >= room:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        started.append(True)
        return real(*arguments, **options)

    monkeypatch.setattr(runner.subprocess, "Popen", popen)
    before = "more = dict(streams=range(100, 200))"
    if not room:
        with pytest.raises(InputError) as caught, leftovers.none():
            _scan(tmp_path, before, jobs=3)
        assert "it cannot be started: Resource temp" in caught.value.details["because"]
        return
    with leftovers.none(), _scan(tmp_path, before, jobs=3) as inventory:
        (volume,) = kit.of_kind(inventory, "filesystem")
        reasons = {row["reason"] for row in kit.of_kind(inventory, "error")}
    assert volume["state"] == ("damaged" if room == 1 else "ok")
    assert reasons == ({"engine-crash"} if room == 1 else {"made-up"})


def test_no_process_is_left(tmp_path):
    before = "more = dict(streams=range(100, 200), record=lambda n: n == 150 and hang())"
    with leftovers.none(), _scan(tmp_path, before):
        pass


def _mutate(chance, line):
    data = bytearray(line)
    for _ in range(chance.choice((1, 1, 3))):
        at = chance.randrange(len(data))
        data[at : at + 1] = chance.choice((b"", b"\x00", b"9", b'"', b"[", b"\xff", b"-"))
    return bytes(data).replace(b"\n", b"")


def test_mutated_answers_never_bring_the_parent_down(tmp_path):
    """Every line of a good answer, damaged: the volume is complete but for what was damaged."""
    chance = random.Random(7)
    facts = {"type": "fat12", "state": "ok", "root": 2}
    row = {"allocated": True, "entries": 0, "fs": 1, "inode": 2, "path": "/", "row": "directory",
           "seq": 0, "state": "ok"}  # fmt: skip
    good = [
        json.dumps(["fs", facts]), json.dumps(row, separators=(",", ":")),
        '+{"a":1}', '["listed",[[7,0,"eA==",1,0]],[0,5,1,0,0,0,1]]', '["end",1]',
    ]  # fmt: skip
    for number in range(ROUNDS):
        lines = [line.encode() for line in good]
        lines[number % len(lines)] = _mutate(chance, lines[number % len(lines)])
        first, rest = lines[0] + b"\n", b"\n".join(lines[1:]) + b"\n"
        script = tmp_path / "raw.py"
        script.write_text(
            f"import sys, time\nsys.stdin.readline()\n"
            f"sys.stdout.buffer.write({first!r}); sys.stdout.flush()\n"
            f"sys.stdin.readline()\n"
            f"sys.stdout.buffer.write({rest!r}); sys.stdout.flush()\n"
            "sys.stdin.readline()\n"
        )
        request = {"task": "volume", "fs": 1, "orphans": 0, "budget": 1}
        settings = schedule.Settings(limits=HASTY, command=[sys.executable, str(script)], jobs=1)
        try:
            kinds = [message.kind for message in schedule.ask(request, settings)]
        except EngineStoppedError:
            continue
        assert set(kinds) <= {"fs", "rows", "mark", "beat", "info", "orphans"}
