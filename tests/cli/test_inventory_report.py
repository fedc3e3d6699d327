"""`evkit inventory report` of an acquisition and of a file."""

from __future__ import annotations

import json
import os

import acquirekit
import pytest
import reportkit as kit

from evkit.acquire import gaps, mapfile
from evkit.core.refs import parse_ref
from evkit.hashing.digests import digest_file
from evkit.ledger.event import Draft, Subject


@pytest.fixture
def taken(run, tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "a.txt").write_bytes(b"one")
    acquirekit.intake_with(run.made, tmp_path / "export")
    run("inventory", "run", "C1/E1")
    return tmp_path


def test_a_recorded_inventory_names_its_event(run, taken):
    out = run("inventory", "report", "C1/E1", "-o", "r.html")
    assert "files in the table: 1 of 1" in out
    text = kit.text((taken / "r.html").read_text())
    with run.made.open() as station:
        found = [(i, name) for i, event, name in station.events("C1") if event.kind == "inventory"]
        zone = station.profile.offset
    assert f"entry {found[0][0]}, event {found[0][1]}, by " in text
    assert "evkit inventory export C1/E1/A1 -o rows.jsonl" in text
    assert f'"zone":"{zone}"' in (taken / "r.html").read_text()
    assert "Inventory of C1/E1/A1" in text


def test_nothing_is_overwritten(run, taken):
    (taken / "r.html").write_text("mine")
    assert "exists already" in run("inventory", "report", "C1/E1", "-o", "r.html", expect=15)
    assert (taken / "r.html").read_text() == "mine"


def test_no_page_under_the_name_of_a_pdf(run, tmp_path):
    said = run("inventory", "report", "C1/E1", "-o", "page.PDF", expect=2)
    assert "name it `page.html`" in said
    assert "no PDF" in run("ledger", "memo", "-o", "memo.pdf", expect=2)
    assert not os.path.lexists("page.PDF")


def test_wishes(run, taken):
    run(
        "inventory", "report", "C1/E1/A1", "-o", "r.html", "--language", "ur",
        "--title", "State v. <X>", "--zone", "-03:30",
    )  # fmt: skip
    page = (taken / "r.html").read_text()
    assert '<html lang="ur" dir="rtl">' in page
    assert "<title>State v. &lt;X&gt;</title>" in page
    assert '"zone":"-03:30"' in page
    for zone in ("5", "+5:00", "+25:00", "PKT"):
        run("inventory", "report", "C1/E1", "-o", "x.html", "--zone", zone, expect=2)
    run("inventory", "report", "C1/E1", "-o", "x.html", "--title", "x" * 201, expect=2)
    assert not (taken / "x.html").exists()


def test_the_document(run, taken):
    found = json.loads(run("inventory", "report", "C1/E1", "-o", "r.html", "--json"))
    assert found["schema"] == "evkit/inventory-report/1"
    assert found["bytes"] == os.path.getsize(taken / "r.html")
    assert found["files"] == found["files_shown"] == 1
    assert found["problems"] == 0
    assert found["result"] == "complete"


def test_an_inventory_that_was_changed_gets_no_page(run, taken):
    import sqlite3

    path = run.made.path / "cases" / "C1" / "E1" / "A1" / "inventory.db"
    path.chmod(0o644)
    base = sqlite3.connect(path)
    base.execute("UPDATE rows SET row = replace(row, 'a.txt', 'b.txt')")
    base.commit()
    base.close()
    out = run("inventory", "report", "C1/E1", "-o", "r.html", expect=4)
    assert "is not the one that entry" in out
    assert not (taken / "r.html").exists()


def test_what_is_no_inventory(run, tmp_path):
    assert "has no inventory" in run("inventory", "report", "C1/E1", "-o", "r.html", expect=10)
    (tmp_path / "x.db").write_bytes(b"SQLite format 3\x00" + bytes(100))
    run("inventory", "report", "./x.db", "-o", "r.html", expect=14)
    run("inventory", "report", "./none.db", "-o", "r.html", expect=14)
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize("whole", [True, False])
def test_places_that_were_not_read_are_on_the_bar(run, tmp_path, whole):
    """With the map all places; without it those that the record names, and that there are more."""
    size = 1 << 20
    lost = [(4096, 512), (size // 2, 65_536)]
    with run.made.open() as station:
        folder = os.fsdecode(station.folder(parse_ref("C1/E1/A1")))
        os.makedirs(folder)
        with open(os.path.join(folder, "image.raw"), "wb") as handle:
            handle.truncate(size)
        _, digests = digest_file(os.path.join(folder, "image.raw"))
        artifacts = [{"name": "image.raw", "role": "image", "size": size, **digests}]
        if whole:
            with open(os.path.join(folder, "image.map"), "wb") as handle:
                handle.write(mapfile.encode(mapfile.of_gaps(lost, size)))
            more, extra = digest_file(os.path.join(folder, "image.map"))
            artifacts.append({"name": "image.map", "role": "map", "size": more, **extra})
        unread = gaps.fields(lost)
        unread["first"] = [list(item) for item in lost[: 2 if whole else 1]]
        fields = {
            "result": "with-gaps", "made_by": "evkit", "media": {"size": size, **digests},
            "artifacts": artifacts, "unread": unread,
        }  # fmt: skip
        common = {"case": "C1", "exhibits": ("C1/E1",), "acquisitions": ("C1/E1/A1",)}
        end = Draft(
            kind="acquire-end", fields=fields, subjects=(Subject("C1/E1/A1", digests),), **common
        )
        station.record_many([Draft(kind="acquire-start", **common), end], run.made.officer)
    listed = [row for row in kit.disk(size) if row["row"] != "filesystem"]
    kit.made(tmp_path / "made.db", listed, acquisition="C1/E1/A1")
    os.rename(tmp_path / "made.db", os.path.join(folder, "inventory.db"))
    run("inventory", "report", "C1/E1", "-o", "r.html")
    page = (tmp_path / "r.html").read_text()
    assert page.count('class="lost" x=') == (2 if whole else 1)
    text = kit.text(page)
    assert ("66,048 bytes of the medium (places: 2)" in text) == whole
    assert ("At least 66,048 bytes of the medium" in text) == (not whole)
    assert "This inventory is not recorded in a ledger here" in text
