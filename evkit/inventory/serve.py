"""Serving the tasks of one volume, one after the other, from standard input (child only)."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from evkit.core.errors import EvkitError
from evkit.core.paths import unb64
from evkit.core.text import escape
from evkit.inventory.driver import MAX_DEPTH, MAX_PATH, Answer, Folder, folder_row
from evkit.inventory.offers import Offer, Simple, parse, parse_simple
from evkit.inventory.wire import ASKED, MAX_LINE, OFFER, SIMPLE, SPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from evkit.inventory.driver import Driver
    from evkit.inventory.plain import Plain
    from evkit.inventory.pulse import Pulse
    from evkit.inventory.wire import Sender

_MAX_TASK = 64 << 20
_ERRORS = (EvkitError, MemoryError, OSError, RuntimeError)


_PIECE = 64  # records between two looks at the clock
_SIMPLE = SIMPLE.encode()
_Part = bytes | Offer | Simple


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
        keys, careful = task["records"], task["careful"]
        answer = Answer(self._sender, task["budget"], offering=task["offer"])
        groups = [
            [self._parsed(tasks.readline(MAX_LINE)[:-1]) for _ in range(count)]
            for count in keys[1::2]
        ]
        self._plain.plan(list(_extents(groups)))
        index = 0
        while index < len(groups):
            inode, group = keys[2 * index], groups[index]
            if careful:
                if self._item(index, answer, partial(self._record, index, inode, group)):
                    self._sender.send("item")
                self._sender.flush()
                index += 1
                continue
            index += 0 if answer.offering else self._many(groups, index, answer)
            if index < len(groups):
                self._record(index, keys[2 * index], groups[index], answer)
                index += 1
        return index

    def _many(self, groups: list[list[_Part]], at: int, answer: Answer) -> int:
        """Read the simple streams that come next, a piece at a time; returns how many."""
        count = 0
        while True:
            found: list[Simple] = []
            for group in groups[at + count : at + count + _PIECE]:
                first = group[0] if len(group) == 1 else None
                if not isinstance(first, Simple):
                    break
                found.append(first)
            done = self._plain.many(self._fs, found, answer)
            count += done
            if done < _PIECE:
                return count

    def _parsed(self, line: bytes) -> _Part:
        first = line[:1]
        if first == _SIMPLE:
            return parse_simple(line[1:])
        return parse(line[1:]) if first == OFFER else line

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

    def _record(self, index: int, inode: int, parts: list[_Part], out: Answer) -> None:
        if not parts:
            self._driven(index, inode, None, out)
            return
        for part in parts:
            if isinstance(part, bytes):
                self._asked(index, inode, part, out)
                continue
            offer = part if isinstance(part, Offer) else part.offer(self._fs)
            if out.offering:
                self._plain.offer(offer, out)
            elif not self._plain.read(offer, out):
                self._driven(index, inode, offer.key, out)

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


def _extents(groups: list[list[_Part]]) -> Iterator[tuple[int, int]]:
    for group in groups:
        for part in group:
            if isinstance(part, Simple):
                yield part.place, part.size
            elif isinstance(part, Offer) and len(part.extents) == 1:
                yield part.extents[0][0], part.extents[0][1]


def safe(error: BaseException) -> str:
    """Return the message of an error as one printable line."""
    return escape(" ".join(str(error).split())[:400]) or type(error).__name__
