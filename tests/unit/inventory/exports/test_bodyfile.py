"""The bodyfile: one line a name and stream, marks that no name can forge."""

from __future__ import annotations

import exportkit as kit
import pytest

from evkit.inventory.exports.bodyfile import mode
from evkit.inventory.exports.unsaid import NOT_SAID


def _body(tmp_path, *rows):
    with kit.made(tmp_path / "i.db", [kit.source(), *rows]) as inventory:
        return kit.body(kit.data(inventory, "bodyfile"))


def test_the_header_says_what_is_missing(tmp_path):
    with kit.hostile(tmp_path / "i.db") as inventory:
        raw = kit.data(inventory, "bodyfile")
        root = inventory.meta["row_root"]
    comments = [line[2:] for line in raw.decode().split("\n") if line.startswith("#")]
    assert set(NOT_SAID["bodyfile"]) <= set(comments)
    assert f"row_root: {root}" in comments


def test_every_line_has_eleven_fields_and_names_come_back(tmp_path):
    with kit.hostile(tmp_path / "i.db") as inventory:
        lines = kit.body(kit.data(inventory, "bodyfile"))
    assert {len(line) for line in lines} == {11}
    assert len(lines) == 1 + 3 * len(kit.HOSTILE)
    names = [kit.unescape(line[1].partition(" -> ")[0]) for line in lines]
    for text in kit.HOSTILE:
        assert names.count(b"/" + text) == 1
        assert names.count(b"/d/" + text) == 1
        assert b"/" + text + b":" + text in names


def test_no_name_forges_a_mark_or_is_decoded(tmp_path):
    with kit.hostile(tmp_path / "i.db") as inventory:
        lines = kit.body(kit.data(inventory, "bodyfile"))
    for line in lines:
        assert not line[1].endswith((" (deleted)", " (deleted-realloc)", " ($FILE_NAME)"))
        assert (" -> " in line[1]) == line[3].startswith("l")
        assert "%4" not in line[1]
        assert "%7" not in line[1]


def test_marks_digests_and_times(tmp_path):
    reused = kit.name(b"/r", 7, allocated=False, reallocated="yes")
    del reused["seq"]
    lines = _body(
        tmp_path,
        kit.filesystem(),
        kit.name(b"/a", 5, mode=0o4751, uid=7, gid=8, zone="utc",
                 times={"a": "1999999999", "m": "-1", "c": "3000000000", "b": "0"}),
        kit.stream(5),
        kit.name(b"/gone", 6, allocated=False, reallocated="no"),
        kit.stream(6, basis="deleted-runs-recorded"),
        reused,
    )  # fmt: skip
    assert [line[1] for line in lines] == ["/a", "/gone (deleted)", "/r (deleted-realloc)"]
    assert [line[0] for line in lines] == [f"{5:032x}", "0", "0"]
    assert lines[0][2:] == ["5", "r/rrwsr-x--x", "7", "8", "3", "1", "-1", "3", "0"]
    assert lines[2][2:] == ["7", "r/----------", "0", "0", "0", "0", "0", "0", "0"]


def test_file_name_times_have_a_line_of_their_own(tmp_path):
    lines = _body(
        tmp_path,
        kit.filesystem(type="ntfs"),
        kit.name(b"/d", 5, type="directory", allocated=False, reallocated="no", zone="utc",
                 times={"m": "1000000000"}, name_times={"m": "2000000000"}),
        kit.stream(5, attr=128, attr_id=4, name="ads", basis="deleted-runs-recorded"),
    )  # fmt: skip
    assert [(line[1], line[2], line[8]) for line in lines] == [
        ("/d ($FILE_NAME) (deleted)", "5-48", "2"),
        ("/d (deleted)", "5", "1"),
        ("/d:ads (deleted)", "5-128-4", "1"),
    ]


def test_several_file_systems_are_told_apart(tmp_path):
    lines = _body(
        tmp_path,
        kit.filesystem(), kit.name(b"/a", 5), kit.stream(5),
        kit.filesystem(fs=2), kit.name(b"/a", 5, fs=2), kit.stream(5, fs=2),
    )  # fmt: skip
    assert [line[1] for line in lines] == ["fs1:/a", "fs2:/a"]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"type": "directory", "mode": 0o1777}, "d/drwxrwxrwt"),
        ({"type": "file", "mode": 0o6644}, "r/rrwSr-Sr--"),
        ({"type": "symlink", "mode": 0o777}, "l/lrwxrwxrwx"),
        ({"type": "fifo", "mode": 0}, "p/p---------"),
        ({"type": "unknown"}, "-/----------"),
        ({"type": "file", "mode": 0, "flags": ["virtual"]}, "v/v---------"),
        ({"type": "directory", "mode": 0, "flags": ["virtual"]}, "V/V---------"),
        ({}, "-/----------"),
    ],
)
def test_modes(row, text):
    assert mode(row) == text


def test_links_show_their_target_and_its_length(tmp_path):
    lines = _body(
        tmp_path,
        kit.filesystem(),
        kit.name(b"/l", 5, type="symlink", target="a|b"),
        kit.name(b"/long", 6, type="symlink"),
    )
    assert [(line[1], line[6]) for line in lines] == [("/l -> a\\x7cb", "3"), ("/long", "0")]
