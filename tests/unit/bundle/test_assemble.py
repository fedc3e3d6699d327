"""Writing bundles: what is enclosed, what is declared, what stops the work."""

from __future__ import annotations

import html

import bundlekit
import pytest
from bundlekit import CASE, Draft

from evkit.bundle.assemble import assemble
from evkit.core.errors import CheckFailedError, InputError
from evkit.manifest import bag, layout, model

ONE, TWO = f"{CASE}/E1/A1", f"{CASE}/E2/A1"


def manifest(files):
    return model.parse(model.parse_envelope(files[layout.MANIFEST]).payload)


def test_every_file_is_of_the_layout():
    files = bundlekit.full_files()
    for name in files:
        tag = {*layout.TAGS, layout.SIGNATURE, bag.TAG_LIST}
        assert name in tag or layout.is_known(name), name


def test_nothing_of_other_cases_is_inside():
    everything = b"".join(bundlekit.full_files().values())
    assert b"Secret" not in everything
    assert b"OTHER" not in everything


def test_what_is_enclosed_and_what_not():
    ledger, data = bundlekit.full()
    made = manifest(ledger.bundle(**data))
    assert {(item.what, item.name) for item in made.enclosed} == {
        ("artifact", "image.raw"), ("artifact", "files.jsonl"), ("files", "files/"),
        ("inventory", "inventory.jsonl"),
    }  # fmt: skip
    made = manifest(ledger.bundle(absent={(ONE, "image.raw"): "elsewhere"}))
    assert made.enclosed == ()
    reasons = {item.name: item.reason for item in made.not_enclosed}
    assert reasons["image.raw"] == "elsewhere"
    assert reasons["files/"] == "not asked for"


@pytest.mark.parametrize("key", [(ONE, "image.raw"), (TWO, "files.jsonl"), (TWO, "files/000002")])
def test_evidence_that_is_not_what_was_recorded(key):
    ledger, data = bundlekit.full()
    size = data["exhibits"][key].size
    data["exhibits"][key] = bundlekit.stream(b"x" * size)
    sink = bundlekit.MemorySink()
    with pytest.raises((CheckFailedError, InputError)):
        assemble(ledger.material(**data), ledger.who.officer, sink)
    assert sink.files == {}
    assert not sink.done


def test_openings_are_shipped_or_withheld():
    ledger = bundlekit.small()
    some = {3: ledger.openings[3][:1]}
    files = ledger.bundle(openings=some)
    assert manifest(files).withheld == ({"entry": 3, "names": ["owner.cnic"]},)
    report = bundlekit.check(files, bundlekit.with_anchor(ledger))
    assert "1 personal values withheld" in report.first_line
    assert report.word == "PASS"
    files = ledger.bundle(openings={})
    assert not any(name.startswith(layout.OPENINGS) for name in files)
    assert b"Zainab" not in b"".join(files.values())


def test_hostile_texts_reach_no_browser():
    ledger = bundlekit.Ledger()
    ledger.genesis()
    ledger.enrol(ledger.who.officer)
    ledger.add(Draft(kind="case-open", case=CASE, fields={"title": "<script>alert(1)</script>"}))
    hostile = '"><img src=x onerror=y> \u202egpj.exe \x1b[2J {{ 7*7 }} ثبوت'
    ledger.add(
        Draft(kind="register", case=CASE, exhibits=(f"{CASE}/E1",), fields={"what": hostile},
              place=hostile)
    )  # fmt: skip
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "folder"}))
    files = ledger.bundle()
    page = files[layout.PAGE].decode()
    for wrong in ("<script", "<img", "\u202e", "\x1b", " 49 "):
        assert wrong not in page
    assert "{{ 7*7 }}" in html.unescape(page)
    assert "ثبوت" in page
    assert bundlekit.check(files, bundlekit.with_anchor(ledger)).word == "PASS"


def test_a_note_with_a_digest_in_its_text_is_no_strange_digest():
    ledger = bundlekit.small()
    text = f"the provider says sha256 {'12' * 32}"
    ledger.add(Draft(kind="note", case=CASE, fields={"text": text}))
    original = {"corrects": "ab" * 32, "values": {"serial": "cd" * 32}, "text": "typo"}
    ledger.add(Draft(kind="correct", case=CASE, fields=original))
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "folder"}))
    report = bundlekit.check(ledger.bundle(), bundlekit.with_anchor(ledger))
    assert report.word == "PASS", report.lines()


def test_the_readme_names_certutil_and_runs_nothing():
    text = bundlekit.small_files()[layout.README].decode()
    assert "certutil -hashfile" in text
    assert "Run nothing from this stick" in text
    assert max(map(len, text.split("\n"))) <= 90


def test_the_same_input_gives_the_same_bytes():
    ledger, data = bundlekit.full()
    assert ledger.bundle(**data) == ledger.bundle(**data)
