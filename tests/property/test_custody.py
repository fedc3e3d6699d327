"""The replay takes any history: it never raises, and says the same every time."""

from __future__ import annotations

import contextlib
import json

import custodykit
from hypothesis import given, settings
from hypothesis import strategies as st

from evkit.core.errors import UsageError
from evkit.custody.compose import Typed, compose
from evkit.custody.findings import CATALOGUE
from evkit.custody.kinds import KINDS
from evkit.custody.profile import load_profile
from evkit.custody.replay import replay
from evkit.custody.validate import validate
from evkit.ledger.event import Deviation, Draft, Happened, Subject

PK = load_profile("pk")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "time", "precision", "size"]), children, max_size=3)
    ),
    max_leaves=6,
).filter(lambda value: "null" not in json.dumps(value))
names = st.sampled_from(sorted({name for kind in KINDS.values() for name in kind.fields}))
times = st.sampled_from(
    ["2026-11-22T01:00:00.000Z", "2026-11-22T23:00:00.000Z", "9999-12-31T00:00:00.000Z"]
)


@st.composite
def drafts(draw):
    kind = draw(st.sampled_from([*KINDS, "teleport"]))
    case = draw(st.sampled_from([None, "C1", "c1", "C2"]))
    fields = draw(st.dictionaries(names, json_values, max_size=4))
    if kind == "correct":
        fields["corrects"] = custodykit.event_id(draw(st.integers(0, 8)))
    if kind == "station":
        kind = "enrol"
    exhibits = draw(st.lists(st.sampled_from(["E1", "E2", "E3"]), unique=True, max_size=3))
    taken = draw(st.lists(st.sampled_from(["E1/A1", "E2/A1"]), unique=True, max_size=2))
    stated = draw(st.none() | st.builds(Happened, times, st.sampled_from(["day", "minute"]),
                                        st.just("officer")))  # fmt: skip
    return Draft(
        kind=kind,
        case=case,
        exhibits=tuple(f"{case}/{e}" for e in exhibits if case),
        acquisitions=tuple(f"{case}/{a}" for a in taken if case),
        fields=fields,
        happened=stated,
        deviations=draw(st.sampled_from([(), (Deviation("x", "y", None),)])),
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(drafts(), st.sampled_from(["first", "second"]), times), max_size=9))
def test_any_history_is_replayed(history):
    ledger = custodykit.Ledger()
    for draft, by, at in history:
        ledger.append(draft, by=by, at=at, deviations=draft.deviations,
                      subjects=(Subject("x", {"sha256": "ab" * 32}),))  # fmt: skip
    first, second = replay(ledger.events, PK), replay(ledger.events, PK)
    assert first == second
    json.dumps([f.document() for f in first.findings])
    json.dumps(first.state.document())
    json.dumps([entry.document() for entry in first.entries])
    assert len(first.entries) == len(history)
    for finding in first.findings:
        assert finding.code in CATALOGUE
        assert all(0 <= index < len(history) for index in finding.events)
    for case in first.state.cases.values():
        for exhibit in case.exhibits.values():
            for before, after in zip(exhibit.custody, exhibit.custody[1:], strict=False):
                assert before.end == after.start
                assert before.end_entry == after.start_entry
            assert all(stretch.end is None for stretch in exhibit.custody[-1:])


@given(drafts())
def test_validation_gives_deviations_or_a_refusal(draft):
    try:
        found = validate(draft, PK)
    except UsageError:
        return
    assert all(isinstance(entry.reason, str) for entry in found)


@given(
    st.sampled_from(sorted(KINDS)),
    st.dictionaries(names | st.text(max_size=12), json_values | st.text(max_size=30), max_size=4),
)
def test_what_is_typed_becomes_a_valid_draft_or_a_refusal(kind, values):
    typed = Typed(kind=kind, case="C1", exhibits=("C1/E1",), values=values)
    with contextlib.suppress(UsageError):
        validate(compose(typed), PK)
