"""ledger show, checkpoint, prove, export, compare and memo on the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
import stations
from stations import note

from evkit.cli.main import run
from evkit.ledger.tlog_proof import parse_proof_own, verify_proof
from evkit.manifest.memo import parse as parse_memo
from evkit.merkle.tree import leaf_hash
from evkit.station import Station, highwater


@pytest.fixture
def made(tmp_path, monkeypatch):
    ready = stations.ready(tmp_path / "station")
    monkeypatch.setenv("EVKIT_STATION", str(ready.path))
    monkeypatch.setenv("EVKIT_NONINTERACTIVE", "1")
    return ready


def test_show(made, evkit):
    document = json.loads(evkit("ledger", "show", "--json"))
    assert [entry["kind"] for entry in document["entries"]] == [
        "station", "enrol", "enrol", "case-open", "register",
    ]  # fmt: skip
    assert document["size"] == 5
    out = evkit("ledger", "show", "c1", "--last", "1")
    assert "register" in out
    assert "1 earlier entries are not shown" in out
    evkit("ledger", "show", "nope", expect=10)


def test_checkpoint(made, evkit, tmp_path):
    out = evkit("ledger", "checkpoint")
    target = tmp_path / "head.txt"
    evkit("ledger", "checkpoint", "-o", str(target))
    assert target.read_text() == out
    evkit("ledger", "checkpoint", "-o", str(target), expect=15)
    assert json.loads(evkit("ledger", "checkpoint", "--json"))["note"] == out


def test_a_checkpoint_is_checked_by_openssl(made, evkit, tmp_path, program):
    """The published recipe: the last line is the Ed25519 signature over the text above."""
    import base64

    text, line = evkit("ledger", "checkpoint").split("\n\n")
    (tmp_path / "text").write_text(text + "\n")
    (tmp_path / "sig").write_bytes(base64.b64decode(line.split(" ")[2])[4:])
    vkey = json.loads(evkit("ledger", "checkpoint", "--json"))["log_key"]
    raw = base64.b64decode(vkey.split("+", 2)[2])[1:]
    (tmp_path / "key").write_bytes(bytes.fromhex("302a300506032b6570032100") + raw)
    command = [program("openssl"), "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey",
               "key", "-rawin", "-in", "text", "-sigfile", "sig"]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (tmp_path / "text").write_text(text + "x\n")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0


def test_prove(made, evkit, tmp_path):
    target = tmp_path / "e.tlog-proof"
    evkit("ledger", "prove", "3", "-o", str(target))
    envelope = (tmp_path / "e.event.json").read_bytes()
    with made.open() as station:
        log = station.trust.statement().vkey()
    assert verify_proof(parse_proof_own(target.read_bytes()), leaf_hash(envelope), log).ok
    evkit("ledger", "prove", "3", "-o", str(target), expect=15)
    evkit("ledger", "prove", "77", "-o", str(tmp_path / "x"), expect=10)
    evkit("ledger", "prove", "deadbeef", "-o", str(tmp_path / "x"), expect=10)
    assert not (tmp_path / "x").exists()


def test_export_and_compare(made, evkit, tmp_path):
    old = str(tmp_path / "old")
    evkit("ledger", "export", "-o", old)
    evkit("ledger", "export", "-o", old, expect=15)
    evkit("ledger", "checkpoint", "-o", str(tmp_path / "cp"))
    evkit("ledger", "memo", "-o", str(tmp_path / "memo.txt"))
    head = json.loads(evkit("station", "show", "--json"))
    typed = f"{head['size']}:{head['root']}"
    home = str(made.path)
    for other in (old, str(tmp_path / "cp"), str(tmp_path / "memo.txt"), typed):
        assert "the same history" in evkit("ledger", "compare", home, other)
    with made.open() as station:
        station.record(note("C1", "later"), made.officer)
    for other in (old, str(tmp_path / "cp"), str(tmp_path / "memo.txt"), typed):
        out = evkit("ledger", "compare", other, home)
        assert "A is an earlier state of B" in out
        assert "B is an earlier" in evkit("ledger", "compare", home, other)
    newer = json.loads(evkit("station", "show", "--json"))
    later = f"{newer['size']}:{newer['root']}"
    for first, second in ((old, later), (later, old), (typed, later)):
        assert "cannot be told" in evkit("ledger", "compare", first, second, expect=5)


def test_a_fork_with_evidence(made, evkit, tmp_path, monkeypatch, isolated_home):
    fork = tmp_path / "fork"
    shutil.copytree(made.path, fork)
    with made.open() as station:
        station.record(note("C1", "one story"), made.officer)
    monkeypatch.setenv("XDG_STATE_HOME", str(isolated_home / "other"))
    from evkit.station import Station

    with Station.open(fork) as station:
        station.record(note("C1", "another story"), made.officer)
    evidence = tmp_path / "evidence.txt"
    arguments = ["ledger", "compare", str(made.path), str(fork)]
    out = evkit(*arguments, "-o", str(evidence), expect=4)
    assert "TWO HISTORIES" in out
    assert "entry 5 differs" in out
    assert "told two stories" in out
    assert evidence.read_text().count("— ") == 2
    document = json.loads(evkit(*arguments, "--json", expect=4))
    assert (document["verdict"], document["first_difference"]) == ("fork", 5)
    false = f"3:{'ab' * 32}"
    out = evkit("ledger", "compare", false, str(made.path), expect=4)
    assert "not signed by the log key" in out


def test_compare_with_something_else(made, evkit, tmp_path):
    home = str(made.path)
    path = tmp_path / "text"
    path.write_text("hello")
    for other in (str(path), "hello", str(tmp_path), "5:xyz"):
        assert run(["ledger", "compare", home, other]) in {5, 14}
    other = stations.ready(tmp_path / "second").path
    assert "the same history" in evkit("ledger", "compare", home, str(other))


def test_a_side_that_is_not_there_is_no_slip_of_the_pen(made, evkit, tmp_path):
    said = evkit("ledger", "compare", str(made.path), "memo.tx", expect=14)
    assert "no file or folder `memo.tx`" in said
    said = evkit("ledger", "compare", str(made.path), str(tmp_path), expect=14)
    assert "is no station and no exported ledger" in said


def test_an_exhibit_is_no_case(made, evkit, tmp_path):
    for words in (
        ("ledger", "show", "C1/E1"),
        ("ledger", "memo", "C1/E1"),
        ("case", "show", "C1/E1"),
        ("exhibit", "list", "C1/E1"),
        ("bundle", "create", "C1/E1", "-o", str(tmp_path / "b"), "--dry-run"),
    ):
        assert "name the case: `C1`" in evkit(*words, expect=2)
    assert "is an acquisition" in evkit("case", "close", "C1/E1/A1", "--dry-run", expect=2)


def test_a_slip_of_the_pen_is_no_fork(made, evkit, tmp_path):
    path = tmp_path / "memo.txt"
    evkit("ledger", "memo", "-o", str(path))
    text = path.read_text()
    line = next(row for row in text.split("\n") if row.startswith("  3)"))
    digit = line[6]
    wrong = text.replace(line, line[:6] + ("1" if digit != "1" else "2") + line[7:])
    wrong = wrong[: wrong.index("Text of the QR")]
    path.write_text(wrong)
    err = evkit("ledger", "compare", str(made.path), str(path), expect=5)
    assert "copied wrongly" in err


def test_a_damaged_export(made, evkit, tmp_path):
    old = tmp_path / "old"
    evkit("ledger", "export", "-o", str(old))
    tile = next(path for path in (old / "tile" / "0").rglob("*") if path.is_file())
    good = tile.read_bytes()
    tile.write_bytes(bytes([good[0] ^ 1]) + good[1:])
    assert "do not give the root" in evkit("ledger", "compare", str(old), str(made.path), expect=14)
    tile.write_bytes(good[:-1])
    evkit("ledger", "compare", str(old), str(made.path), expect=14)


def test_memo(made, evkit, tmp_path):
    out = evkit("ledger", "memo", "C1", "--by", "Third Officer")
    assert "C1/E1  mobile phone" in out
    assert "Third Officer" in out
    document = json.loads(evkit("ledger", "memo", "C1", "--json"))
    for text in (out, document["qr"]):
        reading = parse_memo(text)
        assert reading.slips == ()
        assert reading.head.root.hex() == document["root"]
        assert f"sha256:{reading.trust.hex()}" == document["agency_root"]
    page = tmp_path / "memo.html"
    evkit("ledger", "memo", "-o", str(page))
    assert b"<svg" in page.read_bytes()
    assert b"<script" not in page.read_bytes()
    evkit("ledger", "memo", "-o", str(page), expect=15)
    evkit("ledger", "memo", "C9", expect=10)


def test_a_recorded_memo(made, evkit, tmp_path):
    phrase = tmp_path / "pw"
    phrase.write_bytes(stations.PHRASE + b"\n")
    arguments = ["ledger", "memo", "C1", "-o", str(tmp_path / "m.txt"), "--given-to", "reader"]
    evkit(*arguments, expect=2)
    assert not (tmp_path / "m.txt").exists()
    signing = ["--record", "--officer", stations.OFFICER, "--passphrase-file", str(phrase)]
    document = json.loads(evkit(*arguments, *signing, "--json"))
    with made.open() as station:
        *_, (index, event, _) = station.events()
    assert document["entry"] == index == document["size"]
    assert event.kind == "memo"
    assert event.fields == {
        "size": document["size"], "root": document["root"], "case": "C1", "given_to": "reader",
    }  # fmt: skip


def _old_copy(made, tmp_path) -> list[str]:
    shutil.copytree(made.path, tmp_path / "old")
    with made.open() as station:
        station.record(note("C1", "not in the copy"), made.officer)
    return ["--station", str(tmp_path / "old")]


def _beside(made, tmp_path, monkeypatch, isolated_home) -> list[str]:
    shutil.copytree(made.path, tmp_path / "other")
    monkeypatch.setenv("XDG_STATE_HOME", str(isolated_home / "another"))
    with Station.open(tmp_path / "other") as station:
        station.record_many([note("C1", "x"), note("C1", "y")], made.officer)
    monkeypatch.setenv("XDG_STATE_HOME", str(isolated_home / "state"))
    with made.open() as station:
        station.record(note("C1", "mine"), made.officer)
    return ["--station", str(tmp_path / "other")]


@pytest.mark.parametrize("kind", ["below", "beside"])
def test_a_head_that_contradicts_the_mark_does_not_leave(
    made, evkit, tmp_path, monkeypatch, isolated_home, kind
):
    if kind == "below":
        old = _old_copy(made, tmp_path)
    else:
        old = _beside(made, tmp_path, monkeypatch, isolated_home)
    for command in (
        ["memo"], ["memo", "-o", str(tmp_path / "memo.txt")], ["checkpoint"],
        ["checkpoint", "-o", str(tmp_path / "checkpoint")],
        ["prove", "3", "-o", str(tmp_path / "3.tlog-proof")], ["export", "-o", str(tmp_path / "x")],
    ):  # fmt: skip
        evkit(*old, "ledger", *command, expect=15)
    assert {path.name for path in tmp_path.iterdir()} & {
        "memo.txt", "checkpoint", "3.tlog-proof", "x"
    } == set()  # fmt: skip
    out = evkit(*old, "status", expect=4)
    assert out.startswith("WARNING: ")
    assert "before" in out.splitlines()[0]
    document = json.loads(evkit(*old, "status", "--json", expect=4))
    assert document["mark_problem"]
    assert "WARNING" not in evkit("status")
    assert json.loads(evkit("status", "--json"))["mark_problem"] is None


@pytest.mark.parametrize("command", ["memo", "checkpoint"])
def test_the_mark_follows_a_head_that_leaves(made, evkit, command):
    """On a machine that only prints memos, too; the next append there still says so."""
    with made.open() as station:
        origin = station.origin
        os.unlink(highwater.path_of(origin))
        evkit("ledger", command)
        assert highwater.read(origin) == station.head()[:2]
        done = station.record(note("C1", "x"), made.officer)
        assert [entry.code for entry in done.event.deviations] == ["no-high-water-mark"]


def test_status_with_a_damaged_mark_cannot_tell(made, evkit):
    with made.open() as station:
        path = highwater.path_of(station.origin)
    with open(path, "wb") as handle:
        handle.write(b"damaged")
    assert "is damaged" in evkit("status", expect=5).splitlines()[0]
