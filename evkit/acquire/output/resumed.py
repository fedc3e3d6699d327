"""What a stopped run left in the journal, read back."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.acquire import mapfile
from evkit.acquire.output.branch import Written
from evkit.acquire.output.e01out import segment_name
from evkit.core.errors import InputError
from evkit.images.e01.writer import State

if TYPE_CHECKING:
    from collections.abc import Mapping

MAP_PART = b"image.map.part"


@dataclass(frozen=True, kw_only=True)
class Resumed:
    """Where work goes on.

    Attributes:
        at: bytes of the medium that were durable.
        blocks: blocks of the engine whose pieces are known, from the start on.
        done: complete files of the image.
        e01: state of the E01 writer, None for raw.
        map: the work was in passes; their map tells where.
    """

    at: int = 0
    blocks: int = 0
    done: tuple[Written, ...] = ()
    e01: State | None = None
    map: bool = False

    @classmethod
    def of(cls, value: Mapping[str, Any] | None) -> Resumed:
        """Read what checkpoints saved.

        Raises:
            InputError: it is something else.
        """
        if not value:
            return cls()
        numbers = [value.get("at", 0), value.get("blocks", 0)]
        done = value.get("done", [])
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise InputError("the checkpoint in the journal is malformed")
        if not isinstance(done, list) or not all(isinstance(part, dict) for part in done):
            raise InputError("the checkpoint in the journal is malformed")
        e01 = value.get("e01")
        return cls(
            at=numbers[0],
            blocks=numbers[1],
            done=tuple(Written.from_json(part) for part in done),
            e01=None if e01 is None else State.from_json(e01),
            map=value.get("map") is True,
        )

    def before(self, at: int) -> tuple[Written, ...]:
        """Return the complete files of a raw image that end before `at`."""
        kept: list[Written] = []
        for part in self.done:
            if sum(one.size for one in kept) + part.size > at:
                break
            kept.append(part)
        return tuple(kept)

    def names(self, opened: list[str]) -> list[str]:
        """Return the files that hold what was durable; `opened` are those of the output now."""
        if self.e01 is None or not self.e01.offset:
            return opened
        return [*(part.name for part in self.done), segment_name(self.e01.segment)]

    def load_map(self, folder: bytes) -> mapfile.RescueMap:
        """Return the map of the passes.

        Raises:
            InputError: it is damaged or gone.
        """
        return mapfile.read(os.path.join(folder, MAP_PART))
