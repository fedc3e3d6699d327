"""Power loss: what has a name was made durable before, and before the ledger speaks of it.

The trace of durable steps is read as a disk that forgets whatever was not synchronised.
"""

from __future__ import annotations

import os

import acquirekit as kit
import pytest
import stations

from evkit.core import durable


@pytest.fixture
def trace():
    steps: list[tuple[str, bytes]] = []
    durable.observe(lambda kind, path: steps.append((kind, path)))
    yield steps
    durable.observe(None)


def check(steps: list[tuple[str, bytes]], folder: bytes, names: list[bytes]) -> None:
    """Every named file: written, fsync, name, fsync of the folder, and only then the commit."""
    commits = [at for at, (kind, _) in enumerate(steps) if kind == "commit"]
    assert len(commits) >= 2
    for name in names:
        path = os.path.join(folder, name)
        named = [
            at for at, (kind, p) in enumerate(steps) if kind in {"link", "rename"} and p == path
        ]
        assert len(named) == 1, path
        wrote = [at for at, (kind, p) in enumerate(steps) if kind == "write" and part_of(p, path)]
        synced = [at for at, (kind, p) in enumerate(steps) if kind == "fsync" and part_of(p, path)]
        assert synced, path
        assert max(wrote, default=0) < max(synced) < named[0], path
        parent = os.path.dirname(path)
        after = [at for at, (kind, p) in enumerate(steps) if (kind, p) == ("dirsync", parent)]
        assert any(named[0] < at < commits[-1] for at in after), path


def part_of(part: bytes, path: bytes) -> bool:
    return part.startswith(path + b".") and part.endswith(b".part")


def test_acquire(tmp_path, trace):
    (tmp_path / "stick").write_bytes(os.urandom(9 << 20))
    made = stations.ready(tmp_path / "station")
    del trace[:]
    kit.acquire_with(made, tmp_path / "stick")
    folder = os.fsencode(made.path / "cases" / "C1" / "E1" / "A1")
    check(trace, folder, [b"image.raw.pieces", b"image.raw", b"acquisition-log.json"])
    names = [p for kind, p in trace if kind == "link" and p.startswith(folder)]
    order = [os.path.basename(name) for name in names]
    assert order.index(b"image.raw.pieces") < order.index(b"image.raw")
    journal = os.path.join(folder, b"journal.json")
    begun = trace.index(("link", journal))
    first = next(at for at, (kind, p) in enumerate(trace) if p.endswith(b"image.raw.part"))
    commits = [at for at, (kind, _) in enumerate(trace) if kind == "commit"]
    assert begun < min(commits) < first < max(commits) < trace.index(("unlink", journal))


def test_intake(tmp_path, trace):
    top = tmp_path / "export"
    top.mkdir()
    for number in range(3):
        (top / str(number)).write_bytes(os.urandom(100))
    made = stations.ready(tmp_path / "station")
    del trace[:]
    kit.intake_with(made, top)
    folder = os.fsencode(made.path / "cases" / "C1" / "E1" / "A1")
    check(trace, folder, [b"files.jsonl"])
    files = os.path.join(folder, b"files")
    named = trace.index(("rename", files))
    assert trace.index(("dirsync", files + b".part")) < named
    for number in (2, 3, 4):
        part = os.path.join(files + b".part", b"%06d" % number)
        assert trace.index(("write", part)) < trace.index(("fsync", part)) < named
