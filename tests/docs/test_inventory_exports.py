"""The page of exports names every column, ending and sentence that the exports have."""

from __future__ import annotations

import re

from evkit.actions.inventory_case import MAX_FILES
from evkit.inventory.exports import columns, csvtext, parquet
from evkit.inventory.exports.formats import ENDINGS, NAMES
from evkit.inventory.exports.unsaid import NOT_SAID


def _sections(repository) -> dict[str, str]:
    page = (repository / "docs" / "spec" / "inventory-exports.md").read_text("utf-8")
    parts = re.split(r"^## (\w+)$", page, flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def test_every_format_has_its_section_and_endings(repository):
    sections = _sections(repository)
    assert tuple(name for name in sections if name) == NAMES
    for ending, kind in ENDINGS.items():
        row = next(line for line in sections[""].split("\n") if line.startswith(f"| `{kind}`"))
        assert f"`.{ending}`" in row


def test_what_a_format_cannot_say_is_said_word_for_word(repository):
    sections = _sections(repository)
    assert set(NOT_SAID) == set(NAMES) - {"jsonl"}
    for kind, sentences in NOT_SAID.items():
        said = sections[kind].partition("What it cannot say:\n")[2].strip()
        assert said == "\n".join(f"- {sentence}" for sentence in sentences)


def test_columns(repository):
    sections = _sections(repository)
    fence = sections["csv"].split("Columns:\n```\n")[1].split("\n```")[0]
    assert tuple(fence.split()) == csvtext.COLUMNS
    named = set(re.findall(r"[a-z0-9_]+", sections["parquet"]))
    assert set(columns.COLUMNS) <= named
    assert f"{parquet.GROUP_ROWS:,} rows" in sections["parquet"]
    assert f"`{parquet.SCHEMA}`" in sections["parquet"]
    assert f"{MAX_FILES:,}" in sections["case"]
