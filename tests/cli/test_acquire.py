"""`evkit acquire` and `evkit image` on a real station."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import time

import acquirekit as kit
import pytest
import stations

from evkit.acquire import log, readback
from evkit.cli.session import Session
from evkit.core.errors import StorageError
from evkit.hashing.piecefile import read_pieces
from evkit.hashing.pieces import PieceHasher
from evkit.station import Station, highwater


def medium(tmp_path, size=5_000_001):
    path = tmp_path / "stick.dd"
    content = os.urandom(size)
    path.write_bytes(content)
    return path, content


def test_a_file_from_start_to_end(run, tmp_path):
    path, content = medium(tmp_path)
    before = path.stat()
    settings = ["--set", "write_blocker.make=Tableau", "--set", "place=lab", "--scope", "all of it"]
    out = run("acquire", path, "--exhibit", "C1/E1", "--hash", "md5,sha1,sha256", *settings)
    assert "C1/E1/A1 acquired: complete, 5,000,001 bytes" in out
    assert hashlib.sha256(content).hexdigest() in out
    folder = run.folder / "A1"
    assert (folder / "image.raw").read_bytes() == content
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["acquisition-log.json", "image.raw", "image.raw.pieces"]
    assert {(folder / name).stat().st_mode & 0o777 for name in names} == {0o444}
    tree = PieceHasher()
    tree.update(content)
    assert read_pieces(str(folder / "image.raw.pieces")) == tree.finish()
    after = path.stat()
    assert (before.st_atime_ns, before.st_mtime_ns) == (after.st_atime_ns, after.st_mtime_ns)

    end = kit.end_of(run.made, "C1/E1/A1")
    assert end.fields["result"] == "complete"
    assert end.fields["made_by"] == "evkit"
    assert end.fields["media"]["size"] == len(content)
    assert end.fields["media"]["pieces"] == tree.finish().fields()
    assert end.fields["media"]["sha1"] == hashlib.sha1(content).hexdigest()
    assert [item["role"] for item in end.fields["artifacts"]] == ["image", "pieces", "log"]
    assert end.subjects[0].name == "C1/E1/A1"
    assert end.subjects[0].digests["sha256"] == hashlib.sha256(content).hexdigest()
    kit.as_recorded(folder, end)
    items = log.decode((folder / "acquisition-log.json").read_bytes())["items"]
    assert items["write_blocker.make"]["value"] == "Tableau"
    assert items["scope"]["value"] == "all of it"
    assert items["command"]["state"] == "recorded"
    assert items["source.size"]["value"] == len(content)
    with run.made.open() as station:
        start = [e for _, e, i in station.events("C1") if i == end.fields["started"]]
        assert [e.kind for e in start] == ["acquire-start"]
        assert start[0].fields["write_blocker"] == {"make": "Tableau"}
        assert start[0].place == "lab"
        assert station.journals() == []


@pytest.mark.parametrize("size", [0, 1, 511, 512, 4096, 1 << 20, (4 << 20) + 3])
def test_every_length_is_exact(run, tmp_path, size):
    path, content = medium(tmp_path, size)
    run("acquire", path, "--exhibit", "C1/E1", "--format", "raw")
    image = (run.folder / "A1" / "image.raw").read_bytes()
    assert image == content
    end = kit.end_of(run.made, "C1/E1/A1")
    assert end.fields["media"]["size"] == size
    assert end.fields["verification"]["state"] == "match"


def test_standard_input(run, tmp_path):
    _, content = medium(tmp_path, 9_000_000)
    reader, writer = os.pipe()
    saved = os.dup(0)
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(content)
        finally:
            os._exit(0)
    os.close(writer)
    os.dup2(reader, 0)
    try:
        out = run("acquire", "-", "--exhibit", "C1/E1", "--json")
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(reader)
        os.waitpid(child, 0)
    assert json.loads(out)["media"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert (run.folder / "A1" / "image.raw").read_bytes() == content


def test_an_empty_stream(run, monkeypatch):
    saved, empty = os.dup(0), os.open("/dev/null", os.O_RDONLY)
    os.dup2(empty, 0)
    try:
        run("acquire", "-", "--exhibit", "C1/E1")
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(empty)
    assert (run.folder / "A1" / "image.raw").read_bytes() == b""


def test_numbers_go_up_and_are_never_used_twice(run, tmp_path):
    path, _ = medium(tmp_path, 1000)
    for number in (1, 2):
        assert f"C1/E1/A{number} " in run("acquire", path, "--exhibit", "C1/E1")
    (run.folder / "A7").mkdir()
    assert "C1/E1/A8 " in run("acquire", path, "--exhibit", "C1/E1/A1")


def test_dry_run_writes_nothing(run, tmp_path):
    path, _ = medium(tmp_path)
    before = sorted(run.made.path.rglob("*"))
    out = run("acquire", path, "--exhibit", "C1/E1", "--dry-run")
    assert "would acquire" in out
    assert "time: read about" in out
    assert "deviation: profile `pk` asks for" in out
    assert sorted(run.made.path.rglob("*")) == before
    document = json.loads(run("acquire", path, "--exhibit", "C1/E1", "--dry-run", "--json"))
    assert document["schema"] == "evkit/acquire-plan/1"
    assert document["estimated_seconds"] is not None


def test_not_registered_names_the_command(run, tmp_path):
    path, _ = medium(tmp_path, 10)
    out = run("acquire", path, "--exhibit", "C1/E9", expect=10)
    assert "hint: register it with `evkit exhibit register C1/E9 --what …`" in out
    assert not (run.folder.parent / "E9").exists()


def test_on_a_terminal_it_offers_to_register(run, tmp_path, monkeypatch):
    path, content = medium(tmp_path, 10)
    monkeypatch.setattr(Session, "interactive", lambda _: True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: True)
    monkeypatch.setattr("click.prompt", lambda *_, **__: "memory card")
    run("acquire", path, "--exhibit", "C1/E9")
    assert (run.folder.parent / "E9" / "A1" / "image.raw").read_bytes() == content
    assert "memory card" in run("exhibit", "show", "C1/E9")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--exhibit", "C1/E1"], 2),
        (["/no/such/file", "--exhibit", "C1/E1"], 14),
        (["/", "--exhibit", "C1/E1"], 14),
        (["x", "--exhibit", "C1/E1", "--record"], 2),
        (["x", "--exhibit", "C1/E1", "--hash", "crc32"], 2),
        (["--exhibit", "C1/E1", "--record"], 10),
        (["--exhibit", "C1/E1", "--finish"], 10),
        (["--exhibit", "C1/E1", "--finish", "--dry-run"], 2),
        (["--exhibit", "C1/E1", "--resume", "--to", "."], 2),
        (["--exhibit", "C1/E1", "--record", "--set", "place=x"], 2),
    ],
)
def test_refusals(run, arguments, code):
    run("acquire", *arguments, expect=code)
    assert not run.folder.exists()


def test_a_malformed_item_of_the_log_stops_before_the_first_read(run, tmp_path):
    path, _ = medium(tmp_path, 10)
    out = run("acquire", path, "--exhibit", "C1/E1", "--set", "write_blocker.colour=red", expect=2)
    assert "no item `write_blocker.colour`" in out
    assert not run.folder.exists()


def test_a_container_is_not_a_medium(run, vectors):
    for name, hint in (("ext2.E01", "--kind image"), ("ext2.qcow2", "--kind image")):
        out = run("acquire", vectors / "images" / name, "--exhibit", "C1/E1", expect=14)
        assert hint in out
    assert not run.folder.exists()


def test_a_source_that_changes_is_recorded(run, tmp_path, monkeypatch):
    path, _ = medium(tmp_path)
    from evkit.acquire import engine

    real = engine.read_all

    def read_all(source, order):
        outcome = real(source, order)
        if order.target is not None:
            path.write_bytes(b"other")
        return outcome

    monkeypatch.setattr("evkit.acquire.engine.read_all", read_all)
    out = run("acquire", path, "--exhibit", "C1/E1", expect=3)
    assert "the source changed while it was read" in out
    codes = {entry.code for entry in kit.end_of(run.made, "C1/E1/A1").deviations}
    assert codes == {"source-changed"}


def test_damage_on_the_medium_is_located_and_gets_no_name(run, tmp_path, monkeypatch):
    path, content = medium(tmp_path, 5 << 20)
    real = readback.compare

    def compare(paths, expected, **options):
        with open(paths[0], "r+b") as handle:
            handle.seek((3 << 20) + 77)
            handle.write(bytes([content[(3 << 20) + 77] ^ 1]))
        return real(paths, expected, **options)

    monkeypatch.setattr(readback, "compare", compare)
    out = run("acquire", path, "--exhibit", "C1/E1", "--format", "raw", expect=4)
    assert "FAIL: the image reads back different" in out
    assert "bytes 3,145,728 to 4,194,304" in out
    assert out.startswith("evkit: FAILED: C1/E1/A1 is not complete, 5,242,880 bytes (5.0 MiB) read")
    assert f"unfinished, not evidence: `{run.folder / 'A1' / 'image.raw.part'}`" in out
    assert f"hint: start again with `evkit acquire {path} --exhibit C1/E1`" in out
    end = kit.end_of(run.made, "C1/E1/A1")
    assert end.fields["result"] == "failed"
    assert end.fields["verification"]["damage"] == [[3 << 20, 1 << 20]]
    assert "media" not in end.fields
    assert not (run.folder / "A1" / "image.raw").exists()


@pytest.mark.parametrize(("verify", "state"), [("later", "later"), ("none", "not-asked")])
def test_not_read_back_is_said(run, tmp_path, verify, state):
    path, _ = medium(tmp_path, 1000)
    out = run("acquire", path, "--exhibit", "C1/E1", "--verify", verify)
    assert "the image was not read back" in out
    assert kit.end_of(run.made, "C1/E1/A1").fields["verification"] == {"state": state}


def test_without_direct_reads_the_record_says_how(run, tmp_path, monkeypatch):
    monkeypatch.setattr(readback, "_DIRECT", 0)
    path, _ = medium(tmp_path, 1000)
    run("acquire", path, "--exhibit", "C1/E1")
    how = kit.end_of(run.made, "C1/E1/A1").fields["verification"]["how"]
    assert how == "cache-dropped"


def fail_ends(monkeypatch):
    real = Station.record

    def record(self, draft, *rest, **options):
        if draft.kind.endswith("-end"):
            raise StorageError("no room")
        return real(self, draft, *rest, **options)

    monkeypatch.setattr(Station, "record", record)


def test_when_signing_fails_the_result_stays_and_is_signed_later(run, tmp_path, monkeypatch):
    path, content = medium(tmp_path)
    with monkeypatch.context() as patch:
        fail_ends(patch)
        out = run("acquire", path, "--exhibit", "C1/E1", expect=16)
    assert "`evkit acquire --record --exhibit C1/E1/A1`" in out
    assert (run.folder / "A1" / "image.raw").read_bytes() == content
    assert kit.end_of(run.made, "C1/E1/A1") is None
    assert "not signed" in run("status")
    run("acquire", "--finish", "--exhibit", "C1/E1", expect=10)
    out = run("acquire", "--record", "--exhibit", "C1/E1")
    assert "C1/E1/A1: recorded" in out
    end = kit.end_of(run.made, "C1/E1/A1")
    assert end.fields["media"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert {entry.code for entry in end.deviations} == {"late-signature"}
    kit.settled(run.made.path)
    run("acquire", "--record", "--exhibit", "C1/E1", expect=10)


def test_what_changed_meanwhile_is_not_signed(run, tmp_path, monkeypatch):
    path, _ = medium(tmp_path)
    with monkeypatch.context() as patch:
        fail_ends(patch)
        run("acquire", path, "--exhibit", "C1/E1", expect=16)
    image = run.folder / "A1" / "image.raw"
    image.chmod(0o644)
    with open(image, "r+b") as handle:
        handle.write(b"other")
    out = run("acquire", "--record", "--exhibit", "C1/E1", expect=4)
    assert "is not what was digested" in out
    assert kit.end_of(run.made, "C1/E1/A1") is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_the_user(tmp_path, number):
    """The real program reads a stream that does not end."""
    made = stations.ready(tmp_path / "station")
    process = kit.evkit_process(
        made.path, "acquire", "-", "--exhibit", "C1/E1",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    process.stdin.write(bytes(9 << 20))
    process.stdin.flush()
    part = made.path / "cases" / "C1" / "E1" / "A1" / "image.raw.part"
    for _ in range(2400):
        if part.exists() and part.stat().st_size:
            break
        time.sleep(0.05)
    process.send_signal(number)
    try:
        out = process.stdout.read().decode()
        assert process.wait(60) == 130, out
    finally:
        process.kill()
        process.stdin.close()
        process.stdout.close()
    end = kit.end_of(made, "C1/E1/A1")
    assert end.fields["result"] == "stopped"
    assert "evkit: STOPPED: C1/E1/A1 is not complete" in out
    assert f"`{part}`" in out
    assert "start again with `evkit acquire - --exhibit C1/E1`" in out
    assert not part.with_name("image.raw").exists()
    kit.settled(made.path)


def test_a_source_that_is_not_there(run, tmp_path):
    out = run("acquire", tmp_path / "absent.dd", "--exhibit", "C1/E1", expect=14)
    assert "No such file" in out
    assert "hint: check the name" in out
    for arguments in (["image", "info"], ["inventory", "run"], ["hash"], ["inventory", "list"]):
        out = run(*arguments, tmp_path / "absent.dd", expect=14)
        assert "hint:" in out, arguments


def test_a_reference_is_no_path_of_an_image(run):
    out = run("image", "info", "C1/E1/A1", expect=14)
    assert "evkit copy list C1/E1/A1" in out


def test_a_stopped_acquisition_is_named_before_a_new_one(run, tmp_path, monkeypatch):
    """The same command again begins anew; who meant to go on learns how."""
    from evkit.core.aligned import AlignedWriter

    def full(self, data):
        raise StorageError("no room")

    path, _ = medium(tmp_path, 5 << 20)
    with monkeypatch.context() as patch:
        patch.setattr(AlignedWriter, "write", full)
        run("acquire", path, "--exhibit", "C1/E1", expect=16)
    again = ("acquire", path, "--exhibit", "C1/E1")
    assert "can go on" not in run(*again, "--dry-run")  # this process is there and may be at it
    monkeypatch.setattr("evkit.actions.status.is_alive", lambda _: False)
    out = run(*again, "--dry-run")
    assert "C1/E1/A1 was stopped and can go on; this is a new acquisition" in out
    assert "evkit acquire --resume --exhibit C1/E1/A1" in out
    monkeypatch.setattr(Session, "interactive", lambda _: True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    assert "nothing was begun" in run(*again, expect=130)
    assert not (run.folder / "A2").exists()


def test_the_record_never_names_a_path_inside_the_station(run, tmp_path, monkeypatch):
    from evkit.core.aligned import AlignedWriter

    def full(self, data):
        raise StorageError(f"cannot write `{os.fsdecode(self.path)}`: No space left on device")

    path, _ = medium(tmp_path, 5 << 20)
    with monkeypatch.context() as patch:
        patch.setattr(AlignedWriter, "write", full)
        out = run("acquire", path, "--exhibit", "C1/E1", expect=16)
    assert "evkit: FAILED: C1/E1/A1 is not complete" in out
    assert "`evkit acquire --resume --exhibit C1/E1/A1`" in out
    assert kit.end_of(run.made, "C1/E1/A1") is None
    monkeypatch.setattr(AlignedWriter, "write", full)
    run("intake", path, "--exhibit", "C1/E1", "--kind", "image", expect=16)
    error = kit.end_of(run.made, "C1/E1/A2").fields["error"]
    assert error == "cannot write `image.raw.part`: No space left on device"


def test_every_event_of_long_work_is_given_the_reason(run, tmp_path, monkeypatch):
    real, given = Station.record, []

    def record(self, draft, *rest, **options):
        given.append((draft.kind, options.get("reason")))
        return real(self, draft, *rest, **options)

    monkeypatch.setattr(Station, "record", record)
    path, _ = medium(tmp_path, 1000)
    run("acquire", path, "--exhibit", "C1/E1", "--reason", "court day")
    run("intake", path, "--exhibit", "C1/E1", "--reason", "court day")
    assert {reason for _, reason in given} == {"court day"}
    assert [kind for kind, _ in given] == [
        "acquire-start", "acquire-end", "intake-start", "intake-end",
    ]  # fmt: skip


def test_image_info(run, vectors, tmp_path):
    out = run("image", "info", vectors / "images" / "ext2.split.E01")
    assert "EnCase image (E01)" in out
    assert "medium  4,194,304 bytes" in out
    document = json.loads(run("image", "info", vectors / "images" / "ext2.E01", "--json"))
    assert document["stored_digests"] == {"md5": "196066add11fb71c4c49cf1bb50d6d24"}
    run("image", "info", tmp_path / "absent", expect=14)


def test_hostile_names_are_escaped(run, tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff\x1b[31m\xe2\x80\xaedd"
    with open(path, "wb") as handle:
        handle.write(b"abc")
    out = run("acquire", os.fsdecode(path), "--exhibit", "C1/E1", "--dry-run")
    assert "\x1b" not in out
    assert "\u202e" not in out
    run("acquire", os.fsdecode(path), "--exhibit", "C1/E1")
    end = kit.end_of(run.made, "C1/E1/A1")
    assert end is not None
    assert io.BytesIO(b"abc").read() == (run.folder / "A1" / "image.raw").read_bytes()


def test_what_the_ledger_has_to_say_is_printed(run, tmp_path, monkeypatch):
    """The notice of a lost high-water mark, at each of the events of long work."""
    path, _ = medium(tmp_path, 5000)
    with run.made.open() as station:
        mark = highwater.path_of(station.origin)
    note = "  note: this user had no high-water mark"
    os.unlink(mark)
    assert run("acquire", path, "--exhibit", "C1/E1").count(note) == 1
    os.unlink(mark)
    assert run("intake", path, "--exhibit", "C1/E1").count(note) == 1
    os.unlink(mark)
    document = json.loads(run("intake", path, "--exhibit", "C1/E1", "--json"))
    assert [notice[:9] for notice in document["notices"]] == ["this user"]
    with monkeypatch.context() as patch:
        fail_ends(patch)
        os.unlink(mark)
        assert note in run("acquire", path, "--exhibit", "C1/E1", expect=16)
    os.unlink(mark)
    assert note in run("acquire", "--record", "--exhibit", "C1/E1")
    with monkeypatch.context() as patch:
        patch.setattr("evkit.actions.acquire.imager.make", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            kit.acquire_with(run.made, path)
    os.unlink(mark)
    document = json.loads(run("acquire", "--finish", "--exhibit", "C1/E1", "--json"))
    assert [notice[:9] for notice in document["notices"]] == ["this user"]


def test_a_source_exchanged_after_it_was_chosen_is_refused(run, tmp_path, monkeypatch):
    path, _ = medium(tmp_path)
    from evkit.actions import scene

    real = scene.ask

    def ask(*arguments):
        os.rename(path, tmp_path / "first.dd")
        path.write_bytes(os.urandom(700_000))
        return real(*arguments)

    monkeypatch.setattr("evkit.actions.scene.ask", ask)
    out = run("acquire", path, "--exhibit", "C1/E1", expect=15)
    assert "is another source than the one that was chosen: its size was 5,000,001 bytes" in out
    assert not run.folder.exists()
