"""The manifest: one spelling, strict reader."""

from __future__ import annotations

import dataclasses

import bundlekit
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.ledger import dsse
from evkit.manifest import layout, model


@pytest.fixture(scope="module")
def payload():
    return model.parse_envelope(bundlekit.full_files()[layout.MANIFEST]).payload


def test_what_is_read_is_written_back(payload):
    made = model.parse(payload)
    assert model.encode(made) == payload
    assert ejson.loads(payload)["subject"][0]["name"] == "K-7/E1/A1"


def test_a_case_without_data_has_the_bundle_as_its_subject():
    made = model.parse(model.parse_envelope(bundlekit.small_files()[layout.MANIFEST]).payload)
    assert model.subjects(made) == [
        {"digest": {"sha256": made.bundle_event["id"]}, "name": "K-7#bundle"}
    ]


def changed(payload, path, value):
    document = ejson.loads(payload)
    place = document["predicate"]
    for part in path[:-1]:
        place = place[part]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return ejson.dumps(document)


ITEM = {"what": "artifact", "acquisition": "K-7/E1/A1", "name": "x", "size": 1, "sha256": "ab" * 32}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["case"], None),
        (["case"], "../x"),
        (["extra"], 1),
        (["head", "size"], -1),
        (["head", "root"], "AB" * 32),
        (["head", "more"], 1),
        (["statement"], "x"),
        (["bundle_event", "entry"], "1"),
        (["made", "utc"], 1),
        (["made", "more"], "x"),
        (["issuer", "name"], ""),
        (["issuer", "shoe"], "x"),
        (["facts", "entries"], {}),
        (["facts", "entries"], [1]),
        (["facts", "acquisitions"], [{}]),
        (["enclosed"], [ITEM, ITEM]),
        (["enclosed"], [ITEM | {"reason": "x"}]),
        (["enclosed"], [ITEM | {"what": "other"}]),
        (["enclosed"], [ITEM | {"what": []}]),
        (["enclosed"], [ITEM | {"size": True}]),
        (["enclosed"], [ITEM | {"size": -1}]),
        (["enclosed"], [ITEM | {"sha256": "zz"}]),
        (["enclosed"], [ITEM | {"acquisition": "../E1/A1"}]),
        (["enclosed"], [1]),
        (["not_enclosed"], [ITEM]),
        (["not_enclosed"], [ITEM | {"reason": ""}]),
        (["withheld"], [{"entry": 1, "names": []}]),
        (["withheld"], [{"entry": 1, "names": ["b", "a"]}]),
        (["withheld"], [{"entry": 1, "names": [["a"]]}]),
        (["withheld"], [{"entry": "1", "names": ["a"]}]),
        (["remarks"], [{"code": "x", "level": "gap", "text": "y"}]),
        (["remarks"], [{"code": "x", "level": "gap", "text": "y", "entries": ["z"]}]),
        (["remarks"], [{"code": "x", "level": "gap", "text": "y", "entries": [], "more": 1}]),
        (["not_proven"], "x"),
        (["tool"], {"name": "evkit"}),
    ],
)
def test_what_is_refused(payload, path, value):
    with pytest.raises(InputError):
        model.parse(changed(payload, path, value))


def test_other_statements_are_refused(payload):
    document = ejson.loads(payload)
    for name, value in (("_type", "x"), ("predicateType", "urn:evkit:event:v1"), ("subject", [])):
        with pytest.raises(InputError):
            model.parse(ejson.dumps(document | {name: value}))
    with pytest.raises(InputError):
        model.parse(payload + b" ")
    entry = bundlekit.small_files()[layout.event_path(3)]
    with pytest.raises(InputError):
        model.parse(dsse.parse_own(entry).payload)


def test_what_would_not_be_read_is_not_written(payload):
    made = model.parse(payload)
    with pytest.raises(InputError):
        model.encode(dataclasses.replace(made, statement="x"))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_payloads_are_refused_or_read_as_another_value(data):
    payload = model.parse_envelope(bundlekit.small_files()[layout.MANIFEST]).payload
    changed = bytearray(payload)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        made = model.parse(bytes(changed))
    except InputError:
        return
    assert model.encode(made) == bytes(changed)
