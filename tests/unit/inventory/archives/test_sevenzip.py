"""7z through py7zr: member by member, nothing renamed, nothing written."""

from __future__ import annotations

import hashlib
import io
import os

import archivekit as kit
import pytest

from evkit.inventory.archives.caps import Caps

py7zr = pytest.importorskip("py7zr")


def _packed(members, password=None, filters=None, **more) -> bytes:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", password=password, filters=filters, **more) as archive:
        for name, data in members.items():
            archive.writestr(data, name)
    return out.getvalue()


def test_members():
    data = os.urandom(300_000)
    listed = kit.Listed(
        _packed({"a/b": data, "t": b"text" * 1000, "in.zip": kit.zipped({"x": b"1"})})
    )
    assert [row["type"] for row in listed.systems] == ["7z", "zip"]
    assert [row["state"] for row in listed.systems] == ["ok", "ok"]
    assert listed.streams()[b"/a/b"]["digests"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert listed.streams()[b"/t"]["size"] == 4000


def test_encrypted_content_and_names():
    listed = kit.Listed(_packed({"a": b"1" * 99}, password="p"))
    row = listed.streams()[b"/a"]
    assert (row["state"], row["size"]) == ("encrypted", 99)
    listed = kit.Listed(_packed({"a": b"1"}, password="p", header_encryption=True))
    assert (listed.top["state"], listed.top["detail"]) == ("encrypted", "also the names")


def test_damaged_content():
    data = bytearray(_packed({"a": os.urandom(50_000), "b": b"2" * 100}))
    data[20_000] ^= 0xFF
    listed = kit.Listed(bytes(data))
    row = listed.streams()[b"/a"]
    assert row["state"] == "damaged"
    assert "digests" not in row
    assert listed.top["state"] == "damaged"


@pytest.mark.parametrize("cut", [1, 10, 100, 1000])
def test_cut_short(cut):
    listed = kit.Listed(_packed({"a": os.urandom(5000)})[:-cut])
    assert listed.top["state"] == "damaged"


def test_hostile_names():
    names = ["../../up", "/abs", "C:/x", "a\\b", "x\n", "\u202e"]
    data = _packed({f"n{number}": b"1" for number in range(len(names))})
    raw = io.BytesIO()
    with py7zr.SevenZipFile(raw, "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(b"%d" % number, f"n{number}")
            archive.header.files_info.files[-1]["filename"] = name
    del data
    listed = kit.Listed(raw.getvalue())
    assert len(listed.kind("name")) == len(names)
    assert b"/../../up" in listed.names()
    assert listed.names()[b"/../../up"]["reason"] == "leads-out"


def test_a_huge_dictionary_is_not_asked_for():
    filters = [{"id": py7zr.FILTER_LZMA2, "preset": 9, "dict_size": 1 << 26}]
    data = _packed({"a": b"1" * 10_000}, filters=filters)
    row = kit.Listed(data, caps=Caps(dictionary=1 << 20)).streams()[b"/a"]
    assert (row["state"], row["reason"]) == ("unreadable", "dictionary-too-large")


def test_without_the_library(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "py7zr", None)
    listed = kit.Listed(_packed_sample())
    assert (listed.top["state"], listed.top["reason"]) == ("unsupported", "7z-not-here")
    assert "evkit[archives]" in listed.top["detail"]


def _packed_sample() -> bytes:
    return b"7z\xbc\xaf\x27\x1c" + bytes(26)


def test_a_bomb():
    data = _packed({"zeros": bytes(32 << 20), "b": b"1"})
    listed = kit.Listed(data, caps=Caps(base=1 << 20, ratio=10))
    assert listed.capped
    assert listed.top["reason"] == "too-many-bytes"
