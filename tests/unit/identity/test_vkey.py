"""Vkeys and the checking of single note signatures."""

from __future__ import annotations

import json

import pytest
from signers import ORIGIN, people

from evkit.core.errors import InputError
from evkit.identity.ed25519 import (
    COSIGNATURE,
    ED25519,
    is_key_name,
    make_vkey,
    parse_vkey,
    verify_ed25519,
    verify_note_signature,
)


def test_own_vkey():
    log = people().log
    vkey = parse_vkey(log.vkey)
    assert vkey == log.public
    assert vkey.text() == log.vkey
    assert (vkey.name, vkey.algorithm) == (ORIGIN, ED25519)
    assert verify_note_signature(vkey, log.sign(b"x\n"), b"x\n")
    assert not verify_note_signature(vkey, log.sign(b"x\n"), b"y\n")
    assert not verify_ed25519(vkey.key, b"", b"x")
    assert not verify_ed25519(b"\x01", b"\x00" * 64, b"x")


def test_same_key_other_type_has_another_id():
    vkey = people().log.public
    other = make_vkey(ORIGIN, COSIGNATURE, vkey.key)
    assert other.key_id != vkey.key_id


def test_go_rules(vectors):
    rules = json.loads((vectors / "note/go-sumdb-note/cases.json").read_text())["vkey_rules"]
    for text in rules["accept"]:
        assert parse_vkey(text).text() == text
    for text in rules["reject"]:
        _refused(text)
    peter = rules["accept"][0]
    for start in range(len(peter)):
        for stop in range(start, len(peter) + 1):
            if stop - start < len(peter):
                _refused(peter[start:stop])
    for at, char in enumerate(peter):
        _refused(peter[:at] + chr(ord(char) + 1) + peter[at + 1 :])


def test_published_keys(vectors):
    cases = json.loads((vectors / "note/ecdsa/cases.json").read_text())["vkey_cases"]
    other = json.loads((vectors / "note/cosignature/vkey-and-timestamp-cases.json").read_text())
    cases += other["vkey_cases"]
    assert len(cases) == 16
    for case in cases:
        if case.get("strict_accept", case["accept"]):
            assert parse_vkey(case["vkey"]).text() == case["vkey"]
        else:
            _refused(case["vkey"])


@pytest.mark.parametrize(
    "name",
    ["", "a b", "a+b", "a\u00a0b", "a\u2003b", "a\nb", "a\x00", "a\x7f", "a\u3000", "\udc80"],
)
def test_names(name):
    assert not is_key_name(name)
    with pytest.raises(InputError):
        make_vkey(name, ED25519, b"\x01" * 32)


def test_a_key_type_that_cannot_be_checked_is_not_a_pass(vectors):
    cases = json.loads((vectors / "note/ecdsa/cases.json").read_text())["vkey_cases"]
    static = parse_vkey(next(case["vkey"] for case in cases if "0x05" in case["desc"]))
    assert verify_note_signature(static, b"x" * 80, b"x\n") is None


@pytest.mark.parametrize("text", ["x" * 5000, "a+00000000+", "a+00000000+AA==", "a+00000000+Af/="])
def test_odd_vkeys(text):
    _refused(text)


def _refused(text):
    with pytest.raises(InputError):
        parse_vkey(text)


_P = 2**255 - 19
_EIGHT = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"


@pytest.mark.parametrize("sign", [0, 1 << 255])
@pytest.mark.parametrize(
    "y",
    [0, 1, _P - 1, _P, _P + 1, int.from_bytes(bytes.fromhex(_EIGHT), "little"),
     _P - int.from_bytes(bytes.fromhex(_EIGHT), "little")],
)  # fmt: skip
@pytest.mark.parametrize("algorithm", [ED25519, COSIGNATURE])
def test_keys_that_anyone_can_sign_with(y, sign, algorithm):
    """Points of small order, and second spellings of a point, are no keys."""
    key = (y + sign).to_bytes(32, "little")
    with pytest.raises(InputError, match="anyone can sign"):
        make_vkey(ORIGIN, algorithm, key)
