"""What the engine said about an image, kept until its streams are digested, then given again.

A child lists metadata and extents and offers the streams that it need not read. Its lines go into
an unnamed scrap file; offers are completed with digests when they are read back in the same order.
An offer that nobody digested is asked for again from a child that reads it.
"""

from __future__ import annotations

import itertools
import tempfile
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.inventory.runner import EngineStoppedError
from evkit.inventory.streamrow import completed, digests_text
from evkit.inventory.wire import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Ask = Callable[[Mapping[str, Any]], Iterator[Message]]
    Offer = Callable[[list[list[int]], int], int]
    Done = Callable[[int], tuple[dict[str, str] | None, str | None]]

BATCH = 50_000  # streams of one request
_TOP = 2**53


@dataclass
class _Section:
    """The answers to one request: where they begin, the first of its offers, how it ended."""

    start: int
    offer: int
    stopped: tuple[str, str] | None = None


class Walked:
    """Answers of the engine about one image.

    Args:
        folder: the scrap file lies there; it has no name and vanishes with the process.
        ask: runs the engine.
        offer: takes extents and size of a stream and returns its number, -1 when it is not taken.

    Attributes:
        streams: streams that were digested outside the engine, as given again so far.
        bytes: their bytes.
    """

    def __init__(self, folder: bytes, ask: Ask, offer: Offer) -> None:
        self._ask = ask
        self._offer = offer
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - kept open, see `close`
        self._sections: dict[tuple[str, int], _Section] = {}
        self._keys = array("Q")
        self._numbers = array("q")
        self.streams = 0
        self.bytes = 0

    def close(self) -> None:
        """Let the scrap file go."""
        self._file.close()

    def record(self, request: Mapping[str, Any]) -> Iterator[Message]:
        """Ask the engine and keep what it says; of a volume only signs of life are passed on.

        Raises:
            EngineStoppedError: the child did not finish; that is kept as well.
        """
        section = _Section(self._file.tell(), len(self._numbers))
        self._sections[_name(request)] = section
        volume = request["task"] == "volume"
        try:
            for message in self._ask({**request, "offer": True} if volume else request):
                if message.kind == "offer":
                    self._take_offer(message.fields)
                if message.kind != "beat":
                    self._keep(message)
                if not volume or message.kind in {"beat", "info"}:
                    yield message
        except EngineStoppedError as error:
            section.stopped = (error.reason, error.detail)
            raise
        finally:
            self._file.write(b"\n")

    def again(self, request: Mapping[str, Any], done: Done) -> Iterator[Message]:
        """Answer a request from what was kept.

        Args:
            request: one that was recorded, with the places of the image's files now.
            done: returns digests (None when there are none) and type of a stream.

        Raises:
            EngineStoppedError: as the child ended then, or one that reads streams again.
        """
        section = self._sections[_name(request)]
        numbers = self._missing(section, done)
        reader = self._read_again(request, numbers)
        index = section.offer
        for message in self._kept(section):
            if message.kind != "offer":
                yield message
                continue
            digests, mime = done(self._numbers[index])
            index += 1
            if digests is None:
                yield from _same(message.fields, next(reader, []))
                continue
            size = message.fields["size"]
            self.streams += 1
            self.bytes += size
            yield Message.of_row(_completed(message, size, digests))
            if mime is not None:
                yield Message("type", {}, mime)
        if section.stopped is not None:
            raise EngineStoppedError(*section.stopped)

    def _keep(self, message: Message) -> None:
        self._file.writelines(line + b"\n" for line in message.lines())

    def _kept(self, section: _Section) -> Iterator[Message]:
        at = section.start
        while True:
            self._file.seek(at)
            lines = self._file.readlines(1 << 20)
            for line in lines:
                if line == b"\n":
                    return
                at += len(line)
                yield Message.parse(line[:-1])
            if not lines:
                return

    def _take_offer(self, fields: dict[str, Any]) -> None:
        key = [fields.get(name) for name in ("inode", "attr", "attr_id")]
        sound = all(type(part) is int and 0 <= part < _TOP for part in key)
        if not sound or not _sound(fields.get("extents"), fields.get("size")):
            raise EngineStoppedError("engine-garbage", "an offer that is not a stream")
        self._keys.extend(int(part or 0) for part in key)
        self._numbers.append(self._offer(fields["extents"], fields["size"]))

    def _missing(self, section: _Section, done: Done) -> Iterator[int]:
        later = [other.offer for other in self._sections.values() if other.start > section.start]
        for index in range(section.offer, min(later, default=len(self._numbers))):
            if done(self._numbers[index])[0] is None:
                yield index

    def _read_again(
        self, request: Mapping[str, Any], indexes: Iterator[int]
    ) -> Iterator[list[Message]]:
        """Have streams read; yields the row of each, with the type behind it if there is one."""
        more = True
        while more:
            batch = list(itertools.islice(indexes, BATCH))
            more = len(batch) == BATCH
            if not batch:
                return
            keys = [list(self._keys[3 * index : 3 * index + 3]) for index in batch]
            found: list[Message] = []
            for message in _singly(self._ask({**request, "task": "again", "streams": keys})):
                if message.kind == "row" and found:
                    yield found
                    found = []
                if message.kind in {"row", "type"}:
                    found.append(message)
            if found:
                yield found


def _singly(messages: Iterator[Message]) -> Iterator[Message]:
    """Yield rows and types one by one."""
    for message in messages:
        if message.kind == "rows":
            yield from map(Message.parse, message.lines())
        else:
            yield message


def _completed(offer: Message, size: int, digests: Mapping[str, str]) -> bytes:
    try:
        return completed(offer.raw, size, digests_text(digests))
    except ValueError as error:
        raise EngineStoppedError("engine-garbage", "an offer that is not a stream") from error


def _name(request: Mapping[str, Any]) -> tuple[str, int]:
    return request["task"], request.get("fs", 0)


def _sound(extents: object, size: object) -> bool:
    if type(size) is not int or not 0 < size < _TOP or not isinstance(extents, list):
        return False
    return all(
        isinstance(item, list) and len(item) == 2 and [type(part) for part in item] == [int, int]  # noqa: PLR2004
        for item in extents
    )


def _same(offer: dict[str, Any], found: list[Message]) -> list[Message]:
    """Return what a child sent for an offer, when it is about the same stream."""
    row = found[0].fields if found and found[0].kind == "row" else {}
    if row.get("row") == "error" and (row.get("fs"), row.get("inode")) == (
        offer["fs"], offer["inode"],
    ):  # fmt: skip
        return found[:1]  # it cost the child its life
    wrong = [name for name in offer if name != "bytes_digested" and row.get(name) != offer[name]]
    if wrong or len(found) > 2:  # noqa: PLR2004 - a row and its type
        raise EngineStoppedError("engine-garbage", "another stream than the one asked for")
    return found
