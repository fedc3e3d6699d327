"""`evkit selftest`: a fixed number of answers, a report, and it can fail."""

from __future__ import annotations

import json

import pytest

from evkit.actions import known_answers, selftest
from evkit.cli.main import run


def test_all_answers_are_given(capsys):
    assert run(["selftest"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("PASS: 32 of 32")


def test_the_number_of_checks_is_fixed():
    assert len(known_answers.checks()) == known_answers.COUNT


def test_the_report_is_written_once(tmp_path, capsys):
    path = tmp_path / "report.json"
    assert run(["selftest", "--json", "--report", str(path)]) == 0
    document = json.loads(path.read_bytes())
    assert document["result"] == "pass"
    assert document["expected"] == document["passed"] == len(document["answers"])
    assert document["versions"]["libraries"]
    assert json.loads(capsys.readouterr().out)["list"] == document["list"]
    assert run(["selftest", "--report", str(path)]) == 15


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("evkit.hashing.digests.MultiDigest.digests", "sha256 of `abc`"),
        ("evkit.core.text.escape", "escaped"),
        ("evkit.merkle.proof.verify_inclusion", "inclusion"),
        ("evkit.identity.p256.verify", "high S"),
        ("evkit.ledger.dsse.pae", "DSSE"),
    ],
)
def test_a_broken_part_is_named(monkeypatch, capsys, target, name):
    monkeypatch.setattr(target, lambda *_, **__: True)
    assert run(["selftest"]) == 4
    out = capsys.readouterr().out
    assert "FAILED" in out
    assert name in out
    assert "FAIL: " in out.splitlines()[-1]


def test_an_error_in_a_check_is_a_wrong_answer(monkeypatch, capsys):
    def broken(*_: object) -> None:
        raise RuntimeError("library \x1b[2J is gone")

    monkeypatch.setattr("evkit.merkle.tiles.tile_path", broken)
    assert run(["selftest"]) == 4
    assert "\x1b" not in capsys.readouterr().out


def test_fewer_checks_is_a_failure(monkeypatch):
    found = known_answers.checks()[:-1]
    monkeypatch.setattr(selftest, "checks", lambda: found)
    report = selftest.run(None)
    assert all(answer.passed for answer in report.answers)
    assert report.exit_code == 4
