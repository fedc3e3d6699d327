"""What the manifest page says about unread places; the values are signed, not checked."""

from __future__ import annotations

import pytest

from evkit.bundle.unread import files_there, lost


def test_ranges():
    unread = {"bytes": 1536, "ranges": 2, "first": [[0, 512], [4096, 1024]], "fill": "zero"}
    assert lost(unread) == (
        "1,536 bytes in 2 ranges; at byte (length): 0 (512), 4,096 (1,024); fill zero"
    )
    many = {"bytes": 512 * 99, "ranges": 99, "first": [[n * 4096, 512] for n in range(64)]}
    assert lost(many).endswith("45,056 (512) and 87 more, see the map")
    assert lost({"files": 3, "list": "files.jsonl"}) == "files 3, list files.jsonl"


@pytest.mark.parametrize(
    "value", [None, 5, "x", [], {}, {"ranges": "2"}, {"ranges": 1, "first": 5},
              {"ranges": 2, "bytes": "x", "first": [[1], "a", [1, "b"], {}]}],
)  # fmt: skip
def test_any_json(value):
    assert isinstance(lost(value), str)


def test_files():
    rows = [
        {"acquisition": "C/E1/A1", "entry": 7, "unread_files": {"files": 9}},
        {"acquisition": "C/E1/A2", "entry": 8, "unread_files": {"files": 5}},
        {
            "acquisition": "C/E1/A1",
            "entry": 9,
            "unread_files": {
                "files": 2, "deleted": 1, "whole": True, "uncertain": 3,
                "first": [
                    {"path": "/a", "bytes": 512}, {"path": "/b", "bytes": 1, "deleted": True},
                ],
            },
        },
        {"acquisition": "C/E1/A1", "entry": 10},
    ]  # fmt: skip
    assert files_there("C/E1/A1", rows) == (
        "2 in use, 1 deleted (entry 9); of 3 that is not known: /a (512 bytes); "
        "/b (1 byte, deleted); and 1 more"
    )
    assert files_there("C/E1/A2", rows) == "at least 5 in use, 0 deleted (entry 8)"
    assert files_there("C/E1/A3", rows) == ""


@pytest.mark.parametrize("first", [None, 5, "x", [1, [], {}, {"path": 5, "bytes": "x"}], {"a": 1}])
def test_any_json_of_files(first):
    rows = [{"acquisition": "a", "entry": 1, "unread_files": {"files": True, "first": first}}]
    assert files_there("a", rows).startswith("at least 0 in use")
