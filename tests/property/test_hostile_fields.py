"""Entries with fields of any shape, well signed: the verifier answers and never crashes."""

from __future__ import annotations

import bundlekit
from bundlekit import CASE, Draft
from hypothesis import given, settings
from hypothesis import strategies as st

from evkit.custody.kinds import KINDS
from evkit.manifest.tree import MemoryTree
from evkit.verify.bundle import verify_bundle
from evkit.verify.stationcheck import verify_station
from evkit.verify.supplied import Supplied
from evkit.verify.view import RecordView

LEAF = st.one_of(
    st.integers(-5, 5),
    st.booleans(),
    st.text(max_size=8),
    st.sampled_from(["ab" * 32, f"{CASE}/E1"]),
)
NAMES = st.sampled_from(["name", "role", "size", "sha256", "path", "code", "values", "x"])
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)
ABOUT = {
    "exhibit": {"exhibits": (f"{CASE}/E1",)},
    "acquisition": {"exhibits": (f"{CASE}/E1",), "acquisitions": (f"{CASE}/E1/A1",)},
}


@st.composite
def drafts(draw):
    kind = draw(st.sampled_from(sorted(set(KINDS) - {"station", "enrol", "revoke", "bundle"})))
    known = sorted(KINDS[kind].fields)
    fields = draw(st.dictionaries(st.sampled_from(known), JSON, max_size=6)) if known else {}
    level = KINDS[kind].level
    if level == "station":
        return Draft(kind=kind, fields=fields)
    return Draft(kind=kind, case=CASE, fields=fields, **ABOUT.get(level, {}))


class Nothing:
    """A source without files."""

    def place(self, acquisition, name):
        return None


@settings(max_examples=150, deadline=None)
@given(st.lists(drafts(), max_size=5))
def test_any_fields(made):
    ledger = bundlekit.Ledger()
    ledger.genesis()
    ledger.enrol(ledger.who.officer)
    ledger.add(Draft(kind="case-open", case=CASE, fields={"title": "Theft"}))
    for draft in made:
        ledger.add(draft)
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "folder"}))
    view = RecordView(
        entries=dict(enumerate(ledger.entries)), checkpoint=ledger.checkpoint(),
        statement=ledger.statement, root=ledger.who.root.certificate.pem,
        officers={"officer": ledger.who.officer.certificate.pem},
    )  # fmt: skip
    report, _ = verify_station(view, "x", None, Nothing(), bundlekit.with_anchor(ledger))
    assert report.answer("authorship") == "PASS"
    report.lines()


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(bundlekit.full_files())), st.binary(max_size=60)))
def test_any_content_in_any_file(changes):
    files = bundlekit.full_files() | changes
    report = verify_bundle(MemoryTree(files), Supplied())
    if changes and files != bundlekit.full_files():
        assert report.word == "FAIL"
    report.document()
