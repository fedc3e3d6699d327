"""Damaged inventory files: page, search and comparison answer with a word, never with a crash."""

from __future__ import annotations

import contextlib
import random

import pytest
import reportkit as kit

from evkit.bundle.inventory.page import Context, report_page
from evkit.core.errors import EvkitError
from evkit.inventory.search.compare import compare
from evkit.inventory.search.find import Criteria, entries
from evkit.inventory.search.findtime import parse_times

RUNS = 80


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    rows = kit.disk()
    rows += [kit.name(n, f"/folder/{text}") for n, text in enumerate(kit.HOSTILE, 11)]
    rows += [kit.stream(n, n) for n in range(11, 11 + len(kit.HOSTILE))]
    folder = tmp_path_factory.mktemp("whole")
    path = kit.made(folder / "i.db", rows, {len(rows) - 1: "text/plain"})
    return path, path.read_bytes()


def _mutated(data: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    out = bytearray(data)
    kind = seed % 4
    if kind == 0:
        return bytes(out[: chance.randrange(len(out))])
    for _ in range(chance.choice((1, 4, 40))):
        at = chance.randrange(16 if kind == 1 else 100, len(out))
        out[at] = chance.randrange(256) if kind != 3 else out[at] ^ (1 << chance.randrange(8))
    return bytes(out)


@pytest.mark.parametrize("seeds", range(0, RUNS, 20))
def test_a_damaged_file_is_refused_or_read(whole, tmp_path, seeds):
    good, data = whole
    path = tmp_path / "bad.db"
    refused = []
    for seed in range(seeds, seeds + 20):
        path.write_bytes(_mutated(data, seed))
        for view in (_page, _search, _compare):
            try:
                view(path, good)
            except EvkitError as error:
                refused.append(error.message)
    assert len(refused) > 5
    assert all(text and "\n" not in text for text in refused)


def _page(path, _):
    with kit.opened(path) as inventory:
        inventory.problems()
        report_page(inventory, Context(what="x"))


def _search(path, _):
    with kit.opened(path) as inventory:
        wanted = Criteria(time=parse_times("2025-01-01.."), name="*")
        list(entries(inventory, wanted))


def _compare(path, good):
    with contextlib.ExitStack() as stack:
        left, right = (stack.enter_context(kit.opened(one)) for one in (path, good))
        compare(left, right)


@pytest.mark.parametrize("change", [
    "DELETE FROM meta WHERE key = 'rows'", "UPDATE meta SET value = 'x' WHERE key = 'engine_rows'",
    "UPDATE meta SET value = '99999999999999999999' WHERE key = 'rows'", "DELETE FROM rows",
    "UPDATE meta SET value = '5' WHERE key = 'rows'", "UPDATE rows SET row = NULL || n",
    "UPDATE rows SET row = x'ff'", "UPDATE engine_rows SET row = '{}'",
    "UPDATE rows SET salt = 'text'", "DROP TABLE engine_rows", "DELETE FROM meta",
])  # fmt: skip
def test_a_made_up_file_is_refused(whole, tmp_path, change):
    import sqlite3

    good, data = whole
    path = tmp_path / "bad.db"
    path.write_bytes(data)
    with contextlib.closing(sqlite3.connect(path)) as base:
        with contextlib.suppress(sqlite3.IntegrityError):
            base.execute(change)
        base.commit()
    for view in (_page, _search, _compare):
        with contextlib.suppress(EvkitError):
            view(path, good)
    with contextlib.suppress(EvkitError), kit.opened(path) as inventory:
        assert inventory.problems() or change.startswith("UPDATE rows SET row = NULL")
