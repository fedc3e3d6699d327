"""The archives that the listing of a tree came upon, each listed by the engine (parent side).

They come after all rows of the tree, in the order of the streams that hold them. A child serves
many; when it crashes, hangs or sends what it should not, the archive it was at is `damaged` and
another child goes on with the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.core.paths import unb64
from evkit.inventory.runner import EngineStoppedError
from evkit.inventory.trees.insidetaker import KINDS, InsideTaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from evkit.inventory.taker import Sink
    from evkit.inventory.wire import Message
    from evkit.manifest.rowfacts import Facts

    Ask = Callable[[Mapping[str, Any]], Iterator[Message]]
    Make = Callable[[str, int, Mapping[str, Any]], dict[str, Any]]

_FIELDS = {"type", "path", "name", "size", "mtime"}
_DIGITS = 24
_BATCH, _BATCH_BYTES = 1000, 4 << 20


class Insides:
    """Collects archives while a tree is listed and has them listed afterwards.

    Args:
        sink: takes rows and file types.
        count: told of every row that was written.
        ask: runs the engine.
        make: makes a request of a task, the bytes it may read, and more fields.
    """

    def __init__(
        self, sink: Sink, count: Callable[[Sequence[Facts]], None], ask: Ask, make: Make
    ) -> None:
        self._sink, self._count, self._ask, self._make = sink, count, ask, make
        self._found: list[tuple[int, bytes]] = []
        self._fs = 2

    def found(self, stream: int, fields: dict[str, Any]) -> None:
        """Remember an archive.

        Args:
            stream: number of the row of the stream that it is.
            fields: as the child said them.

        Raises:
            EngineStoppedError: the child may not say that.
        """
        if stream < 0 or not _is_candidate(fields):
            raise EngineStoppedError("engine-garbage", "an archive that is none")
        self._found.append((stream, ejson.dumps(fields)))

    def run(self, beat: Callable[[int], None]) -> int:
        """Have all of them listed and write their rows.

        Args:
            beat: told the bytes digested so far.

        Returns:
            Bytes digested.
        """
        at = done = 0
        while at < len(self._found):
            batch = self._batch(at)
            taker = InsideTaker(self._sink, self._count, self._fs, batch)
            size = sum(item["size"] for _, item in batch)
            asked = {"fs": self._fs, "archives": [item for _, item in batch]}
            try:
                for message in self._ask(self._make("inside", size, asked)):
                    taker.take(message)
                    if message.kind == "beat":
                        beat(done + max(taker.done, message.number))
                taker.whole()
            except (EngineStoppedError, InputError) as error:
                if isinstance(error, InputError):
                    error = EngineStoppedError("engine-garbage", error.message)
                taker.lose(error)
            at += taker.finished
            done += taker.done
            self._fs = taker.fs
        return done

    def _batch(self, at: int) -> list[tuple[int, dict[str, Any]]]:
        batch: list[tuple[int, dict[str, Any]]] = []
        size = 0
        for stream, data in self._found[at : at + _BATCH]:
            size += len(data)
            if batch and size > _BATCH_BYTES:
                break
            batch.append((stream, ejson.as_object(ejson.loads(data), "archive")))
        return batch


def _is_candidate(fields: Mapping[str, Any]) -> bool:
    size, mtime = fields.get("size"), fields.get("mtime")
    if fields.keys() != _FIELDS or fields["type"] not in KINDS or not isinstance(mtime, str):
        return False
    if type(size) is not int or not 0 <= size < 2**53 or not mtime.lstrip("-").isdecimal():
        return False
    try:
        short = all(len(unb64(fields[key])) < 1 << 17 for key in ("path", "name"))
    except (InputError, AttributeError):
        return False
    return short and len(mtime) < _DIGITS
