"""The key is unlocked beside other work; with a wrong passphrase nothing is recorded or read."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import stations

from evkit.cli import main


@pytest.fixture
def place(tmp_path, monkeypatch):
    made = stations.ready(tmp_path / "station")
    for name, value in {
        "EVKIT_STATION": str(made.path), "EVKIT_NONINTERACTIVE": "1",
        "EVKIT_PASSPHRASE_FILE": str(tmp_path / "phrase"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    (tmp_path / "disk.dd").write_bytes(os.urandom(5120))
    (tmp_path / "phrase").write_bytes(stations.PHRASE + b"\n")
    return tmp_path


def acquire(place, *options: str) -> int:
    return main.run(["acquire", str(place / "disk.dd"), "--exhibit", "C1/E1", *options])


def test_the_right_passphrase(place, capsys):
    assert acquire(place, "--officer", stations.OFFICER) == 0, capsys.readouterr()


@pytest.mark.parametrize("phrase", [b"wrong\n", b"\n", None])
def test_a_wrong_passphrase_writes_nothing(place, capsys, phrase):
    (place / "phrase").unlink()
    if phrase is not None:
        (place / "phrase").write_bytes(phrase)
    assert acquire(place, "--officer", stations.OFFICER) == 12
    assert "passphrase" in capsys.readouterr().err
    assert not list(place.glob("station/cases/C1/E1/A*"))


def test_what_is_refused_needs_no_key(place, capsys):
    """The same answer whatever the passphrase is, and no event of it."""
    (place / "phrase").write_bytes(b"wrong\n")
    command = ["acquire", str(place / "disk.dd"), "--exhibit", "C1/E9", "--officer"]
    assert main.run([*command, stations.OFFICER]) == 10
    assert "no exhibit `C1/E9` is registered" in capsys.readouterr().err
    assert not list(place.glob("station/cases/C1/E9"))


def test_nothing_is_loaded_for_an_inventory_that_nobody_wants(place):
    code = (
        "import sys; from evkit.cli import main; code = main.run(sys.argv[1:]); "
        "bad = sorted(n for n in sys.modules if n.startswith('evkit.inventory.scan')); "
        "print(bad); sys.exit(code or len(bad))"
    )
    command = [sys.executable, "-c", code, "acquire", str(place / "disk.dd"), "--exhibit", "C1/E1"]
    done = subprocess.run(
        [*command, "--officer", stations.OFFICER], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_unknown_officer_is_named(place, capsys):
    assert acquire(place, "--officer", "nobody") == 12
    assert "`nobody`" in capsys.readouterr().err


def test_nobody_signs_a_dry_run(place, capsys):
    (place / "phrase").unlink()
    assert acquire(place, "--officer", stations.OFFICER, "--dry-run") == 0, capsys.readouterr()
