"""The words of a report: what was not checked is never a pass."""

from __future__ import annotations

import itertools

import pytest

from evkit.verify import report as r


def filled(**states):
    made = r.Report("x", "bundle", no_history=states.pop("no_history", False))
    for question, answers in states.items():
        for state in answers:
            made.add(r.Finding(question, state, f"{question}-{state}", "words"))
    return made


ALL = {question: [r.PASS] for question in r.QUESTIONS}


def test_an_empty_report_is_undecided():
    report = r.Report("x", "bundle")
    assert report.word == r.UNDECIDED
    assert report.exit_code == 5
    assert report.first_line.startswith("UNDECIDED  bundle `x`")


def test_all_four_make_a_pass():
    report = filled(**ALL)
    assert (report.word, report.exit_code) == (r.PASS, 0)
    assert report.first_line.startswith("PASS  ")


@pytest.mark.parametrize("question", r.QUESTIONS)
def test_one_missing_question_is_undecided(question):
    report = filled(**{name: state for name, state in ALL.items() if name != question})
    assert (report.word, report.exit_code) == (r.UNDECIDED, 5)


def test_the_worst_state_of_a_question_wins():
    for states in itertools.permutations([r.PASS, r.UNDECIDED, r.FAIL]):
        assert filled(**{**ALL, r.RECORD: list(states)}).word == r.FAIL
    assert filled(**{**ALL, r.RECORD: [r.PASS, r.UNDECIDED]}).word == r.UNDECIDED


def test_waiving_history():
    without = {name: state for name, state in ALL.items() if name != r.HISTORY}
    report = filled(**without, no_history=True)
    assert report.exit_code == 0
    assert report.first_line.startswith("PASS without history  ")
    assert report.document()["questions"]["history"]["answer"] == "WAIVED"


def test_a_failed_history_cannot_be_waived():
    report = filled(**{**ALL, r.HISTORY: [r.FAIL]}, no_history=True)
    assert (report.word, report.exit_code) == (r.FAIL, 4)


def test_unreadable_data():
    report = filled(**ALL)
    report.unreadable = 2
    assert report.exit_code == 3
    report.failed(r.CONTENT, "x", "words")
    assert report.exit_code == 4


def test_word_code_and_document_agree():
    codes = {r.PASS: 0, r.FAIL: 4, r.UNDECIDED: 5}
    for states in itertools.product([r.PASS, r.FAIL, r.UNDECIDED], repeat=4):
        report = filled(**{q: [s] for q, s in zip(r.QUESTIONS, states, strict=True)})
        document = report.document()
        assert next(iter(document)) == "schema"
        assert document["exit_code"] == report.exit_code == codes[report.word]
        assert document["first_line"].startswith(document["word"])
        assert report.lines()[0] == document["first_line"]


def test_a_flood_of_findings_is_counted():
    report = r.Report("x", "bundle")
    for number in range(r.MAX_KEPT + 5):
        report.failed(r.CONTENT, "same", f"words {number}", expected="a", found="b")
    assert len(report.findings) == r.MAX_KEPT
    assert report.document()["omitted"] == {"same": 5}
    assert len(report.lines()) < 100


def test_gaps_stand_first_and_are_counted():
    report = filled(**ALL)
    report.remark("deviation", "a late entry", 3)
    report.custody(r.Remark("custody-gap", "gap: nobody held it", (4,), gap=True))
    assert report.word == r.PASS
    assert report.first_line.endswith("1 gap in custody")
    lines = report.lines()
    at = lines.index("remarks (2):")
    assert lines[at + 1 : at + 3] == ["  - gap: nobody held it", "  - a late entry"]
    report.custody(r.Remark("custody-gap", "gap: again", (5,), gap=True))
    assert report.first_line.endswith("2 gaps in custody")
    levels = [entry["level"] for entry in report.document()["remarks"]]
    assert levels == ["remark", "gap", "gap"]


def test_remarks_that_are_alike_share_a_line():
    report = filled(**ALL)
    for index in (5, 6, 9):
        report.custody(r.Remark("deviation", f"entry {index}: none", (index,), alike="no fields"))
    report.custody(r.Remark("deviation", "entry 7: none", (7,), alike="other fields"))
    folded = r.Reports([report]).lines()
    assert "  - no fields: 3 times, entries 5, 6, 9 (`--all` lists them)" in folded
    assert "  - entry 7: none" in folded
    assert "  - entry 6: none" in r.Reports([report], everything=True).lines()


def test_the_verdict_is_the_last_line():
    waived = {name: state for name, state in ALL.items() if name != r.HISTORY}
    good, half = filled(**ALL), filled(**waived, no_history=True)
    bad = filled(**{**ALL, r.RECORD: [r.FAIL]})
    for reports, word in (
        ([good], "PASS"), ([half], "PASS without history"), ([good, half], "PASS without history"),
        ([good, bad], "FAIL"), ([r.Report("x", "bundle"), good], "UNDECIDED"),
    ):  # fmt: skip
        assert r.Reports(reports).lines()[-1] == f"verdict: {word}"


def test_several_reports():
    both = r.Reports([filled(**ALL), r.Report("y", "bundle")])
    assert both.exit_code == 5
    assert both.document()["word"] == r.UNDECIDED
    assert len(both.document()["reports"]) == 2
    one = r.Reports([filled(**ALL)])
    assert one.document()["word"] == r.PASS
    assert one.lines()[0].startswith("PASS")
