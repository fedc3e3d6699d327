"""Making an image: read, digest, write, read back, name. Everything but the record of it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.acquire.output.names import NEUTRAL, Names

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.acquire.engine import Outcome
    from evkit.acquire.mapfile import RescueMap
    from evkit.acquire.observing import Observer
    from evkit.acquire.output.branch import Branch, Written
    from evkit.acquire.rereading import Reread
    from evkit.acquire.rescue import Policy
    from evkit.core.ejson import Json
    from evkit.core.errors import EvkitError
    from evkit.core.ranges import Range
    from evkit.images.e01.plan import Plan
    from evkit.images.e01.writer import Finished

PIECES = b"image.raw.pieces"
RAW, E01 = "raw", "e01"
NOW, LATER, NONE = "now", "later", "none"
COMPLETE, WITH_GAPS, STOPPED, FAILED = "complete", "with-gaps", "stopped", "failed"
GO_ON = "go-on"  # what to do in an error storm; the other answer is `raw`


@dataclass(frozen=True, kw_only=True)
class Order:
    """How an image is to be made.

    Attributes:
        folder: the acquisition folder; it exists.
        branches: folders that take the files of the image; the master first.
        names: digest algorithms.
        format: `raw` or `e01`.
        plan: of the E01, None for raw.
        split: most bytes of a part of a raw image.
        verify: `now`, `later` or `none`.
        block_nodes: keep the hash of each 16 KiB block.
        policy: how hard to try where a raw image meets errors.
        storm: what an E01 does in an error storm: `go-on`, or `raw` to go on as a raw image.
        save: keeps what is needed to go on in the work journal; None when the work cannot go on.
        resume: what it kept.
        closing: nothing more is read; the rest becomes zeros that are listed as untried.
        rescued: a rescue by another tool that is taken over first.
        files: how the files are called.
        reread: read the source a second time and compare it with the image.
        observer: sees the blocks of the first copy that is read back.
    """

    folder: bytes
    branches: tuple[Branch, ...]
    names: tuple[str, ...]
    format: str = RAW
    plan: Plan | None = None
    split: int | None = None
    verify: str = NOW
    block_nodes: bool = False
    policy: Policy | None = None
    storm: str = GO_ON
    save: Callable[[dict[str, Any]], None] | None = None
    resume: dict[str, Any] | None = None
    closing: bool = False
    rescued: Rescued | None = None
    files: Names = NEUTRAL
    reread: bool = False
    observer: Observer | None = None


@dataclass(frozen=True, kw_only=True)
class Rescued:
    """A rescue by another tool: its image, its map, and how many bytes it had read."""

    image: bytes
    map: RescueMap
    taken: int


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """One file of an acquisition folder, as events list it."""

    name: str
    role: str
    size: int
    sha256: str

    def fields(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {"name": self.name, "role": self.role, "size": self.size, "sha256": self.sha256}


@dataclass(kw_only=True)
class Imaging:
    """What came of it.

    Attributes:
        result: `complete`, `with-gaps`, `stopped` or `failed`.
        format: of the image that was made; an error storm may change it.
        error: what ended it early, or None.
        resumable: it can go on from a checkpoint.
        outcome: size, digests and pieces; None when it ended early.
        bytes_read: bytes of the source that were read; what is filled with zeros is not.
        gaps: ranges that could not be read, or were not.
        map: where each range stands, when there are gaps.
        retries: small reads after failed large ones.
        stormy: read errors became too many for an image that is read in order.
        files: the files of the image.
        verification: the second reading of the master as the event states it.
        verified: whether all copies agreed; None when none was read back to its end.
        damage: ranges in which a copy reads back different, to the MiB.
        artifacts: the files that have their names now.
        copies: what the event says of each folder.
        container: what the writer says of a complete E01.
        reread: the second reading of the source; None while there was no image to compare with.
    """

    result: str
    format: str = RAW
    error: EvkitError | None = None
    resumable: bool = False
    outcome: Outcome | None = None
    bytes_read: int = 0
    gaps: list[Range] = field(default_factory=list)
    map: RescueMap | None = None
    retries: int = 0
    stormy: bool = False
    files: list[Written] = field(default_factory=list)
    verification: dict[str, Json] = field(default_factory=dict)
    verified: bool | None = None
    damage: tuple[Range, ...] = ()
    artifacts: list[Artifact] = field(default_factory=list)
    copies: list[dict[str, Json]] = field(default_factory=list)
    container: Finished | None = None
    reread: Reread | None = None


def artifact(name: bytes, role: str, data: bytes) -> Artifact:
    """Return the artifact of a small file with this content."""
    return Artifact(
        name=os.fsdecode(name),
        role=role,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
