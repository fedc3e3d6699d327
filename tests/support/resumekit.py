"""Acquisitions that are stopped and go on: small steps, fixed times and names, whole results."""

from __future__ import annotations

import functools
import hashlib
import os
import random
import tempfile
from contextlib import contextmanager
from pathlib import Path

import acquirekit as kit
import stations

from evkit.acquire import engine, passes
from evkit.acquire.output import checkpoint
from evkit.actions import acquire_e01, latework
from evkit.actions.acquire_resume import Resume, resume
from evkit.core.errors import CaseError
from evkit.images.e01.plan import Plan

MIB = 1 << 20
SIZE = 13 * MIB + 512 * 3
WAYS = {
    "raw": {"format": "raw"},
    "split": {"format": "raw", "split": 5 * MIB + 512},
    "split-at-blocks": {"format": "raw", "split": 4 * MIB},
    "e01": {"format": "e01"},
    "e01-segments": {"format": "e01", "split": 3 * MIB},
    "e01-none": {"format": "e01", "compress": "none", "split": 2 * MIB, "block_nodes": True},
}


def small_steps(monkeypatch) -> None:
    """A checkpoint after each block, groups of 40 chunks; name and time of images are fixed."""
    monkeypatch.setenv("EVKIT_CLOCK", "2031-03-02T09:14:07+05:00")
    monkeypatch.setattr(checkpoint, "EVERY", engine.BLOCK)
    monkeypatch.setattr(passes, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(acquire_e01, "guid_of", lambda _: bytes(range(16)))
    monkeypatch.setattr(acquire_e01, "Plan", functools.partial(Plan, group=40))


@contextmanager
def memory():
    """A folder in memory where there is one: these tests make thousands of durable steps."""
    top = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="evkit-resume-", dir=top) as folder:
        yield Path(folder)


def content(size: int = SIZE, seed: int = 1) -> bytes:
    """Bytes that pack well here and not at all there."""
    chance = random.Random(seed)
    parts = []
    for at in range(0, size, MIB):
        kind = (at // MIB + seed) % 3
        block = (chance.randbytes(MIB), bytes(MIB), b"text %d " % at * (MIB // 8))[kind]
        parts.append(block[:MIB])
    return b"".join(parts).ljust(size, b"\7")[:size]


def fresh(folder: Path, name: str, monkeypatch):
    """A station, and a place for a second copy."""
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / f"state-{name}"))
    (folder / f"second-{name}").mkdir()
    return stations.ready(folder / f"station-{name}")


def _in_child(action, owner, name: str, when) -> None:
    """Run `action` in a child that ends when a method was called and `when` says so."""
    child = os.fork()
    if child == 0:
        real = getattr(owner, name)

        def called(self, *arguments, **options):
            answer = real(self, *arguments, **options)
            if when(self):
                os._exit(9)
            return answer

        setattr(owner, name, called)
        try:
            action()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def stop_after(action, blocks: int) -> None:
    """Stop when so many blocks are durable; 0 for before the first read."""
    name = "make" if blocks else "watch"
    _in_child(action, checkpoint.Checkpoints, name, lambda points: points._saved >= blocks)


def stop_in_passes(action, done: int) -> None:
    """Stop when the map on the disk says that so much is read."""
    _in_child(action, passes.Passes, "keep", lambda work: work.done >= done)


def stop_in_filling(action, _done: int) -> None:
    """Stop when a rescue by another tool is copied and nothing says so yet."""
    _in_child(action, passes.Passes, "fill", lambda _: True)


def acquire(made, source, way: str, **options):
    """Acquire with one of `WAYS` and a second copy."""
    second = made.path.parent / made.path.name.replace("station", "second")
    return kit.acquire_with(made, source, **{**WAYS[way], "also": os.fsencode(second), **options})


def go_on(made, ref: str = "C1/E1", **wish):
    """Resume in this process."""
    with made.open() as station:
        return resume(station, made.officer, Resume(ref=ref, **wish))


def folders(made, number: int = 1) -> list[Path]:
    """The folders of both copies."""
    second = made.path.parent / made.path.name.replace("station", "second")
    inside = f"C1/E1/A{number}"
    return [made.path / "cases" / inside, second / inside]


def files(folder: Path) -> dict[str, str]:
    """Digests of all files of a folder; the log states times, so only its presence counts."""
    found = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        data = b"" if path.name == "acquisition-log.json" else path.read_bytes()
        found[path.name] = hashlib.sha256(data).hexdigest()
    return found


def settle(made) -> None:
    """Put on record what cannot go on."""
    with made.open() as station:
        for action in (latework.sign_late, latework.finish):
            try:
                action(station, made.officer, "C1/E1", "acquire")
            except CaseError:
                continue
        assert station.journals() == []
