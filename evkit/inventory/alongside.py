"""An inventory that is made while its image is read for another reason.

The engine lists metadata and extents first. The blocks of the image are then written to this
object in order and digest the streams; what is left is read again when the rows are written. If
anything on the way goes wrong, all of it is read again: the rows are the same in every case.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

from evkit.core.errors import EvkitError, InterruptedByUserError
from evkit.core.progress import SILENT, Progress
from evkit.core.text import escape
from evkit.inventory.offered import Offered
from evkit.inventory.runner import EngineStoppedError
from evkit.inventory.scan import Scan
from evkit.inventory.schedule import ask
from evkit.inventory.types.typer import Typer
from evkit.inventory.walked import Walked
from evkit.inventory.window import WINDOW

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from evkit.inventory.scan import Options, Target
    from evkit.inventory.taker import Sink
    from evkit.manifest.rowfacts import Facts, Judged


class Alongside:
    """Digests the streams of an image from its blocks, and writes the rows afterwards.

    Args:
        options: how to inventory.
        folder: where scrap without a name may lie.
        progress: told bytes digested.
        window: bytes that may be kept in memory.
        type_command: another program that tells types (tests).

    Attributes:
        problem: why nothing is digested on the way, empty while all is well.
    """

    def __init__(
        self,
        options: Options,
        folder: bytes,
        progress: Progress = SILENT,
        *,
        window: int = WINDOW,
        type_command: Sequence[str] | None = None,
    ) -> None:
        self._options = options
        self._folder = folder
        self._progress = progress
        self._window = window
        self._type_command = type_command
        self._ask = functools.partial(ask, settings=options.settings())
        self._walked: Walked | None = None
        self._offered: Offered | None = None
        self._typer: Typer | None = None
        self.problem = "the image was not read to its end"

    def walk(self, target: Target, size: int) -> None:
        """List what the image holds; what goes wrong is in `problem`.

        Args:
            target: the image.
            size: bytes of the medium.
        """
        self.close()
        self.problem = "the image was not read to its end"
        try:
            if self._options.types:
                self._typer = Typer(self._options.limits, size, self._type_command)
            self._offered = offered = Offered(
                size, self._options.hashes, self._typer, window=self._window
            )
            self._walked = Walked(self._folder, self._ask, offered.offer)
            Scan(target, self._options, _Nowhere(), self._progress, self._walked.record).run()
            self.problem = ""
        except InterruptedByUserError:
            raise
        except (EvkitError, EngineStoppedError, OSError) as error:
            self._give_up(error)

    def write(self, data: memoryview) -> None:
        """Take the next block of the image; never raises."""
        if self._offered is None:
            return
        try:
            self._offered.write(data)
        except Exception as error:  # noqa: BLE001 - the reading that this goes along with goes on
            self._give_up(error)

    def finish(self, *, match: bool) -> None:
        """Say whether the blocks were those of the image; if not, nothing of them is kept."""
        if not match:
            self.close()
            self.problem = "the image did not read back equal"
        elif self._typer is not None:
            try:
                self._typer.finish()
            except EngineStoppedError as error:
                self._give_up(error)

    def run(self, target: Target, sink: Sink) -> tuple[Scan, dict[str, Any]]:
        """Write all rows, reading again what was not digested on the way.

        Args:
            target: the image, with the names that its files have now.
            sink: takes the rows.

        Returns:
            (the finished scan, counts: `on_the_way` and `read_again`, each `streams`, `bytes`).
        """
        walked = None if self.problem else self._walked
        ask = None if walked is None else functools.partial(walked.again, done=self._done)
        scan = Scan(target, self._options, sink, self._progress, ask)
        row = scan.run()
        streams, size = row["streams"]["digested"], row["bytes"]["digested"]
        on_the_way = (walked.streams, walked.bytes) if walked is not None else (0, 0)
        return scan, {
            "on_the_way": {"streams": on_the_way[0], "bytes": on_the_way[1]},
            "read_again": {"streams": streams - on_the_way[0], "bytes": size - on_the_way[1]},
        }

    def close(self) -> None:
        """End the child and let the scrap go."""
        if self._typer is not None:
            self._typer.close()
        if self._walked is not None:
            with contextlib.suppress(OSError):  # a full disk: what waits to be written is not kept
                self._walked.close()
        self._typer = self._walked = self._offered = None

    def _done(self, number: int) -> tuple[dict[str, str] | None, str | None]:
        found = None if self._offered is None else self._offered.digests(number)
        if found is None or self._typer is None:
            return found, None
        return found, self._typer.mime(number)

    def _give_up(self, error: BaseException) -> None:
        text = error.message if isinstance(error, EvkitError) else str(error)
        self.close()
        self.problem = escape(text)[:300] or type(error).__name__


class _Nowhere:
    """Takes rows that are not wanted yet."""

    resumed = 0

    def add_bytes(self, _data: bytes, _facts: Facts) -> int:
        """Take no notice."""
        return 0

    def add_many(self, _rows: Sequence[bytes], _judged: Judged) -> int:
        """Take no notice."""
        return 0

    def add_type(self, _stream: int, _mime: str) -> None:
        """Take no notice."""

    def remember(self, _key: str, _value: str) -> None:
        """Take no notice."""

    def checkpoint(self) -> None:
        """Take no notice."""

    def batch(self, _fs: int, _records: Collection[int]) -> int:
        """Keep nothing."""
        return 0

    def replay(self, _count: int) -> Iterator[tuple[int, Facts]]:
        """Keep nothing."""
        return iter(())

    def replay_stream(self, _fs: int, _inode: int) -> tuple[int, Facts] | None:
        """Keep nothing."""
        return None
