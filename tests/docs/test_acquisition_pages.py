"""The pages about acquisitions say what the code does."""

from __future__ import annotations

import re

from evkit.acquire import journal, log, selecting, wanted
from evkit.actions import acquire_job, decided
from evkit.custody import decision
from evkit.manifest import filelist


def table(page: str, heading: str) -> list[str]:
    part = page.split(heading, 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `([^`]+)`", part, re.MULTILINE)


def test_items_of_the_log(repository):
    page = (repository / "docs/spec/acquisition-log.md").read_text()
    assert table(page, "## Found by evkit") == list(log.FOUND)
    assert table(page, "## Stated by the officer") == list(log.ASKED)


def test_fields_of_the_list(repository):
    page = (repository / "docs/spec/file-list.md").read_text()
    named = set(re.findall(r"`([a-z0-9_]+)`", page))
    assert named >= filelist._KEYS
    example = re.search(r"^```\n(\{.*\})\n```$", page, re.MULTILINE)[1]
    row = filelist.decode_row(example.encode() + b"\n")
    assert row.name == filelist.neutral_name(row.n)


def test_fields_of_the_journal(repository):
    page = (repository / "docs/spec/journal.md").read_text()
    assert set(table(page, "# Work journal")) == journal._REQUIRED | journal._OPTIONAL


def test_the_page_about_types(repository):
    page = (repository / "docs/spec/targeted.md").read_text()
    assert table(page, "## Types of an acquisition")[1:] == list(acquire_job.TYPES)
    assert table(page, "## Decisions")[1:] == [decision.PARTIAL, decision.LIVE, decision.CLOSED]
    assert f"{wanted.MAX_ITEMS:,} items of at most {wanted.MAX_ITEM:,} bytes" in page
    assert f"{wanted.MAX_PATTERNS:,} of them" in page
    assert f"at most {wanted.MAX_LIST >> 20} MiB" in page
    assert f"{selecting.SEEN_MAX:,} things" in page
    assert f"at most {wanted.MAX_DEEP} in a line" in page
    assert decided.NOT_STATED in page
