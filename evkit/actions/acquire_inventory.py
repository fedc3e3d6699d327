"""The inventory of an acquisition, made from the blocks of the image while it is read back.

The rows are those that `evkit inventory run` writes afterwards. They are written and recorded only
when the image read back equal, is on record, and its files have stayed what was read.
"""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

from evkit.acquire import imaging
from evkit.actions import inventory
from evkit.actions.acquire_listed import Listed
from evkit.actions.acquire_result import media_fields
from evkit.actions.inventory_files import next_name
from evkit.actions.inventory_target import Chosen
from evkit.core.errors import CheckFailedError, EvkitError
from evkit.core.text import escape
from evkit.inventory.alongside import Alongside
from evkit.inventory.database.store import Writer
from evkit.inventory.scan import Options, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.acquire import engine
    from evkit.acquire.observing import Finished
    from evkit.acquire.stopping import Stop
    from evkit.actions.acquire_result import Acquired
    from evkit.actions.longwork import Work
    from evkit.core.progress import Progress
    from evkit.identity.signer import Signer
    from evkit.station import Station


class Lister:
    """Lists an image while it is read back (an `acquire.observing.Observer`).

    Args:
        work: the acquisition.
        progress: told bytes digested.
    """

    def __init__(self, work: Work, progress: Progress) -> None:
        self._ref = str(work.ref)
        self._folder = work.folder
        self._options = Options()
        self._alongside = Alongside(self._options, work.folder, progress)
        self._begun: Finished | None = None
        self._image: Finished | None = None
        self._facts: list[tuple[int, int, int]] = []

    def begin(self, image: Finished) -> engine.Target | None:
        """List metadata and extents of an image; the answer digests its streams."""
        self._begun, self._facts = image, _facts(image.paths)
        self._alongside.walk(self._target(image, image.paths), image.size)
        return None if self._alongside.problem else self._alongside

    def end(self, *, match: bool) -> None:
        """Keep what was digested when the image read back equal, and nothing else."""
        self._alongside.finish(match=match)
        self._image = self._begun if match else None

    def complete(
        self, station: Station, signer: Signer, acquired: Acquired, stop: Stop
    ) -> Acquired:
        """Write the rows and record them, after the end of the acquisition."""
        try:
            listed = self._complete(station, signer, acquired, stop)
        except EvkitError as error:
            listed = Listed(error=error)
        finally:
            self._alongside.close()
        return dataclasses.replace(acquired, inventory=listed)

    def _complete(self, station: Station, signer: Signer, acquired: Acquired, stop: Stop) -> Listed:
        made, image = acquired.made, self._image
        if made.result not in {imaging.COMPLETE, imaging.WITH_GAPS} or made.resumable:
            return Listed(why="the acquisition is not complete")
        if image is None:
            return Listed(why="the image was not read back equal")
        if acquired.ended.index is None:
            return Listed(why="the end of the acquisition is not on record yet")
        problem = self._alongside.problem
        chosen = Chosen(
            target=self._target(image, image.names),
            database=next_name(self._folder),
            media=media_fields(made, acquired.facts),
        )
        with Writer(chosen.database) as writer:
            with stop.heard_at_once():
                scan, digested = self._alongside.run(chosen.target, writer)
            self._still(image.names)
            writer.finish(chosen.meta(scan.engines, self._options.hashes))
        found = inventory.finished(chosen.database, chosen)
        result = dataclasses.replace(found, digested=digested)
        why = f"all streams were read again: {problem}" if problem else ""
        request = inventory.RunRequest(what=self._ref, is_ref=True, options=self._options)
        try:
            result = inventory.record(request, chosen, station, signer, result)
        except EvkitError as error:
            return Listed(result=result, why=why, error=error)
        return Listed(result=result, why=why)

    def _target(self, image: Finished, paths: Sequence[bytes]) -> Target:
        return Target(
            name=self._ref.encode(),
            paths=paths,
            acquisition=self._ref,
            digests=dict(image.digests),
            unread=image.unread,
        )

    def _still(self, paths: Sequence[bytes]) -> None:
        if _facts(paths) != self._facts:
            raise CheckFailedError(
                f"files of `{escape(self._ref)}` changed while they were listed; nothing was "
                "recorded about what they hold",
                hint=f"put it on record with `evkit verify {self._ref} --record`",
            )


def _facts(paths: Sequence[bytes]) -> list[tuple[int, int, int]]:
    """Return what shows that a file was written to; its name and mode do not count."""
    found = []
    for path in paths:
        try:
            facts = os.stat(path)
        except OSError:
            found.append((-1, -1, -1))
        else:
            found.append((facts.st_ino, facts.st_size, facts.st_mtime_ns))
    return found
