"""Ledger formats for arbitrary content: what is written is read back, what is read is rewritten."""

from __future__ import annotations

import base64
import contextlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st
from signers import ORIGIN, make_draft, make_entry, people

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.ledger import dsse
from evkit.ledger.checkpoint import (
    Checkpoint,
    parse_checkpoint_foreign,
    parse_checkpoint_own,
    sign_checkpoint,
)
from evkit.ledger.commitments import commit_all, parse_opening, verify_opening
from evkit.ledger.compare import compare_logs
from evkit.ledger.event import parse_event, read_entry
from evkit.ledger.note import note_bytes, parse_note
from evkit.ledger.tlog_proof import TlogProof, encode_proof, parse_proof_foreign, verify_proof
from evkit.ledger.witness import Request, encode_request, judge, parse_request
from evkit.merkle.proof import consistency_proof, inclusion_proof
from evkit.merkle.tiles import reader_from_leaves
from evkit.merkle.tree import leaf_hash, root

texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)
values = st.recursive(
    st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.from_regex("[a-zA-Z0-9_]{1,8}", fullmatch=True), inner, max_size=4)
    ),
    max_leaves=10,
)
names = st.from_regex("[a-z][a-z0-9_]{0,10}", fullmatch=True)
hashes = st.binary(min_size=32, max_size=32)


@given(st.dictionaries(names, values, max_size=5), st.dictionaries(names, texts, max_size=3), texts)
@settings(max_examples=100, deadline=None)
def test_events(fields, sensitive, place):
    fields = {name: value for name, value in fields.items() if name not in sensitive}
    data = make_entry(make_draft(fields=fields, sensitive=sensitive, place=place))
    entry = read_entry(data)
    assert dsse.encode(entry.envelope) == data
    assert ejson.dumps(entry.event.fields) == ejson.dumps(fields)
    assert entry.event.place == place
    assert entry.event.commitments.keys() == sensitive.keys()
    assert dsse.verify(entry.envelope, people().officer.certificate)


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_hostile_bytes_raise_only_our_error(data):
    for read in (
        dsse.parse_own,
        dsse.parse_foreign,
        parse_event,
        parse_note,
        parse_checkpoint_own,
        parse_checkpoint_foreign,
        parse_proof_foreign,
        parse_request,
        parse_opening,
    ):
        with contextlib.suppress(InputError):
            read(data)


ENTRY = make_entry()
NOTE = sign_checkpoint(Checkpoint(ORIGIN, 3, b"\x01" * 32), people().log)


@given(st.integers(0, len(ENTRY) - 1), st.binary(max_size=6), st.integers(0, 6))
@settings(deadline=None)
def test_spliced_envelopes_never_verify(at, insert, cut):
    data = ENTRY[:at] + insert + ENTRY[at + cut :]
    if data == ENTRY:
        return
    try:
        entry = read_entry(data)
    except InputError:
        return
    assert not dsse.verify(entry.envelope, people().officer.certificate)


@given(st.integers(0, len(NOTE) - 1), st.binary(max_size=6), st.integers(0, 6))
@settings(deadline=None)
def test_spliced_notes_are_rewritten_as_they_were(at, insert, cut):
    data = NOTE[:at] + insert + NOTE[at + cut :]
    try:
        note = parse_note(data)
    except InputError:
        return
    assert note_bytes(note) == data
    try:
        signed = parse_checkpoint_own(data)
    except InputError:
        return
    assert signed.verify(people().log.public) == (data == NOTE)


@given(st.integers(0, 2**63 - 1), hashes)
@settings(deadline=None)
def test_checkpoints(size, digest):
    head = Checkpoint(ORIGIN, size, digest)
    signed = parse_checkpoint_own(sign_checkpoint(head, people().log))
    assert signed.checkpoint == head
    assert signed.verify(people().log.public)


@given(st.integers(0, 2**63 - 1), st.lists(hashes, max_size=63), st.none() | st.binary())
@settings(deadline=None)
def test_proof_files(index, path, extra):
    proof = TlogProof(index, tuple(path), b"note\n", extra)
    if extra == b"":
        return
    assert parse_proof_foreign(encode_proof(proof)) == proof


@given(st.integers(1, 60), st.data())
@settings(max_examples=60, deadline=None)
def test_proofs_verify_only_their_own_leaf(size, data):
    leaves = [leaf_hash(b"%d" % number) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1))
    note = sign_checkpoint(Checkpoint(ORIGIN, size, root(leaves)), people().log)
    proof = TlogProof(index, tuple(inclusion_proof(index, size, reader_from_leaves(leaves))), note)
    assert verify_proof(proof, leaves[other], people().log.public).ok == (index == other)


@given(st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_a_witness_moves_only_forwards(have, size):
    leaves = [leaf_hash(b"%d" % number) for number in range(40)]
    stored = Checkpoint(ORIGIN, have, root(leaves[:have]))
    proof: tuple[bytes, ...] = ()
    if 0 < have < size:
        proof = tuple(consistency_proof(have, size, reader_from_leaves(leaves)))
    note = sign_checkpoint(Checkpoint(ORIGIN, size, root(leaves[:size])), people().log)
    request = Request(have, proof, note)
    assert parse_request(encode_request(request)) == request
    answer = judge(request, people().log.public, stored)
    assert (answer.outcome == "ok") == (have <= size)
    forged = sign_checkpoint(Checkpoint(ORIGIN, size, b"\x66" * 32), people().log)
    if have:
        assert judge(request._replace(note=forged), people().log.public, stored).outcome != "ok"


@given(st.lists(st.integers(0, 3), max_size=20), st.lists(st.integers(0, 3), max_size=20))
@settings(deadline=None)
def test_comparing_logs(a, b):
    """Against the plain meaning: equal, prefix, or different somewhere."""
    left = [leaf_hash(bytes([number])) for number in a]
    right = [leaf_hash(bytes([number])) for number in b]
    if a == b:
        expected = "same"
    elif b[: len(a)] == a:
        expected = "a-behind"
    elif a[: len(b)] == b:
        expected = "b-behind"
    else:
        expected = "fork"
    assert compare_logs(left, right).verdict == expected


@given(st.dictionaries(names, texts, max_size=4))
@settings(deadline=None)
def test_commitments(values):
    commitments, openings = commit_all(values)
    assert {opening.name: opening.value for opening in openings} == values
    for opening in openings:
        assert parse_opening(opening.encode()) == opening
        assert verify_opening(opening, commitments[opening.name])
        assert not verify_opening(opening._replace(value=opening.value + "x"), opening.commitment())


@given(texts, st.binary(min_size=1, max_size=60), st.lists(st.binary(min_size=1), min_size=1))
@settings(deadline=None)
def test_foreign_envelopes(payload_type, payload, signatures):
    document = {
        "payload": base64.urlsafe_b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [{"sig": base64.b64encode(entry).decode()} for entry in signatures],
    }
    found = dsse.parse_foreign(json.dumps(document).encode())
    assert (found.payload, found.payload_type) == (payload, payload_type)
    assert [entry.signature for entry in found.signatures] == signatures
