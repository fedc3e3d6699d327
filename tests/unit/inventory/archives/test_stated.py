"""Digests that an export states of its files are compared, and what was not compared is said."""

from __future__ import annotations

import hashlib
import os

import archivekit as archives
import inventorykit as kit
import pytest

from evkit.inventory.archives.packages import Names, packages_of
from evkit.inventory.archives.statements import read_sums, read_table, read_ufd, statement_of
from evkit.inventory.scan import Options, Target
from evkit.manifest import filelist

PLAIN = Options(types=False)
UFD = """[DeviceInfo]
Model=Pixel 7a
Vendor=Google

[Dumps]
FileDump=EXTRACTION_FFS.zip
KeyStore=EXTRACTION_FFS.zip
Physical=blk0.bin

[General]
AcquisitionTool=UFED
UfdVer=1.2

[SHA256]
EXTRACTION_FFS.zip={sha256}
{more}
[Hash]
HMAC=VAlY9hB4f+5Y6GJuJifsQdVsjyWgvOxTPcUZqDNSQ/0=
"""
REPORT = """<?xml version="1.0" encoding="utf-8"?>
<project id="1" name="x" reportVersion="8.5" xmlns="http://pa.cellebrite.com/report/2.0">
<taggedFiles>{files}</taggedFiles></project>"""
FILE = """<file path="/data/x" size="1"><metadata section="File">
<item name="Local Path"><![CDATA[{path}]]></item><item name="SHA256"><![CDATA[{sha256}]]></item>
<item name="MD5"><![CDATA[{md5}]]></item></metadata></file>"""


def _ufd(zipped: bytes, more="", encoding="ascii") -> bytes:
    text = UFD.format(sha256=hashlib.sha256(zipped).hexdigest().upper(), more=more)
    data = text.replace("\n", "\r\n").encode(encoding)
    return b"\xff\xfe" + data if encoding == "utf-16-le" else data


@pytest.mark.parametrize("encoding", ["ascii", "utf-16-le"])
def test_a_ufed_folder(tmp_path, encoding):
    folder = tmp_path / "t" / "FFS 01"
    folder.mkdir(parents=True)
    zipped = archives.zipped({"Dump/data/a.db": b"SQLite", "extra/secrets.json": b"{}"})
    (folder / "EXTRACTION_FFS.zip").write_bytes(zipped)
    (folder / "EXTRACTION_FFS.ufd").write_bytes(_ufd(zipped, encoding=encoding))
    with kit.scan(tmp_path / "t", tmp_path / "i.db", PLAIN) as inventory:
        (row,) = kit.of_kind(inventory, "export")
        assert inventory.coverage()["result"] == "complete"
        names = {name["path"]: name["inode"] for name in kit.of_kind(inventory, "name")}
    assert row["kind"] == "cellebrite-ufd"
    assert row["path"] == "/FFS 01/EXTRACTION_FFS.ufd"
    assert row["inode"] == names["/FFS 01/EXTRACTION_FFS.ufd"]
    assert row["tool"] == "UFED"
    assert (row["stated"], row["agreed"], row["differing"], row["missing"]) == (1, 1, 0, 0)
    assert row["unchecked"] == 1  # a part without a digest
    assert "HMAC" in row["detail"]
    assert row["state"] == "ok"


def test_a_part_that_differs_and_one_that_is_gone(tmp_path):
    folder = tmp_path / "t"
    folder.mkdir()
    zipped = archives.zipped({"a": b"1"})
    (folder / "EXTRACTION_FFS.zip").write_bytes(zipped + b"\0")
    (folder / "x.ufd").write_bytes(_ufd(zipped, f"report.pdf={'1' * 64}\n"))
    with kit.scan(folder, tmp_path / "i.db", PLAIN) as inventory:
        (row,) = kit.of_kind(inventory, "export")
        errors = {error["reason"]: error for error in kit.of_kind(inventory, "error")}
        stream = kit.by_path(inventory)["/EXTRACTION_FFS.zip"]
        assert inventory.coverage()["result"] == "with-gaps"
    assert (row["agreed"], row["differing"], row["missing"]) == (0, 1, 1)
    assert (row["state"], row["reason"]) == ("damaged", "differs-from-stated")
    assert errors["differs-from-stated"]["path"] == "/EXTRACTION_FFS.zip"
    assert hashlib.sha256(zipped).hexdigest() in errors["differs-from-stated"]["detail"]
    assert errors["stated-file-missing"]["path"] == "/report.pdf"
    # a statement never takes away what the content is
    assert stream["digests"]["sha256"] == hashlib.sha256(zipped + b"\0").hexdigest()


def test_a_digest_that_is_not_made_of_every_file_is_made_of_this_one(tmp_path):
    folder = tmp_path / "t"
    folder.mkdir()
    (folder / "a.bin").write_bytes(b"a")
    (folder / "a.bin.sha1").write_text(hashlib.sha1(b"a").hexdigest() + "  a.bin\n")
    with kit.scan(folder, tmp_path / "i.db", PLAIN) as inventory:
        (row,) = kit.of_kind(inventory, "export")
        assert set(kit.by_path(inventory)["/a.bin"]["digests"]) == {"md5", "sha256"}
    assert (row["kind"], row["agreed"], row["state"]) == ("digest-list", 1, "ok")


def test_a_ufed_folder_in_a_zip_in_any_order():
    part = archives.zipped({"Dump/a": b"1"})
    for order in (1, -1):
        members = [("F/EXTRACTION_FFS.zip", part), ("F/E.ufd", _ufd(part))][::order]
        listed = archives.Listed(archives.zipped(members))
        (row,) = listed.kind("export")
        assert (row["agreed"], row["state"], row["fs"]) == (1, "ok", 2)
        assert row["path"] == "/F/E.ufd"
        assert row["inode"] == listed.names()[b"/F/E.ufd"]["inode"]
    listed = archives.Listed(
        archives.tarred([("EXTRACTION_FFS.zip", part + b"x"), ("E.ufd", _ufd(part))])
    )
    assert [row["reason"] for row in listed.kind("error")] == ["differs-from-stated"]


def test_a_ufdr():
    image = b"\xff\xd8\xff"
    text = FILE.format(
        path="files\\Image\\1.jpg", sha256=hashlib.sha256(image).hexdigest(), md5=""
    ) + FILE.format(path="files\\Text\\2.txt", sha256="", md5="0" * 32)
    text += FILE.format(path="files\\gone", sha256="0" * 64, md5="")
    members = {
        "report.xml": REPORT.format(files=text), "files/Image/1.jpg": image,
        "files/Text/2.txt": b"t",
    }  # fmt: skip
    listed = archives.Listed(archives.zipped(members), name=b"phone.ufdr")
    (row,) = listed.kind("export")
    assert row["kind"] == "cellebrite-ufdr"
    assert row["tool"] == "report 8.5"
    assert (row["stated"], row["agreed"], row["differing"], row["missing"]) == (3, 1, 1, 1)
    assert [error["path"] for error in listed.kind("error")] == ["/files/Text/2.txt"]


@pytest.mark.parametrize(
    "text",
    [
        "<project/>", "not xml", "", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        ("<!DOCTYPE l [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><project xmlns="
         "'http://pa.cellebrite.com/report/2.0'>&b;</project>"),
        "<a>" * 100_000,
    ],
)  # fmt: skip
def test_a_report_that_is_none(text):
    listed = archives.Listed(archives.zipped({"report.xml": text}))
    assert listed.kind("export") == []
    assert listed.top["state"] == "ok"


def test_a_damaged_report_says_so():
    data = REPORT.format(files=FILE.format(path="a", sha256="0" * 64, md5=""))[:-30]
    (row,) = archives.Listed(archives.zipped({"report.xml": data})).kind("export")
    assert "damaged" in row["detail"]


def test_a_table_of_a_provider(tmp_path):
    folder = tmp_path / "t"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"video")
    (folder / "records.csv").write_text(
        "No,File Name,SHA-256\n1,a.mp4," + hashlib.sha256(b"video").hexdigest() + "\n2,b,n/a\n"
    )
    (folder / "plain.csv").write_text("a,b\n1,2\n")
    with kit.scan(folder, tmp_path / "i.db", PLAIN) as inventory:
        (row,) = kit.of_kind(inventory, "export")
    assert (row["kind"], row["stated"], row["agreed"], row["unchecked"]) == (
        "digest-table",
        1,
        1,
        1,
    )


def test_an_intake_of_a_ufed_export(tmp_path):
    zipped = archives.zipped({"Dump/a": b"1"})
    content = {b"E/EXTRACTION_FFS.zip": zipped, b"E/E.ufd": _ufd(zipped)}
    folder = tmp_path / "A1"
    (folder / "files").mkdir(parents=True)
    lines = b""
    for number, (path, data) in enumerate(content.items(), 1):
        row = filelist.Row(
            n=number, path=path, type="file", state="ok", name=filelist.neutral_name(number),
            size=len(data), sha256=hashlib.sha256(data).hexdigest(),
        )  # fmt: skip
        (folder / str(row.name)).write_bytes(data)
        lines += filelist.encode_row(row)
    (folder / "files.jsonl").write_bytes(lines)
    aim = Target(
        name=b"C/E1/A1", root=os.fsencode(folder), listed=os.fsencode(folder / "files.jsonl")
    )
    with kit.run(aim, tmp_path / "i.db", PLAIN) as inventory:
        (row,) = kit.of_kind(inventory, "export")
        assert (row["agreed"], row["path"], row["inode"]) == (1, "E/E.ufd", 2)
        assert [system["type"] for system in kit.of_kind(inventory, "filesystem")] == [
            "tree",
            "zip",
        ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([b"takeout-20240101T000000Z-001.zip", b"takeout-20240101T000000Z-003.zip"],
         [("google-takeout", 1)]),
        ([b"takeout-20240101T000000Z-3-001.zip", b"takeout-20240101T000000Z-3-002.zip"],
         [("google-takeout", 0)]),
        ([b"00008110-000925383620A01E_files_full.zip"], [("graykey", 0)]),
        ([b"archive_browser.html", b"Mail"], [("google-takeout", 0)]),
        ([b"your_facebook_activity"], [("meta-download", 0)]),
        ([b"records.html", b"linked_media"], [("meta-return", 0)]),
        ([b"records.html", b"index.html", b"a.zip", b"takeout.zip"], []),
        ([b"EvidenceCollection.ufdx"], [("cellebrite-ufdx", 0)]),
    ],
)  # fmt: skip
def test_packages(names, expected):
    assert [(found.kind, found.missing) for found in packages_of(names)] == expected
    every = Names()
    for name in names:
        every.add(b"a/" + name + b"/x")
    assert [(found.kind, found.name.startswith(b"a/")) for found in every.found()] == [
        (kind, True) for kind, _ in expected
    ]


def test_packages_in_a_folder_and_a_zip(tmp_path):
    folder = tmp_path / "t" / "Takeout"
    folder.mkdir(parents=True)
    (folder / "archive_browser.html").write_bytes(b"<html>")
    zipped = archives.zipped({"x/your_instagram_activity/a.json": b"{}"})
    (tmp_path / "t" / "takeout-20240101T000000Z-002.zip").write_bytes(zipped)
    with kit.scan(tmp_path / "t", tmp_path / "i.db", PLAIN) as inventory:
        found = {(row["fs"], row["kind"]): row for row in kit.of_kind(inventory, "export")}
    assert set(found) == {(1, "google-takeout"), (2, "meta-download")}
    rows = [row for row in found.values() if row["kind"] == "google-takeout"]
    assert {row["path"] for row in rows} <= {
        "/Takeout/archive_browser.html",
        "/takeout-20240101T000000Z-002.zip",
    }


@pytest.mark.parametrize(
    "data",
    [b"", b"[", b"[Dumps]", b"=\n=", b"\xff\xfe\x00", b"\xff\xfe[", b"[General]\nUfdVer=1",
     b"\x00" * 99, b"[SHA256]\nx=zz\n[Dumps]\n=",
     b"[Dumps]\nA=..\\..\\up\n[SHA256]\n..\\..\\up=" + b"0" * 64],
)  # fmt: skip
def test_statements_of_any_bytes(data):
    for read in (read_ufd, read_sums, read_table):
        read(data)
    for name in (b"report.xml", b"x.ufd", b"x.md5", b"x.csv", b"SHA256SUMS"):
        reader = statement_of(name)
        reader.feed(data)
        reader.close()


def test_a_table_of_a_million_columns_is_let_go():
    reader = statement_of(b"x.csv")
    for _ in range(100):
        reader.feed(b"a," * 100_000)
    assert reader.close() is None
