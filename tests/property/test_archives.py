"""Mutated archives: rows that are valid and add up, no other exception, no end past the caps."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import random
import tarfile
import zipfile

import archivekit as kit
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evkit.inventory.archives.caps import Caps
from evkit.inventory.archives.mime import message_fields, parts_of
from evkit.inventory.archives.statements import statement_of

ROUNDS = int(os.environ.get("EVKIT_MUTATIONS", "8")) * 25
CAPS = Caps(base=8 << 20, ratio=20, memory=1 << 20, members=5000, seconds=60.0)
MAIL = (
    b"From a@b\nFrom: a\nTo: b\nSubject: =?utf-8?b?aGVsbG8=?=\nMIME-Version: 1.0\n"
    b'Content-Type: multipart/mixed; boundary="B"\n\n--B\nContent-Type: text/plain\n\nbody\n'
    b'--B\nContent-Type: application/zip; name="a.zip"\nContent-Transfer-Encoding: base64\n\n'
    b"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==\n--B--\n\nFrom b@c\nFrom: c\nSubject: two\n\nsecond\n"
)


def _sevenzip() -> bytes:
    import py7zr

    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w") as archive:
        archive.writestr(b"text " * 500, "a/b.txt")
        archive.writestr(b"other", "c")
    return out.getvalue()


def _samples() -> dict[str, bytes]:
    inner = kit.zipped({"deep/x.txt": b"deep" * 300})
    members = {"a.txt": b"hello" * 200, "d/in.zip": inner, "m.eml": MAIL[9:300], "e": b""}
    return {
        "zip": kit.zipped(members),
        "stored": kit.zipped(members, zipfile.ZIP_STORED),
        "lzma": kit.zipped(members, zipfile.ZIP_LZMA),
        "pax": kit.tarred(members | {"é" * 120: b"1"}),
        "gnu": kit.tarred(members | {"n" * 120: b"1"}, tarfile.GNU_FORMAT),
        "tgz": gzip.compress(kit.tarred(members)),
        "tbz": bz2.compress(kit.tarred(members)),
        "txz": lzma.compress(kit.tarred(members)),
        "mbox": MAIL,
        "eml": MAIL[9 : MAIL.index(b"From b@c")],
        "7z": _sevenzip(),
    }


SAMPLES = _samples()


def _check(listed) -> None:
    assert {"engine-error", "engine-memory"}.isdisjoint(row.get("reason") for row in listed.rows)
    for row in listed.kind("stream"):
        assert ("digests" in row) == (row["state"] == "ok")
    for row in listed.systems:
        assert row["type"] in {"zip", "tar", "7z", "gzip", "bzip2", "xz", "mbox", "eml"}
        number = row["within"] - kit.WITHIN - 1
        assert number == -1 or listed.rows[number]["row"] == "stream"
    assert len({row["fs"] for row in listed.systems}) == len(listed.systems)
    assert {row["fs"] for row in listed.rows} == {row["fs"] for row in listed.systems}


@pytest.mark.parametrize("name", SAMPLES)
def test_mutations(name):
    original = SAMPLES[name]
    kind = {"stored": "zip", "lzma": "zip", "pax": "tar", "gnu": "tar", "tgz": "gzip",
            "tbz": "bzip2", "txz": "xz"}.get(name, name)  # fmt: skip
    whole = kit.Listed(original, kind, caps=CAPS)
    assert whole.top["state"] == "ok"
    for seed in range(ROUNDS):
        chance = random.Random(f"{name} {seed}")
        data = bytearray(original)
        for _ in range(chance.choice((1, 1, 2, 5, 30))):
            place = chance.randrange(len(data))
            size = chance.choice((1, 1, 2, 4, 8))
            data[place : place + size] = chance.choice(
                (chance.randbytes(size), b"\xff" * size, bytes(size), b"", b"PK\x03\x04")
            )
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)) :]
        if chance.random() < 0.1:
            data += chance.choice((b"\0" * 700, bytes(original), b"\nFrom x\n"))
        _check(kit.Listed(bytes(data), kind, caps=CAPS))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1,
                max_size=60).filter(lambda name: not name.endswith("/")),
        st.binary(max_size=400), max_size=8,
    ),
    st.sampled_from(["zip", "tar"]),
)  # fmt: skip
def test_every_member_is_a_row(members, kind):
    data = kit.zipped(members) if kind == "zip" else kit.tarred(members)
    listed = kit.Listed(data, kind, name=b"x." + kind.encode())
    assert listed.top["state"] == "ok"
    found = [row["digests"]["sha256"] for row in listed.kind("stream", 2)]
    assert found == [hashlib.sha256(content).hexdigest() for content in members.values()]
    if kind == "zip":  # zipfile writes a backslash of Windows as it is, and so does tarfile
        assert list(listed.names()) == [b"/" + name.encode() for name in members]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=600), st.sampled_from(["zip", "tar", "7z", "gzip", "xz", "mbox", "eml"]))
def test_any_bytes(data, kind):
    _check(kit.Listed(data, kind, caps=CAPS))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(
    [b"--B", b"--B--", b"\n", b"\r\n", b"Content-Type: multipart/mixed; boundary=B", b"From: x",
     b" ", b"Content-Type: image/png; name=a",
     b"Content-Disposition: attachment; filename*=utf-8''%zz",
     b"=?utf-8?q?=zz?=", b"\xff", b"aGVsbG8=", b"Content-Transfer-Encoding: base64", b":", b"\0"]),
    max_size=40))  # fmt: skip
def test_any_mail(pieces):
    data = b"".join(pieces)
    message_fields(data)
    parts, _ = parts_of(data)
    for part in parts:
        part.decoded()
    _check(kit.Listed(data, "mbox", caps=CAPS))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=500), st.sampled_from([b"report.xml", b"a.ufd", b"a.csv", b"a.sha256"]))
def test_any_statement(data, name):
    reader = statement_of(name)
    for at in range(0, len(data), 7):
        reader.feed(data[at : at + 7])
    reader.close()
