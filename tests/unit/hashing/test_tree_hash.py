from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys

import leftovers
import pytest

from evkit.core.errors import EvkitError, InputError
from evkit.core.progress import Progress
from evkit.hashing import reading, tree_hash
from evkit.hashing.lists.formats import ListEncoder
from evkit.hashing.rows import CHANGED, FOLDER, OK, SPECIAL, SYMLINK, UNREADABLE, Row
from evkit.hashing.tree_hash import Plan, hash_tree
from evkit.hashing.walk import walk

NAMES = ("md5", "sha256")


def rows(root, jobs=1, progress=None):
    plan = Plan(algorithms=NAMES, jobs=jobs)
    items = walk([os.fsencode(root)])
    return [row for part in hash_tree(items, plan, progress or Progress()) for row in part.rows]


def fill(root, count):
    for number in range(count):
        folder = root / f"d{number % 7}"
        folder.mkdir(exist_ok=True)
        (folder / f"f{number}").write_bytes(b"%d" % number * (number % 50))


def test_rows_hold_what_is_there(tmp_path):
    base = os.fsencode(tmp_path)
    for name, data in {b"b": b"1", b"a\n": b"2", b"inv\xff": b"", b"d/x": b"3"}.items():
        path = os.path.join(base, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as handle:
            handle.write(data)
    os.symlink(b"nowhere\n", base + b"/link")
    os.mkfifo(base + b"/fifo")
    found = {row.path[len(base) + 1 :]: row for row in rows(tmp_path)}
    assert list(found) == [b"a\n", b"b", b"d/x", b"fifo", b"inv\xff", b"link"]
    assert found[b"link"] == Row(base + b"/link", SYMLINK, target=b"nowhere\n")
    assert found[b"fifo"] == Row(base + b"/fifo", SPECIAL)
    assert found[b"d/x"].digests == {
        "md5": hashlib.md5(b"3").hexdigest(), "sha256": hashlib.sha256(b"3").hexdigest(),
    }  # fmt: skip


def test_workers_give_the_same_rows_in_the_same_order(tmp_path):
    fill(tmp_path, 500)
    (tmp_path / "d3" / "f3000").write_bytes(os.urandom(9 << 20))  # left to the parent
    alone = rows(tmp_path)
    assert len(alone) == 501
    assert rows(tmp_path, jobs=2) == alone


SPAWNED = """
import sys, threading
from evkit.hashing.tree_hash import Plan, hash_tree
from evkit.hashing.walk import walk

go = threading.Event()
threading.Thread(target=go.wait).start()  # forking beside a thread is not safe
plan = Plan(algorithms=("md5", "sha256"), jobs=2)
for part in hash_tree(walk([sys.argv[1].encode()]), plan):
    print(*part.rows, sep="\\n")
assert "multiprocessing.popen_spawn_posix" in sys.modules
assert threading.active_count() == 2
go.set()
"""


def test_spawned_workers_give_the_same_rows(tmp_path):
    """In an interpreter of its own: what Python starts for that stays to its end."""
    fill(tmp_path, 500)
    done = subprocess.run(
        [sys.executable, "-c", SPAWNED, tmp_path], capture_output=True, check=True, text=True
    )
    assert done.stdout.splitlines() == [str(row) for row in rows(tmp_path)]
    assert done.stderr == ""


def test_encoded_by_workers_or_here(tmp_path):
    fill(tmp_path, 450)
    encode = ListEncoder(form="jsonl", algorithms=NAMES)
    made = []
    for jobs in (1, 3):
        plan = Plan(algorithms=NAMES, jobs=jobs, encode=encode)
        parts = list(hash_tree(walk([os.fsencode(tmp_path)]), plan))
        assert sum(part.tally["file", OK] for part in parts) == 450
        made.append(b"".join(part.data for part in parts))
    assert made[0] == made[1]
    assert made[0] == b"".join(map(encode, rows(tmp_path)))


def test_small_trees_start_no_process(tmp_path, monkeypatch):
    fill(tmp_path, 20)
    monkeypatch.setattr(tree_hash, "ProcessPoolExecutor", None)
    assert len(rows(tmp_path, jobs=4)) == 20


def test_a_worker_that_dies_is_an_error_and_not_a_short_list(tmp_path):
    fill(tmp_path, 450)
    plan = Plan(algorithms=NAMES, jobs=2, encode=_die)
    with pytest.raises(EvkitError, match="ended from outside"):
        list(hash_tree(walk([os.fsencode(tmp_path)]), plan))


def _die(row):
    os._exit(9)


def test_no_process_and_no_thread_is_left(tmp_path):
    fill(tmp_path, 450)
    with leftovers.none():
        rows(tmp_path, jobs=2)


def test_progress_ends_at_the_bytes_read(tmp_path):
    seen = []

    class Seen(Progress):
        def update(self, task, done):
            seen.append(done)

    (tmp_path / "big").write_bytes(bytes(9 << 20))
    (tmp_path / "small").write_bytes(bytes(10))
    rows(tmp_path, progress=Seen())
    assert seen == sorted(seen)
    assert seen[-1] == (9 << 20) + 10


def test_a_root_that_is_missing_or_a_link(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        rows(tmp_path / "gone")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(b"1")
    (tmp_path / "l").symlink_to("d")
    assert [row.type for row in rows(tmp_path / "l")] == [SYMLINK]
    assert len(list(walk([os.fsencode(tmp_path / "l") + b"/"]))) == 1


def test_what_cannot_be_opened_is_a_row(tmp_path, monkeypatch):
    (tmp_path / "f").write_bytes(b"1")

    def refuse(path, flags):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(reading.os, "open", refuse)
    (row,) = rows(tmp_path)
    assert (row.state, row.error, row.digests) == (UNREADABLE, "Permission denied", {})


def test_a_read_error_is_a_row_without_digests(tmp_path, monkeypatch):
    (tmp_path / "f").write_bytes(b"1" * 5000)

    def fail(descriptor, count):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(reading.os, "read", fail)
    (row,) = rows(tmp_path)
    assert (row.state, row.error, row.digests) == (UNREADABLE, "Input/output error", {})


def test_a_folder_that_cannot_be_listed_is_a_row(tmp_path, monkeypatch):
    (tmp_path / "d").mkdir()
    real = os.scandir

    def refuse(path):
        if path.endswith(b"/d"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    (row,) = rows(tmp_path)
    assert (row.type, row.state) == (FOLDER, UNREADABLE)


def test_a_file_that_grows_while_it_is_read_is_changed(tmp_path, monkeypatch):
    path = tmp_path / "f"
    path.write_bytes(bytes(3 << 20))
    real = os.read

    def grow(descriptor, count):
        with open(path, "ab") as handle:
            handle.write(b"x" * 10 if path.stat().st_size < (3 << 20) + 20 else b"")
        return real(descriptor, count)

    monkeypatch.setattr(reading.os, "read", grow)
    assert reading.read_row(os.fsencode(path), NAMES).state == CHANGED


def test_a_name_that_became_something_else_after_the_walk(tmp_path):
    base = os.fsencode(tmp_path)
    os.symlink(b"x", base + b"/link")
    assert reading.read_row(base + b"/link", NAMES) == Row(base + b"/link", SYMLINK, target=b"x")
    os.mkfifo(base + b"/fifo")
    assert reading.read_row(base + b"/fifo", NAMES) == Row(base + b"/fifo", SPECIAL)


def test_the_access_time_stays(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"1" * 100)
    os.utime(path, ns=(10**18, 2 * 10**18))
    rows(tmp_path)
    assert path.stat().st_atime_ns == 10**18


def test_pseudo_files_without_a_size_are_read():
    if not os.path.exists("/proc/version"):
        pytest.skip("no /proc here")
    row = reading.read_row(b"/proc/version", NAMES)
    with open("/proc/version", "rb") as handle:
        data = handle.read()
    assert (row.state, row.size) == (OK, len(data))
    assert row.digests["md5"] == hashlib.md5(data).hexdigest()


def test_sockets_are_special(tmp_path):
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("no unix sockets here")
    with socket.socket(socket.AF_UNIX) as listener:
        folder = os.open(tmp_path, os.O_RDONLY)
        try:
            listener.bind(f"/proc/self/fd/{folder}/s")
        finally:
            os.close(folder)
        assert [row.type for row in rows(tmp_path)] == [SPECIAL]
