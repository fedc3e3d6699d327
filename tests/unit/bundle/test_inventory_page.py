"""The page of an inventory: what it says, what it never lets through, how large it gets."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
from html.parser import HTMLParser

import pytest
import reportkit as kit

from evkit.bundle.inventory import files as table_files
from evkit.bundle.inventory.files import Table, table
from evkit.bundle.inventory.gather import gather, sorted_types
from evkit.bundle.inventory.page import Context, report_page
from evkit.bundle.inventory.words import Speaker, words
from evkit.core.errors import InputError
from evkit.inventory.database.reader import Inventory
from evkit.inventory.mask import Mask
from evkit.inventory.search.find import Entry
from evkit.inventory.sentences import REASONS


def _rows():
    listed = kit.disk()
    for inode, path in enumerate(kit.HOSTILE, 11):
        listed.append(kit.name(inode, "/d/" + path))
    listed.append(kit.name(30, "/gone.jpg", allocated=False, zone="local-unknown"))
    listed.append(kit.name(31, "/bad.bin"))
    listed += [kit.stream(inode, size=inode) for inode in range(11, 11 + len(kit.HOSTILE))]
    listed.append(kit.stream(30, 500, basis="deleted-contiguous-guess"))
    listed.append(
        kit.stream(31, 999, state="unreadable", bytes_digested=4, reason="read-error", detail="<i>")
    )
    return listed


class _Marks:
    class _Mark:
        set, category, digest = "stolen <set>", "notable", "sha256"

    def __init__(self, *streams):
        self._streams = streams

    def of(self, stream_row):
        return (self._Mark,) if stream_row in self._streams else ()

    def category(self, stream_row):
        return "notable" if stream_row in self._streams else ""


def _page(tmp_path, rows=None, marks=None, types=None, **context):
    path = kit.made(tmp_path / "i.db", rows or _rows(), types)
    with kit.opened(path) as inventory:
        report = report_page(inventory, Context(what="i.db", **context), marks)
    path.unlink()
    return report


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    first = next(n for n, row in enumerate(_rows()) if row["row"] == "stream")
    return _page(
        folder, marks=_Marks(first), types={first: "text/plain"}, zone="+05:00",
        unread=((4096, 512),), unread_bytes=512,
    ).page.decode()  # fmt: skip


class _Tags(HTMLParser):
    """Every tag and attribute as a browser sees them; open tags must be closed."""

    void = ("meta", "input")

    def __init__(self, markup):
        super().__init__()
        self.tags, self.attributes, self.scripts, self.ids = [], [], [], []
        self._open = []
        self.feed(markup)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for key, value in attrs if key == "id"]
        if tag not in self.void:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)


def test_names_cannot_become_markup(page):
    tags = _Tags(page)
    assert tags.tags.count("script") == 2
    assert not {"img", "iframe", "object", "link", "base", "form"} & set(tags.tags)
    assert not [name for name, _ in tags.attributes if name.startswith("on") or name == "style"]
    assert not [v for n, v in tags.attributes if n in {"src", "action", "srcdoc", "formaction"}]
    links = [value for name, value in tags.attributes if name == "href"]
    assert all(value.startswith("#") for value in links)
    assert {link[1:] for link in links} <= set(tags.ids)
    assert len(tags.ids) == len(set(tags.ids))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]", page)
    assert "49" not in html.unescape(re.findall(r"\]\]&gt;.*?raw", page)[0])


def test_the_data_holds_the_names_as_they_are_shown(page):
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1]
    assert not set("<>&\u2028\u2029") & set(data)
    document = json.loads(data)
    shown = [
        document["files"]["folders"][folder] + name
        for folder, name in zip(document["files"]["folder"], document["files"]["name"], strict=True)
    ]
    assert "/d/</script><script>document.title='owned'</script>.txt" in shown
    assert "/d/invoice\\u{202e}gpj.exe" in shown
    assert "/d/back\\\\slash.txt" in shown
    assert document["files"]["deleted"][-2] == 1
    assert document["files"]["mark"][0] == 2


def test_the_policy_names_script_and_style_and_nothing_else(page):
    policy = html.unescape(re.search(r'Policy" content="([^"]*)"', page)[1])
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        text = re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "*" not in policy


def test_the_script_writes_text_and_never_markup(repository):
    script = (repository / "evkit/bundle/templates/inventory-report.js").read_text()
    for word in (
        "innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function(",
        "fetch", "XMLHttp", "import(", "setTimeout", "localStorage", "cookie",
    ):  # fmt: skip
        assert word not in script


def test_errors_stand_first_in_sentences(page):
    order = [page.index(f'<section id="{name}"') for name in
             ("errors", "disk", "totals", "types", "activity", "largest", "deleted", "notable",
              "files", "proof")]  # fmt: skip
    assert order == sorted(order)
    errors = kit.text(page[order[0] : order[1]])
    assert "512 bytes of the medium (places: 1) were not readable" in errors
    assert "2 things could not be read whole" in errors
    assert "is encrypted (bitlocker). Its files could not be listed." in errors
    assert "The content of /bad.bin could not be read: 4 of 999 bytes came" in errors
    assert "&lt;i&gt;" in errors
    assert errors.index("bitlocker") < errors.index("/bad.bin")


def test_a_digest_stands_beside_its_basis(page):
    """Every digest of a file has the basis in the same cell, before it."""
    cells = re.findall(r'<td class="path">(.*?)</td>', page, re.DOTALL)
    assert cells
    for cell in cells:
        assert cell.index('data-t="basis.') < cell.index("</div>")
        if 'class="digest"' in cell:
            assert cell.index('data-t="basis.') < cell.index('class="digest"')
    guessed = next(cell for cell in cells if "gone.jpg" in cell)
    assert "deleted, guessed" in guessed
    assert "stolen &lt;set&gt; (sha256)" in page


def test_totals_are_sums_of_what_is_shown(page):
    for line in re.findall(r'<div class="sum">(.*?)</div>', page, re.DOTALL):
        total, *parts = (int(v.replace(",", "")) for v in re.findall(r'"ltr">([\d,]+)<', line))
        assert total == sum(parts)
    assert page.count('<div class="sum">') == 5


def test_it_is_the_same_every_time(tmp_path):
    path = kit.made(tmp_path / "i.db", _rows())
    pages = set()
    for _ in range(2):
        with kit.opened(path) as inventory:
            pages.add(report_page(inventory, Context(what="i.db")).page)
    assert len(pages) == 1


def test_both_languages_say_the_same_things(repository):
    template = (repository / "evkit/bundle/templates/inventory-report.html").read_text()
    script = (repository / "evkit/bundle/templates/inventory-report.js").read_text()
    for key, (english, urdu) in words().items():
        if key != "language":
            assert sorted(re.findall(r"\{[a-z_]+\}", english)) == sorted(
                re.findall(r"\{[a-z_]+\}", urdu)
            ), key
        assert not re.search("[\u06f0-\u06f9\u0660-\u0669]", urdu), key
        assert key == "language" or key == "time.zone.utc" or re.search("[\u0600-\u06ff]", urdu), (
            key
        )
    used = set(re.findall(r'(?:element|text|th)\("([a-z._-]+[a-z])"', template))
    used |= set(
        re.findall(r'(?:say|fill|tag|plain|option)\([^"\n]*?"([a-z]+\.[a-z.]+[a-z])"', script)
    )
    assert len(used) > 60
    assert used <= words().keys()


def test_urdu_runs_from_right_to_left_and_digits_do_not(tmp_path):
    page = _page(tmp_path, language="ur").page.decode()
    assert '<html lang="ur" dir="rtl">' in page
    assert "ڈسک، پیمانے کے مطابق" in page
    assert not re.findall(r'<td class="num"[^>]*>(?!<bdi dir="ltr">)', page)
    assert not re.findall(r'<span class="digest">(?!<bdi dir="ltr">)', page)
    assert Speaker("ur").element("disk.left", count="7").count('<bdi class="v">7</bdi>') == 1


def test_sensitive_material_is_shown_without_a_name(tmp_path):
    path = kit.made(tmp_path / "i.db", _rows(), {15: "image/png"})
    with Inventory(os.fsencode(path), mask=Mask(everything=True)) as inventory:
        page = report_page(inventory, Context(what="C1/E1/A1")).page.decode()
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1]
    for word in ("gone.jpg", "bad.bin", "invoice", "image/png", "1740000000", "disk.raw", "Linux"):
        assert word not in page, word
    files = json.loads(data)["files"]
    assert set(files["name"]) == {"(sensitive)"}
    assert set(files["m"]) == {None}
    assert f"{11:x}".rjust(64, "0") in files["digest"]
    text = kit.text(page)
    assert "names, times, kinds and descriptions are kept back" in text
    assert "The content of (sensitive) could not be read: 4 of 999 bytes came" in text


def test_every_reason_that_evkit_gives_is_said_in_both_languages():
    for reason, english in REASONS.items():
        assert words()[f"reason.{reason}"][0] == english


def test_a_title_of_ones_own_is_text(tmp_path):
    page = _page(tmp_path, title="<b>Case</b> \u202e7").page.decode()
    assert "<h1><bdi>&lt;b&gt;Case&lt;/b&gt; \\" in page


def test_a_name_with_two_streams_is_one_file(tmp_path):
    rows = [*_rows(), kit.stream(31, 5, attr=128, attr_id=3, name="Zone.Identifier")]
    report = _page(tmp_path, rows)
    files = json.loads(re.search(r'id="data">(.*?)</script>', report.page.decode(), re.DOTALL)[1])
    assert len(files["files"]["name"]) == report.entries + 1
    assert report.entries == report.files


def test_an_inventory_of_files_has_no_disk(tmp_path):
    rows = [{"row": "source", "kind": "tree", "name": "phone"}, kit.name(11, "/a"), kit.stream(11)]
    page = _page(tmp_path, rows).page.decode()
    assert "there is no disk to draw" in kit.text(page)
    assert "Bytes of the image" not in page.split('id="data"')[0]


def test_an_empty_inventory(tmp_path):
    report = _page(tmp_path, [{"row": "source", "kind": "tree", "name": "nothing"}])
    text = kit.text(report.page.decode())
    for sentence in ("No times are recorded", "Kinds were not determined", "There are none",
                     "No deleted content was found", "All 0 names"):  # fmt: skip
        assert sentence in text
    assert report.files == report.entries == report.problems == 0


def test_the_table_is_cut_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(table_files, "MOST", 3)
    path = kit.made(tmp_path / "i.db", _rows())
    with kit.opened(path) as inventory:
        found = table(inventory, None, 3)
        assert len(found) == 3
        assert found.full
    monkeypatch.setattr(table_files, "MOST_CHARACTERS", 700)
    report = _page(tmp_path / "..", _rows())
    assert 0 < report.entries < report.files
    text = kit.text(report.page.decode())
    assert f"The first {report.entries} of {report.files} names" in text
    assert "evkit inventory export i.db -o list.csv" in text


def test_long_names_do_not_make_the_page_long():
    columns = Table("sha256")
    for inode in range(3):
        row = kit.name(inode, "/" + "x" * 100_000)
        columns.add(Entry(name=row, stream=None, name_row=inode, stream_row=None, mime=None))
    assert len(json.dumps(columns.document())) < 5000


def test_many_problems_and_volumes_are_counted_not_listed(tmp_path):
    rows = kit.disk()
    bad = {"state": "damaged", "reason": "short-read", "bytes_digested": 0}
    rows += [kit.name(n, f"/{n}") for n in range(11, 500)]
    rows += [kit.stream(n, **bad) for n in range(11, 500)]
    report = _page(tmp_path, rows)
    assert report.problems == 490
    text = kit.text(report.page.decode())
    assert "189 more are in the inventory; evkit inventory list i.db --problems" in text


def test_what_an_archive_hides_is_said_of_the_file_that_it_is(tmp_path):
    rows = [
        {"row": "source", "kind": "tree", "name": "phone"},
        kit.name(11, "/<b>.zip"), kit.stream(11),
        {"row": "directory", "fs": 2, "inode": 0, "seq": 0, "path": "/", "entries": 0,
         "allocated": True, "state": "damaged", "reason": "no-end-record"},
        {"row": "filesystem", "fs": 2, "within": 2, "offset": 0, "size": 9, "type": "zip",
         "state": "damaged", "reason": "no-end-record"},
        {"row": "filesystem", "fs": 3, "within": 2, "offset": 0, "size": 9, "type": "7z",
         "state": "encrypted", "reason": "encrypted"},
        {"row": "error", "fs": 2, "inode": 1, "path": "/a", "stage": "stated",
         "reason": "differs-from-stated"},
    ]  # fmt: skip
    page = _page(tmp_path, rows).page.decode()
    text = kit.text(page.split('class="problems"')[1].split("</ol>")[0])
    assert "What lies in /&lt;b&gt;.zip (zip) could not be read whole" in text
    assert "What lies in /&lt;b&gt;.zip (7z) is encrypted" in text
    assert "The folder /&lt;b&gt;.zip!/ could not be listed whole" in text
    assert "/&lt;b&gt;.zip!/a, stage stated: its content does not have the digest" in text
    assert "Reading stopped" not in text
    assert "at byte 0" not in text


def test_what_looks_random_is_not_called_encrypted(tmp_path):
    rows = [
        {"row": "source", "kind": "image", "name": "d.raw", "size": 512},
        {"row": "filesystem", "fs": 1, "partition": 1, "offset": 0, "size": 512, "type": "unknown",
         "state": "encrypted", "reason": "high-entropy"},
    ]  # fmt: skip
    page = _page(tmp_path, rows).page.decode()
    text = kit.text(page.split('class="problems"')[1].split("</ol>")[0])
    assert "encrypted without a mark, or wiped" in text
    assert "is encrypted" not in text


def test_types_beyond_a_few_are_one_line():
    types = {f"a/{n}": [1, n] for n in range(20)}
    found = sorted_types(types, 5)
    assert len(found) == 5
    assert found[0] == ("a/19", 1, 19)
    assert found[-1] == ("(others)", 16, sum(range(16)))


def test_what_is_gathered(tmp_path):
    path = kit.made(tmp_path / "i.db", _rows(), {17: "image/png", 15: "text/plain"})
    with kit.opened(path) as inventory:
        facts = gather(inventory, None)
    assert facts.files == len(kit.HOSTILE) + 2
    assert facts.deleted == {"no": 1}
    assert facts.by_basis["deleted-contiguous-guess"] == [1, 500, 1]
    assert [row["size"] for _, row in facts.largest][:2] == [999, 500]
    assert facts.marked is None
    assert facts.problem_count == {"filesystem": 1, "stream": 1}


def test_space_that_belongs_to_no_file_is_counted(tmp_path):
    space = {
        "row": "space", "fs": 1, "what": "unallocated", "derived": "bitmap", "size": 4096,
        "bytes_digested": 0, "state": "unreadable", "reason": "map-not-readable",
    }  # fmt: skip
    text = kit.text(_page(tmp_path, [*kit.disk(), space]).page.decode())
    assert "Space that belongs to no file (what unallocated, fs 1) could not be read whole" in text
    assert re.search(r"Space of no file\s*1\s*=\s*0", text)


def test_a_made_up_coverage_row_is_refused(tmp_path):
    from evkit.inventory.database.store import Writer

    sums = ("bytes", "filesystems", "directories", "names", "streams", "spaces", "orphans")
    groups = {key: {} for key in sums}
    for extra in ([], [{"row": "coverage", "result": "complete", "errors": 0, **groups}]):
        with Writer(str(tmp_path / "x.db").encode()) as writer:
            for row in [{"row": "source", "kind": "tree", "name": "x"}, *extra]:
                writer.add(row)
            writer.finish({})
        with kit.opened(tmp_path / "x.db") as inventory, pytest.raises(InputError):
            report_page(inventory, Context(what="x"))
        (tmp_path / "x.db").unlink()


@pytest.mark.parametrize("lie", ["result", "streams", "errors", "digested", "image"])
def test_a_coverage_row_that_is_not_that_of_the_rows_is_said(tmp_path, monkeypatch, lie):
    """Its own sums add up; it hides a file that could not be read."""
    real = kit.Coverage.row

    def row(self):
        made = real(self)
        if lie == "result":
            made["result"] = "complete"
        elif lie == "errors":
            made["errors"] = 0
        elif lie == "digested":
            made["bytes"]["digested"] += 1
        elif lie == "image":
            made["bytes"] |= {
                "image": made["bytes"]["image"] - 4096,
                "partitions": made["bytes"]["partitions"] - 4096,
            }
        else:
            made["streams"] |= {"failed": 0, "listed": made["streams"]["listed"] - 1}
        return made

    rows = [
        *kit.disk(), kit.name(12, "/a"), kit.name(13, "/b"), kit.stream(12),
        kit.stream(13, state="damaged", reason="short-read", bytes_digested=0),
        {"row": "error", "fs": 1, "stage": "walk", "reason": "bad"},
    ]  # fmt: skip
    assert "do NOT add up" not in _above_scripts(_page(tmp_path, rows))
    monkeypatch.setattr(kit.Coverage, "row", row)
    made = kit.made(tmp_path / "lied.db", rows)
    monkeypatch.undo()
    with kit.opened(made) as inventory:
        lied = report_page(inventory, Context(what="x"))
    shown = _above_scripts(lied)
    assert "do NOT add up" in shown
    assert "Everything that was found could be read" not in shown
    assert lied.result == "with-gaps"


def _above_scripts(made):
    return made.page.decode().partition("<script")[0]
