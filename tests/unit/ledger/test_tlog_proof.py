"""Proof files: published cases, own form, verification."""

from __future__ import annotations

import base64
import json

import pytest
from signers import ORIGIN, people

from evkit.core.errors import InputError
from evkit.ledger.checkpoint import Checkpoint, parse_checkpoint_foreign, sign_checkpoint
from evkit.ledger.tlog_proof import (
    TlogProof,
    encode_proof,
    parse_proof_foreign,
    parse_proof_own,
    verify_proof,
)
from evkit.merkle.proof import inclusion_proof
from evkit.merkle.tiles import reader_from_leaves
from evkit.merkle.tree import leaf_hash, root

LEAVES = [leaf_hash(b"entry %d" % number) for number in range(13)]
NOTE = sign_checkpoint(Checkpoint(ORIGIN, 13, root(LEAVES)), people().log)


def _proof(index=5):
    return TlogProof(index, tuple(inclusion_proof(index, 13, reader_from_leaves(LEAVES))), NOTE)


def test_round_trip():
    for index in range(13):
        data = encode_proof(_proof(index))
        proof = parse_proof_own(data)
        assert proof == _proof(index)
        assert encode_proof(proof) == data
        result = verify_proof(proof, LEAVES[index], people().log.public)
        assert result.ok
        assert result.checkpoint.size == 13


def test_what_does_not_verify():
    log = people().log.public
    assert not verify_proof(_proof(5), LEAVES[6], log).ok
    assert not verify_proof(TlogProof(4, _proof(5).hashes, NOTE), LEAVES[5], log).ok
    assert not verify_proof(TlogProof(5, _proof(5).hashes[:-1], NOTE), LEAVES[5], log).ok
    assert not verify_proof(TlogProof(5, _proof(5).hashes, b"x"), LEAVES[5], log).ok
    other = log._replace(name="other", key_id=b"abcd")
    result = verify_proof(_proof(5), LEAVES[5], other)
    assert not result.ok
    assert result.detail
    assert not verify_proof(_proof(5), LEAVES[5], log, origin="another.example/log").ok


def test_every_flipped_byte():
    data = bytearray(encode_proof(_proof(5)))
    for at in range(len(data)):
        for bit in range(8):
            data[at] ^= 1 << bit
            try:
                proof = parse_proof_own(bytes(data))
            except InputError:
                pass
            else:
                assert not verify_proof(proof, LEAVES[5], people().log.public).ok, (at, bit)
            data[at] ^= 1 << bit
    for size in range(len(data)):
        with pytest.raises(InputError):
            parse_proof_own(bytes(data[:size]))


def test_published_cases(vectors):
    document = json.loads((vectors / "note/tlog-proof/parse-cases.json").read_text())
    assert (len(document["accept"]), len(document["reject"])) == (3, 8)
    for case in document["accept"]:
        proof = parse_proof_foreign(case["text"].encode())
        assert proof.index == case["index"]
        assert [base64.b64encode(entry).decode() for entry in proof.hashes] == case["hashes_b64"]
        assert proof.note.decode() == case["checkpoint"]
        extra = None if proof.extra is None else base64.b64encode(proof.extra).decode()
        assert extra == case["extra_b64"]
        assert encode_proof(proof).decode() == case["text"]
        with pytest.raises(InputError):
            parse_proof_own(case["text"].encode())
    for case in document["reject"]:
        text = case.get("text")
        if text is None:
            form = case["text_template"]
            text = form["prefix"] + form["repeat"] * form["times"] + form["suffix"]
        with pytest.raises(InputError):
            parse_proof_foreign(text.encode())


def test_format_example(vectors):
    """The signatures of the example are cut short: the proof is read, its checkpoint refused."""
    data = (vectors / "note/c2sp-format-only/example.tlog-proof").read_bytes()
    proof = parse_proof_foreign(data)
    assert encode_proof(proof) == data
    assert proof.extra.startswith(b"age-v1.2.1-darwin-arm64.tar.gz")
    assert (proof.index, len(proof.hashes)) == (73_894, 5)
    with pytest.raises(InputError):
        parse_checkpoint_foreign(proof.note)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("index 5", "index 05"),
        lambda text: text.replace("index 5", "index ٥"),
        lambda text: text.replace("index 5", "index 13"),
        lambda text: text.replace("index 5", "index 9223372036854775808"),
        lambda text: text.replace("index 5\n", "extra AA==\nindex 5\n"),
        lambda text: text.replace("index 5\n", "index 5\nindex 5\n"),
        lambda text: text.replace("@v1", "@v2"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\n" + text,
        lambda text: text.replace("index 5\n", "index 5\n" + ("A" * 43 + "=\n") * 64),
        lambda text: text + "x",
        lambda text: "x" * (1 << 20) + text,
    ],
)  # fmt: skip
def test_malformed(change):
    with pytest.raises(InputError):
        parse_proof_own(change(encode_proof(_proof(5)).decode()).encode())


def test_what_cannot_be_written():
    for bad in (
        TlogProof(-1, (), NOTE),
        TlogProof(0, (b"x",), NOTE),
        TlogProof(0, (b"x" * 32,) * 64, NOTE),
    ):
        with pytest.raises(InputError):
            encode_proof(bad)
