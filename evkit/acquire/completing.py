"""The closing half of an image: each copy is read back and compared, then its files get names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from evkit.acquire import engine, mapfile, readback
from evkit.acquire.imaging import (
    E01,
    FAILED,
    LATER,
    NOW,
    Artifact,
    artifact,
)
from evkit.acquire.observing import Finished
from evkit.acquire.output.branch import name_all, write_small
from evkit.core import durable
from evkit.core.errors import (
    CheckFailedError,
    EvkitError,
    InterruptedByUserError,
    StorageError,
)
from evkit.hashing import piecefile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.acquire.imaging import Imaging, Order
    from evkit.acquire.output.branch import Branch
    from evkit.acquire.readback import Answer
    from evkit.acquire.stopping import Stop
    from evkit.core.ejson import Json
    from evkit.core.progress import Progress

TASK = "verify"


class Completer:
    """Verifies and names what was made."""

    def __init__(self, order: Order, stop: Stop, progress: Progress, made: Imaging) -> None:
        self._order = order
        self._stop = stop
        self._progress = progress
        self._made = made
        self._answers: dict[str, dict[str, Json]] = {}
        self._observer = order.observer

    def verify(self) -> None:
        """Read every copy back when that was asked for."""
        made, verify = self._made, self._order.verify
        if verify != NOW or made.outcome is None:
            made.verification = {"state": "later" if verify == LATER else "not-asked"}
            return
        for branch in self._live():
            try:
                with self._stop.heard_at_once():
                    answer = self._read_back(branch)
            except InterruptedByUserError:
                made.verification = made.verification or {"state": "stopped"}
                return
            except StorageError as error:
                branch.error = error
                if not self._live():
                    raise
                continue
            self._judge(branch, answer)
        if not self._live():
            made.result = FAILED

    def name(self) -> None:
        """Give the files their names: pieces and map first, the image last, its first file last."""
        made, outcome = self._made, self._made.outcome
        live = self._live()
        if outcome is None or not live:
            self._describe_copies()
            return
        try:
            self._name(live)
        except EvkitError as error:
            for branch in live:  # complete, and without names
                branch.error = branch.error or error
            raise
        finally:
            self._describe_copies()
        made.artifacts[:0] = self._image_files(outcome.digests["sha256"])

    def _name(self, live: Sequence[Branch]) -> None:
        made, folder = self._made, self._order.folder
        names = [file.name for file in made.files]
        small = self._small()
        for name, role, data in small:
            self._write(folder, name, data)
            made.artifacts.append(artifact(name, role, data))
        for number, branch in enumerate(live):
            try:
                if branch.folder != folder:
                    for name, _, data in small:
                        self._write(branch.folder, name, data)
                name_all(branch, names[::-1])
            except EvkitError as error:
                branch.error = error
                if number == len(live) - 1 and not self._live():
                    raise

    def _small(self) -> list[tuple[bytes, str, bytes]]:
        """Return name, role and content of what stands beside the image."""
        made, names = self._made, self._order.files
        found = []
        if names.pieces is not None and made.outcome is not None:
            data = piecefile.encode(made.outcome.pieces)
            found.append((os.fsencode(names.pieces), "pieces", data))
        if made.map is not None:
            found.append((os.fsencode(names.map), "map", mapfile.encode(made.map)))
        return found

    def _write(self, folder: bytes, name: bytes, data: bytes) -> None:
        """Write a small file; work that goes on may find the same there."""
        if self._order.save is not None:
            write_small(folder, name, data)
        else:
            durable.write_new(os.path.join(folder, name), data, mode=0o444)

    def _live(self) -> list[Branch]:
        return [branch for branch in self._order.branches if branch.error is None]

    def _read_back(self, branch: Branch) -> Answer:
        made = self._made
        if made.outcome is None:
            raise ValueError("nothing was read")
        paths = [branch.now(file.name) for file in made.files]
        digests = {
            branch.now(file.name): file.sha256 for file in made.files if file.sha256 is not None
        }
        observer, match = self._observer, False
        target = None if observer is None else observer.begin(self._finished(branch, made.outcome))
        self._progress.begin(TASK, made.outcome.size)
        try:
            answer = readback.compare(
                paths,
                made.outcome,
                files=digests if made.format == E01 else None,
                order=engine.Order(
                    target=target,
                    on_bytes=lambda done: self._progress.update(TASK, done),
                    expected=made.outcome.size,
                ),
            )
            match = answer.match
        finally:
            if observer is not None:
                observer.end(match=match)
        if match:
            self._observer = None  # one copy is enough
        self._progress.end(TASK, made.outcome.size)
        return answer

    def _finished(self, branch: Branch, outcome: engine.Outcome) -> Finished:
        made = self._made
        return Finished(
            paths=tuple(branch.part(file.name) for file in made.files),
            names=tuple(branch.path(file.name) for file in made.files),
            size=outcome.size,
            digests=outcome.digests,
            unread=() if made.map is None else tuple(made.map.ranges(*mapfile.UNREAD)),
        )

    def _judge(self, branch: Branch, answer: Answer) -> None:
        made = self._made
        self._answers[branch.copy] = answer.fields()
        made.verification = made.verification or answer.fields()
        made.verified = answer.match and made.verified is not False
        if not answer.match:
            made.damage = made.damage or answer.damage
            made.verification = answer.fields()
            branch.error = CheckFailedError(f"the {branch.copy} copy reads back different")

    def _image_files(self, medium: str) -> list[Artifact]:
        files = self._made.files
        one = self._made.format != E01 and len(files) == 1
        return [
            Artifact(
                name=file.name,
                role="image" if one else "segment",
                size=file.size,
                sha256=medium if file.sha256 is None else file.sha256,
            )
            for file in files
        ]

    def _describe_copies(self) -> None:
        for branch in self._order.branches:
            copy: dict[str, Json] = {
                "copy": branch.copy,
                "state": "failed" if branch.error else "complete",
                "written": "direct" if branch.direct else "buffered",
            }
            if branch.copy in self._answers:
                copy["verification"] = self._answers[branch.copy]
            if branch.error is not None:
                copy["error"] = branch.error.message[:500]
            self._made.copies.append(copy)
