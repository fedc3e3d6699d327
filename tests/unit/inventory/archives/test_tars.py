"""Tars of every dialect, and what is wrong with them."""

from __future__ import annotations

import hashlib
import io
import tarfile

import archivekit as kit
import pytest

from evkit.inventory.archives.caps import Caps

FORMS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def _info(name, kind=tarfile.REGTYPE, **more):
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in more.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize("form", FORMS)
def test_dialects(form):
    long = "/".join(["d" * 40] * 5) + "/file"
    data = kit.tarred(
        {
            "a.txt": b"hello", "d": _info("d", tarfile.DIRTYPE, mode=0o755),
            "l": _info("l", tarfile.SYMTYPE, linkname="a.txt"),
            "h": _info("h", tarfile.LNKTYPE, linkname="a.txt"),
            "p": _info("p", tarfile.FIFOTYPE), long: b"long", "e": b"",
            "own": _info("own", uid=1000, gid=1001, mtime=1_700_000_000, mode=0o640),
        },
        form,
    )  # fmt: skip
    listed = kit.Listed(data)
    assert listed.top["state"] == "ok"
    names = listed.names()
    assert names[b"/d"]["type"] == "directory"
    assert names[b"/l"]["target"] == "a.txt"
    assert names[b"/h"]["reason"] == "hard-link"
    assert names[b"/h"]["detail"] == "the content of member 1"
    assert names[b"/p"]["type"] == "fifo"
    assert names[b"/own"]["uid"] == 1000
    assert names[b"/own"]["mode"] == 0o640
    assert names[b"/own"]["times"]["m"] == "1700000000000000000"
    row = listed.streams()[b"/" + long.encode()]
    assert row["digests"]["md5"] == hashlib.md5(b"long").hexdigest()
    assert b"/h" not in listed.streams()


def test_pax_times_and_names():
    info = _info("é" * 90, mtime=1_700_000_000.123456)
    info.size = 1
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(b"x"))
    row = kit.Listed(out.getvalue()).names()[b"/" + ("é" * 90).encode()]
    assert row["times"]["m"].startswith("1700000000123456")
    assert row["resolution"] == {"m": 1}


def test_a_header_that_claims_exabytes():
    data = bytearray(kit.tarred({"a": b"x"}, tarfile.GNU_FORMAT))
    data[124:136] = b"\x80" + (1 << 60).to_bytes(11, "big")
    head = bytes(data[:148]) + b" " * 8 + bytes(data[156:512])
    data[148:156] = b"%06o\x00 " % sum(head)
    listed = kit.Listed(bytes(data))
    assert (listed.top["state"], listed.top["reason"]) == ("damaged", "size-out-of-range")
    data[124:136] = b"\x80" + (1 << 50).to_bytes(11, "big")
    head = bytes(data[:148]) + b" " * 8 + bytes(data[156:512])
    data[148:156] = b"%06o\x00 " % sum(head)
    listed = kit.Listed(bytes(data))
    row = listed.streams()[b"/a"]
    assert (row["state"], row["reason"], row["size"]) == ("damaged", "cut-short", 1 << 50)
    assert listed.top["reason"] == "cut-short"


@pytest.mark.parametrize("cut", [1, 700, 1023, 1024, 1025, 1535, 1537, 9000, 9300])
def test_cut_short(cut):
    data = kit.tarred({"a": b"1" * 600, "b": b"2" * 600})[:-cut]
    listed = kit.Listed(data, "tar")
    assert b"/a" in listed.names()
    if len(data) >= 512 + 1024 + 512:
        assert listed.streams()[b"/a"]["state"] == "ok"


def test_wrong_checksum():
    data = bytearray(kit.tarred({"a": b"1", "b": b"2"}))
    data[1024] ^= 1
    listed = kit.Listed(bytes(data))
    assert listed.top["reason"] == "header-checksum"
    assert set(listed.names()) == {b"/a"}


def test_bytes_behind_the_end():
    data = kit.tarred({"a": b"1"}) + kit.tarred({"hidden": b"2"})
    listed = kit.Listed(data)
    assert (listed.top["state"], listed.top["reason"]) == ("damaged", "bytes-after-end")


def test_huge_records_are_refused():
    info = _info("x" * 200)
    data = bytearray(kit.tarred({"n": info}, tarfile.GNU_FORMAT))
    data[124:136] = b"%011o\x00" % (1 << 30)
    head = bytes(data[:148]) + b" " * 8 + bytes(data[156:512])
    data[148:156] = b"%06o\x00 " % sum(head)
    assert kit.Listed(bytes(data)).top["reason"] == "record-too-large"


def test_sparse_members_are_named():
    data = bytearray(kit.tarred({"s": b"x" * 100}, tarfile.GNU_FORMAT))
    data[156:157] = b"S"
    head = bytes(data[:148]) + b" " * 8 + bytes(data[156:512])
    data[148:156] = b"%06o\x00 " % sum(head)
    row = kit.Listed(bytes(data)).streams()[b"/s"]
    assert (row["state"], row["reason"]) == ("unsupported", "tar-sparse")


def test_a_zip_in_a_tar_in_a_gzip():
    import gzip

    inner = kit.zipped({"deep": b"x" * 5000})
    data = gzip.compress(kit.tarred({"first": b"1", "in.zip": inner, "last": b"2"}))
    listed = kit.Listed(data, name=b"backup.tgz")
    assert [row["type"] for row in listed.systems] == ["gzip", "tar", "zip"]
    assert [row["state"] for row in listed.systems] == ["ok"] * 3
    assert listed.names()[b"/backup.tar"]["type"] == "file"
    assert listed.streams(4)[b"/deep"]["size"] == 5000
    assert listed.streams(3)[b"/last"]["state"] == "ok"


def test_a_tar_in_a_tar_goes_on_behind_it():
    data = kit.tarred({"in.tar": kit.tarred({"x": b"1" * 999}), "last": b"2"})
    listed = kit.Listed(data)
    assert listed.streams(3)[b"/x"]["size"] == 999
    assert listed.streams()[b"/last"]["state"] == "ok"


def test_a_long_list_of_members_is_quick():
    data = kit.tarred({f"f{n}": b"" for n in range(3000)}, tarfile.USTAR_FORMAT)
    assert len(kit.Listed(data, caps=Caps(seconds=20)).kind("name")) == 3000


def test_an_old_tar_without_a_mark_is_known_by_its_name():
    data = bytearray(kit.tarred({"a": b"1"}, tarfile.USTAR_FORMAT))
    data[257:265] = bytes(8)
    head = bytes(data[:148]) + b" " * 8 + bytes(data[156:512])
    data[148:156] = b"%06o\x00 " % sum(head)
    assert kit.Listed(bytes(data), name=b"old.tar").streams()[b"/a"]["size"] == 1
