"""Signed notes against golang.org/x/mod, C2SP, Rekor, Pixel and a complete Tessera log."""

from __future__ import annotations

import base64
import json

import pytest
from signers import people

from evkit.core.errors import InputError
from evkit.ledger.checkpoint import Checkpoint, sign_checkpoint
from evkit.ledger.note import check_note, note_bytes, parse_note, parse_vkey


def _open(data, keys):
    """(accepted, verified names, unverified names)."""
    try:
        note = parse_note(data)
    except InputError:
        return False, [], []
    assert note_bytes(note) == data
    result = check_note(note, keys)
    return (
        result.ok,
        [entry.name for entry in result.verified],
        [entry.name for entry in result.unverified],
    )


def test_go_cases(vectors):
    document = json.loads((vectors / "note/go-sumdb-note/cases.json").read_text())
    assert len(document["open_cases"]) == 18
    for case in document["open_cases"]:
        keys = [parse_vkey(document["vkeys"][name]) for name in case["known_vkeys"]]
        ok, verified, unverified = _open(base64.b64decode(case["note_b64"]), keys)
        assert ok == (case["result"] == "accept"), case["desc"]
        if ok:
            assert (verified, unverified) == (case["verified"], case["unverified"]), case["desc"]


def test_go_signing(vectors):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from evkit.identity.signer import LogSigner
    from evkit.ledger.note import Note, NoteSignature

    case = json.loads((vectors / "note/go-sumdb-note/cases.json").read_text())["signing"]
    seed = base64.b64decode(case["skey"].split("+", 4)[4])[1:]
    signer = LogSigner("PeterNeumann", Ed25519PrivateKey.from_private_bytes(seed))
    text = case["text"].encode()
    line = NoteSignature(signer.name, signer.public.key_id, signer.sign(text))
    assert note_bytes(Note(text, (line,))).decode() == case["note"]


@pytest.mark.parametrize(
    ("note", "vkey"),
    [
        ("c2sp-signed-note/example.note", "c2sp-signed-note/example.vkey"),
        ("go-sumdb-note/peter-enoch.note", "go-sumdb-note/peter.vkey"),
        ("go-sumdb-note/peter-enoch.note", "go-sumdb-note/enoch.vkey"),
        ("ecdsa/rekor.note", "ecdsa/rekor.vkey"),
        ("ecdsa/pixel6.note", "ecdsa/pixel6.vkey"),
        ("checkpoint/sum.golang.org-6476701.note", "checkpoint/sum.golang.org.vkey"),
        ("checkpoint/sum.golang.org-35225469.note", "checkpoint/sum.golang.org.vkey"),
    ],
)
def test_published_notes(vectors, note, vkey):
    key = parse_vkey((vectors / "note" / vkey).read_text().strip())
    data = (vectors / "note" / note).read_bytes()
    assert _open(data, [key])[0]
    assert not _open(data, [people().log.public])[0]


def test_ecdsa_cases(vectors):
    cases = json.loads((vectors / "note/ecdsa/cases.json").read_text())["open_cases"]
    assert len(cases) == 4
    for case in cases:
        found, _, _ = _open(case["note"].encode(), [parse_vkey(case["vkey"])])
        assert found == case["accept"], case["desc"]


def test_every_flipped_byte_of_a_note():
    data = bytearray(sign_checkpoint(Checkpoint("agency.example/station-1", 3, b"\x01" * 32),
                                     people().log))  # fmt: skip
    key = people().log.public
    assert _open(bytes(data), [key])[0]
    for at in range(len(data)):
        for bit in range(8):
            data[at] ^= 1 << bit
            assert not _open(bytes(data), [key])[0], (at, bit)
            data[at] ^= 1 << bit
    for size in range(len(data)):
        assert not _open(bytes(data[:size]), [key])[0]


def test_limits():
    text = b"x\n\n"
    line = "— a AAAAAAA=\n".encode()
    assert len(parse_note(text + line * 100).signatures) == 100
    for bad in (
        text + line * 101,
        b"x" * ((1 << 20) + 1),
        text,
        b"x\n" + line,
        text + line.replace(b"AAAAAAA=", b"AAAA"),
        text + line.replace(b"AAAAAAA=", b"AAAAAAB="),
        text + line.replace(b"a A", b"a  A"),
        text + line.replace(b" a ", b" a\x0b "),
        text + line + b"\n",
        text.replace(b"x", b"x\r") + line,
        text.replace(b"x", b"\t") + line,
    ):
        with pytest.raises(InputError):
            parse_note(bad)


def test_text_may_hold_empty_lines_and_separators_of_other_alphabets():
    """U+2028 and U+0085 are not line ends; the last empty line divides."""
    text = "a\n\nb\u2028c\u0085d\n".encode()
    note = parse_note(text + b"\n" + "— a AAAAAAA=\n".encode())
    assert note.text == text
