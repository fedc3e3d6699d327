"""Whatever could not be read is said in a sentence, in at most 80 columns, safe to print."""

from __future__ import annotations

import ast
import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evkit.core.text import is_clean
from evkit.inventory.sentences import REASONS, sentence, why, wrapped

FAILED = {"damaged", "unreadable", "unsupported", "encrypted"}


def _reasons(repository) -> set[str]:
    """Every reason that stands as text beside a failed state, or in the field `reason`."""
    found = set()
    for path in (repository / "evkit" / "inventory").rglob("*.py"):
        if "hashsets" in path.parts or "exports" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                pairs = {
                    key.value: value.value
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)
                }
                failed = pairs.get("state", "damaged") in FAILED
                if failed and isinstance(pairs.get("reason"), str):
                    found.add(pairs["reason"])
            elif isinstance(node, ast.Tuple):
                words = [item.value for item in node.elts if isinstance(item, ast.Constant)]
                for state, reason in itertools.pairwise(words):
                    slug = isinstance(reason, str) and re.fullmatch(
                        "[a-z0-9]+(-[a-z0-9]+)+", reason
                    )
                    if state in FAILED and slug:
                        found.add(reason)
    return found


def test_every_reason_in_the_code_has_words(repository):
    found = _reasons(repository)
    assert len(found) > 20
    assert found - set(REASONS) == set()


def test_a_sentence_says_what_where_and_why():
    row = {"row": "filesystem", "fs": 2, "offset": 1048576, "type": "xfs", "state": "unsupported",
           "reason": "not-supported", "detail": "XFS (Linux): evkit cannot read it"}  # fmt: skip
    assert sentence(7, row) == (
        "row 7: file system 2 at byte 1,048,576, unsupported: XFS (Linux): evkit cannot read it"
    )
    row = {"row": "stream", "inode": 1234, "state": "damaged", "reason": "short-read"}
    assert sentence(8, row) == (
        "row 8: stream of record 1,234, damaged: there are fewer bytes than its size says"
    )
    row = {"row": "error", "fs": 1, "stage": "engine", "reason": "engine-crash", "detail": "by 11"}
    assert sentence(9, row) == (
        "row 9: engine, file system 1: the program that read it crashed (by 11)"
    )
    row = {"row": "space", "fs": 1, "what": "unallocated", "state": "unsupported",
           "reason": "no-map-of-free-space"}  # fmt: skip
    assert sentence(9, row) == (
        "row 9: unallocated, file system 1, unsupported: "
        "nothing says which space of this file system is free"
    )


def test_a_reason_that_is_not_known_is_shown_as_it_is():
    assert why({"state": "damaged", "reason": "new-reason"}) == "it is damaged (new-reason)"
    assert why({"state": "encrypted", "reason": "luks2-volume"}) == "it is encrypted"
    assert why({}) == "it could not be read"


@pytest.mark.parametrize("path", ["/\x1b[31mred", "/a\nb", "/\u202egpj.exe", "/" + "x" * 5000])
def test_names_from_evidence_are_escaped_and_short(path):
    row = {"row": "directory", "path": path, "inode": 5, "state": "unreadable",
           "reason": "directory-not-listed", "detail": path}  # fmt: skip
    text = sentence(1, row)
    assert is_clean(text.replace("\\", ""))
    assert len(text) < 700
    assert all(len(line) <= 80 for line in wrapped([text]))


@given(st.text(max_size=300), st.text(max_size=300))
@settings(max_examples=100)
def test_lines_are_never_wider_than_the_terminal(path, detail):
    row = {"row": "name", "path": path, "inode": 1, "state": "damaged", "detail": detail}
    for line in wrapped([sentence(1, row)]):
        assert len(line) <= 80
        assert is_clean(line.replace("\\", ""))
