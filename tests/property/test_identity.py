"""Signatures and DER for arbitrary numbers and bytes."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st
from signers import people

from evkit.core.errors import InputError
from evkit.identity import der, ecdsa, keys
from evkit.identity.ed25519 import ED25519, is_key_name, make_vkey, parse_vkey
from evkit.identity.x509 import load_certificate

numbers = st.integers(1, ecdsa.ORDER - 1)


@given(numbers, numbers)
@settings(deadline=None)
def test_encodings_agree(r, s):
    encoded = ecdsa.to_der(r, s)
    assert ecdsa.strict_der(encoded) == (r, s)
    assert ecdsa.raw_to_der(ecdsa.der_to_raw(encoded)) == encoded
    low = ecdsa.to_low_s(encoded)
    assert ecdsa.is_low_s(low)
    assert ecdsa.to_low_s(low) == low
    assert ecdsa.strict_der(low) in {(r, s), (r, ecdsa.ORDER - s)}


@given(st.binary(max_size=80))
@settings(deadline=None)
def test_what_is_read_is_what_would_be_written(data):
    """serialise(parse(x)) == x or an error, for any bytes."""
    try:
        r, s = ecdsa.strict_der(data)
    except InputError:
        assert not ecdsa.is_low_s(data)
        return
    assert ecdsa.to_der(r, s) == data


@given(numbers, numbers, st.integers(0, 71), st.integers(1, 255))
@settings(deadline=None)
def test_changed_der_is_refused_or_another_pair(r, s, at, change):
    data = bytearray(ecdsa.to_der(r, s))
    data[at % len(data)] ^= change
    try:
        found = ecdsa.strict_der(bytes(data))
    except InputError:
        return
    assert found != (r, s)


@given(st.integers(0, 2**300))
@settings(deadline=None)
def test_der_integers(value):
    reader = der.Reader(der.integer(value))
    assert reader.integer() == value
    reader.end()


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_hostile_der_raises_only_our_error(data):
    for read in (load_certificate, keys._parse):
        with contextlib.suppress(InputError):
            read(b"\x30" + data)


@given(st.binary(max_size=300))
@settings(max_examples=50, deadline=None)
def test_signatures(data):
    signer = people().officer
    signature = signer.sign(data)
    assert signer.certificate.verify(signature, data)
    assert not people().other.certificate.verify(signature, data)
    assert not signer.certificate.verify(signature, data + b"\x00")


@given(st.text(max_size=40))
@settings(deadline=None)
def test_vkeys(name):
    if not is_key_name(name):
        return
    vkey = make_vkey(name, ED25519, b"\x05" * 32)
    assert parse_vkey(vkey.text()) == vkey


@given(st.text(max_size=120))
@settings(deadline=None)
def test_any_text_as_vkey(text):
    try:
        vkey = parse_vkey(text)
    except InputError:
        return
    assert vkey.text() == text
