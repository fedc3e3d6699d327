"""A station of one's own, actions on it, and what must hold of its acquisition folders."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import stations

from evkit.acquire import journal, mapfile
from evkit.actions import acquire, acquire_job, intake, intake_job
from evkit.core import durable
from evkit.hashing.piecefile import read_pieces
from evkit.hashing.pieces import PieceHasher
from evkit.manifest import filelist
from evkit.station import Station

EXHIBIT = "C1/E1"


def acquire_with(made, source, **options):
    """Acquire `source` for C1/E1 in this process."""
    request = acquire_job.Request(source=os.fsencode(source), exhibit=EXHIBIT, **options)
    with made.open() as station:
        return acquire.run(station, made.officer, request)


def intake_with(made, *paths, exhibit=EXHIBIT, **options):
    """Take `paths` in for C1/E1, or another exhibit, in this process."""
    request = intake_job.Request(
        paths=tuple(os.fsencode(path) for path in paths), exhibit=exhibit, **options
    )
    with made.open() as station:
        return intake.run(station, made.officer, request)


def end_of(made, ref):
    """The ended event of an acquisition, or None."""
    with made.open() as station:
        found = [
            event
            for _, event, _ in station.events("C1")
            if event.kind.endswith("-end") and ref in event.acquisitions
        ]
    assert len(found) <= 1
    return found[0] if found else None


def settled(path: Path) -> None:
    """After any stop: the station opens, and what has a final name is whole and as recorded."""
    with Station.open(path) as station:
        events = list(station.events())
        head = station.head()
        assert len(events) == head.size
        assert station.checkpoint()
        listed = {os.path.dirname(name) for name in station.journals()}
    ends = {e.acquisitions[0]: e for _, e, _ in events if e.kind.endswith("-end")}
    starts = {e.acquisitions[0] for _, e, _ in events if e.kind.endswith("-start")}
    assert set(ends) <= starts
    for folder in sorted((path / "cases" / "C1" / "E1").glob("A*")):
        ref = f"C1/E1/{folder.name}"
        end = ends.get(ref)
        begun = any(not path.name.endswith(durable.PART) for path in folder.iterdir())
        assert end is not None or os.fsencode(folder) in listed or not begun
        if os.fsencode(folder) in listed:
            assert journal.read(os.fsencode(folder)).ref == ref
        whole(folder)
        if end is not None:
            as_recorded(folder, end)


def whole(folder: Path) -> None:
    """Nothing half-written has a final name."""
    for path in folder.rglob("*"):
        name = path.name
        if not path.is_file() or durable.PART in str(path.relative_to(folder)):
            continue
        if name == "image.raw":
            assert (folder / "image.raw.pieces").is_file()
            plain = PieceHasher()
            plain.update(path.read_bytes())
            assert plain.finish().root == read_pieces(str(folder / "image.raw.pieces")).root
        elif name == "files.jsonl":
            filelist.read_list(path.read_bytes())
        elif name.endswith(".json"):
            json.loads(path.read_bytes())


def as_recorded(folder: Path, end) -> None:
    """Every artifact of the ended event is there with its digest."""
    for item in end.fields.get("artifacts", []):
        data = (folder / item["name"]).read_bytes()
        assert len(data) == item["size"]
        assert hashlib.sha256(data).hexdigest() == item["sha256"]
        if item["role"] != "list":
            continue
        for row in filelist.read_list(data):
            if row.name is not None:
                assert hashlib.sha256((folder / row.name).read_bytes()).hexdigest() == row.sha256


def run_stopped(action, at):
    """Run `action` in a child that ends at its `at`-th durable step; return exit code, steps."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reader)
            count = 0

            def stop(kind, path):
                nonlocal count
                if count == at:
                    os._exit(9)
                count += 1
                os.write(writer, b".")

            durable.observe(stop)
            action()
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        steps = len(pipe.read())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), steps


@contextmanager
def failing_disk(folder: Path, nbdkit: str, nbdfuse: str, *arguments: str):
    """A file of a failing disk: nbdkit's filters give real I/O errors through FUSE."""
    with disk_server(folder, nbdkit, nbdfuse, *arguments) as (place, process):
        yield place if process.poll() is None else None


@contextmanager
def bad_sectors(folder: Path, program, content: bytes, bad, name: str = "m"):
    """Serve content below `folder` of which ranges fail; yields the path and the server."""
    (folder / f"{name}.raw").write_bytes(content)
    truth = folder / f"{name}.truth"
    truth.write_bytes(mapfile.encode(mapfile.of_gaps(bad, len(content))))
    with disk_server(
        folder / name, program("nbdkit"), program("nbdfuse"), "--filter=ddrescue", "file",
        str(folder / f"{name}.raw"), f"ddrescue-mapfile={truth}",
    ) as (place, process):  # fmt: skip
        if process.poll() is not None:
            pytest.skip("FUSE cannot be used here")
        yield place, process


@contextmanager
def disk_server(folder: Path, nbdkit: str, nbdfuse: str, *arguments: str):
    """The file of a failing disk and the process that serves it.

    Every error is a line of the server's standard error; a pipe that nobody reads would stop it.
    """
    folder.mkdir()
    place = folder / "disk"
    process = subprocess.Popen(
        [nbdfuse, str(place), "--command", nbdkit, "-s", *arguments],
        stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(1200):
            if process.poll() is not None or (place.exists() and place.stat().st_size):
                break
            time.sleep(0.05)
        yield place, process
    finally:
        process.terminate()
        process.wait(60)
        if process.returncode < 0:  # it was killed and could not unmount
            subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


def evkit_process(path: Path, *arguments: str, **options):
    """Start the real program on a station as a child."""
    phrase = path.parent / "phrase"
    if not phrase.exists():
        phrase.write_bytes(stations.PHRASE + b"\n")
    env = os.environ | {
        "EVKIT_STATION": str(path), "EVKIT_PASSPHRASE_FILE": str(phrase),
        "EVKIT_OFFICER": stations.OFFICER, "EVKIT_NO_PROGRESS": "1",
    }  # fmt: skip
    return subprocess.Popen([sys.executable, "-m", "evkit", *arguments], env=env, **options)
