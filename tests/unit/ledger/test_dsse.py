"""Envelopes: the published vector, the strict form, and hostile bytes."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from signers import make_entry, people

from evkit.core.errors import InputError
from evkit.identity import ecdsa, p256
from evkit.ledger import dsse


@pytest.fixture(scope="module")
def entry():
    return make_entry()


def test_published_vector(vectors):
    case = json.loads((vectors / "dsse/protocol-v1.json").read_text())
    body, name = case["serialized_body"].encode(), case["payload_type"]
    pae = dsse.pae(name, body)
    assert pae == case["pae"].encode()
    raw = base64.b64decode(case["signature"]["base64"])
    der = ecdsa.raw_to_der(raw)
    assert base64.b64encode(der).decode() == case["derived"]["signature_der_b64"]
    key = ec.derive_private_key(int(case["key"]["d"]), ec.SECP256R1())
    public = p256.load_public(base64.b64decode(case["derived"]["public_key_spki_der_b64"]))
    assert p256.verify_any(public, der, pae)
    assert p256.sign(key, pae) == ecdsa.to_low_s(der)
    found = dsse.parse_foreign(json.dumps(case["envelope"]).encode())
    assert (found.payload, found.payload_type) == (body, name)
    assert found.signatures == (dsse.ForeignSignature(None, raw),)
    with pytest.raises(InputError):  # no key id, white space, raw signature
        dsse.parse_own(json.dumps(case["envelope"]).encode())


def test_another_implementation_agrees(entry):
    from securesystemslib.dsse import Envelope

    other = Envelope.from_dict(json.loads(entry))
    own = dsse.parse_own(entry)
    assert other.payload == own.payload
    assert other.pae() == dsse.pae(own.payload_type, own.payload)


def test_round_trip_and_verify(entry):
    envelope = dsse.parse_own(entry)
    assert dsse.encode(envelope) == entry
    assert dsse.verify(envelope, people().officer.certificate)
    assert not dsse.verify(envelope, people().other.certificate)
    assert dsse.parse_foreign(entry).payload == envelope.payload
    assert envelope.keyid == people().officer.certificate.fingerprint


def test_every_flipped_bit_never_verifies(entry):
    """Each bit of each byte: unreadable, or read and not signed. The id never stays the same."""
    certificate, data = people().officer.certificate, bytearray(entry)
    original = dsse.event_id(dsse.parse_own(entry))
    for at in range(len(data)):
        for bit in range(8):
            data[at] ^= 1 << bit
            try:
                found = dsse.parse_own(bytes(data))
            except InputError:
                pass
            else:
                changed_signature = dsse.event_id(found) == original
                assert not dsse.verify(found, certificate), (at, bit)
                if changed_signature:
                    assert found.signature != dsse.parse_own(entry).signature or (
                        found.keyid != certificate.fingerprint
                    )
            data[at] ^= 1 << bit


def test_every_truncation_is_refused(entry):
    for size in range(len(entry)):
        with pytest.raises(InputError):
            dsse.parse_own(entry[:size])
    for tail in (b"\n", b" ", b"\x00", b"}"):
        with pytest.raises(InputError):
            dsse.parse_own(entry + tail)


def test_second_encodings_of_the_signature_are_refused(entry):
    envelope = dsse.parse_own(entry)
    r, s = ecdsa.strict_der(envelope.signature)
    high = ecdsa.to_der(r, ecdsa.ORDER - s)
    raw = ecdsa.der_to_raw(envelope.signature)
    longer = b"\x30\x81" + envelope.signature[1:]
    for other in (high, raw, longer, envelope.signature + b"\x00"):
        text = entry.replace(base64.b64encode(envelope.signature), base64.b64encode(other))
        assert text != entry
        with pytest.raises(InputError):
            dsse.parse_own(text)
        with pytest.raises(InputError):
            dsse.encode(envelope._replace(signature=other))
        assert not dsse.verify(envelope._replace(signature=other), people().officer.certificate)


def test_other_spellings_are_refused(entry):
    document = json.loads(entry)
    for text in (
        json.dumps(document).encode(),
        json.dumps(document, separators=(",", ":"), indent=0).encode(),
        json.dumps(dict(reversed(document.items())), separators=(",", ":")).encode(),
        entry.replace(b"payloadType", b"payload\\u0054ype"),
        entry.replace(b'"keyid"', b'"keyId"'),
        b"\xef\xbb\xbf" + entry,
    ):
        with pytest.raises(InputError):
            dsse.parse_own(text)
    two = json.loads(entry)
    two["signatures"] *= 2
    with pytest.raises(InputError):
        dsse.parse_own(json.dumps(two, separators=(",", ":")).encode())
    assert len(dsse.parse_foreign(json.dumps(two).encode()).signatures) == 2


def test_unused_base64_bits_are_refused():
    envelope = dsse.sign(b"1", "text/plain", people().officer)
    data = dsse.encode(envelope)
    assert b'"MQ=="' in data
    for other in (b'"MR=="', b'"MQ="', b'"MQ"', b'"MQ==="', b'"MQ=\n="'):
        with pytest.raises(InputError):
            dsse.parse_own(data.replace(b'"MQ=="', other))


def test_size_limit():
    signer = people().officer
    limit = 65_535
    body = b"x" * 48_000
    data = dsse.encode(dsse.sign(body, "text/plain", signer))
    assert len(data) <= limit
    assert dsse.parse_own(data).payload == body
    with pytest.raises(InputError) as caught:
        dsse.sign(b"x" * 49_150, "text/plain", signer)
    assert "digest" in caught.value.hint
    with pytest.raises(InputError, match="limit"):
        dsse.parse_own(b"{" * (limit + 1))


@pytest.mark.parametrize(
    ("payload_type", "payload"), [("", b"x"), ('a"b', b"x"), ("a b", b"x"), ("é", b"x"), ("a", b"")]
)
def test_what_cannot_be_written(payload_type, payload):
    with pytest.raises(InputError):
        dsse.sign(payload, payload_type, people().officer)


def test_pae_counts_bytes():
    assert dsse.pae("ع", b"ab") == "DSSEv1 2 ع 2 ab".encode()
    assert dsse.pae("", b"") == b"DSSEv1 0  0 "


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"\xff",
        b"{}",
        b'{"payload":"MQ==","payloadType":"a","signatures":[]}',
        b'{"payload":"MQ==","payloadType":"","signatures":[{"sig":"MQ=="}]}',
        b'{"payload":"MQ==","signatures":[{"sig":"MQ=="}]}',
        b'{"payload":1,"payloadType":"a","signatures":[{"sig":"MQ=="}]}',
        b'{"payload":"MQ==","payloadType":"a","signatures":[{"keyid":"k"}]}',
        b'{"payload":"MQ==","payloadType":"a","signatures":[{"keyid":1,"sig":"MQ=="}]}',
        b'{"payload":"MQ==","payloadType":"a","signatures":["x"]}',
        b'{"payload":"MQ==","payload":"Mg==","payloadType":"a","signatures":[{"sig":"MQ=="}]}',
        b'{"payload":"+-==","payloadType":"a","signatures":[{"sig":"MQ=="}]}',
        b'{"payload":"MQ==","payloadType":"\\ud800","signatures":[{"sig":"MQ=="}]}',
        b"[" * 100_000,
    ],
)
def test_foreign_envelopes_that_are_none(text):
    with pytest.raises(InputError):
        dsse.parse_foreign(text)


def test_foreign_spellings():
    text = (
        b'{ "signatures": [{"sig": "__8=", "more": 1}, {"sig": "//8=", "keyid": ""}],'
        b' "payloadType": "a", "payload": "-_8=", "else": {} }'
    )
    found = dsse.parse_foreign(text)
    assert found.payload == b"\xfb\xff"
    assert [entry.signature for entry in found.signatures] == [b"\xff\xff", b"\xff\xff"]
    assert [entry.keyid for entry in found.signatures] == [None, None]
