"""An end that contradicts itself: what it says of the medium is not what its own files are."""

from __future__ import annotations

import dataclasses
import hashlib
import os

import bundlekit
import e01variants as v
import pytest
from bundlekit import CASE

from evkit.hashing import pieces
from evkit.ledger.event import Draft, Subject
from evkit.manifest.tree import FolderTree
from evkit.verify.bundle import verify_bundle

MEDIUM = bytes((i * i * 31 + i // 7) & 255 for i in range(40960))
SHA256, MD5 = (hashlib.new(name, MEDIUM).hexdigest() for name in ("sha256", "md5"))
MEDIA = {"size": len(MEDIUM), "sha256": SHA256, "md5": MD5}
E01, RAW = ("image.E01", v.build(MEDIUM)[0]), ("image.raw", MEDIUM)
REF = f"{CASE}/E1/A1"


def verified(tmp_path, file, role, media, **more):
    """A bundle with one acquisition of one file."""
    name, data = file
    ledger = bundlekit.Ledger()
    ledger.genesis()
    ledger.enrol(ledger.who.officer)
    exhibits = (f"{CASE}/E1",)
    ledger.add(Draft(kind="case-open", case=CASE, fields={"title": "Theft"}))
    ledger.add(Draft(kind="register", case=CASE, exhibits=exhibits, fields={"what": "stick"}))
    listed = [bundlekit.artifact(name, data, role)]
    fields = {"result": "complete", "made_by": "evkit", "media": media, "artifacts": listed}
    fields |= more
    subjects = (Subject(REF, {"sha256": SHA256}),)
    ledger.add(
        Draft(kind="acquire-end", case=CASE, exhibits=exhibits, acquisitions=(REF,),
              fields=fields, subjects=subjects)
    )  # fmt: skip
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "folder"}))
    files = ledger.bundle(exhibits={(REF, name): bundlekit.stream(data)}, inventories={})
    for path, content in files.items():
        place = tmp_path / "bundle" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    tree = FolderTree(os.fsencode(tmp_path / "bundle"))
    report = verify_bundle(tree, bundlekit.with_anchor(ledger))
    assert not any("\x1b" in line for line in report.lines())
    return report


@pytest.mark.parametrize("file", [E01, RAW])
def test_the_truth(tmp_path, file):
    assert verified(tmp_path, file, "image", MEDIA).answer("content") == "PASS"


@pytest.mark.parametrize("size", [0, 1, len(MEDIUM) - 1, -1, True, "\x1b[2J", []])
@pytest.mark.parametrize("file", [E01, RAW])
def test_another_size(tmp_path, file, size):
    report = verified(tmp_path, file, "image", MEDIA | {"size": size})
    assert bundlekit.codes(report) == {"media-digest"}


@pytest.mark.parametrize("digest", ["ab" * 32, 5, [], "\x1b[2J"])
@pytest.mark.parametrize("file", [E01, RAW])
def test_another_digest(tmp_path, file, digest):
    report = verified(tmp_path, file, "image", MEDIA | {"sha256": digest})
    assert "media-digest" in bundlekit.codes(report)
    assert report.answer("content") == "FAIL"


@pytest.mark.parametrize("role", ["wanted", "x", "map", "list"])
@pytest.mark.parametrize("file", [E01, RAW])
def test_no_file_holds_the_medium(tmp_path, file, role):
    report = verified(tmp_path, file, role, MEDIA | {"sha256": "ab" * 32})
    assert "no-image" in bundlekit.codes(report, "UNDECIDED")
    assert report.answer("content") == "UNDECIDED"


def tree_of(data):
    hasher = pieces.PieceHasher()
    hasher.update(data)
    return hasher.finish().fields()


@pytest.mark.parametrize("file", [E01, RAW])
def test_all_that_is_recorded_of_the_medium(tmp_path, file):
    names = ("md5", "sha1", "sha256", "sha512")
    media = {name: hashlib.new(name, MEDIUM).hexdigest() for name in names}
    media |= {"size": len(MEDIUM), "pieces": tree_of(MEDIUM)}
    assert verified(tmp_path, file, "image", media).answer("content") == "PASS"


@pytest.mark.parametrize(
    "lie",
    [
        {"md5": "ab" * 16},
        {"sha1": "ab" * 20},
        {"sha512": 5},
        {"pieces": tree_of(MEDIUM[:-1] + b"!")},
        {"pieces": tree_of(MEDIUM) | {"size": 5}},
        {"pieces": {"root": "\x1b[2J"}},
        {"pieces": [[]]},
    ],
    ids=str,
)
@pytest.mark.parametrize("file", [E01, RAW])
def test_another_digest_or_tree_beside_the_right_sha256(tmp_path, file, lie):
    """A proof of origin rests on the tree alone, so a tree of another image must not pass."""
    report = verified(tmp_path, file, "image", MEDIA | lie)
    assert bundlekit.codes(report) == {"media-digest"}
    assert report.answer("content") == "FAIL"


@pytest.mark.parametrize("file", [("image.E01", MEDIUM), ("image.E01", b"PK\x03\x04" + MEDIUM)])
def test_a_container_that_is_none(tmp_path, file):
    report = verified(tmp_path, file, "image", MEDIA | {"sha256": "ab" * 32})
    assert bundlekit.codes(report) == {"media-form"}


def test_a_raw_image_under_a_name_that_evkit_does_not_give(tmp_path):
    media = MEDIA | {"size": len(MEDIUM) + 512, "sha256": "ab" * 32}
    report = verified(tmp_path, ("disk.bin", MEDIUM), "image", media)
    assert bundlekit.codes(report) == {"media-form"}


UNREAD = dataclasses.replace(v.GUYMAGER, errors=((2, 3), (60, 5)))
WITH_ERRORS = ("image.E01", v.build(MEDIUM, UNREAD)[0])


@pytest.mark.parametrize(
    ("unread", "said"),
    [
        ({}, "4,096 bytes of the medium; entry 4 records 0"),
        ({"unread": {"bytes": 512}}, "4,096 bytes of the medium; entry 4 records 512"),
        ({"unread": {"bytes": 4096}}, ""),
        ({"unread": {"bytes": 3000}}, ""),
    ],
)
def test_the_container_names_unread_sectors_that_its_record_does_not(tmp_path, unread, said):
    report = verified(tmp_path, WITH_ERRORS, "image", MEDIA, **unread)
    told = [remark.text for remark in report.remarks if remark.code == "container-unread"]
    assert len(told) == bool(said)
    assert said in "".join(told)
    assert report.answer("content") == "PASS"


def test_a_recorded_container_of_nothing_but_a_claim(tmp_path):
    file = ("image.E01", v.hollow(v.build(MEDIUM)[0], 2**32 - 1))
    report = verified(tmp_path, file, "image", MEDIA | {"size": (2**32 - 1) * 32768})
    assert bundlekit.codes(report) == {"media-form"}
