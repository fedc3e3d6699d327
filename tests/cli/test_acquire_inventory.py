"""`evkit acquire --inventory` gives the rows that `evkit inventory run` gives afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time

import acquirekit
import inventorykit as kit
import pytest
import stations

from evkit.acquire import mapfile, readback
from evkit.actions import acquire_inventory
from evkit.core.errors import IdentityError
from evkit.hashing.digests import digest_file
from evkit.inventory import alongside

SAMPLES = ("usb-fat16.raw", "phone-gpt-ext4.raw", "laptop-ntfs.raw", "disc.iso")
pytestmark = pytest.mark.skipif(
    not (kit.SAMPLES / SAMPLES[0]).exists(), reason="the sample images are not here"
)


def acquire(run, source, *options, expect=0):
    """Acquire with an inventory and return the part of the document about it."""
    out = run("acquire", source, "--exhibit", "C1/E1", "--inventory", "--json", *options,
              expect=expect)  # fmt: skip
    return json.loads(out)["inventory"]


def rows(path):
    """All rows and types of an inventory file without their salts, and what `meta` says."""
    base = sqlite3.connect(path)
    try:
        tables = [base.execute(f"SELECT n, row FROM {t} ORDER BY n").fetchall()
                  for t in ("rows", "engine_rows")]  # fmt: skip
        meta = dict(base.execute("SELECT key, value FROM meta"))
    finally:
        base.close()
    meta.pop("identity", None)  # only one that may be gone on with says what was asked for
    for name in ("created", "row_root", "engine_root"):
        del meta[name]
    return tables, meta


def same_as_afterwards(run, name="A1", expect=0):
    """Make the inventory once more, on its own, and compare."""
    run("inventory", "run", f"C1/E1/{name}", expect=expect)
    folder = run.folder / name
    assert rows(folder / "inventory.db") == rows(folder / "inventory-2.db")


def events(run, kind="inventory"):
    with run.made.open() as station:
        return [event for _, event, _ in station.events("C1") if event.kind == kind]


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("form", ["raw", "e01"])
def test_the_rows_are_those_of_an_inventory_afterwards(run, name, form):
    found = acquire(run, kit.SAMPLES / name, "--format", form)
    assert "note" not in found
    assert found["digested"]["on_the_way"]["streams"] > 0
    total = found["coverage"]
    for what, whole in (("streams", total["streams"]["digested"]), ("bytes", total["bytes"])):
        parts = [found["digested"][part][what] for part in ("on_the_way", "read_again")]
        assert sum(parts) == (whole["digested"] if what == "bytes" else whole)
    event = events(run)[0]
    path = run.folder / "A1" / "inventory.db"
    assert event.fields["digested"] == found["digested"]
    assert event.fields["database"]["sha256"] == digest_file(path, ("sha256",))[1]["sha256"]
    assert event.acquisitions == ("C1/E1/A1",)
    assert events(run, "acquire-start")[0].fields["plan"]["inventory"] is True
    same_as_afterwards(run)
    assert "digested" not in events(run)[1].fields
    assert not list((run.folder / "A1").glob("*.part"))


def test_people_read_how_much_was_digested_on_the_way(run):
    image = kit.SAMPLES / "usb-fat16.raw"
    out = run("acquire", image, "--exhibit", "C1/E1", "--inventory", "--format", "raw")
    assert "C1/E1/A1 acquired: complete" in out
    assert "digested during the read-back 20 streams, 56,784 bytes" in out
    assert "read again 2 streams, 0 bytes" in out
    assert "recorded inventory of C1/E1/A1" in out


def test_parts_elsewhere_and_a_second_copy(run, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    found = acquire(run, kit.SAMPLES / "laptop-ntfs.raw", "--format", "raw", "--split", "1M",
                    "--to", tmp_path / "one", "--also", tmp_path / "two")  # fmt: skip
    assert found["digested"]["on_the_way"]["streams"] == 19
    plain = kit.scan(kit.SAMPLES / "laptop-ntfs.raw", tmp_path / "plain.db")
    with plain, kit.Inventory(os.fsencode(run.folder / "A1" / "inventory.db")) as made:
        assert kit.of_kind(made, "stream", "name") == kit.of_kind(plain, "stream", "name")


def test_a_partition_is_listed_as_the_medium_it_is(run):
    image = kit.SAMPLES / "phone-gpt-ext4.raw"
    found = acquire(run, image, "--type", "partition", "--part", "1", "--scope", "one partition")
    assert found["coverage"]["filesystems"]["found"] == 1
    same_as_afterwards(run)


def test_what_the_image_lacks_is_not_digested(run, tmp_path):
    """A rescue with bad sectors in the middle of a file: the file is damaged, in both ways."""
    image = kit.SAMPLES / "usb-fat16.raw"
    with kit.scan(image, tmp_path / "whole.db") as whole:
        row = next(row for row in kit.of_kind(whole, "stream") if row["size"] > 4096)
    bad = row["extents"][0][0] + 512
    copy, chart = tmp_path / "rescued.raw", tmp_path / "rescued.map"
    shutil.copyfile(image, copy)
    lost = mapfile.RescueMap(image.stat().st_size, mapfile.FINISHED)
    lost.mark(bad, 1024, mapfile.BAD)
    chart.write_bytes(mapfile.encode(lost))
    found = acquire(run, image, "--rescued", copy, "--map", chart, "--retries", "0", expect=3)
    with kit.Inventory(os.fsencode(run.folder / "A1" / "inventory.db")) as made:
        same = [r for r in kit.of_kind(made, "stream") if r["inode"] == row["inode"]]
    assert [(r["state"], r["reason"]) for r in same] == [("damaged", "unread-sectors")]
    assert found["unread_files"]["files"] == 1
    assert events(run)[0].fields["unread_files"]["files"] == 1
    same_as_afterwards(run, expect=3)


def test_a_mismatch_leaves_nothing_of_it(run, monkeypatch):
    real = readback.compare

    def compare(paths, expected, **options):
        with open(paths[0], "r+b") as handle:
            handle.seek(20_000)
            handle.write(b"changed")
        return real(paths, expected, **options)

    monkeypatch.setattr(readback, "compare", compare)
    found = acquire(run, kit.SAMPLES / "usb-fat16.raw", "--format", "raw", expect=4)
    assert found == {"note": "the acquisition is not complete"}
    assert events(run) == []
    assert not list((run.folder / "A1").glob("inventory*"))


def test_a_second_copy_serves_when_the_first_reads_back_different(run, tmp_path, monkeypatch):
    (tmp_path / "two").mkdir()
    real, calls = readback.compare, []

    def compare(paths, expected, **options):
        calls.append(options["order"].target)
        if len(calls) == 1:
            with open(paths[0], "r+b") as handle:
                handle.write(b"changed")
        return real(paths, expected, **options)

    monkeypatch.setattr(readback, "compare", compare)
    found = acquire(run, kit.SAMPLES / "usb-fat16.raw", "--format", "raw",
                    "--also", tmp_path / "two", expect=4)  # fmt: skip
    assert [target is not None for target in calls] == [True, True]
    assert found["digested"]["on_the_way"]["streams"] == 20
    assert found["coverage"]["streams"]["failed"] == 0


def test_files_that_change_before_the_rows_are_written(run, monkeypatch):
    real = alongside.Alongside.run

    def change(self, target, sink):
        os.chmod(target.paths[0], 0o644)
        with open(target.paths[0], "r+b") as handle:
            handle.write(b"x")
        return real(self, target, sink)

    monkeypatch.setattr(alongside.Alongside, "run", change)
    found = acquire(run, kit.SAMPLES / "usb-fat16.raw", "--format", "raw", expect=4)
    assert "changed while they were listed" in found["error"]
    assert events(run) == []
    assert not list((run.folder / "A1").glob("inventory*"))


def test_an_event_that_cannot_be_signed_leaves_the_inventory(run, monkeypatch):
    def fail(*_):
        raise IdentityError("the stick with the key is gone")

    with monkeypatch.context() as patch:
        patch.setattr(acquire_inventory.inventory, "record", fail)
        found = acquire(run, kit.SAMPLES / "usb-fat16.raw", expect=12)
    assert "the key is gone" in found["error"]
    assert not found["recorded"]
    assert "recorded inventory" in run("inventory", "run", "C1/E1/A1", "--record")


@pytest.mark.parametrize("where", ["walk", "write"])
def test_a_user_who_stops_during_the_read_back(run, monkeypatch, where):
    """The image keeps its name and record, as without an inventory; nothing is listed."""

    def stop(*_):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)

    if where == "walk":
        monkeypatch.setattr(alongside.Walked, "record", stop)
    else:
        real = readback.compare
        monkeypatch.setattr(readback, "compare", lambda *a, **o: stop() or real(*a, **o))
    image = kit.SAMPLES / "usb-fat16.raw"
    out = run("acquire", image, "--exhibit", "C1/E1", "--inventory", "--format", "raw", expect=130)
    assert "reading the image back was stopped" in out
    assert "hint: `evkit inventory run C1/E1/A1` makes it" in out
    assert events(run) == []
    assert sorted(path.name for path in (run.folder / "A1").iterdir()) == [
        "acquisition-log.json", "image.raw", "image.raw.pieces",
    ]  # fmt: skip


def test_what_fails_on_the_way_is_read_again(run, monkeypatch):
    def fail(*_):
        raise ValueError("no more memory")

    monkeypatch.setattr(alongside.Offered, "write", fail)
    found = acquire(run, kit.SAMPLES / "usb-fat16.raw", "--format", "raw")
    assert found["note"] == "all streams were read again: no more memory"
    assert found["digested"]["on_the_way"] == {"streams": 0, "bytes": 0}
    assert found["digested"]["read_again"]["streams"] == 22
    same_as_afterwards(run)


@pytest.mark.parametrize("options", [["--verify", "later"], ["--verify", "none"]])
def test_it_needs_the_image_read_back(run, options):
    image = kit.SAMPLES / "usb-fat16.raw"
    out = run("acquire", image, "--exhibit", "C1/E1", "--inventory", *options, expect=2)
    assert "needs `--verify now`" in out
    assert not run.folder.exists()
    out = run("acquire", "--record", "--exhibit", "C1/E1", "--inventory", expect=2)
    assert "`--record` reads nothing" in out
    out = run("acquire", image.parent, "--exhibit", "C1/E1", "--inventory", "--type", "targeted",
              "--files", image, expect=2)  # fmt: skip
    assert "`--inventory` is an option of an image" in out


def test_a_dry_run_says_so(run):
    image = kit.SAMPLES / "usb-fat16.raw"
    out = run("acquire", image, "--exhibit", "C1/E1", "--inventory", "--dry-run")
    assert "with an inventory" in out
    assert not run.folder.exists()


SLOW = """
import os, sys, time
from evkit.acquire import completing
from evkit.inventory import alongside
real = alongside.{cls}.{name}
def slow(*arguments, **options):
    open({mark!r}, "w").close()
    time.sleep(60)
    return real(*arguments, **options)
alongside.{cls}.{name} = slow
sys.argv[0] = "evkit"
from evkit.cli.main import entry
entry()
"""


@pytest.mark.parametrize(
    ("cls", "name", "recorded"),
    [("Alongside", "walk", False), ("Offered", "write", False), ("Alongside", "run", True)],
)
def test_killed_in_the_middle(run, tmp_path, cls, name, recorded):
    """Nothing is lost: the acquisition goes on or is on record, the inventory can be made."""
    import sys

    mark = tmp_path / "mark"
    phrase = tmp_path / "phrase"
    phrase.write_bytes(stations.PHRASE + b"\n")
    code = SLOW.format(cls=cls, name=name, mark=str(mark))
    env = os.environ | {"EVKIT_PASSPHRASE_FILE": str(phrase)}
    process = subprocess.Popen(
        [sys.executable, "-c", code, "acquire", str(kit.SAMPLES / "usb-fat16.raw"), "--exhibit",
         "C1/E1", "--inventory", "--format", "raw"],
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for _ in range(2400):
        if mark.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    assert mark.exists()
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    acquirekit.settled(run.made.path)
    assert (acquirekit.end_of(run.made, "C1/E1/A1") is not None) == recorded
    assert events(run) == []
    if recorded:
        run("inventory", "run", "C1/E1/A1")
    else:
        out = run("acquire", "--resume", "--exhibit", "C1/E1/A1", "--json")
        found = json.loads(out)["inventory"]  # the journal knows that it was asked for
        assert found["digested"]["on_the_way"]["streams"] == 20
        same_as_afterwards(run)
    assert len(events(run)) == (1 if recorded else 2)


def test_resumed_with_an_inventory_that_was_not_asked_for_before(run, tmp_path):
    image = kit.SAMPLES / "usb-fat16.raw"

    def start():
        acquirekit.acquire_with(run.made, image, format="raw")

    code, steps = acquirekit.run_stopped(start, 10_000)
    assert code == 0
    assert steps > 10
    code, _ = acquirekit.run_stopped(start, steps // 2)
    assert code == 9
    out = run("acquire", "--resume", "--exhibit", "C1/E1/A2", "--inventory", "--json")
    assert json.loads(out)["inventory"]["recorded"]
    same_as_afterwards(run, "A2")
