"""The replay: state, order, corrections."""

from __future__ import annotations

import dataclasses

import pytest

from evkit.custody.replay import replay
from evkit.ledger.event import Recorded, Subject


def finding(replayed, code):
    found = [f for f in replayed.findings if f.code == code]
    assert len(found) == 1, [(f.code, f.text) for f in replayed.findings]
    return found[0]


def test_a_clean_case_has_no_remarks(ledger):
    ledger.add("station", name="PS Saddar", origin="x")
    ledger.add("enrol", officer="first", name="First Officer")
    ledger.add("enrol", officer="second", name="Second Keeper")
    ledger.add("enrol", officer="third", name="Third Analyst")
    ledger.start("E1")
    ledger.add("seal", "E1", seal="S-1")
    ledger.add(
        "store",
        "E1",
        by="second",
        location="safe 2",
        received_from="First Officer",
        seal="S-1",
        seal_condition="intact",
    )
    ledger.add("check-out", "E1", by="second", to="Third Analyst", purpose="imaging", seal="S-1")
    ledger.add("unseal", "E1", by="third", seal="s-1", seal_condition="intact")
    ledger.add("acquire-start", by="third", _acquisitions=["E1/A1"])
    ledger.add("acquire-end", by="third", _acquisitions=["E1/A1"], result="complete")
    ledger.add("seal", "E1", by="third", seal="S-2")
    ledger.add("check-in", "E1", by="second", received_from="Third Analyst", location="safe 2")
    ledger.add("return", "E1", by="second", authority="order", recipient="Owner")
    replayed = ledger.replay()
    assert [f.text for f in replayed.findings] == []
    exhibit = replayed.state.exhibit("C1/E1")
    assert [s.state for s in exhibit.custody] == ["held", "stored", "out", "stored", "ended"]
    assert exhibit.custody[0].holder == "Inspector First Officer"
    assert exhibit.custody[2].holder == "Third Analyst"
    assert exhibit.acquisitions["C1/E1/A1"].result == "complete"
    assert exhibit.seal.numbers == ("S-2",)


def test_a_check_out_without_taker_is_a_gap(ledger):
    ledger.start()
    ledger.add("store", "E1", by="second")
    out = ledger.add("check-out", "E1", by="second")
    back = ledger.add("check-in", "E1", by="second")
    gap = finding(ledger.replay(), "custody-gap")
    assert gap.level == "gap"
    assert gap.events == (out, back)
    assert gap.exhibit == "C1/E1"
    assert f"entry {out}" in gap.text


def test_an_open_gap_is_remarked(ledger):
    ledger.start()
    ledger.add("check-out", "E1", by="first")
    assert "since" in finding(ledger.replay(), "custody-gap").text


def test_a_stranger_acting_is_remarked_once(ledger):
    ledger.start()
    first = ledger.add("unseal", "E1", by="third")
    ledger.add("seal", "E1", by="third")
    replayed = ledger.replay()
    found = finding(replayed, "holder-change")
    assert found.events == (1, first)
    assert "Third Analyst" in found.text
    assert "First Officer" in found.text


def test_acting_on_what_lies_in_the_store(ledger):
    ledger.start()
    ledger.add("store", "E1", by="second", received_from="Insp. First Officer")
    ledger.add("acquire-start", by="third", _acquisitions=["E1/A1"])
    codes = ledger.codes()
    assert "no-check-out" in codes
    assert "holder-mismatch" not in codes


def test_received_from_somebody_else(ledger):
    ledger.start()
    ledger.add("store", "E1", by="second", received_from="Constable Nobody")
    found = finding(ledger.replay(), "holder-mismatch")
    assert "Constable Nobody" in found.text


@pytest.mark.parametrize(
    ("read", "code"),
    [("S-1", None), ("s - 1", None), ("S-9", "seal-mismatch"), ("S-1, S-9", "seal-mismatch")],
)
def test_seal_numbers_are_compared(ledger, read, code):
    ledger.start()
    ledger.add("seal", "E1", seal="S-1")
    ledger.add("unseal", "E1", seal=read)
    assert ledger.codes() == ([code] if code else [])


def test_seals_over_several_exhibits(ledger):
    ledger.start("E1", "E2")
    ledger.add("seal", "E1", "E2", seal="E1:S-1, E2:S-2")
    replayed = ledger.replay()
    assert replayed.state.exhibit("C1/E2").seal.numbers == ("S-2",)
    ledger.add("unseal", "E1", "E2", seal="S-1, S-2")
    assert ledger.codes() == []
    ledger.add("seal", "E1", "E2", seal="E1:S-3, E2:S-4")
    ledger.add("unseal", "E1", "E2", seal="E1:S-4, E2:S-3")
    assert [f.exhibit for f in ledger.replay().findings if f.code == "seal-mismatch"] == [
        "C1/E1",
        "C1/E2",
    ]


def test_seal_order(ledger):
    ledger.start()
    ledger.add("unseal", "E1")
    ledger.add("seal", "E1", seal="S-1")
    ledger.add("seal", "E1", seal="S-2")
    ledger.add("acquire-start", _acquisitions=["E1/A1"])
    ledger.add("unseal", "E1", seal_condition="broken")
    assert ledger.codes() == [
        "acquisition-unfinished", "seal-condition", "seal-while-sealed", "unseal-without-seal",
        "worked-while-sealed",
    ]  # fmt: skip


def test_movement_order(ledger):
    ledger.start()
    ledger.add("check-in", "E1", by="second")
    ledger.add("check-out", "E1", by="second", to="Third Analyst")
    ledger.add("check-out", "E1", by="second", to="First Officer")
    assert ledger.codes() == ["check-in-without-check-out", "check-out-while-out"]


def test_what_comes_after_the_end(ledger):
    ledger.start()
    end = ledger.add("dispose", "E1", by="first", method="destroyed")
    late = ledger.add("seal", "E1")
    replayed = ledger.replay()
    assert finding(replayed, "after-end").events == (end, late)
    assert finding(replayed, "returned-unexamined").level == "remark"


def test_registration_missing_late_or_twice(ledger):
    ledger.add("case-open", title="x")
    early = ledger.add("acquire-start", _acquisitions=["E1/A1"])
    ledger.add("acquire-end", _acquisitions=["E1/A1"], result="complete")
    registered = ledger.add("register", "E1", what="phone")
    ledger.add("register", "E1", what="phone again")
    ledger.add("seal", "E2")
    replayed = ledger.replay()
    before = [f for f in replayed.findings if f.code == "before-registration"]
    assert before[0].events == (early, registered)
    assert finding(replayed, "registered-twice")
    assert finding(replayed, "not-registered").exhibit == "C1/E2"
    assert replayed.state.exhibit("C1/E1").what == "phone"


def test_a_late_entry_takes_its_place(ledger):
    ledger.start()
    ledger.add("store", "E1", by="second", at="2026-11-22T06:00:00.000Z")
    used = ledger.add(
        "acquire-start", by="third", _acquisitions=["E1/A1"], at="2026-11-22T09:00:00.000Z"
    )
    ledger.add(
        "acquire-end", by="third", _acquisitions=["E1/A1"], result="complete",
        at="2026-11-22T10:00:00.000Z",
    )  # fmt: skip
    assert ledger.codes() == ["no-check-out"]
    late = ledger.add(
        "check-out", "E1", by="second", to="Third Analyst", _happened="2026-11-22T08:30+00:00",
        at="2026-11-22T11:00:00.000Z",
    )  # fmt: skip
    replayed = ledger.replay()
    assert [f.code for f in replayed.findings] == ["happened-earlier"]
    assert replayed.findings[0].events == (used, late)
    assert replayed.state.exhibit("C1/E1").holder == "Third Analyst"


def test_a_day_without_hour_contradicts_nothing(ledger):
    ledger.start()
    ledger.add("seal", "E1", seal="S-1", at="2026-11-22T09:00:00.000Z")
    ledger.add("unseal", "E1", _happened="2026-11-22", at="2026-11-22T09:30:00.000Z")
    assert ledger.codes() == []


def test_times_that_cannot_be(ledger):
    ledger.start()
    ledger.add("note", text="x", _happened="2027-01-01", at="2026-11-22T09:00:00.000Z")
    ledger.add("note", text="x", at="2026-11-22T08:00:00.000Z")
    ledger.add("note", text="x", _happened="2026-11-01", at="2026-11-22T10:00:00.000Z")
    assert ledger.codes() == ["clock-backwards", "future", "late-entry"]


def test_declared_times_are_not_said_twice(ledger):
    ledger.start()
    ledger.add(
        "note", text="x", _happened="2026-11-01", at="2026-11-22T10:00:00.000Z",
        _deviations=[("late-entry", "recorded 21 days after it happened", None)],
    )  # fmt: skip
    replayed = ledger.replay()
    assert [f.code for f in replayed.findings] == ["deviation"]
    assert replayed.findings[0].text.endswith("reason: not stated")


def test_copies_need_a_source(ledger):
    ledger.start("E1")
    ledger.add("register", "E2", what="CD", nature="copy")
    ledger.add("register", "E3", what="CD", nature="copy", derived_from="C1/E1")
    ledger.add("register", "E4", what="CD", nature="copy", derived_from="C1/E9")
    ledger.add("register", "E5", what="SIM", part_of="C1/E8")
    replayed = ledger.replay()
    assert finding(replayed, "derived-without-source").exhibit == "C1/E2"
    assert [f.exhibit for f in replayed.findings if f.code == "source-not-registered"] == [
        "C1/E4",
        "C1/E5",
    ]


def test_attempts_that_failed_are_remarked(ledger):
    ledger.start()
    for number, result in enumerate(("failed", "stopped", "with-gaps", "complete"), start=1):
        ref = f"E1/A{number}"
        ledger.add("acquire-start", _acquisitions=[ref])
        ledger.add("acquire-end", _acquisitions=[ref], result=result)
    ledger.add("acquire-start", _acquisitions=["E1/A5"])
    ledger.add("intake-end", _acquisitions=["E1/A6"], result="complete", made_by="other-tool")
    assert ledger.codes() == [
        "acquisition-failed", "acquisition-stopped", "acquisition-unfinished",
        "end-without-start", "foreign-tool", "unread-data",
    ]  # fmt: skip


def test_unread_data_are_counted(ledger):
    ledger.start()
    ledger.add("acquire-start", _acquisitions=["E1/A1"])
    ledger.add("acquire-end", _acquisitions=["E1/A1"], result="with-gaps", unread={"bytes": 49152})
    assert "49,152 bytes" in finding(ledger.replay(), "unread-data").text


def test_checks_that_said_no(ledger):
    ledger.start()
    ledger.add("acquire-start", _acquisitions=["E1/A1"])
    ledger.add("acquire-end", _acquisitions=["E1/A1"], result="complete")
    ledger.add("verify", _acquisitions=["E1/A1"], result="pass")
    ledger.add("verify", _acquisitions=["E1/A1"], result="fail")
    replayed = ledger.replay()
    assert finding(replayed, "verification-failed")
    assert replayed.state.acquisition("C1/E1/A1").verifications == [(4, "pass"), (5, "fail")]


def test_a_correction_supersedes_and_both_are_shown(ledger):
    ledger.start()
    wrong = ledger.add("store", "E1", by="second", location="safe 1")
    target = ledger.events[wrong][2]
    first = ledger.add("correct", "E1", corrects=target, values={"location": "safe 2"}, text="slip")
    second = ledger.add("correct", "E1", corrects=target, values={"location": "safe 3"})
    replayed = ledger.replay()
    assert replayed.state.exhibit("C1/E1").custody[-1].location == "safe 3"
    entry = replayed.entries[wrong]
    assert entry.fields["location"] == "safe 1"
    assert "safe 1" in entry.summary
    assert entry.current == {"location": "safe 3"}
    assert entry.corrected_by == (first, second)
    texts = [f.text for f in replayed.findings if f.code == "corrected"]
    assert any("slip" in text for text in texts)
    assert any("safe 3" in text for text in texts)


def test_a_correction_of_a_correction(ledger):
    ledger.start()
    wrong = ledger.add("store", "E1", by="second", location="safe 1")
    first = ledger.add(
        "correct", "E1", corrects=ledger.events[wrong][2], values={"location": "safe 2"}
    )
    ledger.add(
        "correct", "E1", corrects=ledger.events[first][2],
        values={"values": {"location": "safe 9"}},
    )  # fmt: skip
    assert ledger.replay().state.exhibit("C1/E1").custody[-1].location == "safe 9"


def test_a_correction_cannot_reach_another_case_or_the_future(ledger):
    ledger.start()
    other = ledger.add("case-open", case="C2", title="y")
    ledger.add("correct", "E1", corrects=ledger.events[other][2], values={"title": "z"})
    ledger.add("correct", "E1", corrects="ff" * 32, values={"title": "z"})
    replayed = ledger.replay()
    assert [f.code for f in replayed.findings] == ["correction-of-unknown"] * 2
    assert replayed.state.cases["C2"].title == "y"


def test_a_corrected_time_moves_the_entry(ledger):
    ledger.start()
    ledger.add("store", "E1", by="second", at="2026-11-22T06:00:00.000Z")
    ledger.add("seal", "E1", by="second", at="2026-11-22T07:00:00.000Z")
    out = ledger.add(
        "check-out", "E1", by="second", to="Third Analyst", at="2026-11-22T08:00:00.000Z"
    )
    ledger.add(
        "correct", "E1", corrects=ledger.events[out][2],
        values={"happened": {"time": "2026-11-22T06:30:00.000Z", "precision": "minute"}},
    )  # fmt: skip
    assert "happened-earlier" in ledger.codes()


def test_parts_go_with_their_whole(ledger):
    ledger.start("E1")
    ledger.add("register", "E2", what="SIM", part_of="C1/E1")
    ledger.add("store", "E1", by="second", location="safe")
    assert ledger.replay().state.exhibit("C1/E2").state == "stored"
    ledger.add("check-out", "E2", by="second", to="Third Analyst")
    ledger.add("check-out", "E1", by="second", to="First Officer")
    state = ledger.replay().state
    assert state.exhibit("C1/E2").holder == "Third Analyst"
    assert state.exhibit("C1/E1").holder == "First Officer"


def test_parts_of_each_other_end(ledger):
    ledger.add("case-open", title="x")
    ledger.add("register", "E1", what="a", part_of="C1/E2")
    ledger.add("register", "E2", what="b", part_of="C1/E1")
    ledger.add("store", "E1", by="second")
    assert ledger.replay().state.exhibit("C1/E2").state == "stored"


def test_court_and_incident(ledger):
    ledger.start()
    ledger.add("produce", "E1", court="Sessions", mark="Ex.P-12", kept="yes")
    state = ledger.replay().state
    assert state.exhibit("C1/E1").state == "court"
    assert state.exhibit("C1/E1").marks == [("Ex.P-12", 2)]
    ledger.add("check-in", "E1", by="second", received_from="Sessions")
    ledger.add("incident", "E1", by="second", text="not on its shelf", outcome="lost")
    assert ledger.codes() == ["incident", "lost"]
    ledger.add("incident", "E1", by="second", text="found behind", outcome="found")
    assert ledger.replay().state.exhibit("C1/E1").holder == "Head Constable Second Keeper"


def test_transport_dates(ledger):
    ledger.start()
    ledger.add(
        "check-out", "E1", to="Third Analyst", road_certificate_no="12",
        road_certificate_date="2026-11-20", dispatched="2026-11-19",
    )  # fmt: skip
    assert "transport-dates" in ledger.codes()


def test_a_change_of_the_evidence(ledger):
    ledger.start()
    ledger.add("note", "E1", text="x", change="screen unlocked", change_reason="to stop a wipe")
    found = finding(ledger.replay(), "evidence-changed")
    assert "screen unlocked" in found.text
    assert "to stop a wipe" in found.text


def test_cases(ledger):
    ledger.add("note", case="C9", text="x")
    ledger.start()
    ledger.add("case-open", title="again")
    ledger.add("case-close")
    ledger.add("note", text="late")
    assert ledger.codes() == ["after-close", "case-not-open", "case-opened-twice"]


def test_one_case_whatever_its_spelling(ledger):
    ledger.start()
    ledger.add("seal", "E1", case="c1", seal="S-1")
    replayed = ledger.replay()
    assert list(replayed.state.cases) == ["C1"]
    assert replayed.state.exhibit("C1/E1").seal.numbers == ("S-1",)


def test_an_unknown_kind_is_remarked_not_refused(ledger):
    ledger.start()
    event = ledger.events[1][1]
    event = dataclasses.replace(event, kind="teleport", case_seq=3, case_prev=ledger.events[1][2])
    ledger.events.append((2, event, "ee" * 32))
    assert ledger.codes() == ["unknown-kind"]


def test_personal_fields_are_names_only(ledger):
    ledger.add("case-open", title="x")
    ledger.add("register", "E1", what="phone", witnesses=["A", {"name": "B", "cnic": "17301-1"}])
    replayed = ledger.replay()
    entry = replayed.entries[1]
    assert entry.withheld == ("witnesses.1.name", "witnesses.2.cnic", "witnesses.2.name")
    assert "2 witnesses" in entry.summary
    assert "17301" not in str(entry.document())


def test_signed_by_nobody_enrolled(ledger):
    ledger.add("station", name="x", origin="x")
    ledger.add("enrol", officer="second", name="Second Keeper")
    ledger.start()
    assert ledger.codes() == ["unknown-officer"]


def test_the_documents_are_json(ledger):
    import json

    ledger.start()
    ledger.add("acquire-start", _acquisitions=["E1/A1"])
    replayed = ledger.replay()
    json.dumps(replayed.state.document())
    json.dumps([entry.document() for entry in replayed.entries])
    json.dumps([f.document() for f in replayed.findings])


@pytest.mark.parametrize(
    ("state", "code"),
    [("match", None), ("mismatch", "verification-failed"), ("later", "not-verified"),
     ("not-asked", "not-verified"), (None, None)],
)  # fmt: skip
def test_the_second_reading(ledger, state, code):
    ledger.start()
    ledger.add("acquire-start", _acquisitions=["E1/A1"])
    more = {"verification": {"state": state}} if state else {}
    ledger.add("acquire-end", _acquisitions=["E1/A1"], result="complete", **more)
    assert ledger.codes() == ([code] if code else [])
    ledger.add("verify", _acquisitions=["E1/A1"], result="pass")
    assert "not-verified" not in ledger.codes()


def test_digests_stated_with_a_delivery(ledger):
    ledger.start()
    for number, counts in enumerate(({"match": 3}, {"match": 2, "mismatch": 1, "absent": 2}), 1):
        ref = f"E1/A{number}"
        ledger.add("intake-start", _acquisitions=[ref])
        ledger.add(
            "intake-end", _acquisitions=[ref], result="complete", expected={"counts": counts}
        )
    found = finding(ledger.replay(), "expected-mismatch")
    assert "`C1/E1/A2`" in found.text
    assert "2 absent, 1 mismatch" in found.text


@pytest.mark.parametrize("whole", ["C2/E9", "C2", "zz", "C1/E1/A1", "C1/../E1"])
def test_a_part_of_something_in_another_case(ledger, whole):
    """A bundle holds one case only: what is outside cannot be looked at, and must not crash."""
    ledger.start("E1")
    entry = ledger.add("register", "E2", what="card", _raw={"what": "card", "part_of": whole})
    found = finding(ledger.replay(), "source-not-registered")
    assert (found.exhibit, found.events) == ("C1/E2", (entry,))
    assert list(ledger.replay().state.cases) == ["C1"]


def _ended(ledger, digest, **more):
    subject = Subject("C1/E1/A1", {"sha256": digest * 32})
    media = {"size": 1, "sha256": more.pop("media", digest) * 32}
    return ledger.add(
        "acquire-end", _acquisitions=["E1/A1"], _subjects=(subject,), result="complete",
        media=media, verification={"state": "match"}, **more,
    )  # fmt: skip


def test_a_second_end_does_not_replace_the_first(ledger):
    ledger.start("E1")
    start = ledger.add("acquire-start", _acquisitions=["E1/A1"])
    first = _ended(ledger, "aa")
    second = _ended(ledger, "bb", _happened="2026-11-22T04:03:00Z")
    replayed = ledger.replay()
    assert finding(replayed, "acquisition-ended-twice").events == (first, second)
    acquisition = replayed.state.acquisition("C1/E1/A1")
    assert (acquisition.started_entry, acquisition.ended_entry) == (start, first)
    assert acquisition.digests == {"sha256": "aa" * 32}
    assert acquisition.media["sha256"] == "aa" * 32


def test_a_second_start_is_remarked(ledger):
    ledger.start("E1")
    first = ledger.add("acquire-start", _acquisitions=["E1/A1"])
    _ended(ledger, "aa")
    second = ledger.add("acquire-start", _acquisitions=["E1/A1"], _raw={"media": {"size": 2}})
    replayed = ledger.replay()
    assert finding(replayed, "acquisition-started-twice").events == (first, second)
    assert replayed.state.acquisition("C1/E1/A1").media["size"] == 1


def test_one_entry_with_two_digests(ledger):
    ledger.start("E1")
    ledger.add("acquire-start", _acquisitions=["E1/A1"])
    entry = _ended(ledger, "aa", media="bb")
    found = finding(ledger.replay(), "digests-contradict")
    assert found.events == (entry,)
    assert "aa" * 32 in found.text
    assert "bb" * 32 in found.text


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_an_entry_left_out_shows(ledger, gone):
    ledger.start("E1")
    for text in ("a", "b"):
        ledger.add("note", text=text)
    del ledger.events[gone]
    assert "entries-missing" in ledger.codes()


def test_an_entry_that_stands_twice(ledger):
    ledger.start("E1")
    _, event, event_id = ledger.events[-1]
    ledger.events.append((9, event, event_id))
    assert finding(ledger.replay(), "entry-repeated").events == (1, 9)


def test_a_case_under_two_spellings(ledger):
    """A station refuses this; whoever writes entries without it cannot hide some that way."""
    ledger.start("E1")
    ledger.add("note", text="x", case="c1")
    assert finding(ledger.replay(), "entries-missing").events == (1, 2)


def test_a_clock_that_was_given(ledger):
    ledger.start("E1")
    index, event, event_id = ledger.events[1]
    recorded = Recorded(event.recorded.utc, event.recorded.offset, "fixed")
    ledger.events[1] = (index, dataclasses.replace(event, recorded=recorded), event_id)
    found = finding(replay(ledger.events), "clock-set")
    assert found.events == (1,)
    assert "1 of 2 entries" in found.text


@pytest.mark.parametrize("state", [["match"], {"a": 1}, 7, True])
def test_a_state_of_verification_that_is_no_word(ledger, state):
    ledger.start("E1")
    ledger.add("acquire-start", _acquisitions=["E1/A1"])
    raw = {"result": "complete", "verification": {"state": state}}
    ledger.add("acquire-end", _acquisitions=["E1/A1"], result="complete", _raw=raw)
    assert ledger.codes() == ["not-verified"]


def test_an_inventory_before_the_end_of_its_data_is_a_gap(ledger):
    ledger.start("E1")
    ledger.add("acquire-start", _acquisitions=["E1/A1"])
    early = ledger.add("inventory", _acquisitions=["E1/A1"], result="complete")
    without = finding(ledger.replay(), "inventory-without-data")
    assert without.events == (early,)
    assert "is not recorded" in without.text
    end = _ended(ledger, "aa")
    found = finding(ledger.replay(), "inventory-without-data")
    assert found.events == (early,)
    assert (found.level, f"recorded only by entry {end}" in found.text) == ("gap", True)


def test_an_inventory_that_another_one_followed_is_remarked(ledger):
    ledger.start("E1")
    ledger.add("acquire-start", _acquisitions=["E1/A1"])
    _ended(ledger, "aa")
    first = ledger.add("inventory", _acquisitions=["E1/A1"], result="with-gaps")
    codes = {found.code for found in ledger.replay().findings}
    assert not codes & {"inventory-repeated", "inventory-without-data"}
    second = ledger.add("inventory", _acquisitions=["E1/A1"], result="complete")
    assert finding(ledger.replay(), "inventory-repeated").events == (first, second)
