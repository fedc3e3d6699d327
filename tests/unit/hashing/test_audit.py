from __future__ import annotations

import hashlib

import pytest

from evkit.core.errors import InputError
from evkit.hashing import audit, naming
from evkit.hashing.rows import CHANGED, FOLDER, SPECIAL, SYMLINK, UNREADABLE, Row


def row(path, content, names=("md5", "sha256"), size=True):
    digests = {name: hashlib.new(name, content).hexdigest() for name in names}
    return Row(path, size=len(content) if size else None, digests=digests)


def rows(*items):
    return {item.path: item for item in items}


def categories(known, found, *, typed=True):
    findings = audit.compare(rows(*known), rows(*found), typed=typed)
    return {item.path: item.category for item in findings}


def test_each_name_is_in_one_category():
    known = [row(b"/same", b"1"), row(b"/mod", b"2"), row(b"/from", b"3"), row(b"/gone", b"4"),
             row(b"/shut", b"5")]  # fmt: skip
    found = [row(b"/same", b"1"), row(b"/mod", b"x"), row(b"/to", b"3"), row(b"/twin", b"1"),
             row(b"/fresh", b"y"), Row(b"/shut", state=UNREADABLE, error="no")]  # fmt: skip
    assert categories(known, found) == {
        b"/same": "ok", b"/mod": "modified", b"/to": "moved", b"/twin": "copied",
        b"/fresh": "new", b"/gone": "missing", b"/shut": "unreadable",
    }  # fmt: skip


def test_one_move_for_one_absent_name_then_copies():
    known = [row(b"/a", b"1"), row(b"/b", b"1")]
    found = [row(b"/x", b"1"), row(b"/y", b"1"), row(b"/z", b"1")]
    findings = audit.compare(rows(*known), rows(*found), typed=True)
    assert [(f.path, f.category, f.known) for f in findings] == [
        (b"/x", "moved", b"/a"), (b"/y", "moved", b"/b"), (b"/z", "copied", b"/a"),
    ]  # fmt: skip


def test_two_names_that_swapped_their_content_are_both_modified():
    known = [row(b"/a", b"1"), row(b"/b", b"2")]
    found = [row(b"/a", b"2"), row(b"/b", b"1")]
    assert set(categories(known, found).values()) == {"modified"}


def test_empty_files_are_not_recognised_by_content():
    assert categories([row(b"/a", b"")], [row(b"/b", b"")]) == {b"/a": "missing", b"/b": "new"}


def test_every_digest_and_the_size_must_agree():
    good = row(b"/a", b"1")
    for wrong in (
        good._replace(size=2),
        good._replace(digests={**good.digests, "md5": "0" * 32}),
        good._replace(digests={**good.digests, "sha256": "0" * 64}),
    ):
        assert categories([wrong], [good]) == {b"/a": "modified"}
    assert categories([row(b"/a", b"1", ("sha512",))], [good]) == {b"/a": "modified"}


def test_a_changing_file_is_never_ok():
    moving = row(b"/a", b"1")._replace(state=CHANGED)
    assert categories([row(b"/a", b"1")], [moving]) == {b"/a": "unreadable"}


def test_names_below_a_folder_that_cannot_be_listed_are_not_missing():
    found = [Row(b"/d", FOLDER, UNREADABLE, error="Permission denied")]
    assert categories([row(b"/d/a", b"1"), row(b"/dx", b"2")], found) == {
        b"/d": "unreadable", b"/d/a": "unreadable", b"/dx": "missing",
    }  # fmt: skip


def test_a_row_that_was_unreadable_when_listed_cannot_be_ok():
    known = [Row(b"/a", state=UNREADABLE)]
    assert categories(known, [row(b"/a", b"1")]) == {b"/a": "unreadable"}


def test_links_and_special_files():
    known = [Row(b"/l", SYMLINK, target=b"t"), Row(b"/m", SYMLINK, target=b"t"),
             Row(b"/s", SPECIAL), row(b"/f", b"1")]  # fmt: skip
    found = [Row(b"/l", SYMLINK, target=b"t"), Row(b"/m", SYMLINK, target=b"u"),
             Row(b"/s", SPECIAL),
             Row(b"/f", SYMLINK, target=b"t"), Row(b"/n", SPECIAL)]  # fmt: skip
    assert categories(known, found) == {
        b"/l": "ok", b"/m": "modified", b"/s": "ok", b"/f": "modified", b"/n": "new",
    }  # fmt: skip


def test_what_a_list_cannot_name_is_counted_apart():
    findings = audit.compare({}, rows(Row(b"/l", SYMLINK, target=b"t")), typed=False)
    assert audit.count(findings)[audit.NOT_COMPARED] == 1
    assert audit.exit_code(audit.count(findings)) == 0


def test_a_link_to_an_audited_file_is_read_through(tmp_path):
    base = str(tmp_path).encode()
    (tmp_path / "f").write_bytes(b"1")
    (tmp_path / "l").symlink_to("f")
    known = [row(base + b"/f", b"1"), row(base + b"/l", b"1")]
    found = [row(base + b"/f", b"1"), Row(base + b"/l", SYMLINK, target=b"f")]
    assert set(categories(known, found, typed=False).values()) == {"ok"}
    assert categories(known, found, typed=True)[base + b"/l"] == "modified"


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        ({"ok": 5}, 0),
        ({}, 0),
        ({"unreadable": 1}, 3),
        ({"new": 1}, 4),
        ({"missing": 1, "unreadable": 1}, 4),
        ({"moved": 1}, 4),
        ({"copied": 1}, 4),
        ({"modified": 1}, 4),
    ],
)
def test_exit_codes(counts, code):
    assert audit.exit_code(counts) == code


def test_many_copies_of_one_content_do_not_take_quadratic_time():
    known = [row(b"/k%06d" % number, b"same") for number in range(20000)]
    found = [row(b"/f%06d" % number, b"same") for number in range(20001)]
    counts = audit.count(audit.compare(rows(*known), rows(*found), typed=True))
    assert (counts["moved"], counts["copied"], counts["missing"]) == (20000, 1, 0)


def test_two_contents_for_one_file_are_refused():
    pair = [(b"/a", row(b"a", b"1")), (b"/a", row(b"./a", b"2"))]
    with pytest.raises(InputError, match="two contents"):
        audit.by_place(pair)
    assert len(audit.by_place([(b"/a", row(b"a", b"1")), (b"/a", row(b"./a", b"1"))])) == 1


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([b"tree/a", b"tree/d/b"], b"parent"),
        ([b"./a", b"d/b"], b"root"),
        ([b"/old/place/a", b"/old/place/d/b"], b"moved"),
        ([b"C:\\x\\a", b"C:\\x\\d\\b"], b"windows"),
        ([b"d\\b", b"d\\c"], b"windows-relative"),
        ([b"nothing", b"fits"], b"here"),
    ],
)
def test_where_names_start_is_found(tmp_path, names, expected):
    tree = tmp_path / "tree"
    (tree / "d").mkdir(parents=True)
    root = str(tree).encode()
    found = {root + b"/a", root + b"/d/b", root + b"/d/c"}
    places = naming.candidates(names, b"/lists", [root])
    place = naming.choose(names, places, found)
    met = [place.path(name) in found for name in names]
    assert all(met) is (expected != b"here")
    assert place.windows is expected.startswith(b"windows")
