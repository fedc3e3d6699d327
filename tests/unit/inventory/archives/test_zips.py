"""Zips: every member a row, and a reason where two programs would see different archives."""

from __future__ import annotations

import hashlib
import io
import stat
import struct
import zipfile
import zlib

import archivekit as kit
import pytest

from evkit.inventory.archives.caps import Caps


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_methods(method):
    data = bytes(range(256)) * 3000
    listed = kit.Listed(kit.zipped({"a/b.bin": data, "empty": b"", "c": b"x"}, method))
    assert listed.top["state"] == "ok"
    assert listed.top["within"] == kit.WITHIN
    assert listed.top["type"] == "zip"
    row = listed.streams()[b"/a/b.bin"]
    assert row["digests"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert row["size"] == len(data)
    assert set(listed.names()) == {b"/a/b.bin", b"/empty", b"/c"}
    assert listed.kind("directory")[0]["entries"] == 3


def test_an_archive_in_an_archive_follows_its_stream():
    inner = kit.zipped({"deep.txt": b"deep" * 2000})
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        listed = kit.Listed(kit.zipped({"first": b"1", "in.zip": inner, "z": b"2"}, method))
        assert [row["state"] for row in listed.systems] == ["ok", "ok"]
        inside = listed.systems[1]
        number = inside["within"] - kit.WITHIN - 1
        assert listed.rows[number]["row"] == "stream"
        assert listed.rows[number]["size"] == len(inner)
        assert listed.rows[number + 1]["fs"] == 3
        assert listed.streams(3)[b"/deep.txt"]["state"] == "ok"
        assert listed.streams()[b"/z"]["state"] == "ok"


def test_encrypted_members_are_named():
    data = bytearray(kit.zipped({"open": b"1" * 100, "secret": b"2" * 100}))
    for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.rfind(sign)
        struct.pack_into("<H", data, place + at, 1)
    listed = kit.Listed(bytes(data))
    assert listed.streams()[b"/open"]["state"] == "ok"
    row = listed.streams()[b"/secret"]
    assert (row["state"], row["reason"]) == ("encrypted", "encrypted")
    assert "digests" not in row
    assert row["size"] == 100
    assert listed.count.row()["result"] == "with-gaps"


def test_an_unknown_method_is_unsupported():
    data = kit.assembled(
        [kit.local(b"a", b"xx", method=98)], [kit.central(b"a", b"xx", 0, method=98)]
    )
    row = kit.Listed(data).streams()[b"/a"]
    assert (row["state"], row["reason"], row["detail"]) == (
        "unsupported", "packed-otherwise", "PPMd",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (b"/etc/passwd", "absolute-path"), (b"../up", "leads-out"), (b"a/../../up", "leads-out"),
        (b"..\\up", "leads-out"), (b"C:\\x", "drive-path"), (b"a\\b", "backslash"),
        (b"", "empty-name"), (b"a\x00.txt", "nul-in-name"),
    ],
)  # fmt: skip
def test_odd_names_are_kept_and_said(name, reason):
    listed = kit.Listed(kit.assembled([kit.local(name, b"x")], [kit.central(name, b"x", 0)]))
    row = listed.names()[b"/" + name]
    assert (row["state"], row["reason"]) == ("ok", reason)
    assert listed.streams()[b"/" + name]["state"] == "ok"


@pytest.mark.parametrize("name", [b"\xff\xfe", b"\x1b[31m", b"a\nb", "\u202e".encode(), b"=1+1"])
def test_hostile_names_keep_their_bytes(name):
    listed = kit.Listed(kit.assembled([kit.local(name, b"x")], [kit.central(name, b"x", 0)]))
    assert b"/" + name in listed.names()


def test_a_long_name_is_cut_and_said():
    name = b"n" * 3000
    data = kit.assembled([kit.local(name, b"x")], [kit.central(name, b"x", 0)])
    listed = kit.Listed(data, caps=Caps(name=1000))
    row = listed.names()[b"/" + b"n" * 1000]
    assert (row["state"], row["reason"]) == ("damaged", "name-too-long")


def test_a_name_twice():
    first, second = kit.local(b"a", b"one"), kit.local(b"a", b"two")
    data = kit.assembled(
        [first, second], [kit.central(b"a", b"one", 0), kit.central(b"a", b"two", len(first))]
    )
    listed = kit.Listed(data)
    names = listed.kind("name")
    assert [row.get("reason") for row in names] == [None, "duplicate-name"]
    found = [row["digests"]["md5"] for row in listed.kind("stream")]
    assert found == [hashlib.md5(text).hexdigest() for text in (b"one", b"two")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": b"b"}, "name"),
        ({"method": 8}, "method"),
        ({"size": 9}, "size"),
        ({"crc": 1}, "crc"),
    ],
)
def test_headers_that_differ(change, field):
    entry = {"name": b"a", "data": b"one"} | change
    name, content = entry.pop("name"), entry.pop("data")
    data = kit.assembled([kit.local(name, content, **entry)], [kit.central(b"a", b"one", 0)])
    row = kit.Listed(data).names()[b"/a"]
    assert (row["state"], row["reason"]) == ("damaged", "headers-differ")
    assert field in row["detail"]


def test_a_member_that_no_directory_names():
    shown, hidden, last = kit.local(b"a", b"one"), kit.local(b"h", b"hidden"), kit.local(b"b", b"2")
    data = kit.assembled(
        [shown, hidden, last],
        [kit.central(b"a", b"one", 0), kit.central(b"b", b"2", len(shown + hidden))],
    )
    listed = kit.Listed(data)
    row = listed.names()[b"/h"]
    assert (row["state"], row["reason"]) == ("damaged", "not-in-directory")
    digest = listed.streams()[b"/h"]["digests"]["sha256"]
    assert digest == hashlib.sha256(b"hidden").hexdigest()
    assert listed.count.row()["result"] == "with-gaps"


def test_a_hidden_member_with_a_data_descriptor():
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(b"hidden" * 100) + packer.flush()
    hidden = kit.local(b"h", packed, flags=8, method=8, crc=0, size=0, packed=0)
    hidden += struct.pack("<4sIII", b"PK\x07\x08", zlib.crc32(b"hidden" * 100), len(packed), 600)
    shown = kit.local(b"a", b"one")
    data = kit.assembled([hidden, shown], [kit.central(b"a", b"one", len(hidden))])
    listed = kit.Listed(data)
    row = listed.streams()[b"/h"]
    assert row["digests"]["md5"] == hashlib.md5(b"hidden" * 100).hexdigest()
    assert "note" not in listed.top


def test_members_that_overlap():
    one = kit.local(b"a", b"0123456789")
    data = kit.assembled(
        [one], [kit.central(b"a", b"0123456789", 0), kit.central(b"a", b"0123456789", 0)]
    )
    listed = kit.Listed(data)
    assert [row.get("reason") for row in listed.kind("name")] == [None, "overlaps"]


def test_overlap_with_an_earlier_longer_member():
    inner = kit.local(b"x", b"1") + kit.local(b"y", b"2")
    outer = kit.local(b"o", inner)
    at = len(outer) - len(inner)
    data = kit.assembled(
        [outer],
        [kit.central(b"o", inner, 0), kit.central(b"x", b"1", at),
         kit.central(b"y", b"2", at + len(inner) // 2)],
    )  # fmt: skip
    reasons = {row["name"]: row.get("reason") for row in kit.Listed(data).kind("name")}
    assert reasons == {"o": None, "x": "overlaps", "y": "overlaps"}


def test_count_and_prefix():
    one = kit.local(b"a", b"one")
    listed = kit.Listed(kit.assembled([one], [kit.central(b"a", b"one", 0)], count=5))
    assert (listed.top["state"], listed.top["reason"]) == ("damaged", "count-differs")
    before = b"MZ" + bytes(1000)
    listed = kit.Listed(kit.assembled([one], [kit.central(b"a", b"one", 0)], before=before), "zip")
    assert listed.top["state"] == "ok"
    assert listed.top["detail"] == "1002 bytes belong to no member"
    assert listed.streams()[b"/a"]["state"] == "ok"


def test_an_end_record_in_the_comment_of_another():
    data = kit.zipped({"a": b"1"})[:-22]
    inner = kit.end(0, 0, 0)
    place = data.find(b"PK\x01\x02")
    listed = kit.Listed(data + kit.end(1, len(data) - place, place, inner))
    assert listed.top["reason"] == "several-end-records"


def test_two_zips_in_a_row():
    data = kit.zipped({"a": b"1"})
    other = kit.zipped({"b": b"2"})
    listed = kit.Listed(other + data)
    assert set(listed.names()) == {b"/a", b"/b"}
    assert listed.names()[b"/b"]["reason"] == "not-in-directory"


def test_zip64():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, archive.open("a", "w", force_zip64=True) as member:
        member.write(b"content")
    listed = kit.Listed(out.getvalue())
    assert listed.top["state"] == "ok"
    assert listed.streams()[b"/a"]["size"] == 7


def test_zip64_that_claims_exabytes():
    big = struct.pack("<HHQQ", 1, 16, 1 << 60, 1 << 60)
    data = kit.assembled(
        [kit.local(b"a", b"one")],
        [kit.central(b"a", b"one", 0, size=0xFFFFFFFF, packed=0xFFFFFFFF, extra=big)],
    )
    row = kit.Listed(data).streams()[b"/a"]
    assert row["state"] == "damaged"
    assert row["bytes_digested"] < len(data)


@pytest.mark.parametrize("cut", range(1, 300, 7))
def test_cut_short(cut):
    data = kit.zipped({"a": b"one" * 50, "b/c": bytes(500)}, zipfile.ZIP_STORED)
    listed = kit.Listed(data[:-cut], "zip")
    assert listed.top["state"] == "damaged"
    assert b"/a" in listed.names()
    assert listed.streams()[b"/a"]["state"] == "ok"


def test_links_have_a_target_and_no_stream():
    listed = kit.Listed(
        kit.assembled(
            [kit.local(b"l", b"../../etc")],
            [kit.central(b"l", b"../../etc", 0, made=3, outside=(stat.S_IFLNK | 0o777) << 16)],
        )
    )
    row = listed.names()[b"/l"]
    assert (row["type"], row["target"], row["reason"]) == (
        "symlink", "../../etc", "link-leads-out",
    )  # fmt: skip
    assert listed.kind("stream") == []


def test_wrong_crc():
    data = bytearray(kit.zipped({"a": b"one" * 100}, zipfile.ZIP_STORED))
    data[40] ^= 1
    row = kit.Listed(bytes(data)).streams()[b"/a"]
    assert (row["state"], row["reason"]) == ("damaged", "crc-differs")
    assert row["bytes_digested"] == 300


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04", b"PK\x05\x06", b"PK\x05\x06" + bytes(18), b"PK\x03\x04" * 500]
)
def test_almost_nothing(data):
    kit.Listed(data, "zip")


def test_times_of_a_phone_tool():
    """GrayKey writes four times into the extended timestamp block of the local header."""
    ut = struct.pack("<HHB4i", 0x5455, 17, 7, 100, 200, 300, 400)
    gk = struct.pack("<HHBB", 0x4B47, 2, 1, 0)
    name, content = b"private/var/x", b"1"
    head = bytearray(kit.local(name, content))
    struct.pack_into("<H", head, 28, len(ut + gk))
    head[30 + len(name) : 30 + len(name)] = ut + gk
    listed = kit.Listed(kit.assembled([bytes(head)], [kit.central(name, content, 0)]))
    row = listed.names()[b"/" + name]
    assert row["times"] == {"m": "100000000000", "a": "200000000000", "c": "300000000000",
                            "b": "400000000000"}  # fmt: skip
    assert row["zone"] == "utc"
    assert [export["kind"] for export in listed.kind("export")] == ["graykey"]


def test_dos_times_have_no_zone():
    row = kit.Listed(kit.zipped({"a": b"1"})).names()[b"/a"]
    assert row["zone"] == "local-unknown"
    assert row["resolution"] == {"m": 2_000_000_000}


def test_members_of_a_zip_that_was_cut_short_were_not_hidden():
    data = kit.zipped({"a": b"1", "b": b"2"})
    listed = kit.Listed(data[: data.index(b"PK\x01\x02")])
    assert listed.top["reason"] == "no-end-record"
    assert {row["reason"] for row in listed.names().values()} == {"no-directory"}
