"""Cosignatures of witnesses: real ones, and what does not count."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from signers import ORIGIN, people

from evkit.core.errors import InputError
from evkit.identity.ed25519 import (
    COSIGNATURE,
    ED25519,
    cosignature_message,
    make_vkey,
    parse_vkey,
    verify_ed25519,
)
from evkit.ledger.checkpoint import Checkpoint, sign_checkpoint
from evkit.ledger.cosignature import (
    Cosignature,
    cosign,
    cosigner_key,
    read_cosignatures,
    split_cosignature,
)
from evkit.ledger.note import Note, NoteSignature, check_note, parse_note
from evkit.merkle.proof import verify_inclusion
from evkit.merkle.tree import leaf_hash

WITNESS = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
KEY = make_vkey("witness.example/w", COSIGNATURE, WITNESS.public_key().public_bytes_raw())


def _note():
    return parse_note(sign_checkpoint(Checkpoint(ORIGIN, 3, b"\x02" * 32), people().log))


def test_round_trip():
    note = _note()
    line = cosign(note.text, KEY, 1_800_000_000, WITNESS.sign)
    both = note._replace(signatures=(*note.signatures, line))
    found = read_cosignatures(both, [KEY])
    assert found == (Cosignature("witness.example/w", 1_800_000_000),)
    assert found[0].moment().year == 2027
    assert read_cosignatures(note, [KEY]) == ()
    assert check_note(both, [people().log.public, KEY]).ok


def test_one_key_counts_once():
    """The message does not hold the witness's name: two names for one key are one witness."""
    note = _note()
    twin = make_vkey("witness.example/twin", COSIGNATURE, KEY.key)
    lines = [cosign(note.text, key, 5, WITNESS.sign) for key in (KEY, twin)]
    both = note._replace(signatures=(*note.signatures, *lines))
    assert len(read_cosignatures(both, [KEY, twin])) == 1


def test_changed_time_or_signature():
    note = _note()
    line = cosign(note.text, KEY, 1_800_000_000, WITNESS.sign)
    for at in range(72):
        raw = bytearray(line.signature)
        raw[at] ^= 1
        bad = note._replace(signatures=(line._replace(signature=bytes(raw)),))
        assert read_cosignatures(bad, [KEY]) == ()
    with pytest.raises(InputError):
        split_cosignature(b"\xff" * 72)
    with pytest.raises(InputError):
        split_cosignature(line.signature[:-1])
    assert Cosignature("w", 2**62).moment() is None


def test_timestamp_cases(vectors):
    document = json.loads((vectors / "note/cosignature/vkey-and-timestamp-cases.json").read_text())
    for case in document["timestamp_cases"]:
        try:
            raw = base64.b64decode(case["signature_b64"], validate=True)
            seconds, _ = split_cosignature(raw[4:])
        except ValueError:
            assert not case["accept"]
        except InputError:
            assert not case["accept"]
        else:
            assert case["accept"]
            assert seconds == case["posix_seconds"]


def test_sigsum(vectors):
    """A tree head, a cosignature and a proof made by real programs."""
    case = json.loads((vectors / "note/cosignature/sigsum-cosigned-tree-head.json").read_text())
    text = case["checkpoint_text"].encode()
    origin = case["checkpoint_text"].split("\n")[0]
    log = make_vkey(origin, ED25519, bytes.fromhex(case["log_public_key_hex"]))
    witness = make_vkey("w", COSIGNATURE, bytes.fromhex(case["witness_public_key_hex"]))
    seconds = case["cosignature_timestamp"]
    assert cosignature_message(seconds, text).decode() == case["cosigned_message"]
    note = Note(
        text,
        (
            NoteSignature(origin, log.key_id, bytes.fromhex(case["log_signature_hex"])),
            NoteSignature(
                "w",
                witness.key_id,
                seconds.to_bytes(8, "big") + bytes.fromhex(case["cosignature_hex"]),
            ),
        ),
    )
    assert check_note(note, [log, witness]).ok
    assert read_cosignatures(note, [witness]) == (Cosignature("w", seconds),)
    fields = [line.split("=", 1) for line in case["sigsum_proof"].split("\n") if "=" in line]
    key_hash, signature = dict(fields[:3])["leaf"].split(" ")
    checksum = hashlib.sha256(bytes.fromhex(case["message_hex"])).digest()
    entry = checksum + bytes.fromhex(signature) + bytes.fromhex(key_hash)
    root = base64.b64decode(case["checkpoint_text"].split("\n")[2])
    path = [bytes.fromhex(entry) for entry in case["inclusion_path_hex"]]
    found = verify_inclusion(case["leaf_index"], 4, leaf_hash(entry), path, root)
    assert found == case["accept"]
    assert verify_ed25519(
        bytes.fromhex(case["submitter_public_key_hex"]),
        bytes.fromhex(signature),
        b"sigsum.org/v1/tree-leaf\x00" + checksum,
    )


def test_key_conversion(vectors):
    plain = make_vkey("w", ED25519, KEY.key)
    assert cosigner_key(plain) == make_vkey("w", COSIGNATURE, KEY.key)
    rekor = parse_vkey((vectors / "note/ecdsa/rekor.vkey").read_text().strip())
    with pytest.raises(InputError):
        cosigner_key(rekor)
