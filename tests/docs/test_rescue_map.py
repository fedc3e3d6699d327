"""The page about maps says what the code does."""

from __future__ import annotations

import re

import pytest

from evkit.acquire import attempts, gaps, mapfile, storm
from evkit.acquire.rescue import Policy
from evkit.inventory import unread


@pytest.fixture(scope="module")
def page(repository) -> str:
    return (repository / "docs/spec/rescue-map.md").read_text(encoding="utf-8")


def table(page: str, heading: str) -> list[str]:
    part = page.split(heading, 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) ", part, re.MULTILINE)


def test_the_examples_are_maps_as_evkit_writes_them(page, repository):
    folder = (repository / "docs/spec/acquisition-folder.md").read_text(encoding="utf-8")
    for text in (page, folder):
        example = re.search(r"```\n(# made by evkit.*?)```", text, re.DOTALL)[1].encode()
        assert mapfile.encode(mapfile.parse(example)) == example


def test_statuses(page):
    assert table(page, "## Text") == [f"`{status}`" for status in mapfile.STATUSES]


def test_fields_of_the_event(page):
    named = re.findall(r"`(\w+)`", " ".join(table(page, "## Files in unread places")))
    found = unread.UnreadFiles(
        bytes=0, ranges=0, files=0, deleted=0, file_bytes=0, table_bytes=0, other_bytes=0,
        uncertain=0, first=(unread.Hit(path="", row=0, bytes=0, deleted=False),), whole=True,
    ).fields()  # fmt: skip
    assert set(named) == set(found)
    for name in found["first"][0]:
        assert f"`{name}`" in page


def test_numbers(page):
    policy, rule = Policy(), storm.RULE
    assert f"{mapfile.MAX_RANGES:,} ranges or {mapfile.MAX_BYTES:,} bytes" in page
    assert (policy.block, policy.small, policy.skip_min) == (4 << 20, 64 << 10, 64 << 10)
    assert (policy.skip_max, policy.longer(1 << 40, 1 << 50)) == (1 << 30, 1 << 30)
    assert policy.longer(1 << 40, 10**9) == 10**7 // 4096 * 4096
    assert "4 MiB at a time" in page
    assert "at most 1 GiB and at most 1 % of the medium" in page
    assert f"After {attempts.DOUBT} failures in a row" in page
    assert f"within the last {rule.window >> 20} MiB {rule.bad} sectors" in page
    assert f"reading took {rule.seconds:.0f} seconds" in page
    assert f"the first {unread.SHOWN}, those in use first" in page
    assert f"the first {gaps.SHOWN} only" in page
