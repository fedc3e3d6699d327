"""Events: what is built, and everything the strict reader refuses."""

from __future__ import annotations

import copy
import json
import re

import pytest
from signers import ORIGIN, make_context, make_draft, make_entry, people

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.ledger import dsse
from evkit.ledger.commitments import commit_all
from evkit.ledger.event import (
    Actor,
    Deviation,
    Draft,
    Happened,
    Head,
    Recorded,
    Subject,
    build,
    parse_event,
    read_entry,
)
from evkit.ledger.eventreader import MAX_PAYLOAD

SECRETS = {"witnesses.1.name": "بلال علی", "witnesses.1.cnic": "35202-1234567-1"}


def _full():
    """A payload with every part, as a document that a test may damage."""
    commitments, _ = commit_all(SECRETS)
    draft = make_draft(
        acquisitions=("C-2026.1/E1/A1",),
        sensitive=SECRETS,
        happened=Happened("2026-11-21T19:00:00.000Z", "day", "officer"),
        authority="warrant 12/2026",
        purpose="forensic imaging",
        place="تھانہ گلبرگ",
        deviations=(Deviation("late", "recorded late", "no power"), Deviation("role", "unusual")),
    )
    context = make_context(
        people().officer.certificate, case_seq=7, case_prev="0f" * 32, commitments=commitments
    )
    return json.loads(build(draft, context))


def test_round_trip():
    document = _full()
    payload = ejson.dumps(document)
    event = parse_event(payload)
    assert event.kind == "seal"
    assert (event.case, event.case_seq, event.case_prev) == ("C-2026.1", 7, "0f" * 32)
    assert event.exhibits == ("C-2026.1/E1", "C-2026.1/E2")
    assert event.acquisitions == ("C-2026.1/E1/A1",)
    assert event.recorded == Recorded("2026-11-22T09:00:00.000Z", "+05:00", "system")
    assert event.recorded.moment().year == 2026
    assert event.happened == Happened("2026-11-21T19:00:00.000Z", "day", "officer")
    assert event.actor == Actor.of(people().officer.certificate)
    assert event.actor.role == "officer"
    assert event.head == Head(ORIGIN, 1, "ab" * 32)
    assert event.commitments.keys() == SECRETS.keys()
    assert event.subjects[0].digests == {"sha256": "cd" * 32}
    assert event.deviations[1] == Deviation("role", "unusual", None)
    assert event.tool == ("evkit", "0.1.0")
    assert set(document) == {"_type", "predicate", "predicateType", "subject"}
    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["predicateType"] == "urn:evkit:event:v1"


def test_absent_values_are_left_out():
    draft = make_draft(case=None, exhibits=(), fields={}, kind="memo")
    payload = build(draft, make_context(people().officer.certificate))
    assert set(json.loads(payload)["predicate"]) == {"actor", "head", "kind", "recorded", "tool"}
    event = parse_event(payload)
    assert (event.case, event.case_seq, event.exhibits, dict(event.fields)) == (None, None, (), {})
    assert event.happened is None
    assert event.deviations == ()


def test_sensitive_values_never_appear():
    data = make_entry(make_draft(sensitive=SECRETS))
    payload = dsse.parse_own(data).payload
    for value in SECRETS.values():
        assert value.encode() not in payload
        assert value.encode() not in data
        assert ejson.dumps(value) not in payload
    with pytest.raises(InputError, match="commitments"):
        build(make_draft(sensitive=SECRETS), make_context(people().officer.certificate, case_seq=1))
    with pytest.raises(InputError, match="both open and"):
        make_entry(make_draft(fields={"name": "x"}, sensitive={"name": "x"}))


def test_first_event():
    data = make_entry(
        make_draft(kind="station", case=None, exhibits=(), fields={"name": "x"}), people().root
    )
    event = read_entry(data).event
    assert event.head is None
    assert (event.actor.officer, event.actor.role) == ("root", "root")
    head = Head(ORIGIN, 1, "ab" * 32)
    for draft, context in (
        (make_draft(kind="station", case=None, exhibits=()), {"head": head}),
        (make_draft(), {"head": None}),
        (make_draft(kind="station"), {}),
    ):
        with pytest.raises(InputError):
            make_entry(draft, people().root, **context)


def test_role_of_the_root_is_its_own():
    certificate = people().officer.certificate
    with pytest.raises(InputError, match="root"):
        make_entry(actor=Actor.of(certificate, "root"))
    assert Actor.of(certificate, "analyst").role == "analyst"


def test_case_sequence():
    make_entry(case_seq=1)
    make_entry(case_seq=2, case_prev="ab" * 32)
    for seq, previous in (
        (None, None),
        (0, None),
        (-1, None),
        (1, "ab" * 32),
        (2, None),
        (2, "AB" * 32),
        (2, "ab" * 31),
        (True, None),
        ("1", None),
    ):
        with pytest.raises(InputError):
            make_entry(case_seq=seq, case_prev=previous)
    with pytest.raises(InputError):
        make_entry(make_draft(case=None, exhibits=()), case_seq=1)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": ""},
        {"kind": "Seal"},
        {"case": "a/b"},
        {"case": "-a"},
        {"exhibits": ("C-2026.2/E1",)},
        {"exhibits": ("C-2026.1/E0",)},
        {"exhibits": ("C-2026.1/E1", "C-2026.1/E1")},
        {"exhibits": ("C-2026.1",)},
        {"exhibits": ("C-2026.1/E1/A1",)},
        {"exhibits": ("C-2026.1/E١",)},
        {"acquisitions": ("C-2026.1/E1",)},
        {"acquisitions": ("C-2026.1/E1/A01",)},
        {"subjects": ()},
        {"subjects": (Subject("a", {}),)},
        {"subjects": (Subject("", {"sha256": "ab" * 32}),)},
        {"subjects": (Subject("a", {"sha256": "ab" * 31}),)},
        {"subjects": (Subject("a", {"sha256": "AB" * 32}),)},
        {"subjects": (Subject("a", {"SHA256": "ab" * 32}),)},
        {"subjects": (Subject("a", {"md5": "ab" * 32}),)},
        {"subjects": (Subject("a", {"md5": "ab" * 16}), Subject("a", {"md5": "ab" * 16}))},
        {"fields": {"a": 1.5}},
        {"fields": {"a": None}},
        {"fields": {"a": [{"b": None}]}},
        {"fields": {"a": 2**53}},
        {"fields": {"A": 1}},
        {"fields": {"ع": 1}},
        {"fields": {"a": "\udc80"}},
        {"fields": {"a": b"x"}},
        {"happened": Happened("2026-11-21T19:00:00Z", "day", "officer")},
        {"happened": Happened("2026-02-30T19:00:00.000Z", "day", "officer")},
        {"happened": Happened("2026-11-21T19:00:00.000Z", "exactly", "officer")},
        {"happened": Happened("2026-11-21T19:00:00.000Z", "day", "")},
        {"place": "x" * 9000},
        {"deviations": (Deviation("Late", "x"),)},
        {"deviations": (Deviation("late", ""),)},
        {"fields": {"a": "x" * 50_000}},
    ],
)
def test_what_cannot_be_built(change):
    with pytest.raises(InputError):
        make_entry(make_draft(**change))


@pytest.mark.parametrize(
    "change",
    [
        {"recorded": Recorded("2026-11-22T09:00:00Z", "+05:00", "system")},
        {"recorded": Recorded("2026-11-22T09:00:00.000Z", "5", "system")},
        {"recorded": Recorded("2026-11-22T09:00:00.000Z", "+05:00", "")},
        {"recorded": Recorded("2026-13-22T09:00:00.000Z", "+05:00", "system")},
        {"head": Head("a b", 1, "ab" * 32)},
        {"head": Head(ORIGIN, 0, "ab" * 32)},
        {"head": Head(ORIGIN, 1, "ab")},
        {"actor": Actor("../x", "X", "officer", "ab" * 32)},
        {"actor": Actor("x", "", "officer", "ab" * 32)},
        {"actor": Actor("x", "X", "Officer", "ab" * 32)},
        {"actor": Actor("x", "X", "officer", "ab")},
    ],
)
def test_context_that_cannot_be_signed(change):
    with pytest.raises(InputError):
        make_entry(**change)


def test_the_signed_certificate_is_the_named_one():
    """An officer's key under another officer's name is refused before any signature is checked."""
    other = Actor.of(people().other.certificate)
    data = make_entry(actor=other)
    with pytest.raises(InputError, match="certificate"):
        read_entry(data)
    entry = read_entry(make_entry())
    assert entry.event_id == dsse.event_id(entry.envelope)
    assert re.fullmatch("[0-9a-f]{64}", entry.event_id)


def test_another_payload_type_is_no_event():
    payload = dsse.parse_own(make_entry()).payload
    data = dsse.encode(dsse.sign(payload, "text/plain", people().officer))
    with pytest.raises(InputError):
        read_entry(data)


def _places(value, path=()):
    """Every path in a document."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from _places(value[key], (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _places(child, (*path, index))


def _at(document, path):
    for step in path:
        document = document[step]
    return document


def _refused(document):
    try:
        parse_event(ejson.dumps(document))
    except InputError:
        return True
    return False


def _free(path):
    """Inside `fields` any JSON but null is allowed."""
    return path[:2] == ("predicate", "fields") and len(path) > 2


def test_every_field_removed_or_replaced_by_another_type():
    document = _full()
    optional = {
        "exhibits", "acquisitions", "happened", "authority", "purpose", "place", "deviations",
        "fields", "commitments", "rank", "badge", "reason",
    }  # fmt: skip
    tried = 0
    for path in list(_places(document)):
        if not path:
            continue
        for value in (None, 1, True, "", [], {}, "x" * 10_000, -1, [[]], {"x": 1}):
            if _free(path) and value is not None:
                continue
            tried += 1
            damaged = copy.deepcopy(document)
            _at(damaged, path[:-1])[path[-1]] = value
            if ejson.dumps(damaged) == ejson.dumps(document):
                continue
            if path == ("predicate", "case_seq") and value == 1 and value is not True:
                del damaged["predicate"]["case_prev"]
                parse_event(ejson.dumps(damaged))
                continue
            if path == ("predicate", "fields") and value == {"x": 1}:
                continue
            assert _refused(damaged), (path, value)
        damaged = copy.deepcopy(document)
        del _at(damaged, path[:-1])[path[-1]]
        few = isinstance(path[-1], str) and path[-1] not in optional
        if few and not _free(path) and not {"commitments", "digest"} & set(path[:-1]):
            with pytest.raises(InputError):
                parse_event(ejson.dumps(damaged))
    assert tried > 300


def test_unknown_fields_are_refused_at_every_level():
    document = _full()
    for path in list(_places(document)):
        target = _at(document, path)
        if not isinstance(target, dict) or path in {
            ("predicate", "fields"),
            ("predicate", "commitments"),
        }:
            continue
        damaged = copy.deepcopy(document)
        _at(damaged, path)["extra"] = "x"
        with pytest.raises(InputError):
            parse_event(ejson.dumps(damaged))


def test_only_the_canonical_spelling():
    document = _full()
    payload = ejson.dumps(document)
    for other in (
        json.dumps(document).encode(),
        payload + b"\n",
        b" " + payload,
        payload.replace(b'"kind":"seal"', b'"kind":"se\\u0061l"'),
        payload.replace(b'"kind":"seal"', b'"kind":"seal","kind":"seal"'),
        payload.replace(b'"case_seq":7', b'"case_seq":7.0'),
        payload.replace(b'"case_seq":7', b'"case_seq":07'),
    ):
        assert other != payload
        with pytest.raises(InputError):
            parse_event(other)


def test_every_truncation_and_flip_of_a_payload():
    """A damaged payload is refused or says something else; nothing else is raised."""
    payload = bytearray(ejson.dumps(_full()))
    original = parse_event(bytes(payload))
    for size in range(len(payload)):
        with pytest.raises(InputError):
            parse_event(bytes(payload[:size]))
    for at in range(len(payload)):
        for bit in (0, 5, 7):
            payload[at] ^= 1 << bit
            try:
                found = parse_event(bytes(payload))
            except InputError:
                pass
            else:
                assert found != original
            payload[at] ^= 1 << bit


def test_size_limit():
    fields = {"a": "x" * (MAX_PAYLOAD - 1200)}
    data = make_entry(make_draft(fields=fields))
    assert len(data) <= 65_535
    with pytest.raises(InputError):
        parse_event(b"{" * (MAX_PAYLOAD + 1))


def test_largest_payload_fits_an_envelope():
    """The limit of the payload leaves room for the longest envelope around it."""
    signer = people().officer
    payload_type = dsse.IN_TOTO
    body = b"x" * MAX_PAYLOAD
    data = dsse.encode(dsse.sign(body, payload_type, signer))
    assert len(data) + 4 <= 65_535


def test_drafts_are_plain():
    draft = Draft(kind="note")
    assert draft.exhibits == ()
    assert dict(draft.fields) == {}
    with pytest.raises(AttributeError):
        draft.kind = "x"


@pytest.mark.parametrize("offset", ["-00:00", "+24:00", "+05:60", "+99:99"])
def test_offsets_that_the_clock_does_not_write(offset):
    document = _full()
    document["predicate"]["recorded"]["offset"] = offset
    assert _refused(document)
