"""Checkpoints: own and foreign reader, published cases, a complete log, Rekor v2 bundles."""

from __future__ import annotations

import base64
import json
import re

import pytest
from signers import ORIGIN, people

from evkit.core.errors import InputError
from evkit.ledger.checkpoint import (
    Checkpoint,
    parse_checkpoint_foreign,
    parse_checkpoint_own,
    parse_checkpoint_text,
    sign_checkpoint,
)
from evkit.ledger.cosignature import cosign
from evkit.ledger.note import check_note, note_bytes, parse_vkey
from evkit.merkle.proof import verify_inclusion
from evkit.merkle.tree import leaf_hash, root

HEAD = Checkpoint(ORIGIN, 12, bytes(range(32)))


def _read(path):
    return json.loads(path.read_text())


def test_round_trip():
    data = sign_checkpoint(HEAD, people().log)
    signed = parse_checkpoint_own(data)
    assert signed.checkpoint == HEAD
    assert signed.encode() == data
    assert signed.verify(people().log.public)
    assert not signed.verify(people().log.public, "another.example/log")
    assert HEAD.head() == (ORIGIN, 12, bytes(range(32)).hex())
    assert data.decode().split("\n")[:4] == [
        ORIGIN, "12", base64.b64encode(HEAD.root).decode(), "",
    ]  # fmt: skip


def test_only_its_own_origin_and_range():
    log = people().log
    for bad in (
        HEAD._replace(origin="other"),
        HEAD._replace(size=-1),
        HEAD._replace(size=2**63),
        HEAD._replace(root=b"x"),
    ):
        with pytest.raises(InputError):
            sign_checkpoint(bad, log)


def test_own_reader_takes_cosignatures_only_when_asked():
    signed = parse_checkpoint_own(sign_checkpoint(HEAD, people().log))
    witness = people().log.public._replace(name="witness.example/w")
    line = cosign(signed.note.text, witness, 1_800_000_000, people().log.sign)
    both = note_bytes(signed.note._replace(signatures=(*signed.note.signatures, line)))
    assert parse_checkpoint_own(both, cosigned=True).verify(people().log.public)
    turned = note_bytes(signed.note._replace(signatures=(line, *signed.note.signatures)))
    twice = note_bytes(signed.note._replace(signatures=(*signed.note.signatures, line, line)))
    again = note_bytes(signed.note._replace(signatures=signed.note.signatures * 2))
    for bad, cosigned in ((both, False), (turned, True), (twice, True), (again, True)):
        with pytest.raises(InputError):
            parse_checkpoint_own(bad, cosigned=cosigned)
        assert parse_checkpoint_foreign(bad).verify(people().log.public)


def _signed_text(text):
    from evkit.ledger.note import Note, NoteSignature

    log = people().log
    return note_bytes(Note(text, (NoteSignature(log.name, log.public.key_id, log.sign(text)),)))


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n012\n{base64.b64encode(HEAD.root).decode()}\n",
        f"{ORIGIN}\n+12\n{base64.b64encode(HEAD.root).decode()}\n",
        f"{ORIGIN}\n1_2\n{base64.b64encode(HEAD.root).decode()}\n",
        f"{ORIGIN}\n٤٥\n{base64.b64encode(HEAD.root).decode()}\n",
        f"{ORIGIN}\n12 \n{base64.b64encode(HEAD.root).decode()}\n",
        f"{ORIGIN}\n9223372036854775808\n{base64.b64encode(HEAD.root).decode()}\n",
        f"{ORIGIN}\n12\n{base64.b64encode(HEAD.root[:31]).decode()}\n",
        f"{ORIGIN}\n12\n{base64.b64encode(HEAD.root).decode()[:-2]}9=\n",
        f"{ORIGIN}\n12\n",
        f"\n12\n{base64.b64encode(HEAD.root).decode()}\n",
    ],
)
def test_malformed_text(text):
    with pytest.raises(InputError):
        parse_checkpoint_text(text.encode())
    with pytest.raises(InputError):
        parse_checkpoint_foreign(_signed_text(text.encode()))


def test_extension_lines_are_foreign():
    data = _signed_text(HEAD.text() + b"more\n")
    assert parse_checkpoint_foreign(data).extensions == ("more",)
    with pytest.raises(InputError):
        parse_checkpoint_own(data)
    with pytest.raises(InputError):
        parse_checkpoint_own(_signed_text(HEAD._replace(origin="a b").text()))
    with pytest.raises(InputError, match="limit"):
        parse_checkpoint_own(b"x" * 20_000)


def test_published_texts(vectors):
    """Where a case is accepted with a root that is not SHA-256, only that length is refused."""
    ran = 0
    for group in _read(vectors / "note/checkpoint/cases.json")["groups"]:
        for case in group["cases"]:
            ran += 1
            if "note_file" in case:
                folder = vectors / "note/checkpoint"
                signed = parse_checkpoint_foreign((folder / case["note_file"]).read_bytes())
                key = parse_vkey((folder / case["vkey_file"]).read_text().strip())
                found = signed.verify(key, case["expected_origin"])
                assert found == case["accept"], case["desc"]
                continue
            if not case["accept"] or "root_text" in case:
                with pytest.raises(InputError) as caught:
                    parse_checkpoint_text(case["text"].encode())
                if case["accept"]:
                    assert re.search("bytes, not 32|empty line", caught.value.message), case
                continue
            checkpoint, rest = parse_checkpoint_text(case["text"].encode())
            assert (checkpoint.origin, checkpoint.size) == (case["origin"], case["size"])
            assert rest == ()
            assert checkpoint.root == leaf_hash(case["root_is_leaf_hash_of"].encode())
    assert ran > 15


def test_format_examples(vectors):
    folder = vectors / "note/c2sp-format-only"
    plain = parse_checkpoint_own((folder / "checkpoint.note").read_bytes())
    assert plain.checkpoint.size == 20_852_163
    cosigned = parse_checkpoint_own(
        (folder / "cosigned-checkpoint.note").read_bytes(), cosigned=True
    )
    assert cosigned.checkpoint == plain.checkpoint


def test_complete_log(vectors):
    """All checkpoints of a Tessera log verify, and their roots follow from the entries."""
    folder = vectors / "note/tessera-log"
    key = parse_vkey((folder / "log.vkey").read_text().strip())
    entries = _read(folder / "entries.json")["entries_in_order"]
    leaves = [leaf_hash(entry.encode()) for entry in entries]
    names = [f"checkpoint.{size}" for size in range(16)] + ["checkpoint"]
    for name in names:
        signed = parse_checkpoint_own((folder / name).read_bytes())
        assert signed.verify(key)
        assert signed.checkpoint.root == root(leaves[: signed.checkpoint.size])


def test_sigstore_conformance(vectors):
    folder = vectors / "note/sigstore-conformance"
    key = parse_vkey((folder / "log.vkey").read_text().strip())
    cases = _read(folder / "expected.json")["cases"]
    assert len(cases) == 10
    for name, case in cases.items():
        bundle = _read(folder / name / "bundle.sigstore.json")
        entry = bundle["verificationMaterial"]["tlogEntries"][0]
        assert _rekor(entry, key) == (case["expected"] == "pass"), name


def _rekor(entry, key):
    proof = entry["inclusionProof"]
    try:
        signed = parse_checkpoint_foreign(proof["checkpoint"]["envelope"].encode())
    except InputError:
        return False
    if not check_note(signed.note, [key]).ok or signed.checkpoint.origin != key.name:
        return False
    return verify_inclusion(
        int(proof["logIndex"]),
        signed.checkpoint.size,
        leaf_hash(base64.b64decode(entry["canonicalizedBody"])),
        [base64.b64decode(text) for text in proof["hashes"]],
        signed.checkpoint.root,
    )
