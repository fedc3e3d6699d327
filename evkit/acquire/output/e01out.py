"""An E01 as it is written: segments into every branch, each digested as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.acquire.output.branch import Fan, Written, cut_all
from evkit.acquire.output.names import NEUTRAL
from evkit.images.e01 import layout
from evkit.images.e01.writer import E01Writer, Finished, State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evkit.acquire.output.branch import Branch
    from evkit.acquire.output.names import Names
    from evkit.images.e01.plan import Plan


class E01Out:
    """Takes the stored chunks of a medium in order.

    Args:
        branches: where to.
        plan: of the image.
        state: where to go on.
        done: segments that are complete already.
        skip: chunks that come again before those that are new.
        names: of the segments.

    Attributes:
        done: segments that are complete.
        finished: what the writer says of the complete image.
    """

    format = "e01"

    def __init__(
        self,
        branches: Sequence[Branch],
        plan: Plan,
        *,
        state: State | None = None,
        done: Sequence[Written] = (),
        skip: int = 0,
        names: Names = NEUTRAL,
    ) -> None:
        self.branches = branches
        self.done = list(done)
        self.finished: Finished | None = None
        self.on_write: Callable[[], None] | None = None
        self._plan = plan
        self._skip = skip
        self._names = names
        self._proved = False
        self._resume = state
        self._fan: Fan | None = None
        self.writer = E01Writer(plan, self._open, on_group=self._grouped, resume=state)

    @property
    def at(self) -> int:
        """Bytes of the medium in complete groups."""
        return min(self.writer.state.chunks * layout.CHUNK, self._plan.medium.size)

    @property
    def names(self) -> list[str]:
        """Names of all segments so far, in order."""
        found = [part.name for part in self.done]
        if self._fan is not None:
            found.append(self._fan.name)
        elif self._resume is not None and self._resume.offset:
            found.append(segment_name(self._resume.segment))  # nothing was added to it yet
        return found

    def append(self, stored: memoryview, sizes: Sequence[int]) -> None:
        """Append chunks in stored form.

        Raises:
            StorageError: no branch is left.
        """
        if self._skip:
            known = min(self._skip, len(sizes))
            self._skip -= known
            stored = stored[sum(size & ~layout.COMPRESSED for size in sizes[:known]) :]
            sizes = sizes[known:]
        if sizes:
            self.writer.append(stored, sizes)

    def sync(self) -> None:
        """Make everything durable."""
        if self._fan is not None:
            self._fan.sync()

    def state(self) -> dict[str, Any]:
        """Return what is needed to go on, as JSON."""
        return {
            "at": self.at,
            "done": [part.to_json() for part in self.done],
            "e01": self.writer.state.to_json(),
        }

    def finish(
        self, md5: str | None, sha1: str | None, unread: Sequence[tuple[int, int]]
    ) -> list[Written]:
        """Write the end of the image and return all segments.

        Raises:
            StorageError: no branch is left.
        """
        self.finished = self.writer.finish(
            md5=None if md5 is None else bytes.fromhex(md5),
            sha1=None if sha1 is None else bytes.fromhex(sha1),
            unread=unread,
        )
        return self.done

    def close(self) -> None:
        """Close without finishing."""
        if self._fan is not None:
            self._fan.close()

    def give_room_back(self, state: dict[str, Any]) -> None:
        """Cut the segments to what is known to be good."""
        names = self.names
        self.close()
        keep = {str(part["name"]): int(part["size"]) for part in state.get("done", ())}
        known = state.get("e01")
        if known is not None:
            keep[segment_name(known["segment"])] = int(known["offset"])
        cut_all(self.branches, names, keep)

    def _open(self, number: int) -> _Sink:
        at = None
        if self._resume is not None and number == self._resume.segment and self._resume.offset:
            at = self._resume.offset
        self._resume = None
        self._fan = Fan(self.branches, self._names.segment(number), digest=True, at=at)
        return _Sink(self, self._fan)

    def _grouped(self, _: State) -> None:
        if not self._proved:
            self._proved = True  # a destination that fails shows at once, also where all is zeros
            self.sync()
        if self.on_write is not None:
            self.on_write()

    def ended(self, part: Written) -> None:
        """Take note of a complete segment."""
        self.done.append(part)
        self._fan = None


class _Sink:
    def __init__(self, out: E01Out, fan: Fan) -> None:
        self._out = out
        self._fan = fan

    def write(self, data: memoryview) -> None:
        self._fan.write(data)

    def finish(self) -> None:
        self._out.ended(self._fan.finish())


def segment_name(number: int) -> str:
    """Return the neutral name of segment `number`, from 1."""
    return NEUTRAL.segment(number)
