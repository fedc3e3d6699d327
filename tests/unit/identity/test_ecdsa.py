"""Signature encodings against Project Wycheproof and hand-made malformed DER."""

from __future__ import annotations

import hashlib
import json

import pytest

from evkit.core.errors import InputError
from evkit.identity import der, ecdsa, p256
from evkit.identity.ed25519 import verify_ed25519


def _suite(vectors, name):
    return json.loads((vectors / "wycheproof" / name).read_text())["testGroups"]


def test_wycheproof_der(vectors):
    """Every valid case verifies, low S or after the switch to low S; every invalid one fails."""
    counts = {"valid": 0, "high": 0, "invalid": 0}
    for group in _suite(vectors, "ecdsa_secp256r1_sha256_test.json"):
        key = p256.load_public(bytes.fromhex(group["publicKeyDer"]))
        for case in group["tests"]:
            signature, message = bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"])
            strict = _strict(signature)
            if case["result"] == "invalid":
                counts["invalid"] += 1
                assert not p256.verify(key, signature, message), case
                assert not p256.verify_any(key, signature, message), case
                continue
            assert case["result"] == "valid"
            counts["valid"] += 1
            assert strict, case
            assert p256.verify_any(key, signature, message), case
            low = ecdsa.to_low_s(signature)
            assert p256.verify(key, low, message), case
            if low != signature:
                counts["high"] += 1
                assert not p256.verify(key, signature, message), case
            raw = ecdsa.der_to_raw(signature)
            assert ecdsa.raw_to_der(raw) == signature
    assert sum(counts.values()) - counts["high"] == 484
    assert counts["high"] > 50
    assert counts["invalid"] > 50


def test_wycheproof_raw(vectors):
    count = 0
    for group in _suite(vectors, "ecdsa_secp256r1_sha256_p1363_test.json"):
        key = p256.load_public(bytes.fromhex(group["publicKeyDer"]))
        for case in group["tests"]:
            count += 1
            try:
                signature = ecdsa.raw_to_der(bytes.fromhex(case["sig"]))
            except InputError:
                assert case["result"] == "invalid", case
                continue
            assert ecdsa.der_to_raw(signature) == bytes.fromhex(case["sig"])
            found = p256.verify_any(key, signature, bytes.fromhex(case["msg"]))
            assert found == (case["result"] == "valid"), case
    assert count == 262


def test_wycheproof_ed25519(vectors):
    count = 0
    for group in _suite(vectors, "ed25519_test.json"):
        public = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            count += 1
            found = verify_ed25519(public, bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
            assert found == (case["result"] == "valid"), case
    assert count == 151


@pytest.mark.parametrize(
    "text",
    [
        "",
        "30",
        "3000",
        "3006020101020101ff",  # something follows
        "3007020101020101ff",  # something follows inside
        "308106020101020101",  # length in the long form
        "30060281010102010101",
        "3080020101020101",  # indefinite length
        "300702020001020101",  # integer not in its shortest form
        "3006020181020101",  # negative
        "3005020002010101",  # empty integer
        "3006020100020101",  # zero
        "3006020101020100",
        "3106020101020101",  # SET
        "3006030101020101",  # BIT STRING
        "30820006020101020101",
    ],
)
def test_malformed_der(text):
    with pytest.raises(InputError):
        ecdsa.strict_der(bytes.fromhex(text))
    assert not ecdsa.is_low_s(bytes.fromhex(text))


def test_range_ends():
    good = ecdsa.to_der(ecdsa.ORDER - 1, 1)
    assert ecdsa.strict_der(good) == (ecdsa.ORDER - 1, 1)
    for r, s in [(0, 1), (1, 0), (ecdsa.ORDER, 1), (1, ecdsa.ORDER)]:
        with pytest.raises(InputError):
            ecdsa.to_der(r, s)
    assert ecdsa.is_low_s(ecdsa.to_der(1, ecdsa.HALF))
    assert not ecdsa.is_low_s(ecdsa.to_der(1, ecdsa.HALF + 1))
    assert ecdsa.to_low_s(ecdsa.to_der(1, ecdsa.ORDER - 5)) == ecdsa.to_der(1, 5)
    with pytest.raises(InputError):
        ecdsa.raw_to_der(b"\x01" * 63)


def test_rfc_6979_known_answer():
    """RFC 6979 A.2.5: P-256, SHA-256, message "sample"."""
    from cryptography.hazmat.primitives.asymmetric import ec

    secret = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    key = ec.derive_private_key(secret, ec.SECP256R1())
    r = 0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
    s = 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8
    assert p256.sign(key, b"sample") == ecdsa.to_der(r, ecdsa.ORDER - s)


def test_der_integer_lengths():
    for value in (0, 1, 127, 128, 255, 256, 2**31, 2**256 - 1):
        reader = der.Reader(der.integer(value))
        assert reader.integer() == value
        reader.end()
    body = b"x" * 70_000
    reader = der.Reader(der.octets(body))
    assert reader.take(der.OCTET_STRING) == body


def test_other_keys_are_refused():
    from cryptography.hazmat.primitives.asymmetric import ec

    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    with pytest.raises(InputError):
        p256.need_p256(other)
    with pytest.raises(InputError):
        p256.load_public(hashlib.sha256(b"").digest())


def _strict(signature):
    try:
        ecdsa.strict_der(signature)
    except InputError:
        return False
    return True
