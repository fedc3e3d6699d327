"""Salted commitments and their openings."""

from __future__ import annotations

import base64
import hashlib

import pytest

from evkit.core.errors import InputError
from evkit.ledger.commitments import (
    Opening,
    commit,
    commit_all,
    parse_opening,
    verify_opening,
)

SALT = bytes(range(16))


def test_known_answer():
    """As `docs/spec/commitments.md` says: SHA-256 of the JSON of the opening."""
    text = '{"name":"victim.1.cnic","salt":"AAECAwQFBgcICQoLDA0ODw==","value":"35202-1234567-1"}'
    found = commit("victim.1.cnic", "35202-1234567-1", SALT)
    assert found == hashlib.sha256(text.encode()).hexdigest()


def test_round_trip():
    values = {"victim.1.name": "عائشہ", "victim.1.cnic": "1"}
    commitments, openings = commit_all(values)
    assert commitments.keys() == values.keys()
    for opening in openings:
        assert verify_opening(opening, commitments[opening.name])
        assert parse_opening(opening.encode()) == opening
        for other in (
            opening._replace(value=opening.value + " "),
            opening._replace(name="victim.2.name"),
            opening._replace(salt=base64.b64encode(SALT).decode()),
            opening._replace(salt="x"),
            opening._replace(value=""),
        ):
            assert not verify_opening(other, commitments[opening.name])
        assert not verify_opening(opening, "")
        assert not verify_opening(opening, "ع")


def test_equal_values_do_not_show():
    one, _ = commit_all({"a": "yes"})
    two, _ = commit_all({"a": "yes"})
    assert one != two


@pytest.mark.parametrize(
    ("name", "value", "salt"),
    [("", "x", SALT), ("A", "x", SALT), ("a", "", SALT), ("a", "x", b""), ("a", "x", SALT + b"x"),
     ("a", "x" * 70_000, SALT), ("a", "\udc80", SALT)],
)  # fmt: skip
def test_malformed(name, value, salt):
    with pytest.raises(InputError):
        commit(name, value, salt)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"name":"a","salt":"AAECAwQFBgcICQoLDA0ODw==","value":1}',
        b'{"name":"a","salt":"AAECAwQFBgcICQoLDA0ODx==","value":"x"}',
        b'{"name":"a","value":"x"}',
        b'{"name":"a","salt":"AAECAwQFBgcICQoLDA0ODw==","value":"x","more":1}',
        b'{"name":"a", "salt":"AAECAwQFBgcICQoLDA0ODw==","value":"x"}',
    ],
)
def test_malformed_openings(data):
    with pytest.raises(InputError):
        parse_opening(data)


def test_openings_are_checked_by_hand():
    opening = Opening("a", "x", base64.b64encode(SALT).decode())
    assert opening.commitment() == hashlib.sha256(opening.encode()).hexdigest()
