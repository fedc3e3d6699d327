"""An inventory whose rows are those of the signed root, and not what the entry says they are."""

from __future__ import annotations

import hashlib

import bundlekit
import pytest
from bundlekit import CASE, IMAGE, coverage_row, source_row

from evkit.ledger.event import Draft, Subject

REF = f"{CASE}/E1/A1"
EXHIBITS = (f"{CASE}/E1",)
ERROR = {"row": "error", "stage": "volume", "reason": "no-table"}
DAMAGED = {"row": "filesystem", "fs": 1, "type": "ntfs", "offset": 0, "size": 9, "state": "damaged"}
SKIPPED = DAMAGED | {"state": "skipped"}
FOLDER = {
    "row": "directory", "fs": 1, "inode": 5, "seq": 0, "path": "/", "allocated": True,
    "entries": 0, "state": "damaged", "flags": ["virtual"],
}  # fmt: skip
GAPS = coverage_row(result="with-gaps", errors=1)


def verified(rows, *, before=False, without_end=False, **fields):
    """A bundle with one image and one inventory."""
    ledger = bundlekit.Ledger()
    ledger.genesis()
    ledger.enrol(ledger.who.officer)
    ledger.add(Draft(kind="case-open", case=CASE, fields={"title": "Theft"}))
    ledger.add(Draft(kind="register", case=CASE, exhibits=EXHIBITS, fields={"what": "stick"}))
    lines, made = bundlekit.inventory(rows, **fields)
    image = bundlekit.artifact("image.raw", IMAGE, "image")
    media = {"size": len(IMAGE), "sha256": image["sha256"]}
    ended = Draft(
        kind="acquire-end", case=CASE, exhibits=EXHIBITS, acquisitions=(REF,),
        fields={"result": "complete", "made_by": "evkit", "media": media, "artifacts": [image]},
        subjects=(Subject(REF, {"sha256": image["sha256"]}),),
    )  # fmt: skip
    listed = Draft(kind="inventory", case=CASE, exhibits=EXHIBITS, acquisitions=(REF,), fields=made)
    order = [listed, ended] if before else [ended, listed]
    for draft in [listed] if without_end else order:
        ledger.add(draft)
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "folder"}))
    exhibits = {} if without_end else {(REF, "image.raw"): bundlekit.stream(IMAGE)}
    files = ledger.bundle(exhibits=exhibits, inventories={REF: bundlekit.stream(lines)})
    report = bundlekit.check(files, bundlekit.with_anchor(ledger))
    assert not any("\x1b" in line for line in report.lines())
    return report


@pytest.mark.parametrize(
    ("rows", "result"),
    [
        ([source_row(), coverage_row()], "complete"),
        ([source_row(), SKIPPED, FOLDER, coverage_row()], "complete"),
        ([source_row(), ERROR, GAPS], "with-gaps"),
        ([source_row(), DAMAGED, GAPS], "with-gaps"),
    ],
)
def test_the_truth(rows, result):
    totals = {name: item for name, item in rows[-1].items() if name not in {"row", "result"}}
    assert verified(rows, result=result, coverage=totals).answer("content") == "PASS"


@pytest.mark.parametrize(
    "rows",
    [
        [source_row(acquisition=f"{CASE}/E9/A1"), coverage_row()],
        [{k: v for k, v in source_row().items() if k != "acquisition"}, coverage_row()],
        [source_row(size=len(IMAGE) + 512), coverage_row()],
        [source_row(digests={"sha256": hashlib.sha256(b"").hexdigest()}), coverage_row()],
        [SKIPPED, source_row(), coverage_row()],
        [coverage_row()],
    ],
)
def test_rows_of_something_else(rows):
    report = verified(rows)
    assert bundlekit.codes(report) == {"inventory-source"}
    assert report.answer("content") == "FAIL"


@pytest.mark.parametrize("rows", [[source_row()] * 2, [source_row(), *[coverage_row()] * 2]])
def test_rows_that_stand_there_twice(rows):
    assert bundlekit.codes(verified(rows)) == {"inventory-form"}


@pytest.mark.parametrize("times", [{"before": True}, {"without_end": True}])
def test_an_inventory_of_data_that_were_not_recorded_before_it(times):
    assert "inventory-source" in bundlekit.codes(verified(None, **times))


@pytest.mark.parametrize(
    ("rows", "fields"),
    [
        ([source_row(), ERROR, GAPS], {}),
        ([source_row(), ERROR, coverage_row()], {}),
        ([source_row(), DAMAGED, coverage_row()], {}),
        ([source_row(), coverage_row()], {"result": "with-gaps"}),
        ([source_row(), coverage_row()], {"result": "\x1b[2J"}),
        ([source_row(), coverage_row()], {"coverage": {"errors": 0, "\x1b[2J": {}}}),
        ([source_row()], {}),
        ([source_row(), coverage_row(), SKIPPED], {}),
    ],
)
def test_gaps_that_one_of_them_does_not_tell(rows, fields):
    report = verified(rows, **fields)
    assert bundlekit.codes(report) == {"inventory-result"}
    assert report.answer("content") == "FAIL"
