"""Journal, acquisition log, gaps and map: written one way, read strictly."""

from __future__ import annotations

import os

import pytest

from evkit.acquire import gaps, journal, log
from evkit.core import ejson
from evkit.core.errors import InputError, RefusedError, UsageError

PLAIN = journal.Journal(what="acquire", ref="C1/E1/A1", started="2026-11-22T10:00:00.000Z", pid=7)
WAITING = journal.Journal(
    what="intake", ref="C1/E1/A2", started="2026-11-22T10:00:00.000Z", pid=7,
    state="unsigned", start_event="ab" * 32, draft={"kind": "intake-end"},
)  # fmt: skip


@pytest.mark.parametrize("entry", [PLAIN, WAITING])
def test_journal_round_trip(tmp_path, entry):
    folder = os.fsencode(tmp_path)
    journal.begin(folder, entry)
    assert journal.read(folder) == entry
    with pytest.raises(RefusedError):
        journal.begin(folder, entry)
    journal.remove(folder)
    journal.remove(folder)
    assert journal.read(folder) is None


def test_journal_every_cut_and_flip_is_an_error_or_another_valid_journal():
    data = journal.encode(WAITING)
    for length in range(len(data)):
        with pytest.raises(InputError):
            journal.decode(data[:length])
    for at in range(len(data)):
        flipped = data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]
        try:
            assert journal.encode(journal.decode(flipped)) == flipped
        except InputError:
            continue


@pytest.mark.parametrize(
    "change",
    [{"pid": 0}, {"pid": True}, {"state": "done"}, {"state": "running"}, {"more": 1}, {"draft": []},
     {"schema": "evkit/journal/2"}, {"ref": 5}, {"start_event": 5}],
)  # fmt: skip
def test_journal_malformed(change):
    value = ejson.loads(journal.encode(WAITING)) | change
    with pytest.raises(InputError):
        journal.decode(ejson.dumps(value))


def test_log_holds_every_item_in_a_state():
    document = log.build("C1/E1/A1", {"result": "complete"}, {"scope": "all"})
    states = {name: item["state"] for name, item in document["items"].items()}
    assert set(states) == set(log.ITEMS)
    assert states["result"] == "recorded"
    assert document["items"]["scope"] == {"state": "recorded", "value": "all", "by": "officer"}
    assert states["write_blocker.make"] == "not-asked"
    assert states["source.serial"] == "could-not-check"
    assert log.decode(log.encode(document)) == document
    counted = log.summary(document)
    total = counted["recorded"] + len(counted["not-asked"])
    assert total + len(counted["could-not-check"]) == len(log.ITEMS)


def test_log_covers_the_elements_of_the_procedure():
    """Every group of law-and-procedure 3.2 has an item."""
    groups = ["operator", "start", "end", "host", "system", "tool", "tool_build", "command",
              "write_blocker.make", "write_blocker.tested", "write_blocker.none", "source.path",
              "source.serial", "source.firmware", "source.size", "source.sectors",
              "source.interface", "source.partition_table", "source.hidden_areas",
              "source.encryption", "source.power_state", "source.clock", "type", "scope",
              "destination.medium", "destination.serial", "destination.wiped",
              "destination.file_system", "format", "segments", "compression", "read_errors",
              "bytes_read", "digests", "verification", "pieces", "result", "second_person",
              "photos", "deviations", "volatility_order"]  # fmt: skip
    assert set(groups) <= set(log.ITEMS)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda d: d["items"].pop("result"),
        lambda d: d["items"].update(extra={"state": "not-asked"}),
        lambda d: d["items"].update(result={"state": "recorded"}),
        lambda d: d["items"].update(result={"state": "fine"}),
        lambda d: d["items"].update(result={"state": "recorded", "value": 1, "by": "me"}),
        lambda d: d.update(schema="x"),
        lambda d: d.update(ref=1),
    ],
)
def test_log_malformed(break_it):
    document = log.build("C1/E1/A1", {}, {})
    break_it(document)
    with pytest.raises(InputError):
        log.decode(ejson.dumps(document))


def test_typed_items_are_told_from_fields():
    items, rest = log.stated(
        {"write_blocker": {"make": "Tableau"}, "source.power_state": "off", "remarks": "x",
         "type": "full"}
    )  # fmt: skip
    assert items == {"write_blocker.make": "Tableau", "source.power_state": "off"}
    assert rest == {"remarks": "x", "type": "full"}


@pytest.mark.parametrize(
    "fields", [{"write_blocker.colour": "red"}, {"write_blocker.make": ""}, {"source.clock": 5}]
)
def test_typed_items_malformed(fields):
    with pytest.raises(UsageError):
        log.stated(fields)


def test_ranges():
    many = [(n * 1024, 512) for n in range(200)]
    found = gaps.fields(many)
    assert (found["ranges"], found["bytes"], len(found["first"])) == (200, 102400, gaps.SHOWN)
