"""Making a raw image: read, digest, write, read back, name. Everything but the record of it."""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evkit.acquire import engine, mapfile, reread
from evkit.acquire.reading import reader_for
from evkit.core import durable
from evkit.core.aligned import AlignedWriter
from evkit.core.errors import EvkitError, InterruptedByUserError, StorageError
from evkit.core.progress import SILENT, Progress
from evkit.hashing import piecefile

if TYPE_CHECKING:
    from evkit.acquire.gaps import Range
    from evkit.acquire.source import Opened
    from evkit.acquire.stopping import Stop
    from evkit.core.ejson import Json

IMAGE, PIECES, MAP = b"image.raw", b"image.raw.pieces", b"image.map"
NOW, LATER, NONE = "now", "later", "none"
COMPLETE, WITH_GAPS, STOPPED, FAILED = "complete", "with-gaps", "stopped", "failed"


@dataclass(frozen=True, kw_only=True)
class Order:
    """How an image is to be made.

    Attributes:
        folder: the acquisition folder; it exists.
        names: digest algorithms.
        verify: `now`, `later` or `none`.
        block_nodes: keep the hash of each 16 KiB block.
    """

    folder: bytes
    names: tuple[str, ...]
    verify: str = NOW
    block_nodes: bool = False


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
        error: what ended it early, or None.
        outcome: size, digests and pieces; None when it ended early.
        bytes_read: bytes that were read or filled.
        gaps: ranges that could not be read.
        retries: small reads after failed large ones.
        verification: the second reading as the event states it.
        verified: whether it agreed; None when it was not made to its end.
        damage: ranges in which the image reads back different, to the MiB.
        artifacts: the files that have their names now.
        written: how it was written: `direct` or `buffered`.
    """

    result: str
    error: EvkitError | None = None
    outcome: engine.Outcome | None = None
    bytes_read: int = 0
    gaps: list[Range] = field(default_factory=list)
    retries: int = 0
    verification: dict[str, Json] = field(default_factory=dict)
    verified: bool | None = None
    damage: tuple[Range, ...] = ()
    artifacts: list[Artifact] = field(default_factory=list)
    written: str = "direct"


def make(opened: Opened, order: Order, stop: Stop, progress: Progress = SILENT) -> Imaging:
    """Make the image; what goes wrong is in the result, never raised.

    The image has its name only when it is complete and, with `verify` = `now`, reads back equal.
    """
    maker = _Maker(opened, order, stop, progress)
    made = maker.made
    try:
        maker.read()
        maker.verify()
        if made.verified is not False:
            maker.name()
    except InterruptedByUserError as error:
        made.result, made.error = STOPPED, error
    except EvkitError as error:
        made.result, made.error = FAILED, error
        if isinstance(error, StorageError):
            maker.give_room_back()
    finally:
        maker.close()
    return made


class _Maker:
    """The steps of one image; `made` is what came of them so far."""

    def __init__(self, opened: Opened, order: Order, stop: Stop, progress: Progress) -> None:
        self.made = Imaging(result=FAILED)
        self._opened = opened
        self._order = order
        self._stop = stop
        self._progress = progress
        self._reader = reader_for(opened)
        self._part = os.path.join(order.folder, IMAGE + durable.PART.encode())

    def close(self) -> None:
        """Take over what the reader knows, however far it came."""
        reader = self._reader
        self.made.bytes_read, self.made.retries = reader.done, reader.retries
        self.made.gaps = reader.gaps
        reader.close()

    def read(self) -> None:
        """Read the source to its end into the unfinished file."""
        size = self._opened.facts.size
        self._progress.begin("acquire", size)
        with AlignedWriter(self._part, size) as writer:
            with self._stop.heard_at_once():
                outcome = engine.read_all(
                    self._reader,
                    self._order.names,
                    target=writer,
                    block_nodes=self._order.block_nodes,
                    on_bytes=lambda done: self._progress.update("acquire", done),
                )
            self.made.written = "direct" if writer.direct else "buffered"
            writer.finish()
        self._progress.end("acquire", outcome.size)
        self.made.outcome, self.made.gaps = outcome, self._reader.gaps
        self.made.result = WITH_GAPS if self.made.gaps else COMPLETE

    def verify(self) -> None:
        """Read the unfinished file back when that was asked for."""
        made, verify = self.made, self._order.verify
        if verify != NOW or made.outcome is None:
            made.verification = {"state": "later" if verify == LATER else "not-asked"}
            return
        self._progress.begin("verify", made.outcome.size)
        try:
            with self._stop.heard_at_once():
                answer = reread.compare(
                    self._part,
                    made.outcome,
                    lambda done: self._progress.update("verify", done),
                )
        except InterruptedByUserError:
            made.verification = {"state": "stopped"}
            return
        self._progress.end("verify", made.outcome.size)
        made.verification, made.verified = answer.fields(), answer.match
        made.damage = answer.damage
        if not answer.match:
            made.result = FAILED

    def name(self) -> None:
        """Give the files their names: pieces and map first, the image last."""
        made, outcome, folder = self.made, self.made.outcome, self._order.folder
        if outcome is None:
            return
        data = piecefile.write_pieces(os.path.join(folder, PIECES), outcome.pieces)
        made.artifacts.append(artifact(PIECES, "pieces", data))
        if made.gaps:
            data = mapfile.encode(mapfile.of_gaps(made.gaps, outcome.size))
            durable.write_new(os.path.join(folder, MAP), data, mode=0o444)
            made.artifacts.append(artifact(MAP, "map", data))
        target = os.path.join(folder, IMAGE)
        with durable.storage_errors(target):
            os.chmod(self._part, 0o444)
            durable.rename_new(self._part, target)
        sha256 = outcome.digests["sha256"]
        image = Artifact(name=IMAGE.decode(), role="image", size=outcome.size, sha256=sha256)
        made.artifacts.insert(0, image)

    def give_room_back(self) -> None:
        """Remove the unfinished file when the destination failed, so that the end is recorded."""
        durable.step("unlink", self._part)
        with contextlib.suppress(OSError):
            os.unlink(self._part)


def artifact(name: bytes, role: str, data: bytes) -> Artifact:
    """Return the artifact of a small file with this content."""
    return Artifact(
        name=name.decode("ascii"),
        role=role,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
