"""What a child says it found in a directory, in one piece or in several."""

from __future__ import annotations

import io
import json

import pytest

from evkit.core.errors import InputError
from evkit.core.paths import b64
from evkit.inventory.batch import Batch, Record
from evkit.inventory.driver import Answer, Folder
from evkit.inventory.seen import Seen
from evkit.inventory.wire import MAX_LINE, Sender
from evkit.manifest.rowaccept import accept

FOLDER = Folder(2, 0, b"/", allocated=True, depth=0)
NAMED = [[7, 0, b64(b"x"), 1, 0]]


def _batch() -> Batch:
    return Batch(1, [FOLDER], accept)


def test_pieces_of_a_directory_are_put_together():
    batch = _batch()
    batch.found([NAMED, [10, 5, 100, 128, 2, 9, 0]])
    batch.kept += [b"{}", b"?{}"]
    batch.found([[], [20, 6, 1, 0, 0, 0, 2]])
    batch.directory([[], [30, 7, 1, 1, 0, 0, 0]])
    (listed,) = batch.listed
    assert listed.folders == [Folder(7, 0, b"/x", allocated=True, depth=1)]
    assert listed.records == [
        Record(10, 5, 100, 128, 2, 9), Record(20, 6, 1, lines=(b"{}", b"?{}")),
        Record(30, 7, 1, 1),
    ]  # fmt: skip
    assert batch.over


def test_what_a_child_found_before_it_died_is_forgotten():
    batch = _batch()
    batch.found([NAMED, [10, 5, 100, 128, 2, 9, 0]])
    batch.again()
    batch.directory([[], []])
    assert batch.listed == [([], [])]
    batch = _batch()
    batch.found([NAMED, []])
    batch.lose("engine-crash", "")
    assert batch.listed == [([], [])]


@pytest.mark.parametrize(
    "records",
    [
        [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6, 1], [1, 2, 3, 4, 5, 6, -1], ["1", 2, 3, 4, 5, 6, 0],
        [2**53, 2, 3, 4, 5, 6, 0], [1.5, 2, 3, 4, 5, 6, 0], [None] * 7, "1234567", {},
    ],
)  # fmt: skip
def test_records_that_cannot_be(records):
    with pytest.raises(InputError):
        _batch().found([[], records])
    batch = _batch()
    batch.kept.append(b"{}")
    with pytest.raises(InputError):
        batch.found([[], [1, 2, 3, 4, 5, 6, 0]])


def test_a_task_names_the_lines_of_its_records():
    records = [Record(9, 5, 7, 1, 0, 3), Record(8, 6, 7), Record(7, 4, 1, lines=(b"a", b"b"))]
    task, *lines = Batch(1, records, accept, budget=50).request().split(b"\n")
    assert lines == [b"a", b"b", b""]
    said = json.loads(task)
    assert said["records"] == [9, 5, 7, 1, 0, 3, 8, 6, 7, 0, 0, 0, 7, 4, 1, 0, 0, 0]
    assert said["lines"] == [[2, 2]]


def test_no_line_of_a_huge_directory_is_too_long():
    stream = io.BytesIO()
    answer, count = Answer(Sender(stream)), 200_000
    for number in range(count):
        answer.simple((2**52 + number, number, 2**52, 128, 65535, 65535, 0))
    answer.listed()
    answer.flush()
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) < MAX_LINE // 4
    batch = _batch()
    for line in lines:
        kind, *values = json.loads(line)
        (batch.directory if kind == "listed" else batch.found)(values)
    assert [record.inode for record in batch.listed[0].records] == list(range(count))


def test_addresses_are_new_once():
    seen = Seen()
    numbers = [1, 5, 1, 1 << 40, 40_000, 5, 1 << 40]
    assert list(seen.fresh(numbers)) == [True, True, False, True, True, False, False]
    assert [seen.add(number) for number in (5, 6)] == [False, True]
    assert list(seen) == [1, 5, 6, 40_000, 1 << 40]
