"""An end that contradicts itself: what it says of the medium is not what its own files are."""

from __future__ import annotations

import hashlib
import os

import bundlekit
import e01variants as v
import pytest
from bundlekit import CASE

from evkit.ledger.event import Draft, Subject
from evkit.manifest.tree import FolderTree
from evkit.verify.bundle import verify_bundle

MEDIUM = bytes((i * i * 31 + i // 7) & 255 for i in range(40960))
SHA256, MD5 = (hashlib.new(name, MEDIUM).hexdigest() for name in ("sha256", "md5"))
MEDIA = {"size": len(MEDIUM), "sha256": SHA256, "md5": MD5}
E01, RAW = ("image.E01", v.build(MEDIUM)[0]), ("image.raw", MEDIUM)
REF = f"{CASE}/E1/A1"


def verified(tmp_path, file, role, media):
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
