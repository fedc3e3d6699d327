"""Finding what a list wants: order, links, bounds, what cannot be read; counting the rest."""

from __future__ import annotations

import os

import pytest

from evkit.acquire import selecting, taking, wanted


@pytest.fixture
def top(tmp_path):
    for folder in ("a/b", "c"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("a/1", "a/b/2", "c/3", "4"):
        (tmp_path / name).write_bytes(name.encode())
    os.symlink("a", tmp_path / "link")
    os.mkfifo(tmp_path / "c/fifo")
    return tmp_path


def selection(top, data, **bounds):
    root = os.fsencode(top)
    where = selecting.Bounds(device=os.stat(root).st_dev, **bounds)
    return selecting.Selection(root, wanted.parse(data), where)


def found(chosen):
    return [thing.name.decode() for thing in chosen.found()]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"4\n", ["4"]),
        (b"a\n", ["a", "a/1", "a/b", "a/b/2"]),
        (b"a/b/2\na/1\n", ["a/1", "a/b/2"]),
        (b"a/1\na\n", ["a", "a/1", "a/b", "a/b/2"]),
        (b"**/[0-9]\n", ["4", "a/1", "a/b/2", "c/3"]),
        (b"*/*\n", ["a/1", "a/b", "a/b/2", "c/3", "c/fifo"]),
        (b"link\n", ["link"]),
        (b"link/1\n4/x\n", []),
        (b".\n", [".", "4", "a", "a/1", "a/b", "a/b/2", "c", "c/3", "c/fifo", "link"]),
        (b"**\n", [".", "4", "a", "a/1", "a/b", "a/b/2", "c", "c/3", "c/fifo", "link"]),
    ],
)
def test_what_is_found_in_order_and_once(top, data, expected):
    assert found(selection(top, data)) == expected


def test_items_are_counted_and_may_be_walked_again(top):
    chosen = selection(top, b"a\na/*\nno\nlink/1\n4/x\n" + b"n" * 300 + b"\n")
    for _ in range(2):
        found(chosen)
        assert [chosen.matched[n] for n in range(1, 7)] == [1, 2, 0, 0, 0, 0]
    assert [item.number for item in chosen.absent()] == [3, 4, 5, 6]
    assert chosen.why == {
        4: "a name on the way is a link, which is not followed",
        5: "a name on the way is no folder",
    }


def test_a_pattern_that_names_nothing_is_simply_not_there(top):
    chosen = selection(top, b"**/*.db\n*/y\n4/x\n4\n")
    assert found(chosen) == ["4"]
    assert chosen.why == {3: "a name on the way is no folder"}
    assert [item.number for item in chosen.absent()] == [1, 2, 3]


def test_only_named_folders_are_listed(top, monkeypatch):
    listed = []
    real = taking.names_in
    monkeypatch.setattr(taking, "names_in", lambda path: listed.append(path) or real(path))
    assert found(selection(top, b"a/1\n")) == ["a/1"]
    assert listed == []
    found(selection(top, b"a/*\n"))
    assert listed == [os.fsencode(top / "a"), os.fsencode(top / "a/b")]


def test_a_folder_that_cannot_be_listed(top, monkeypatch):
    real = taking.names_in

    def names_in(path):
        if path.endswith(b"/a"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(taking, "names_in", names_in)
    chosen = selection(top, b"*/[0-9]\na/x*\n4\n")
    states = {thing.name: thing.error for thing in chosen.found()}
    assert states == {b"4": None, b"a": "Permission denied", b"c/3": None}
    assert chosen.hidden == {1, 2}
    assert chosen.absent() == []


def test_a_thing_that_vanishes_meanwhile(top, monkeypatch):
    real = taking.names_in
    monkeypatch.setattr(taking, "names_in", lambda path: [*real(path), b"gone"])
    assert "gone" not in found(selection(top, b"g*\n4\n"))
    lost = {thing.name for thing in selection(top, b"a\n").found() if thing.error}
    assert lost == {b"a/gone", b"a/b/gone"}


def inode(path):
    facts = path.stat()
    return facts.st_dev, facts.st_ino


def test_the_station_is_not_entered(top):
    kept = frozenset({inode(top / "a")})
    chosen = selection(top, b"**/[0-9]\n", kept=kept)
    assert found(chosen) == ["4", "c/3"]
    assert [one.name for one in chosen.skipped] == [b"a"]
    named = selection(top, b"a/1\n", kept=kept)
    assert [(t.name, bool(t.error)) for t in named.found()] == [(b"a", True)]
    assert named.hidden == {1}


@pytest.mark.parametrize(
    ("kind", "cross", "word"),
    [
        ("ext4", False, "another file system (ext4)"),
        ("ext4", True, None),
        ("proc", True, "a pseudo file system (proc)"),
        (None, False, "of unknown type"),
    ],
)
def test_other_file_systems(top, kind, cross, word):
    facts = (top / "a").stat()
    bounds = selecting.Bounds(device=-1, cross=cross, kinds={facts.st_dev: kind} if kind else {})
    refusal = bounds.refusal(facts)
    assert refusal is None if word is None else word in refusal


def test_bounds_name_the_mounted_file_systems():
    bounds = selecting.bounds_of(b"/", cross=True, station=None)
    if os.path.ismount("/proc"):
        assert "proc" in bounds.refusal(os.stat("/proc"))


def counted(top, limit=selecting.SEEN_MAX, **bounds):
    root = os.fsencode(top)
    seen = selecting.Seen()
    where = selecting.Bounds(device=os.stat(root).st_dev, **bounds)
    numbers = list(selecting.count(root, where, seen, limit))
    assert numbers == sorted(numbers)
    return seen


def test_counting(top):
    assert counted(top).fields() == {
        "files": 4, "folders": 3, "links": 1, "special": 1, "unlisted": 0, "whole": True,
    }  # fmt: skip


def test_counting_ends_at_the_limit_and_says_so(top):
    seen = counted(top, limit=2)
    assert (seen.whole, seen.total) == (False, 4)


def test_counting_passes_over_what_it_cannot_list(top, monkeypatch):
    real = selecting.open_evidence

    def open_evidence(path):
        if path.endswith(b"/c"):
            raise OSError(5, "Input/output error")
        return real(path)

    monkeypatch.setattr(selecting, "open_evidence", open_evidence)
    seen = counted(top)
    assert (seen.files, seen.unlisted, seen.whole) == (3, 1, False)


def test_counting_stays_within_its_bounds(top):
    seen = counted(top, kept=frozenset({inode(top / "c")}))
    assert (seen.files, seen.special) == (3, 0)
    assert [one.name for one in seen.skipped] == [b"c"]


def test_walking_leaves_times_alone(top):
    os.utime(top / "a", ns=(1, 1))
    found(selection(top, b"a\n"))
    counted(top)
    assert (top / "a").stat().st_atime_ns == 1


def test_a_deep_tree(tmp_path):
    deep = tmp_path / "/".join(["d"] * 500)
    deep.mkdir(parents=True)
    (deep / "x").write_bytes(b"1")
    names = found(selection(tmp_path, b"**/x\n"))
    assert names == ["/".join(["d"] * 500 + ["x"])]
    assert counted(tmp_path).folders == 500
