"""The examples in docs/spec are real: read by the readers, made again by the writers."""

from __future__ import annotations

import json
import re

import pytest
from signers import ORIGIN, people, private_key

from evkit.core import ejson
from evkit.identity.certificate import check_chain, load_certificate
from evkit.identity.signer import FileSigner
from evkit.identity.statement import parse_statement
from evkit.ledger import dsse
from evkit.ledger.checkpoint import parse_checkpoint_own, sign_checkpoint
from evkit.ledger.commitments import parse_opening
from evkit.ledger.event import read_entry
from evkit.ledger.note import parse_vkey
from evkit.ledger.tlog_proof import parse_proof_own, verify_proof
from evkit.merkle.tree import leaf_hash


@pytest.fixture
def page(repository):
    def read(name):
        text = (repository / "docs" / "spec" / f"{name}.md").read_text(encoding="utf-8")
        blocks = re.findall("^```\n(.*?)\n?^```$", text, re.DOTALL | re.MULTILINE)
        return text, blocks

    return read


@pytest.fixture
def certificates(page):
    _, blocks = page("keys-and-certificates")
    pems = [block for block in blocks if block.startswith("-----BEGIN")]
    return [load_certificate(pem.encode()) for pem in pems]


def test_certificates(page, certificates):
    text, _ = page("keys-and-certificates")
    root, officer = certificates
    assert root.fingerprint in text
    assert officer.fingerprint in text
    assert check_chain(officer, [root], officer.not_before).ok
    assert (officer.common_name, officer.rank, officer.officer) == (
        "Ayesha Khan",
        "Sub-Inspector",
        "a-khan",
    )


def test_envelope_and_event(page, certificates):
    text, blocks = page("envelope")
    data = blocks[-1].encode()
    entry = read_entry(data)
    signer = FileSigner(certificates[1], private_key(12))
    assert dsse.encode(dsse.sign(entry.envelope.payload, dsse.IN_TOTO, signer)) == data
    assert entry.event_id in text
    assert leaf_hash(data).hex() in text
    assert f"{len(data)} bytes" in text
    shown, pretty = page("event")
    assert ejson.dumps(json.loads(pretty[-1])) == entry.envelope.payload
    assert f"{len(entry.envelope.payload)} bytes" in shown


def test_checkpoint_and_proof(page):
    text, blocks = page("checkpoint")
    data = blocks[-1].encode() + b"\n"
    signed = parse_checkpoint_own(data)
    assert sign_checkpoint(signed.checkpoint, people().log) == data
    vkey = parse_vkey(re.search("vkey `([^`]+)`", text)[1])
    assert signed.verify(vkey)
    assert vkey.key.hex() in text
    _, proofs = page("tlog-proof")
    proof = parse_proof_own(proofs[-1].encode() + b"\n")
    assert proof.note == data
    _, envelopes = page("envelope")
    assert verify_proof(proof, leaf_hash(envelopes[-1].encode()), vkey).ok


def test_commitment(page):
    text, _ = page("commitments")
    opening = parse_opening(re.search("'(\\{[^']+\\})' \\| sha256sum", text)[1].encode())
    assert opening.commitment() in text
    _, envelopes = page("envelope")
    event = read_entry(envelopes[-1].encode()).event
    assert event.commitments == {opening.name: opening.commitment()}


def test_statement(page, certificates):
    text, blocks = page("station-statement")
    envelope = dsse.parse_own(blocks[-1].encode())
    assert dsse.verify(envelope, certificates[0])
    assert envelope.payload == blocks[-2].encode()
    assert parse_statement(envelope.payload).origin == ORIGIN
    assert dsse.event_id(envelope) in text
