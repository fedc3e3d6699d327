"""Comparing inventories: nothing is called the same that is not surely so."""

from __future__ import annotations

import contextlib
import os
from collections import Counter

import pytest
import reportkit as kit
from hypothesis import given, settings
from hypothesis import strategies as st

from evkit.inventory.database.reader import Inventory
from evkit.inventory.mask import Mask
from evkit.inventory.search.compare import KINDS, compare
from evkit.inventory.search.fsmatch import match

TREE = {"row": "source", "kind": "tree", "name": "t"}
SYSTEM = {"row": "filesystem", "fs": 1, "type": "tree", "offset": 0, "size": 0, "state": "ok"}


def _side(folder, label, files, *, extra=(), system=SYSTEM, hashes=None):
    """Make an inventory of path -> content (a digit), or a row to take as it is."""
    rows = [TREE, *([system] if isinstance(system, dict) else system)]
    for inode, (path, content) in enumerate(sorted(files.items()), 1):
        rows.append(kit.name(inode, path))
        if content is not None:
            rows.append(kit.stream(inode, 1 if content else 0, content.rjust(64, "0")))
    rows += extra
    meta = {} if hashes is None else {"hashes": hashes}
    return kit.made(folder / f"{label}.db", rows, **meta)


def _compared(folder, first, second, limit=0, **more):
    paths = [
        first if not isinstance(first, dict) else _side(folder, "a", first, **more),
        second if not isinstance(second, dict) else _side(folder, "b", second, **more),
    ]
    with kit.opened(paths[0]) as left, kit.opened(paths[1]) as right:
        found = compare(left, right, limit=limit)
    for path in paths:
        path.unlink(missing_ok=True)
    return found


def _shown(found):
    def path(entry):
        return None if entry is None else entry.shown

    return {(one.kind, path(one.first), path(one.second), one.note) for one in found.differences}


def test_each_kind(tmp_path):
    found = _compared(
        tmp_path,
        {"/s": "1", "/c": "2", "/old/m": "3", "/g": "4"},
        {"/s": "1", "/c": "5", "/new/m": "3", "/n": "6"},
    )
    assert found.counts == {
        "same": 1, "changed": 1, "moved": 1, "appeared": 1, "gone": 1, "cannot-be-compared": 0,
    }  # fmt: skip
    assert _shown(found) == {
        ("changed", "/c", "/c", ""), ("moved", "/old/m", "/new/m", ""),
        ("appeared", None, "/n", ""), ("gone", "/g", None, ""),
    }  # fmt: skip
    assert found.algorithm == "sha256"
    assert found.different


def test_copies_are_neither_moved_nor_forgotten(tmp_path):
    """One name moves; the copy beside it stays what it is: gone or appeared, with a note."""
    found = _compared(tmp_path, {"/x": "1", "/y": "1"}, {"/x": "1"})
    assert _shown(found) == {("gone", "/y", None, "copy-remains")}
    found = _compared(tmp_path, {"/x": "1"}, {"/x": "1", "/y": "1", "/z": "1"})
    assert _shown(found) == {
        ("appeared", None, "/y", "copy-of-known"), ("appeared", None, "/z", "copy-of-known"),
    }  # fmt: skip
    found = _compared(tmp_path, {"/a/x": "1", "/a/y": "1"}, {"/b/y": "1", "/b/z": "1"})
    assert _shown(found) == {("moved", "/a/y", "/b/y", ""), ("moved", "/a/x", "/b/z", "")}


def test_a_swap_is_two_changes(tmp_path):
    found = _compared(tmp_path, {"/x": "1", "/y": "2"}, {"/x": "2", "/y": "1"})
    assert found.counts["changed"] == 2
    assert found.counts["moved"] == 0


def test_empty_files_do_not_move(tmp_path):
    found = _compared(tmp_path, {"/a": ""}, {"/b": ""})
    assert (found.counts["gone"], found.counts["appeared"], found.counts["moved"]) == (1, 1, 0)
    assert {one.note for one in found.differences} == {""}


@pytest.mark.parametrize("basis", ["deleted-contiguous-guess", "deleted-runs-recorded"])
def test_guessed_content_is_never_the_same(tmp_path, basis):
    def side(label):
        rows = [kit.name(9, "/f"), kit.stream(9, 5, "1".rjust(64, "0"), basis=basis)]
        return _side(tmp_path, label, {}, extra=rows)

    found = _compared(tmp_path, side("a"), side("b"))
    assert found.counts["cannot-be-compared"] == 1
    assert found.counts["same"] == 0


def test_what_was_not_read_cannot_be_compared(tmp_path):
    bad = kit.stream(9, 5, state="damaged", reason="short-read", bytes_digested=1)
    first = _side(tmp_path, "a", {"/none": None}, extra=[kit.name(9, "/f"), bad])
    second = _side(tmp_path, "b", {"/none": None, "/f": "1", "/g": "2"})
    found = _compared(tmp_path, first, second)
    assert found.counts["cannot-be-compared"] == 2
    assert not {one.kind for one in found.differences} & {"same", "moved", "changed", "gone"}


def test_a_deleted_name_is_said(tmp_path):
    gone = kit.name(9, "/g", allocated=False)
    second = _side(tmp_path, "b", {"/s": "1"}, extra=[gone])
    found = _compared(tmp_path, {"/s": "1", "/g": "2"}, second)
    assert _shown(found) == {("gone", "/g", None, "deleted-there")}
    assert found.notes == {"deleted-there": 1}


def test_links_folders_and_types(tmp_path):
    def side(label, target, kind):
        rows = [
            kit.name(9, "/l", type="symlink", target=target), kit.name(10, "/d", type="directory"),
            kit.name(11, "/t", type=kind),
        ]  # fmt: skip
        return _side(tmp_path, label, {}, extra=rows)

    found = _compared(tmp_path, side("a", "x", "directory"), side("b", "y", "fifo"))
    assert (found.counts["same"], found.counts["changed"]) == (1, 2)


def test_named_streams_are_entries_of_their_own(tmp_path):
    def side(label, digit):
        rows = [
            kit.name(9, "/f"), kit.stream(9, 5, attr=128),
            kit.stream(9, 5, digit.rjust(64, "0"), attr=128, attr_id=1, name="ads"),
            kit.name(10, "/d", type="directory"), kit.stream(10, 5, attr=128, name="on folder"),
        ]  # fmt: skip
        return _side(tmp_path, label, {}, extra=rows)

    found = _compared(tmp_path, side("a", "1"), side("b", "2"))
    assert (found.counts["same"], found.counts["changed"]) == (3, 1)
    assert _shown(found) == {("changed", "/f:ads", "/f:ads", "")}


def test_an_image_and_the_files_exported_from_it(tmp_path):
    """Other type, other attribute, no slash in front: still the same file."""
    system = {**SYSTEM, "type": "ntfs", "offset": 512, "size": 4096}
    rows = [kit.name(9, "/d/f"), kit.stream(9, 1, "1".rjust(64, "0"), attr=128)]
    first = _side(tmp_path, "a", {}, extra=rows, system=system)
    found = _compared(tmp_path, first, {"d/f": "1"})
    assert found.counts["same"] == 1
    assert found.matches[0].by == "rest"


def test_without_a_common_digest_nothing_is_the_same(tmp_path):
    first = _side(tmp_path, "a", {"/x": "1"}, hashes="sha1")
    found = _compared(tmp_path, first, {"/x": "1"})
    assert found.algorithm == ""
    assert found.counts["cannot-be-compared"] == 1


def test_a_weak_digest_is_said(tmp_path):
    first = _side(tmp_path, "a", {"/x": "1"}, hashes="md5")
    found = _compared(tmp_path, first, {"/x": "1"})
    assert found.weak
    assert found.counts["same"] == 1


def test_hostile_names_and_doubled_ones(tmp_path):
    raw = {"path": "bad\\xff", "path_b64": "YmFk/w==", "name": "bad\\xff", "name_b64": "YmFk/w=="}
    rows = [kit.name(9, "x") | raw, kit.name(10, "twice"), kit.name(11, "twice")]
    rows += [kit.stream(n, 3, str(n).rjust(64, "0")) for n in (9, 10, 11)]
    rows += [kit.name(20 + n, name) for n, name in enumerate(kit.HOSTILE)]
    files = [_side(tmp_path, label, {}, extra=rows) for label in "ab"]
    found = _compared(tmp_path, *files)
    assert found.counts["same"] == 3
    assert found.counts["cannot-be-compared"] == len(kit.HOSTILE)


def test_a_mask_hides_names_and_changes_no_count(tmp_path):
    link = kit.name(9, "/l", type="symlink")
    files = {"/same": "1", "/old": "2", "/changed": "3"}
    first = _side(tmp_path, "a", files, extra=[link | {"target": "x"}])
    files = {"/same": "1", "/new": "2", "/changed": "4"}
    second = _side(tmp_path, "b", files, extra=[link | {"target": "y"}])
    mask = Mask(everything=True)
    with contextlib.ExitStack() as stack:
        open_ = [stack.enter_context(kit.opened(path)) for path in (first, second)]
        shown = tuple(
            stack.enter_context(Inventory(os.fsencode(path), mask=mask)) for path in (first, second)
        )
        found = compare(*open_, shown=shown)
    counts = found.counts
    assert (counts["same"], counts["moved"], counts["changed"], counts["gone"]) == (1, 1, 2, 0)
    text = str([one.document() for one in found.differences])
    assert "(sensitive)" in text
    for word in ("old", "new", "changed'", "'x'", "'y'"):
        assert word not in text.replace("'kind': 'changed'", "")


def test_one_masked_side_hides_its_partners_too(tmp_path):
    """What is paired with a hidden entry, or is deleted beside it, would tell its name."""
    files = {"/c": "1", "/old": "2", "/gone": "5", "/free": "6"}
    first = _side(tmp_path, "a", files)
    deleted = kit.name(9, "/gone", allocated=False)
    second = _side(tmp_path, "b", {"/c": "3", "/new": "2"}, extra=[deleted])
    with contextlib.ExitStack() as stack:
        left, right = (stack.enter_context(kit.opened(path)) for path in (first, second))
        masked = Inventory(os.fsencode(second), mask=Mask(everything=True))
        shown = left, stack.enter_context(masked)
        found = compare(left, right, shown=shown)
    assert _shown(found) == {
        ("changed", "(sensitive)", "(sensitive)", ""), ("moved", "(sensitive)", "(sensitive)", ""),
        ("gone", "(sensitive)", None, "deleted-there"), ("gone", "/free", None, ""),
    }  # fmt: skip


def test_the_limit_is_of_each_kind(tmp_path):
    found = _compared(
        tmp_path, {f"/a{n}": f"{n:x}" for n in range(9)}, {f"/b{n}": f"f{n}" for n in range(9)}, 2
    )
    assert Counter(one.kind for one in found.differences) == {"gone": 2, "appeared": 2}
    assert found.counts["gone"] == 9


FILES = st.dictionaries(
    st.sampled_from([f"/{folder}{name}" for folder in ("", "a/", "b/") for name in "xyz"]),
    st.sampled_from(["", "1", "2", "3", None]),
)


@settings(max_examples=40, deadline=None)
@given(FILES, FILES)
def test_every_entry_is_counted_once(tmp_path_factory, first, second):
    folder = tmp_path_factory.mktemp("c")
    found = _compared(folder, first, second)
    back = _compared(folder, second, first)
    counts = found.counts
    both = counts["same"] + counts["changed"] + counts["moved"] + counts["cannot-be-compared"]
    assert both + counts["gone"] == len(first)
    assert both + counts["appeared"] == len(second)
    assert counts["same"] == sum(
        first[path] == second[path] is not None for path in first.keys() & second.keys()
    )
    assert {**back.counts, "gone": counts["gone"], "appeared": counts["appeared"]} == counts
    assert (back.counts["gone"], back.counts["appeared"]) == (counts["appeared"], counts["gone"])
    assert len(found.differences) == sum(counts[kind] for kind in KINDS[1:])
    for one in found.differences:
        if one.kind == "moved":
            assert first[one.first.shown] == second[one.second.shown]


def test_file_systems_are_matched_by_place_then_type():
    def row(fs, kind, offset, size=9):
        return {"fs": fs, "type": kind, "offset": offset, "size": size}

    def pairs(first, second):
        return [(one.systems, one.by) for one in match(first, second)]

    crossed = [row(1, "ntfs", 50), row(2, "ntfs", 0)]
    assert pairs([row(1, "ntfs", 0), row(2, "ntfs", 50)], crossed) == [
        ((1, 2), "place"), ((2, 1), "place"),
    ]  # fmt: skip
    assert pairs([row(1, "ext4", 0, 5)], [row(1, "ext4", 9, 7), row(2, "ext4", 8, 5)]) == [
        ((1, 2), "size"), ((None, 1), "none"),
    ]  # fmt: skip
    assert pairs([row(1, "ext4", 0)], [row(1, "tree", 0)]) == [((1, 1), "rest")]
    assert pairs([row(1, "ext4", 0), row(2, "xfs", 1)], [row(1, "tree", 0)]) == [
        ((1, None), "none"), ((2, None), "none"), ((None, 1), "none"),
    ]  # fmt: skip
