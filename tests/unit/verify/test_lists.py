"""Taken-in files: everything that their list and their entry state is made again and compared."""

from __future__ import annotations

import hashlib

import bundlekit
import pytest
from bundlekit import CASE

from evkit.hashing.pieces import PieceHasher
from evkit.ledger.event import Draft, Subject
from evkit.manifest.filelist import Row, encode_row

REF = f"{CASE}/E1/A1"
FILES = {"files/000001": b"letter", "files/000002": b"picture" * 200_000}
BYTES = sum(map(len, FILES.values()))


def tree_of(data):
    hasher = PieceHasher()
    hasher.update(data)
    return hasher.finish().fields()


def row(number, name, data, **changes):
    names = ("md5", "sha1", "sha256", "sha512")
    values = {key: hashlib.new(key, data).hexdigest() for key in names}
    values |= {"n": number, "path": b"in/%d" % number, "type": "file", "state": "ok"}
    values |= {"name": name, "size": len(data), "pieces": tree_of(data)}
    return Row(**(values | changes))


def verified(changes=None, more=(), **fields):
    """A bundle with one intake; `changes` are of the row of the second file."""
    (one, letter), (two, picture) = FILES.items()
    listed = [row(1, one, letter), row(2, two, picture, **(changes or {})), *more]
    data = b"".join(map(encode_row, listed))
    ledger = bundlekit.Ledger()
    ledger.genesis()
    ledger.enrol(ledger.who.officer)
    exhibits = (f"{CASE}/E1",)
    ledger.add(Draft(kind="case-open", case=CASE, fields={"title": "Theft"}))
    ledger.add(Draft(kind="register", case=CASE, exhibits=exhibits, fields={"what": "export"}))
    made = {
        "result": "complete", "files": 2, "bytes": BYTES,
        "artifacts": [bundlekit.artifact("files.jsonl", data, "list")],
    }  # fmt: skip
    subject = Subject(REF, {"sha256": hashlib.sha256(data).hexdigest()})
    ledger.add(
        Draft(kind="intake-end", case=CASE, exhibits=exhibits, acquisitions=(REF,),
              fields=made | fields, subjects=(subject,))
    )  # fmt: skip
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "folder"}))
    inside = {"files.jsonl": data, **FILES}
    files = ledger.bundle(
        exhibits={(REF, name): bundlekit.stream(item) for name, item in inside.items()}
    )
    return bundlekit.check(files, bundlekit.with_anchor(ledger))


LOST = Row(n=3, path=b"in/3", type="file", state="unreadable", reason="EIO")


def test_the_truth():
    assert verified().answer("content") == "PASS"
    assert verified(more=[LOST], result="with-gaps").answer("content") == "PASS"


@pytest.mark.parametrize(
    "changes",
    [
        {"md5": "ab" * 16},
        {"sha1": "ab" * 20},
        {"sha512": "ab" * 64},
        {"pieces": tree_of(FILES["files/000002"][:-1] + b"!")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_digest_beside_the_right_sha256(changes):
    report = verified(changes)
    assert bundlekit.codes(report) == {"exhibit-digest"}
    (found,) = [one for one in report.findings if one.state == "FAIL"]
    assert next(iter(changes)) in str(found.expected)


@pytest.mark.parametrize(
    "fields",
    [{"files": 1}, {"files": 9}, {"bytes": 0}, {"more": [LOST]}],
    ids=lambda fields: next(iter(fields)),
)
def test_totals_that_are_not_those_of_the_list(fields):
    report = verified(**fields)
    assert bundlekit.codes(report) == {"list-totals"}
    assert report.answer("content") == "FAIL"
