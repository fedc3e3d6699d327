"""An engine that crashes, hangs or lies costs its own volume and nothing else; stops leave nothing.

The engine is replaced by small programs that misbehave; the real one is killed and starved as well.
"""

from __future__ import annotations

import json
import os
import sys

import inventorykit as kit
import leftovers
import pytest

from evkit.core import durable
from evkit.core.errors import InputError, StorageError
from evkit.inventory.coverage import problems
from evkit.inventory.database.store import Writer
from evkit.inventory.runner import EngineStoppedError, Limits, messages
from evkit.inventory.scan import Options, Target

STOPPED = 9
HASTY = Limits(silence=10.0, lines=5000)  # for a table that hangs
PATIENT = Limits(silence=60.0, lines=5000)  # a busy machine may be slow to start a child
FIRST_BAD = """
if request['task'] == 'table':
    table()
elif request['fs'] == 1:
    {bad}
else:
    good(request['fs'])
say('done')
"""


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "disk.raw"
    path.write_bytes(bytes(1 << 20))
    return path


@pytest.fixture(autouse=True)
def what_hangs_is_given_up_soon(monkeypatch, tmp_path):
    kit.give_up_soon(monkeypatch, tmp_path)


def _scan(image, tmp_path, body, limits=PATIENT):
    options = Options(command=kit.fake_engine(tmp_path, body), limits=limits)
    aim = Target(name=b"disk.raw", paths=[os.fsencode(image)])
    return kit.run(aim, tmp_path / "i.db", options)


BAD = {
    "crash": ("os.kill(os.getpid(), 11)", "engine-crash", "signal 11"),
    "exit": ("sys.exit(3)", "engine-crash", "status 3"),
    "hang": ("hang()", "engine-hang", "silent"),
    "half a line": (
        "sys.stdout.write('[\"row\"'); sys.stdout.flush(); os._exit(0)",
        "engine-crash",
        "status 0",
    ),
    "no JSON": ("print('Segmentation fault', flush=True)", "engine-garbage", "not JSON"),
    "binary": ("sys.stdout.buffer.write(bytes(range(256)) + b'\\n')", "engine-garbage", "JSON"),
    "a pickle": (
        "import pickle; sys.stdout.buffer.write(pickle.dumps([1]) + b'\\n')",
        "engine-garbage",
        "JSON",
    ),
    "an endless line": (
        "[sys.stdout.write('x' * 65536) for _ in range(1000)]",
        "engine-garbage",
        "a line of more than",
    ),
    "a row for another volume": (
        "say('row', {'row': 'error', 'fs': 2, 'stage': 'walk', 'reason': 'x'})",
        "engine-garbage",
        "may not send",
    ),
    "a row of its own making": (
        "say('row', {'row': 'type', 'stream': 1, 'mime': 'a/b'})",
        "engine-garbage",
        "may not send",
    ),
    "a digest without a basis": (
        (
            "say('row', dict(row='stream', fs=1, inode=1, seq=0, attr=1, attr_id=0, size=0,"
            " bytes_digested=0, state='ok', basis='none', digests={}))"
        ),
        "engine-garbage",
        "basis",
    ),
    "numbers too large": (
        "say('row', {'row': 'error', 'fs': 1, 'inode': 2**60, 'stage': 'x', 'reason': 'x'})",
        "engine-garbage",
        "out of range",
    ),
    "its own place": ("say('fs', {'type': 'ntfs', 'offset': 0})", "engine-garbage", "facts"),
    "a word more": ("say('done'); say('beat', 1)", "engine-garbage", "after its end"),
    "an unknown word": ("say('exec', 'rm')", "engine-garbage", "unknown shape"),
    "a partition": ("say('part', {})", "engine-garbage", "unexpected"),
    "a flood": ("[say('beat', n) for n in range(6000)]", "engine-limit", "more than 5000 lines"),
    "nesting": ("print('[' * 100000, flush=True)", "engine-garbage", "JSON"),
}


@pytest.mark.parametrize("name", BAD)
def test_one_bad_volume_costs_only_itself(image, tmp_path, name):
    bad, reason, detail = BAD[name]
    with _scan(image, tmp_path, FIRST_BAD.format(bad=bad)) as inventory:
        errors = kit.of_kind(inventory, "error")
        assert [(row["fs"], row["reason"]) for row in errors] == [(1, reason)]
        assert detail in errors[0]["detail"]
        first, second = kit.of_kind(inventory, "filesystem")
        assert (first["state"], first["reason"]) == ("damaged", reason)
        assert (second["state"], second["type"]) == ("ok", "fat12")
        coverage = inventory.coverage()
        assert problems(coverage) == []
        assert coverage["result"] == "with-gaps"
        assert inventory.problems() == []


def test_what_came_before_the_crash_is_kept(image, tmp_path):
    body = FIRST_BAD.format(bad="good(1, below=[7], listing=die_at_7)")
    body = "def die_at_7(n):\n    if n == 7: os.kill(os.getpid(), 9)\n" + body
    with _scan(image, tmp_path, body) as inventory:
        rows = kit.of_kind(inventory, "directory")
        assert [(row["fs"], row["inode"], row["state"]) for row in rows] == [
            (1, 2, "ok"), (1, 7, "damaged"), (2, 2, "ok"),
        ]  # fmt: skip
        assert rows[1]["reason"] == "engine-crash"
        assert [row["state"] for row in kit.of_kind(inventory, "filesystem")] == ["ok", "ok"]


@pytest.mark.parametrize("bad", ["os.kill(os.getpid(), 11)", "hang()", "print('x')"])
def test_a_table_that_kills_the_engine_leaves_one_whole_volume(image, tmp_path, bad):
    body = f"""
if request['task'] == 'table':
    say('image', {{'size': 1 << 20, 'sector_size': 0, 'format': 'raw', 'gaps': []}})
    sys.stdout.flush()
    {bad}
else:
    good(1)
say('done')
"""
    with _scan(image, tmp_path, body, HASTY if "hang" in bad else PATIENT) as inventory:
        assert [row["kind"] for row in kit.of_kind(inventory, "partition")] == ["whole"]
        assert kit.of_kind(inventory, "error")[0]["stage"] == "table"
        assert inventory.coverage()["directories"]["listed"] == 1
        assert inventory.coverage()["result"] == "with-gaps"


def test_an_image_that_cannot_be_opened_is_an_input_error(image, tmp_path):
    with pytest.raises(InputError, match="cannot be opened"):
        _scan(image, tmp_path, "os.kill(os.getpid(), 11)")
    assert not (tmp_path / "i.db").exists()
    assert not (tmp_path / "i.db.part").exists()


def test_partitions_that_overlap_or_lie_outside_still_add_up(image, tmp_path):
    body = """
if request['task'] == 'table':
    say('image', {'size': 1 << 20, 'sector_size': 0, 'format': 'raw', 'gaps': []})
    for offset, size in ((0, 5000), (4096, 8192), (1 << 19, 1 << 40), (1 << 50, 512), (77, 0)):
        say('part', {'kind': 'partition', 'table': 'dos', 'offset': offset, 'size': size})
    say('part', {'kind': 'metadata', 'table': 'dos', 'offset': 0, 'size': 1 << 20})
else:
    good(request['fs'])
say('done')
"""
    with _scan(image, tmp_path, body) as inventory:
        assert problems(inventory.coverage()) == []
        assert inventory.coverage()["bytes"]["partitions"] == 12288 + (1 << 19)
        states = [row["state"] for row in kit.of_kind(inventory, "partition")]
        assert states.count("damaged") == 2


@pytest.mark.parametrize("limit", [{"memory": 8 << 20}, {"files": 3}])
def test_the_real_engine_without_resources(tmp_path, limit):
    path = kit.SAMPLES / "usb-fat16.raw"
    if not path.exists():
        pytest.skip("the sample images are not here")
    with pytest.raises(InputError):
        kit.scan(path, tmp_path / "i.db", Options(types=False, limits=Limits(**limit)))


def test_the_cpu_limit_ends_the_engine(tmp_path):
    code = (
        "from evkit.inventory import limits\n"
        "limits.apply({'memory': 0, 'cpu': 1, 'files': 0})\n"
        "while True: pass\n"
    )
    with pytest.raises(EngineStoppedError) as caught:
        list(messages({}, Limits(silence=20), [sys.executable, "-c", code]))
    assert caught.value.reason == "engine-crash"
    assert "signal" in caught.value.detail


def test_no_process_is_left(image, tmp_path):
    with leftovers.none(), _scan(image, tmp_path, FIRST_BAD.format(bad="hang()")):
        pass


def _steps(action, at):
    """Run `action` in a child that ends at its `at`-th durable step; return (code, steps)."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            seen = []

            def stop(kind, path):
                if len(seen) == at:
                    os._exit(STOPPED)
                seen.append(kind)
                os.write(writer, json.dumps(kind).encode() + b"\n")

            durable.observe(stop)
            action()
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        steps = [json.loads(line) for line in pipe]
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), steps


def test_stopped_at_every_durable_step(tmp_path):
    def make(path):
        with Writer(path) as writer:
            for number in range(12000):
                writer.add({"row": "error", "stage": "walk", "reason": "x", "inode": number})
            writer.finish({})

    done = os.fsencode(tmp_path / "whole.db")
    code, steps = _steps(lambda: make(done), None)
    assert code == 0
    assert steps.count("commit") == 4
    for at in range(len(steps)):
        path = os.fsencode(tmp_path / f"stopped-{at}.db")
        code, _ = _steps(lambda path=path: make(path), at)
        assert code == STOPPED
        if os.path.exists(path):  # then it is whole
            with kit.Inventory(path) as inventory:
                assert inventory.problems() == []
                assert inventory.meta["rows"] == "12000"
        else:
            make(path)  # what was left behind is in nobody's way
            with kit.Inventory(path) as inventory:
                assert inventory.problems() == []


def test_a_destination_that_is_not_there(tmp_path, image):
    with pytest.raises(StorageError):
        kit.scan(image, tmp_path / "no" / "i.db")
