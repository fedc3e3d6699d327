"""Serving the tasks of one volume, one after the other, from standard input (child only)."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from evkit.core.errors import EvkitError
from evkit.core.paths import unb64
from evkit.core.text import escape
from evkit.inventory.driver import MAX_DEPTH, MAX_PATH, Answer, Folder, folder_row
from evkit.inventory.offers import Offer, Simple, parse
from evkit.inventory.wire import ASKED, MAX_LINE, OFFER, SPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from evkit.inventory.driver import Driver
    from evkit.inventory.offers import Six
    from evkit.inventory.plain import Plain
    from evkit.inventory.pulse import Pulse
    from evkit.inventory.wire import Sender

_MAX_TASK = 64 << 20
_ERRORS = (EvkitError, MemoryError, OSError, RuntimeError)


_PIECE = 256  # records between two looks at the clock
_ATTR = 3  # place of the attribute in the numbers of a record
_Part = bytes | Offer


class Server:
    """Answers tasks until the input ends.

    Args:
        fs: number of the file system.
        driver: reads it.
        plain: reads the plain streams.
        sender: takes the answers.
        pulse: tells the parent that a long call goes on.
    """

    def __init__(self, fs: int, driver: Driver, plain: Plain, sender: Sender, pulse: Pulse) -> None:
        self._fs = fs
        self._driver = driver
        self._plain = plain
        self._sender = sender
        self._pulse = pulse

    def run(self, tasks: BinaryIO) -> None:
        """Serve."""
        while line := tasks.readline(_MAX_TASK):
            task = json.loads(line)
            count = self._list(task) if task["task"] == "list" else self._streams(task, tasks)
            self._sender.send("end", count)
            self._sender.flush()

    def _list(self, task: dict[str, Any]) -> int:
        answer = Answer(self._sender)
        for index, (inode, seq, path, used, depth, most) in enumerate(task["folders"]):
            folder = Folder(inode, seq, unb64(path), bool(used), depth, most)
            if depth > MAX_DEPTH or len(folder.path) > MAX_PATH:
                answer.row(folder_row(self._fs, folder, 0, "unreadable", "too-deep"))
            elif not self._item(index, answer, partial(self._driver.list, folder)):
                answer.dropped()
                continue
            answer.listed()
            if task["careful"]:
                self._sender.flush()
        return len(task["folders"])

    def _streams(self, task: dict[str, Any], tasks: BinaryIO) -> int:
        careful = task["careful"]
        answer = Answer(self._sender, task["budget"], offering=task["offer"])
        six = iter(task["records"])
        records = list(zip(six, six, six, six, six, six, strict=True))
        parts: dict[int, list[_Part]] = {
            index: [_parsed(tasks.readline(MAX_LINE)[:-1]) for _ in range(count)]
            for index, count in task["lines"]
        }
        self._plain.plan(list(_extents(records, parts)))
        index = 0
        while index < len(records):
            if not careful and not answer.offering and records[index][_ATTR]:
                read = self._plain.many(self._fs, _simple(records, index), answer)
                index += read
                if read:
                    continue
            work = partial(self._record, index, records[index], parts.get(index, []))
            if not careful:
                work(answer)
            elif self._item(index, answer, work):
                self._sender.send("item")
            if careful:
                self._sender.flush()
            index += 1
        return index

    def _item(self, index: int, answer: Answer, work: Callable[[Answer], None]) -> bool:
        """Do one item; what goes wrong in it is told and costs nothing else."""
        self._pulse.begin(index)
        try:
            work(answer)
        except _ERRORS as error:
            reason = "engine-memory" if isinstance(error, MemoryError) else "engine-error"
            self._sender.send("lost", index, reason, safe(error))
            return False
        finally:
            self._pulse.end()
        return True

    def _record(self, index: int, numbers: Six, parts: list[_Part], out: Answer) -> None:
        inode = numbers[1]
        if numbers[_ATTR]:
            parts = [Simple._make(numbers).offer(self._fs)]
        if not parts:
            self._driven(index, inode, None, out)
            return
        for part in parts:
            if isinstance(part, bytes):
                self._asked(index, inode, part, out)
            elif out.offering:
                self._plain.offer(part, out)
            elif not self._plain.read(part, out):
                self._driven(index, inode, part.key, out)

    def _asked(self, index: int, inode: int, line: bytes, out: Answer) -> None:
        first = line[:1]
        if first == ASKED:
            attr, attr_id = json.loads(line[1:])
            self._driven(index, inode, (attr, attr_id), out)
        elif first == SPACE:
            self._driver.spaces(line[1:].decode("ascii"), inode, out)
        else:
            out.line(line)

    def _driven(self, index: int, inode: int, only: tuple[int, int] | None, out: Answer) -> None:
        self._pulse.begin(index)
        try:
            self._driver.streams(inode, out, only)
        finally:
            self._pulse.end()


def _parsed(line: bytes) -> _Part:
    return parse(line[1:]) if line[:1] == OFFER else line


def _simple(records: list[Six], at: int) -> list[Six]:
    """Return the simple streams that come next, but not many."""
    found = records[at : at + _PIECE]
    for index, record in enumerate(found):
        if not record[_ATTR]:
            return found[:index]
    return found


def _extents(records: list[Six], parts: dict[int, list[_Part]]) -> Iterator[tuple[int, int]]:
    for index, record in enumerate(records):
        if record[_ATTR]:
            yield record[0], record[2]
        else:
            for part in parts.get(index, ()):
                if isinstance(part, Offer) and len(part.extents) == 1:
                    yield part.extents[0][0], part.extents[0][1]


def safe(error: BaseException) -> str:
    """Return the message of an error as one printable line."""
    return escape(" ".join(str(error).split())[:400]) or type(error).__name__
