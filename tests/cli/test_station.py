"""station, officer and trust on the command line: output, exit codes, refusals."""

from __future__ import annotations

import json
import os
import shutil

import pytest
import stations
from stations import note

from evkit.station import highwater


@pytest.fixture
def made(tmp_path, monkeypatch):
    ready = stations.ready(tmp_path / "station")
    phrase, root = tmp_path / "officer.pw", tmp_path / "root.pw"
    phrase.write_bytes(stations.PHRASE + b"\n")
    root.write_bytes(stations.ROOT_PHRASE + b"\n")
    monkeypatch.setenv("EVKIT_STATION", str(ready.path))
    monkeypatch.setenv("EVKIT_PASSPHRASE_FILE", str(phrase))
    monkeypatch.setenv("EVKIT_NONINTERACTIVE", "1")
    return ready


def test_the_first_steps(tmp_path, monkeypatch, evkit):
    monkeypatch.setenv("EVKIT_NONINTERACTIVE", "1")
    for name in ("root", "officer"):
        (tmp_path / f"{name}.pw").write_text(f"{name} passphrase\n")
    home, root = str(tmp_path / "unit"), str(tmp_path / "rootdir")
    of_root = ["--root-passphrase-file", str(tmp_path / "root.pw")]
    out = evkit(
        "station", "init", home, "--name", "Unit", "--agency", "FIA", "--root-dir", root, *of_root
    )
    assert "is kept elsewhere" in out
    assert "next: evkit officer enrol" in out
    assert sorted(os.listdir(root)) == ["origins.txt", "root.crt", "root.key"]
    monkeypatch.setenv("EVKIT_STATION", home)
    assert "no officer is enrolled yet" in evkit("status")
    own = ["--passphrase-file", str(tmp_path / "officer.pw")]
    out = evkit(
        "officer", "enrol", "Third Officer", "--rank", "SI", "--badge", "B-1", "--role", "officer",
        "--role", "analyst", *of_root, *own,
    )  # fmt: skip
    assert "enrolled third-officer, entry 1" in out
    document = json.loads(evkit("officer", "list", "--json"))
    assert document["schema"] == "evkit/officers/1"
    assert document["officers"][0]["roles"] == ["officer", "analyst"]
    assert document["officers"][0]["state"] == "in-force"
    shown = json.loads(evkit("station", "show", "--json"))
    assert (shown["size"], shown["officers"]) == (2, 1)
    assert shown["agency_root_with_station"] is False
    evkit("officer", "enrol", "Third Officer", "--badge", "B-2", *of_root, *own, expect=15)
    evkit("officer", "enrol", "ثناء", *of_root, *own, expect=2)


def test_the_root_in_the_station_is_said(tmp_path, monkeypatch, evkit):
    (tmp_path / "pw").write_text("x\n")
    evkit(
        "station", "init", str(tmp_path / "s"), "--name", "U", "--agency", "A",
        "--root-passphrase-file", str(tmp_path / "pw"),
    )  # fmt: skip
    out = evkit("--station", str(tmp_path / "s"), "station", "show")
    assert "root key     lies with the station" in out


def test_show_of_an_old_copy_says_so(made, evkit, tmp_path):
    shutil.copytree(made.path, tmp_path / "old")
    with made.open() as station:
        station.record(note("C1", "x"), made.officer)
    old = ["--station", str(tmp_path / "old")]
    out = evkit(*old, "station", "show", expect=15)
    assert "problem" in out
    assert "had 6 before" in out
    document = json.loads(evkit(*old, "station", "show", "--json", expect=15))
    assert "had 6 before" in document["problem"]


def test_no_station(tmp_path, monkeypatch, evkit):
    assert "is not a station" in evkit("--station", str(tmp_path), "station", "show", expect=10)


def test_nobody_to_ask(made, monkeypatch, evkit, tmp_path):
    monkeypatch.delenv("EVKIT_PASSPHRASE_FILE")
    err = evkit("station", "init", str(tmp_path / "n"), "--name", "N", "--agency", "A", expect=12)
    assert "`--root-passphrase-file FILE`" in err
    assert not (tmp_path / "n").exists()


def test_nobody_types_a_passphrase_in_vain(made, monkeypatch, evkit, tmp_path):
    """What can be refused without one is refused before it is asked for."""
    monkeypatch.delenv("EVKIT_PASSPHRASE_FILE")
    names = ("--name", "N", "--agency", "A")
    evkit("station", "init", str(made.path), *names, expect=15)
    evkit("station", "init", str(tmp_path / "n"), *names, "--profile", "none", expect=2)
    enrol = ("officer", "enrol", "New Officer", "--root-dir")
    assert "does not hold" in evkit(*enrol, str(tmp_path / "no"), expect=12)
    evkit("officer", "enrol", stations.OFFICER, "--id", stations.OFFICER, expect=15)
    root = str(stations.template().path.parent / "root")
    assert "passphrase of the agency root" in evkit(*enrol, root, expect=12)
    wrong = tmp_path / "wrong.pw"
    wrong.write_text("wrong\n")
    said = evkit(*enrol, root, "--root-passphrase-file", str(wrong), expect=12)
    assert "the passphrase is wrong" in said
    right = ("--root-passphrase-file", str(tmp_path / "root.pw"))
    assert "the new passphrase of New Officer" in evkit(*enrol, root, *right, expect=12)


def test_a_station_below_is_named(tmp_path, monkeypatch, evkit):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my unit").mkdir()
    (tmp_path / "my unit" / "station.toml").touch()
    assert "export EVKIT_STATION='my unit'" in evkit("status", expect=10)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "station.toml").touch()
    assert "export" not in evkit("status", expect=10)


def test_choices_that_are_missing_stand_on_one_line(made, evkit):
    said = evkit("officer", "revoke", stations.OFFICER, expect=2)
    assert "choose from: unspecified, compromise," in said.lower()


def test_init_on_something(made, evkit, tmp_path):
    err = evkit("station", "init", str(made.path), "--name", "N", "--agency", "A", expect=15)
    assert "is not empty" in err


def test_officer_show_and_revoke(made, evkit, tmp_path):
    assert "valid" in evkit("officer", "show", stations.OFFICER)
    evkit("officer", "show", "nobody", expect=12)
    root = ["--root-dir", str(stations.template().path.parent / "root")]
    root += ["--root-passphrase-file", str(tmp_path / "root.pw")]
    out = evkit("officer", "revoke", stations.CUSTODIAN, "--reason", "ended", *root)
    assert "revoked second-keeper" in out
    assert "revoked" in evkit("officer", "list")
    evkit("officer", "revoke", stations.CUSTODIAN, "--reason", "ended", *root, expect=15)
    evkit("officer", "revoke", stations.OFFICER, "--reason", "compromise", *root, expect=2)
    evkit("officer", "revoke", stations.OFFICER, "--reason", "silly", *root, expect=2)
    wrong = [*root[:-1], str(tmp_path / "officer.pw")]
    evkit("officer", "revoke", stations.OFFICER, "--reason", "ended", *wrong, expect=12)


def test_trust(made, evkit, tmp_path):
    from evkit.core import clock
    from evkit.identity import p256
    from evkit.identity.certificate import create_root, valid_for

    other = create_root(
        p256.generate(), agency="PFSA", name="R", validity=valid_for(clock.now().utc, 10)
    )
    path = tmp_path / "pfsa.crt"
    path.write_bytes(other.pem)
    assert "compare the fingerprint" in evkit("trust", "add", str(path))
    document = json.loads(evkit("trust", "list", "--json"))
    assert [root["own"] for root in document["roots"]] == [True, False]
    evkit("trust", "add", str(path), expect=15)
    evkit("trust", "add", str(tmp_path / "none"), expect=14)
    evkit("trust", "add", str(made.path / "trust" / "officers" / "third-officer.crt"), expect=14)
    evkit("trust", "remove", other.fingerprint[:16])
    evkit("trust", "remove", other.fingerprint[:16], expect=10)


def test_reindex(made, evkit):
    assert "5 entries, 1 cases" in evkit("station", "reindex")


def test_backup_and_recover(made, evkit, tmp_path):
    target = str(tmp_path / "b.tar")
    assert "the log key is not in it" in evkit("station", "backup", "-o", target)
    evkit("station", "backup", "-o", target, expect=15)
    shown = json.loads(evkit("station", "show", "--json"))
    head = f"{shown['size']}:{shown['root']}"
    common = ["--reason", "disk failed", "--root-dir",
              str(stations.template().path.parent / "root"),
              "--root-passphrase-file", str(tmp_path / "root.pw")]  # fmt: skip
    new = str(tmp_path / "new")
    evkit("station", "recover", target, new, "--head", "5:abc", *common, expect=2)
    evkit("station", "recover", target, new, "--head", f"5:{'0' * 64}", *common, expect=4)
    evkit("station", "recover", str(tmp_path / "no.tar"), new, "--head", head, *common, expect=14)
    out = evkit("station", "recover", target, new, "--head", head, *common)
    assert f"{shown['origin']}-r1-" in out
    after = json.loads(evkit("--station", new, "station", "show", "--json"))
    assert after["problem"] is None
    assert after["size"] == shown["size"] + 1
    evkit("station", "recover", target, new, "--head", head, *common, expect=15)


def test_notices_of_a_recording_are_shown(made, evkit, tmp_path):
    """The first entry without a high-water mark, whatever command records it."""
    root = ["--root-dir", str(stations.template().path.parent / "root"),
            "--root-passphrase-file", str(tmp_path / "root.pw")]  # fmt: skip
    with made.open() as station:
        path = highwater.path_of(station.origin)
    for command in (
        ["officer", "revoke", stations.CUSTODIAN, "--reason", "ended", *root],
        ["ledger", "memo", "--record", "-o", str(tmp_path / "memo.txt"), "--officer",
         stations.OFFICER],
    ):  # fmt: skip
        os.unlink(path)
        assert "had no high-water mark" in evkit(*command)
    os.unlink(path)
    document = json.loads(
        evkit("officer", "enrol", "Fourth Analyst", "--badge", "B-7", "--json", *root)
    )
    assert "had no high-water mark" in document["notices"][0]
