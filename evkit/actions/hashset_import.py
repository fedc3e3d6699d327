"""`evkit hashset import`: a source is converted once into sorted digests, and that is recorded."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from evkit import __version__
from evkit.actions import custody
from evkit.actions.hashsets import KIND, lines_of, listed_sets
from evkit.actions.inventory_record import entry_fields
from evkit.core import clock, durable
from evkit.core.errors import EvkitError, InputError, RefusedError, UsageError
from evkit.core.progress import SILENT
from evkit.core.text import escape_bytes
from evkit.custody.compose import Typed, compose
from evkit.custody.validate import Context, complete
from evkit.hashing.digests import digest_file
from evkit.inventory.hashsets import formats, model
from evkit.inventory.hashsets.build import Builder, Written
from evkit.inventory.hashsets.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.core.progress import Progress
    from evkit.identity.signer import Signer
    from evkit.ledger.event import Draft
    from evkit.station import Station

_USUAL = {"nsrl": model.KNOWN, "vics": model.NOTABLE}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to import and as what.

    Attributes:
        path: the source.
        name: of the set.
        category: `known` or `notable`; None: what the format usually is.
        form: one of `formats.FORMATS`; None recognises it.
        sensitive: None: as a list of Project VIC is, others are not.
        origin, release: where it comes from, and its version, as typed.
        categories: of a Project VIC list, those to take.
        output: a file outside a station; nothing is recorded then.
        values, happened, reason: as typed, for the event.
        dry_run: read and count, write nothing.
    """

    path: bytes
    name: str
    category: str | None = None
    form: str | None = None
    sensitive: bool | None = None
    origin: str | None = None
    release: str | None = None
    categories: tuple[int, ...] = ()
    output: bytes | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    happened: str | None = None
    reason: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class Imported:
    """A set that was made, or after a dry run would be.

    Attributes:
        header: of the set; after a dry run without sections.
        path: its file.
        written: None after a dry run.
        recorded: the event; None for a file outside a station.
    """

    header: model.Header
    path: bytes
    written: Written | None = None
    recorded: custody.Recorded | None = None
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/hashset-import/1",
            "done": self.written is not None,
            "path": escape_bytes(self.path),
            "set": self.header.document(),
            "size": None if self.written is None else self.written.size,
            "sha256": None if self.written is None else self.written.sha256,
            **entry_fields(self.recorded),
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        done = "would import" if self.written is None else "imported"
        lines = [f"evkit: {done} hash set {self.header.name}", *lines_of(self.header)]
        if self.written is not None:
            lines.append(f"  {escape_bytes(self.path)}")
            lines += [f"  {self.written.size:,} bytes, sha256", f"  {self.written.sha256}"]
        if self.recorded is not None:
            lines += self.recorded.lines()
        elif self.written is not None:
            lines.append("not recorded: it lies outside a station")
        return lines


def run(
    request: Request,
    *,
    station: Station | None = None,
    signer: Signer | None = None,
    progress: Progress = SILENT,
) -> Imported:
    """Import a set; in a station the event is recorded at the end.

    Args:
        request: what and as what.
        station: None for a file outside.
        signer: who signs; unlocked before the work starts.
        progress: told what was read.

    Raises:
        InputError: the source cannot be read, holds no digest, or changed.
        RefusedError: there is a set, or a file, of that name.
        UsageError: a name or a form that is none, or a category that must be given.
        StorageError: the destination is full.
    """
    model.check_name(request.name)
    path = _destination(request, station)
    form = request.form or formats.recognise(request.path)
    category = _category(request, form)
    if station is not None and signer is not None:
        station.check(signer, KIND)
    before = _facts(request.path)
    header = _header(request, form, category)
    if request.dry_run:
        tally = Tally()
        release = formats.take(request.path, form, tally, progress, request.categories)
        header = _with(header, tally, request.release or release)
        return Imported(header=header, path=path)
    durable.make_dir(os.path.dirname(path))
    with Builder(os.path.dirname(path)) as builder:
        release = formats.take(request.path, form, builder, progress, request.categories)
        if _facts(request.path) != before:
            raise InputError(f"`{escape_bytes(request.path)}` changed while it was read")
        header = _with(header, builder, request.release or release)
        _leftover(path, request)
        written = builder.write(path, header)
    imported = Imported(header=written.header, path=path, written=written)
    return imported if station is None else _recorded(request, station, signer, imported)


def check(request: Request, station: Station) -> None:
    """Look at what can be wrong before anybody is asked for a passphrase; errors as `run`."""
    model.check_name(request.name)
    _destination(request, station)
    _category(request, request.form or formats.recognise(request.path))


def _category(request: Request, form: str) -> str:
    category = request.category or _USUAL.get(form)
    if category is None:
        raise UsageError(
            "nothing says what a match in this list means",
            hint="say `--kind known` for harmless files, `--kind notable` for those looked for",
        )
    return category


def _destination(request: Request, station: Station | None) -> bytes:
    """Return the path of the new file."""
    if station is None or request.output is not None:
        if request.output is None:
            raise UsageError("without a station name a file with `-o`")
        path = os.path.abspath(request.output)
        durable.need_absent(path)
        return path
    listed = listed_sets(station).get(request.name)
    if listed is not None and listed.removed_entry is None:
        raise RefusedError(
            f"there is a hash set `{request.name}` (entry {listed.entry})",
            hint="give the new one another name, or `evkit hashset remove` the old one first",
        )
    return station.place.hash_set(request.name)


def _leftover(path: bytes, request: Request) -> None:
    """Remove what an import left that was stopped before its record; a removed set as well."""
    if request.output is None and os.path.lexists(path):
        with durable.storage_errors(path):
            durable.step("unlink", path)
            os.unlink(path)


def _facts(path: bytes) -> tuple[int, int, int]:
    try:
        state = os.stat(path)
    except OSError as error:
        raise InputError(
            f"cannot read `{escape_bytes(path)}`: {error.strerror or error}"
        ) from error
    return state.st_ino, state.st_size, state.st_mtime_ns


def _header(request: Request, form: str, category: str) -> model.Header:
    try:
        size, digests = digest_file(request.path, ("sha256",))
    except OSError as error:
        raise InputError(
            f"cannot read `{escape_bytes(request.path)}`: {error.strerror or error}"
        ) from error
    source = model.Source(
        name=os.path.basename(os.path.abspath(request.path)),
        size=size,
        sha256=digests["sha256"],
        format=form,
        origin=request.origin,
        categories=request.categories,
    )
    return model.Header(
        name=request.name,
        category=category,
        sensitive=form == "vics" if request.sensitive is None else request.sensitive,
        created=clock.now().text(),
        evkit=__version__,
        source=source,
        entries=0,
    )


def _with(header: model.Header, tally: Tally, release: str | None) -> model.Header:
    return replace(
        header, entries=tally.entries, left_out=dict(tally.left_out), release=release or None
    )


def _recorded(
    request: Request, station: Station, signer: Signer | None, imported: Imported
) -> Imported:
    """Sign the event; a set that cannot be recorded is not kept."""
    try:
        draft = _draft(request, station, imported)
        recorded = custody.sign(station, signer, draft, dry_run=False, reason=request.reason)
    except EvkitError:
        with contextlib.suppress(OSError):
            os.unlink(imported.path)
        raise
    return replace(imported, recorded=recorded)


def _draft(request: Request, station: Station, imported: Imported) -> Draft:
    header, written = imported.header, imported.written
    assert written is not None  # noqa: S101 - `run` has written it
    values: dict[str, object] = {
        **request.values,
        "name": header.name,
        "category": header.category,
        "sensitive_material": header.sensitive,
        "source": header.source.document(),
        "entries": header.entries,
        "digests": {section.algorithm: section.count for section in header.sections},
        "file": {
            "name": os.path.basename(imported.path).decode("ascii"),
            "size": written.size,
            "sha256": written.sha256,
        },
    }
    if header.release is not None:
        values["release"] = header.release
    if header.left_out:
        values["left_out"] = dict(header.left_out)
    typed = Typed(
        kind=KIND, case=None, values=values, happened=request.happened,
        offset=station.profile.offset,
    )  # fmt: skip
    return complete(compose(typed), station.profile, Context(reason=request.reason))
