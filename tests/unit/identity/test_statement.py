"""The station statement's payload."""

from __future__ import annotations

import json

import pytest
from signers import AGENCY, AT, ORIGIN, people

from evkit.core import clock, ejson
from evkit.core.errors import InputError
from evkit.identity.statement import (
    PAYLOAD_TYPE,
    StationStatement,
    build_statement,
    parse_statement,
)
from evkit.ledger import dsse


def _statement(**changes):
    fields = {
        "agency": AGENCY,
        "name": "تھانہ گلبرگ",
        "origin": ORIGIN,
        "log_key": people().log.vkey,
        "not_before": "2026-11-22T09:00:00.000Z",
        "not_after": "2036-11-19T09:00:00.000Z",
    }
    return StationStatement(**(fields | changes))


def test_round_trip():
    statement = _statement()
    payload = build_statement(statement)
    assert parse_statement(payload) == statement
    assert json.loads(payload)["schema"] == "evkit/station-statement/1"
    assert statement.vkey() == people().log.public
    assert clock.parse(statement.not_before) == AT


def test_in_its_envelope():
    root = people().root
    envelope = dsse.sign(build_statement(_statement()), PAYLOAD_TYPE, root)
    again = dsse.parse_own(dsse.encode(envelope))
    assert dsse.verify(again, root.certificate)
    assert parse_statement(again.payload) == _statement()


@pytest.mark.parametrize(
    "change",
    [
        {"agency": ""},
        {"name": " "},
        {"name": "x" * 300},
        {"origin": "agency.example/other"},
        {"origin": "a b"},
        {"log_key": "x"},
        {"not_before": "2026-11-22T09:00:00Z"},
        {"not_before": "2026-11-22T14:00:00.000+05:00"},
        {"not_after": "2026-11-22T09:00:00.000Z"},
        {"not_after": "2026-02-30T09:00:00.000Z"},
    ],
)
def test_malformed(change):
    with pytest.raises(InputError):
        build_statement(_statement(**change))


def test_a_witness_key_is_no_log_key():
    from evkit.identity.ed25519 import COSIGNATURE, make_vkey

    other = make_vkey(ORIGIN, COSIGNATURE, people().log.public.key)
    with pytest.raises(InputError):
        build_statement(_statement(log_key=other.text()))


def test_field_too_many_or_few():
    document = json.loads(build_statement(_statement()))
    for key in document:
        with pytest.raises(InputError):
            parse_statement(ejson.dumps({k: v for k, v in document.items() if k != key}))
        with pytest.raises(InputError):
            parse_statement(ejson.dumps(document | {key: 1}))
    with pytest.raises(InputError):
        parse_statement(ejson.dumps(document | {"more": "x"}))
    with pytest.raises(InputError):
        parse_statement(json.dumps(document).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"not_before": "0001-01-01T00:00:00+05:00"},
        {"not_after": "9999-12-31T23:59:59-05:00"},
        {"not_before": "2026-11-22T24:00:00.000Z"},
    ],
)
def test_times_beyond_the_calendar(change):
    fields = {**vars(_statement()), **change, "schema": "evkit/station-statement/1"}
    with pytest.raises(InputError):
        parse_statement(ejson.dumps(fields))
