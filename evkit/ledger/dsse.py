"""DSSE envelopes: what is signed, how it is written, and two readers.

DSSE v1.0.2 (secure-systems-lab/dsse, protocol.md and envelope.md). An evkit envelope is evkit JSON
with exactly one signature: ECDSA P-256 with SHA-256 over the pre-authentication encoding (PAE),
strict DER, low S. The id of an event is the SHA-256 of the PAE. See `docs/spec/envelope.md`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from evkit.core.errors import InputError
from evkit.core.paths import unb64
from evkit.identity.ecdsa import is_low_s

if TYPE_CHECKING:
    from evkit.identity.signer import Signer
    from evkit.identity.x509 import Certificate

IN_TOTO = "application/vnd.in-toto+json"
MAX_ENVELOPE = 65_535
MAX_FOREIGN = 16 << 20
_MAX_SIGNATURES = 100
_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+/-]{0,126}")
_KEYID = re.compile("[0-9a-f]{64}")
_OWN = re.compile(
    rb'\{"payload":"([A-Za-z0-9+/]+={0,2})",'
    rb'"payloadType":"([A-Za-z0-9][A-Za-z0-9!#$&^_.+/-]{0,126})",'
    rb'"signatures":\[\{"keyid":"([0-9a-f]{64})","sig":"([A-Za-z0-9+/]{80,100}={0,2})"\}\]\}'
)


class Envelope(NamedTuple):
    """An envelope with its one signature.

    Attributes:
        payload: the signed bytes.
        payload_type: media type of the payload.
        keyid: SHA-256 of the signer's certificate, lower-case hex.
        signature: DER, low S.
    """

    payload: bytes
    payload_type: str
    keyid: str
    signature: bytes


class ForeignSignature(NamedTuple):
    """One signature of a foreign envelope; `keyid` is an unauthenticated hint, or None."""

    keyid: str | None
    signature: bytes


class ForeignEnvelope(NamedTuple):
    """An envelope as DSSE allows it; signature encodings are up to the key."""

    payload: bytes
    payload_type: str
    signatures: tuple[ForeignSignature, ...]


def pae(payload_type: str, body: bytes) -> bytes:
    """Return the pre-authentication encoding: the bytes that are signed."""
    name = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(body), body)


def event_id(envelope: Envelope) -> str:
    """Return the SHA-256 of the envelope's PAE in hex: the id of the event in it."""
    return hashlib.sha256(pae(envelope.payload_type, envelope.payload)).hexdigest()


def sign(
    payload: bytes, payload_type: str, signer: Signer, *, limit: int = MAX_ENVELOPE
) -> Envelope:
    """Return a signed envelope.

    Raises:
        InputError: the envelope would be over `limit` bytes.
        IdentityError: the key cannot be used.
    """
    signature = signer.sign(pae(payload_type, payload))
    envelope = Envelope(payload, payload_type, signer.certificate.fingerprint, signature)
    encode(envelope, limit=limit)
    return envelope


def verify(envelope: Envelope, certificate: Certificate) -> bool:
    """Tell whether the envelope names this certificate and is signed by its key."""
    return envelope.keyid == certificate.fingerprint and certificate.verify(
        envelope.signature, pae(envelope.payload_type, envelope.payload)
    )


def encode(envelope: Envelope, *, limit: int = MAX_ENVELOPE) -> bytes:
    """Return the canonical bytes of an envelope, without a final line feed.

    Ledger entries keep the default limit; manifests, which stay outside the ledger, may be larger.

    Raises:
        InputError: a part is malformed or the result is over `limit` bytes.
    """
    if _TYPE.fullmatch(envelope.payload_type) is None or _KEYID.fullmatch(envelope.keyid) is None:
        raise InputError("the payload type or the key id of the envelope is malformed")
    if not envelope.payload or not is_low_s(envelope.signature):
        raise InputError("the envelope has no payload or a signature that is not strict low-S DER")
    data = (b'{"payload":"%b","payloadType":"%b","signatures":[{"keyid":"%b","sig":"%b"}]}') % (
        base64.b64encode(envelope.payload),
        envelope.payload_type.encode(),
        envelope.keyid.encode(),
        base64.b64encode(envelope.signature),
    )
    if len(data) > limit:
        raise InputError(
            f"the envelope has {len(data)} bytes, over the limit of {limit}",
            hint="log large content by its digest: take it in as a file and attach it",
        )
    return data


def parse_own(data: bytes, *, limit: int = MAX_ENVELOPE) -> Envelope:
    """Read an envelope that evkit wrote; `encode(parse_own(data)) == data`.

    Raises:
        InputError: any byte that evkit would not write, a high-S or non-DER signature included.
    """
    if len(data) > limit:
        raise InputError(f"an envelope of {len(data)} bytes is over the limit of {limit}")
    match = _OWN.fullmatch(data)
    if match is None:
        raise InputError("not an envelope in the form that evkit writes")
    payload, payload_type, keyid, signature = match.groups()
    body, der = _decode(payload), _decode(signature)
    if not is_low_s(der):
        raise InputError("the signature of the envelope is not strict DER with low S")
    return Envelope(body, payload_type.decode("ascii"), keyid.decode("ascii"), der)


def parse_foreign(data: bytes) -> ForeignEnvelope:
    """Read an envelope by the rules of DSSE: any JSON spelling, unknown fields, several signatures.

    Standard and URL-safe base64 are accepted. A key that appears twice in an object is refused,
    because readers disagree about it.

    Raises:
        InputError: it is not such an envelope, or over 16 MiB.
    """
    if len(data) > MAX_FOREIGN:
        raise InputError(f"an envelope of {len(data)} bytes is over the limit of {MAX_FOREIGN}")
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the envelope is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InputError("the envelope is not a JSON object")
    payload_type = document.get("payloadType")
    signatures = document.get("signatures")
    if not isinstance(payload_type, str) or not payload_type:
        raise InputError("`payloadType` of the envelope is missing or not text")
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= _MAX_SIGNATURES:
        raise InputError("`signatures` of the envelope is not a list of 1 to 100")
    try:
        payload_type.encode()
    except UnicodeEncodeError as error:
        raise InputError("`payloadType` of the envelope holds a lone surrogate") from error
    return ForeignEnvelope(
        _any_base64(document.get("payload"), "payload"),
        payload_type,
        tuple(_foreign_signature(entry) for entry in signatures),
    )


def _foreign_signature(entry: object) -> ForeignSignature:
    if not isinstance(entry, dict):
        raise InputError("a signature of the envelope is not a JSON object")
    keyid = entry.get("keyid")
    if keyid is not None and not isinstance(keyid, str):
        raise InputError("`keyid` of a signature is not text")
    return ForeignSignature(keyid or None, _any_base64(entry.get("sig"), "sig"))


def _any_base64(value: object, name: str) -> bytes:
    if not isinstance(value, str):
        raise InputError(f"`{name}` of the envelope is missing or not text")
    if ("-" in value or "_" in value) and ("+" in value or "/" in value):
        raise InputError(f"`{name}` of the envelope mixes two base64 alphabets")
    return unb64(value.replace("-", "+").replace("_", "/"))


def _decode(text: bytes) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise InputError("the envelope holds base64 of an impossible length") from error
    if base64.b64encode(raw) != text:
        raise InputError("base64 in the envelope is not in its canonical form")
    return raw


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice in an object")
    return result
