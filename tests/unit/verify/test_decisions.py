"""A partial acquisition is called that first: in manifest, page and every verification."""

from __future__ import annotations

import dataclasses
import html

import bundlekit
import pytest
from bundlekit import CASE, IMAGE, Draft, Ledger

from evkit.manifest import contents, facts, layout, model
from evkit.manifest.decisions import decisions
from evkit.verify import remarks
from evkit.verify.report import Report
from evkit.verify.single import verify_manifest
from evkit.verify.view import RecordView

E1 = f"{CASE}/E1"
REF = f"{E1}/A1"
WORDS = "partition 2: bytes 1,024 to 17,408 of 99,999"
SENTENCE = (
    f"{REF} is partial by decision: {WORDS}; why: only \x1b[31mthis; who: Sub-Inspector افسر اول"
)


def ledger(scope="only \x1b[31mthis", ends=1, **fields):
    made = Ledger()
    made.genesis()
    made.enrol(made.who.officer)
    made.enrol(made.who.other)
    made.add(Draft(kind="case-open", case=CASE, fields={"title": "Theft"}))
    made.add(Draft(kind="register", case=CASE, exhibits=(E1,), fields={"what": "disk"}))
    image = bundlekit.artifact("image.raw", IMAGE, "image")
    for number in range(1, ends + 1):
        about = {"case": CASE, "exhibits": (E1,), "acquisitions": (f"{E1}/A{number}",)}
        made.add(Draft(kind="acquire-start", fields={"type": "partition", "scope": scope}, **about))
        end = {
            "result": "complete", "type": "partition", "artifacts": [image],
            "media": {"size": len(IMAGE), "sha256": image["sha256"]},
            "part": {"words": WORDS, "offset": 1024, "length": len(IMAGE), "source_size": 99_999},
        }  # fmt: skip
        end = {name: value for name, value in (end | fields).items() if value is not None}
        made.add(Draft(kind="acquire-end", fields=end, **about), made.who.other)
    made.add(Draft(kind="bundle", case=CASE, fields={"form": "folder"}))
    return made


@pytest.fixture(scope="module")
def bundle():
    made = ledger()
    exhibits = {(REF, "image.raw"): bundlekit.stream(IMAGE)}
    return made, made.bundle(exhibits=exhibits)


def test_the_rows_of_the_manifest(bundle):
    manifest = model.parse(model.parse_envelope(bundle[1][layout.MANIFEST]).payload)
    row = manifest.facts["acquisitions"][0]
    assert row["type"] == "partition"
    assert row["part"]["words"] == WORDS
    assert [one.sentence for one in decisions(manifest.facts)[REF]] == [SENTENCE]


def test_the_page_says_it_first(bundle):
    page = html.unescape(bundle[1][layout.PAGE].decode())
    shown = SENTENCE.replace("\x1b", "\\x1b")
    assert page.index("<h1>") < page.index(shown) < page.index("In short")
    own = page[page.index(f"<h3>{REF}") :]
    assert own.index("by decision") < own.index("result")


def test_the_first_line_of_a_verification(bundle):
    made, files = bundle
    report = bundlekit.check(files, bundlekit.with_anchor(made))
    assert report.word == "PASS"
    assert SENTENCE.replace("\x1b", "\\x1b") in report.first_line
    assert report.document()["decisions"][0]["kind"] == "partial"
    assert report.lines()[1] == "by decision, not for want of reading:"
    assert not report.unreadable


def test_a_manifest_alone_says_it_too(bundle):
    view = RecordView(entries={}, checkpoint=None, statement=None, root=None)
    data = bundle[1][layout.MANIFEST]
    report = verify_manifest(data, "manifest.json", view, bundlekit.trusting())
    assert "partial by decision" in report.first_line


@pytest.mark.parametrize("name", ["type", "part"])
def test_a_manifest_that_leaves_it_out_is_found(bundle, name):
    made, files = bundle
    manifest = model.parse(model.parse_envelope(files[layout.MANIFEST]).payload)
    rows = [dict(row) for row in manifest.facts["acquisitions"]]
    del rows[0][name]
    changed = dataclasses.replace(manifest, facts={**manifest.facts, "acquisitions": rows})
    signed = model.sign(changed, made.who.officer)
    forged = bundlekit.relist(files | {layout.MANIFEST: signed}, made.who.officer)
    report = bundlekit.check(forged, bundlekit.with_anchor(made))
    assert "manifest-facts" in bundlekit.codes(report)
    assert "partial by decision" in report.first_line


def test_of_several_ends_the_first_counts():
    made = ledger()
    again = Draft(
        kind="acquire-end", case=CASE, exhibits=(E1,), acquisitions=(REF,),
        fields={"result": "complete", "type": "full"},
    )  # fmt: skip
    made.add(again)
    found = decisions(facts.facts(list(made.events())))
    assert [one.kind for one in found[REF]] == ["partial"]


def test_many_decisions_keep_the_first_line_short():
    made = facts.facts(list(ledger(scope="s" * 4000, ends=5).events()))
    report = Report("x", "bundle")
    remarks.say_decisions(made, report)
    assert len(report.decisions) == 5
    assert report.reach[-1] == "2 more decisions, listed below"
    assert len(report.first_line) < 2000
    assert len(report.decisions[0]["text"]) > 4000


def test_only_what_is_asked_about():
    made = facts.facts(list(ledger(ends=12).events()))
    report = Report("x", "acquisition")
    remarks.say_decisions(made, report, f"{E1}/A1")
    assert [one["acquisition"] for one in report.decisions] == [f"{E1}/A1"]


@pytest.mark.parametrize(
    "row",
    [
        {"fields": []},
        {"fields": {"type": ["partition"], "part": 3, "result": "complete"}},
        {"fields": {"result": "complete", "part": {"words": {}}}, "deviations": [3, "x"]},
        {"rank": 3, "fields": {"result": "complete", "type": "live"}},
    ],
)
def test_hostile_rows(row):
    whole = {"entry": 1, "kind": "acquire-end", "acquisitions": [REF], "name": "N", **row}
    for found in decisions({"entries": [whole]}).values():
        assert all(one.sentence for one in found)


def test_a_list_of_files_is_enclosed_as_one(bundle):
    """A targeted acquisition is a list of files to manifest and verifier, as an intake is."""
    del bundle
    listed = bundlekit.file_list()
    fields = {
        "type": "targeted", "files": 2, "bytes": 286, "media": None, "part": None,
        "artifacts": [
            bundlekit.artifact("files.jsonl", listed, "list"),
            bundlekit.artifact("wanted.jsonl", b"{}\n", "wanted"),
        ],
        "selection": {"seen": {"files": 7, "whole": True}, "copied": 2},
    }  # fmt: skip
    made = ledger(**fields)
    expected = contents.expected(facts.facts(list(made.events())))
    assert ("files", REF, "files/") in [one.key for one in expected]
    files = made.bundle(
        exhibits={
            (REF, "files.jsonl"): bundlekit.stream(listed),
            (REF, "wanted.jsonl"): bundlekit.stream(b"{}\n"),
            **{(REF, name): bundlekit.stream(data) for name, data in bundlekit.FILES.items()},
        }
    )
    report = bundlekit.check(files, bundlekit.with_anchor(made))
    assert report.word == "PASS", report.lines()
    assert "targeted: 2 files, 286 bytes of 7 files seen" in report.first_line
