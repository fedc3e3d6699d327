"""The page of the engine states the numbers that the code has."""

from __future__ import annotations

import re

import pytest

from evkit.inventory import held, plain, pool, schedule, wire
from evkit.inventory.runner import TASK_LINES, Limits

NUMBERS = {
    "at most {:,} bytes": wire.MAX_LINE,
    "deleted ones, {:,} to a task": schedule.FOLDERS,
    "at most {:,} of them": schedule.ROUND,
    "when {:,} wait": schedule.WINDOW,
    "tasks of {:,} records": schedule.RECORDS,
    "or {:,} MiB. A record": schedule.BYTES >> 20,
    "up to {:,} MiB a task": held.MOST >> 20,
    "within {:,} KiB of each": plain._GAP >> 10,
    "up to {:,} MiB, and cut": plain.READ >> 20,
    "From {:,} MiB on": plain.THREADED_FROM >> 20,
    "more than {:,} lines": TASK_LINES,
    "nothing for {:,} seconds": int(Limits().silence),
    "After {:,} losses": pool.LOSSES,
    "or {:,} hours": int(pool.LOST_SECONDS) // 3600,
    "after {:,} seconds of processor": Limits().call,
}


@pytest.fixture(scope="module")
def page(repository):
    text = (repository / "docs" / "spec" / "inventory-engine.md").read_text("utf-8")
    return " ".join(text.split())


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_of_the_page(page, text):
    assert text.format(NUMBERS[text]) in page


def test_every_message_of_the_code_is_on_the_page(page):
    told = set(re.findall(r'`\["([a-z]+)"', page))
    known = wire._OBJECT | wire._LIST | wire._BARE | wire._NUMBER | {"type"}
    assert told == known - {"mark", "stored", "orphans"}  # these are the scheduler's
