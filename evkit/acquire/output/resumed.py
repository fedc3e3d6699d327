"""What a stopped run left in the journal, read back."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.acquire import mapfile
from evkit.acquire.output.branch import Written
from evkit.acquire.output.checkpoint import MAP as MAP_PART
from evkit.acquire.output.e01out import segment_name
from evkit.core.errors import InputError
from evkit.images.e01.layout import CHUNK
from evkit.images.e01.writer import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.core.ranges import Range

_FLAGS = ("map", "gaps", "storm")


@dataclass(frozen=True, kw_only=True)
class Resumed:
    """Where work goes on.

    Attributes:
        blocks: blocks of the engine whose pieces are known, from the start on.
        done: complete files of the image.
        e01: state of the E01 writer, None for raw.
        map: the work was in passes; their map tells where.
        gaps: some of what is done could not be read; the map has the ranges.
        storm: what was begun as an E01 goes on as a raw image.
        whole: all files are complete; what the end needs to know.
        failed: copies that had failed before.
    """

    blocks: int = 0
    done: tuple[Written, ...] = ()
    e01: State | None = None
    map: bool = False
    gaps: bool = False
    storm: bool = False
    whole: Mapping[str, Any] = field(default_factory=dict)
    failed: tuple[str, ...] = ()

    @classmethod
    def of(cls, value: Mapping[str, Any] | None) -> Resumed:
        """Read what checkpoints saved.

        Raises:
            InputError: it is something else.
        """
        if not value:
            return cls()
        blocks, done = value.get("blocks", 0), value.get("done", [])
        whole, failed = value.get("whole", {}), value.get("failed", [])
        e01 = value.get("e01")
        good = type(blocks) is int and blocks >= 0
        good = good and all(type(value.get(name, False)) is bool for name in _FLAGS)
        good = good and isinstance(done, list) and all(isinstance(part, dict) for part in done)
        good = good and isinstance(whole, dict) and (e01 is None or isinstance(e01, dict))
        good = good and isinstance(failed, list) and all(isinstance(one, str) for one in failed)
        if not good:
            raise _malformed()
        found = cls(
            blocks=blocks,
            done=tuple(Written.from_json(part) for part in done),
            e01=None if e01 is None else State.from_json(e01),
            whole=whole,
            failed=tuple(failed),
            **{name: value.get(name, False) for name in _FLAGS},
        )
        found._check()
        return found

    def _check(self) -> None:
        """Refuse numbers that do not belong together."""
        from evkit.acquire.engine import BLOCK

        if self.e01 is None:
            return
        ahead = self.e01.chunks - self.blocks * (BLOCK // CHUNK)
        names = [part.name for part in self.done]
        good = 0 <= ahead < BLOCK // CHUNK and self.e01.segment == len(names) + 1
        if not good or names != [segment_name(at) for at in range(1, self.e01.segment)]:
            raise _malformed()

    def before(self, at: int) -> tuple[Written, ...]:
        """Return the complete files of a raw image that end before `at`."""
        kept: list[Written] = []
        for part in self.done:
            if sum(one.size for one in kept) + part.size > at:
                break
            kept.append(part)
        return tuple(kept)

    def names(self, at: int, split: int | None) -> list[str]:
        """Return the files that hold what was durable.

        Args:
            at: bytes of the medium from the start on that were.
            split: most bytes of a part of a raw image.
        """
        if self.whole:
            return [part.name for part in self.files()]
        if self.e01 is not None:
            begun = [segment_name(self.e01.segment)] if self.e01.offset else []
            return [*(part.name for part in self.done), *begun]
        done = self.before(at)
        if at <= sum(part.size for part in done):
            return [part.name for part in done]
        return [part.name for part in done] + [
            "image.raw" if split is None else f"image.{len(done) + 1:03d}"
        ]

    def files(self) -> tuple[Written, ...]:
        """Return the complete files of a whole image.

        Raises:
            InputError: they are malformed.
        """
        found = self.whole.get("files")
        if not isinstance(found, list) or not found:
            raise _malformed()
        if not all(isinstance(part, dict) for part in found):
            raise _malformed()
        return tuple(Written.from_json(part) for part in found)

    def load_map(self, folder: bytes, size: int) -> mapfile.RescueMap:
        """Return the map of the passes, or of what could not be read.

        Raises:
            InputError: it is damaged or gone, or of another medium.
        """
        return mapfile.read(os.path.join(folder, MAP_PART), size)

    def lost(self, folder: bytes, at: int, size: int) -> list[Range]:
        """Return the ranges before `at` that could not be read."""
        if not self.gaps:
            return []
        found = self.load_map(folder, max(at, size)).ranges(*mapfile.UNREAD)
        return [(start, min(length, at - start)) for start, length in found if start < at]


def _malformed() -> InputError:
    return InputError(
        "the checkpoint in the journal is malformed",
        hint="the work cannot go on; record it with `--finish` and start a new acquisition",
    )
