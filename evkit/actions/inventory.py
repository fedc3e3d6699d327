"""`evkit inventory run`: list everything in an acquisition, an image or a folder, and record it."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from evkit.actions.custody import require_exhibit
from evkit.actions.inventory_check import Unchanged
from evkit.actions.inventory_meant import exhibit_ref
from evkit.actions.inventory_record import entry_fields, file_field, record_work
from evkit.actions.inventory_said import (
    coverage_lines,
    digested_lines,
    first_problems,
    problem_lines,
)
from evkit.actions.inventory_target import Chosen, choose, unrecorded, without_record
from evkit.actions.meant import path_hint
from evkit.actions.sensitive import opened
from evkit.core.durable import PART
from evkit.core.errors import InterruptedByUserError, RefusedError, UsageError
from evkit.core.progress import SILENT, Progress
from evkit.core.text import escape, escape_bytes
from evkit.inventory.database.store import Writer
from evkit.inventory.scan import Options, Scan
from evkit.inventory.unread import UnreadFiles, unread_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.actions.custody import Recorded
    from evkit.identity.signer import Signer
    from evkit.station import Station

KIND = "inventory"


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What to inventory and how.

    Attributes:
        what: `CASE/E1`, `CASE/E1/A1`, or a path.
        is_ref: `what` is a reference.
        options: digests, types, limits.
        output: name of the inventory file; only for a path.
        resume: go on with an unfinished inventory.
        restart: throw an unfinished inventory away and begin anew.
        record: record an inventory that is complete but not signed.
        values, happened, reason: as typed, for the event.
        dry_run: say what would be done.
    """

    what: str
    is_ref: bool
    options: Options = field(default_factory=Options)
    output: str | None = None
    resume: bool = False
    restart: bool = False
    record: bool = False
    values: Mapping[str, object] = field(default_factory=dict)
    happened: str | None = None
    reason: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """A finished inventory, or what a dry run would do.

    Attributes:
        database: path of the inventory file.
        meta: its table `meta`; empty after a dry run.
        coverage: the coverage row; empty after a dry run.
        problems: a sentence for each thing that could not be read, the first ones.
        more_problems: what is said of the others, empty when there are none.
        unread: which files lie in places that were not read when the image was made; None when
            all of it was read.
        digested: streams and bytes that were digested while the image was read back, and those
            that were read again; None when all were read for the inventory alone.
        resumed: rows that were kept from a run that did not come to its end.
        recorded: the event, None when there is none.
        sources: what was read.
    """

    database: bytes
    sources: tuple[bytes, ...]
    meta: Mapping[str, str] = field(default_factory=dict)
    coverage: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    more_problems: str = ""
    unread: UnreadFiles | None = None
    digested: Mapping[str, Mapping[str, int]] | None = None
    resumed: int = 0
    recorded: Recorded | None = None

    @property
    def exit_code(self) -> int:
        """3 when anything could not be read."""
        return 3 if self.coverage.get("result") == "with-gaps" else 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        document: dict[str, Any] = {
            "schema": "evkit/inventory-run/1",
            "done": bool(self.meta),
            "database": escape_bytes(self.database),
            "sources": [escape_bytes(path) for path in self.sources],
            "meta": dict(self.meta),
            "coverage": dict(self.coverage),
            "problems": list(self.problems),
            "more_problems": bool(self.more_problems),
            "resumed": self.resumed,
            "unread_files": None if self.unread is None else self.unread.fields(),
            **entry_fields(self.recorded),
        }
        if self.digested is not None:
            document["digested"] = {key: dict(value) for key, value in self.digested.items()}
        return document

    def lines(self) -> list[str]:
        """Return the lines for people."""
        shown = escape_bytes(self.database)
        if not self.meta:
            return [
                f"evkit: would write {shown} from",
                *("  " + escape_bytes(p) for p in self.sources),
            ]
        lines = [f"evkit: inventory in {shown}", *coverage_lines(self.coverage)]
        if self.resumed:
            lines.insert(1, f"went on behind {self.resumed:,} rows that were kept")
        lines += problem_lines(self.problems, self.more_problems)
        if self.unread is not None:
            lines += self.unread.lines()
        if self.digested is not None:
            lines += digested_lines(self.digested)
        lines.append(f"rows {int(self.meta['rows']):,}, root {self.meta['row_root']}")
        if self.recorded is not None:
            lines += self.recorded.lines()
        return lines


def run(
    request: RunRequest,
    *,
    station: Station | None = None,
    signer: Signer | None = None,
    progress: Progress = SILENT,
) -> RunResult:
    """Inventory a target; for an acquisition the event is recorded at the end.

    Args:
        request: what and how.
        station: needed for a reference.
        signer: who signs; unlocked before the work starts.
        progress: told bytes digested.

    Raises:
        CaseError: no such exhibit or acquisition, or it holds no data.
        CheckFailedError: the content is not what was acquired.
        InputError: a container that evkit does not decode, or the image cannot be opened.
        RefusedError: the inventory file exists, would lie among the evidence, or an unfinished one
            is there that was not spoken of.
        StorageError: the destination is full.
        UsageError: there is nothing to go on with.
    """
    if request.resume and request.restart:
        raise UsageError("`--resume` and `--restart` exclude each other")
    if not request.is_ref:
        if request.record:
            raise UsageError("`--record` needs an acquisition, such as CASE/E1/A1")
        chosen = _path_target(request)
        if request.resume:
            _need_unfinished(request, chosen, None)
        return _write(request, chosen, progress)
    if station is None:
        raise UsageError("a reference needs a station")
    if request.output:
        raise UsageError(
            "`-o` is for a path; the inventory of an acquisition lies in the acquisition",
            hint=path_hint(request.what),
        )
    ref = exhibit_ref(request.what, path_hint(request.what))
    replayed = station.state()
    require_exhibit(replayed, str(ref.of_exhibit()))
    chosen = choose(station, replayed, ref)
    if request.record:
        waiting = unrecorded(station, chosen)
        Unchanged(chosen, progress)
        result = finished(waiting, chosen)
    else:
        if request.resume:
            _need_unfinished(request, chosen, station)
        if signer is not None:
            station.check(signer, KIND)
        result = _write(request, chosen, progress)
    if request.dry_run:
        return result
    return record(request, chosen, station, signer, result)


def _path_target(request: RunRequest) -> Chosen:
    path = os.path.abspath(os.fsencode(request.what))
    if request.output:
        database = os.path.abspath(os.fsencode(request.output))
    else:
        database = os.path.abspath(os.path.basename(path) + b".inventory.db")
    if os.path.isdir(path) and database.startswith(os.path.join(os.path.realpath(path), b"")):
        raise RefusedError(
            "the inventory would lie in the folder that it lists",
            hint="name a file somewhere else with `-o`",
        )
    return Chosen.of_path(path, database)


def _write(request: RunRequest, chosen: Chosen, progress: Progress) -> RunResult:
    unchanged = Unchanged(chosen, progress)
    if request.dry_run:
        return RunResult(database=chosen.database, sources=chosen.sources)
    identity = chosen.identity(request.options)
    if request.resume:
        writer = Writer.resume(chosen.database, identity)
    else:
        writer = Writer(chosen.database, identity, restart=request.restart)
    try:
        with writer:
            if request.resume and not writer.resumed:
                progress.warn("nothing was kept of the unfinished inventory; it is begun anew")
            scan = Scan(chosen.target, request.options, writer, progress)
            scan.run()
            unchanged.still(scan.differing)
            writer.finish(chosen.meta(scan.engines, request.options.hashes))
    except (KeyboardInterrupt, InterruptedByUserError) as error:
        raise _stopped(request, chosen.database) from error
    return replace(finished(chosen.database, chosen), resumed=writer.resumed)


def _need_unfinished(request: RunRequest, chosen: Chosen, station: Station | None) -> None:
    """Refuse to go on where nothing was begun: it would be another inventory, not the rest of one.

    Raises:
        UsageError: there is no part file.
    """
    part = chosen.database + PART.encode()
    if os.path.lexists(part):
        return
    hint = "leave `--resume` out to begin one"
    if station is None:
        if os.path.lexists(chosen.database):
            hint = f"it is complete: `evkit inventory list {escape_bytes(chosen.database)}`"
        elif request.output is None:
            hint += "; give `-o` as it was given then"
    elif without_record(station, chosen):
        hint = f"a complete one waits: `evkit inventory run {escape(request.what)} --record`"
    raise UsageError(f"there is no unfinished inventory `{escape_bytes(part)}`", hint=hint)


def _stopped(request: RunRequest, database: bytes) -> InterruptedByUserError:
    """Say what is left of an inventory that the user stopped, and how to go on."""
    if not os.path.exists(database + PART.encode()):
        return InterruptedByUserError("stopped by the user; nothing was written")
    words = ["evkit", "inventory", "run", escape(request.what)]
    words += ["-o", escape(request.output)] if request.output else []
    return InterruptedByUserError(
        "stopped by the user; what was listed is kept",
        hint=f"go on with `{shlex.join([*words, '--resume'])}`",
    )


def finished(database: bytes, chosen: Chosen) -> RunResult:
    """Return what a complete inventory file says; names of sensitive material are masked."""
    unread, whole = chosen.target.unread, chosen.unread_whole
    with opened(database) as inventory:
        problems, more = first_problems(inventory)
        return RunResult(
            database=database,
            sources=chosen.sources,
            meta=inventory.meta,
            coverage=inventory.coverage(),
            problems=problems,
            more_problems=more,
            unread=None if whole and not unread else unread_files(inventory, unread, whole=whole),
        )


def record(
    request: RunRequest, chosen: Chosen, station: Station, signer: Signer | None, result: RunResult
) -> RunResult:
    """Sign the event of a complete inventory."""
    meta, coverage = result.meta, dict(result.coverage)
    coverage.pop("row")
    values: dict[str, object] = {
        "engine": "libtsk" if meta["engine"].startswith("libtsk") else "files",
        "engine_version": f"{meta['engine']}; types by {meta.get('types', 'nothing')}",
        "rows": int(meta["rows"]),
        "row_root": meta["row_root"],
        "engine_rows": int(meta["engine_rows"]),
        "engine_root": meta["engine_root"],
        "database": file_field(result.database),
        "result": coverage.pop("result"),
        "coverage": coverage,
    }
    if result.unread is not None:
        values["unread_files"] = result.unread.fields()
    if result.digested is not None:
        values["digested"] = result.digested
    acquisition = str(chosen.target.acquisition)
    recorded = record_work(KIND, acquisition, values, request, station, signer)
    return replace(result, recorded=recorded)
