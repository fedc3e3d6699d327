"""Anchors: equal, older, newer, of another ledger; what the first line says."""

from __future__ import annotations

import bundlekit
import pytest

from evkit.verify.report import FAIL, HISTORY, PASS, UNDECIDED
from evkit.verify.supplied import Anchor, Slip


@pytest.fixture(scope="module")
def full():
    ledger, data = bundlekit.full()
    return ledger, ledger.bundle(**data)


def answer(full, *anchors, **more):
    report = bundlekit.check(full[1], bundlekit.trusting(anchors=anchors, **more))
    return report.answer(HISTORY), report


def test_every_older_head_can_be_checked(full):
    ledger = full[0]
    for size in range(3, len(ledger.entries) + 1):
        word, report = answer(full, bundlekit.anchor_of(ledger, size))
        assert word == PASS
        assert f"history up to entry {size - 1}" in report.first_line


def test_an_anchor_before_the_case(full):
    for size in (0, 1, 2):
        word, report = answer(full, bundlekit.anchor_of(full[0], size))
        assert word == UNDECIDED
        assert report.findings[-1].code == "anchor-older"


def test_newer_entries_are_counted(full):
    _, report = answer(full, bundlekit.anchor_of(full[0], 8))
    assert "(4 of 8 entries are newer than the anchor)" in report.first_line


def test_a_larger_anchor(full):
    word, report = answer(full, Anchor("memo", 99, b"x" * 32))
    assert word == UNDECIDED
    assert "ask for a newer one" in report.findings[-1].text


def test_another_ledger(full):
    word, _ = answer(full, Anchor("memo", 5, b"x" * 32, "other.example/log"))
    assert word == UNDECIDED
    word, _ = answer(full, Anchor("memo", 5, b"x" * 32, None, 1))
    assert word == UNDECIDED


def test_the_worst_anchor_wins(full):
    good, wrong = bundlekit.anchor_of(full[0]), Anchor("memo", 5, b"x" * 32)
    assert answer(full, good, wrong)[0] == FAIL
    assert answer(full, good, Anchor("memo", 99, b"x" * 32))[0] == UNDECIDED


def test_a_slip_beside_a_good_anchor(full):
    slips = (Slip("memo", "copied wrongly, group 5", True, False),)
    word, report = answer(full, bundlekit.anchor_of(full[0]), slips=slips)
    assert word == UNDECIDED
    assert report.exit_code == 5


def test_waived(full):
    report = answer(full, no_history=True)[1]
    assert report.exit_code == 0
    assert report.first_line.startswith("PASS without history")
