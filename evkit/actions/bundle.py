"""`evkit bundle create|show`: pack a case for somebody outside."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.actions.bundle_material import Choice, collect, material
from evkit.core import clock
from evkit.core.errors import StorageError, UsageError
from evkit.core.paths import to_fields
from evkit.core.progress import SILENT
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.actions.bundle_material import Collected
    from evkit.bundle.assemble import Written
    from evkit.core.progress import Progress
    from evkit.identity.signer import Signer
    from evkit.station import Station

MARGIN = 16 << 20  # bytes besides the evidence that a destination must have


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `bundle create` was asked for.

    Attributes:
        case: case id.
        output: new folder, or new file ending in `.zip`.
        with_exhibits: enclose the evidence data.
        with_sensitive: enclose sensitive material too.
        withhold: names of personal fields to withhold (`owner` means all of `owner.*`), or `all`.
        values: further fields of the event, as typed.
        happened, reason: as typed.
        dry_run: make every check, write nothing.
    """

    case: str
    output: bytes
    with_exhibits: bool = False
    with_sensitive: bool = False
    withhold: tuple[str, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    happened: str | None = None
    reason: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class Made:
    """A bundle that was made, or would be (`written` is None)."""

    case: str
    output: bytes
    entry: int | None
    collected: Collected
    written: Written | None
    head: str
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        written = self.written
        document: dict[str, Any] = {
            "schema": "evkit/bundle/1",
            "made": written is not None,
            "case": self.case,
            **to_fields(self.output),
            "entry": self.entry,
            "head": self.head,
            "files": None if written is None else written.files,
            "bytes": self.collected.evidence_bytes if written is None else written.bytes,
            "withheld": self.collected.withheld,
            "missing": [
                {"acquisition": ref, "name": name, "reason": reason}
                for (ref, name), reason in self.collected.absent.items()
            ],
        }
        if written is not None:
            document["tag_manifest_sha256"] = written.tag_digest
        return document

    def lines(self) -> list[str]:
        """Return the lines for people."""
        where = escape_bytes(self.output)
        collected = self.collected
        if self.written is None:
            size = f"{collected.evidence_bytes:,} bytes of evidence"
            first = f"evkit: would make a bundle of case {self.case} in `{where}`: {size}"
            return [first, *self._notes()]
        written = self.written
        size = f"{written.files} files, {written.bytes:,} bytes, entry {self.entry}"
        return [
            f"evkit: bundle of case {self.case} in `{where}`: {size}",
            *self._notes(),
            f"  head {self.head}",
            f"check it with `evkit verify {where} --memo …`",
            "the memo (`evkit ledger memo`) must go another way than the bundle",
        ]

    def _notes(self) -> list[str]:
        notes = []
        if self.collected.withheld:
            notes.append(f"  {self.collected.withheld} personal values withheld")
        for (ref, name), reason in self.collected.absent.items():
            notes.append(f"  not enclosed: {escape(ref)} {escape(name)}: {escape(reason)}")
        return notes


def create(
    station: Station, signer: Signer | None, request: Request, progress: Progress = SILENT
) -> Made:
    """Record the bundle, then write it; the signer may be None for a dry run.

    Raises:
        CaseError: no such case.
        UsageError: a field to withhold is not there, or a value is malformed.
        RefusedError: the output exists.
        StorageError: the destination is full or fails.
        CheckFailedError: a file of evidence is not what was recorded.
    """
    from evkit.actions import custody
    from evkit.bundle.assemble import assemble
    from evkit.bundle.sink import open_sink, refuse_taken

    custody.require_case(station.state(request.case), request.case)
    refuse_taken(request.output)
    choice = Choice(
        with_exhibits=request.with_exhibits,
        withhold=request.withhold,
        with_sensitive=request.with_sensitive,
    )
    collected = collect(station, request.case, choice)
    _need_space(request.output, collected.evidence_bytes)
    recorded = custody.run(
        station,
        signer,
        custody.Request(
            kind="bundle",
            refs=(request.case,),
            values={**_values(request, collected), **request.values},
            happened=request.happened,
            reason=request.reason,
            dry_run=request.dry_run or signer is None,
        ),
    )
    head = station.signed_head()
    shown = f"{head.size}:{head.root.hex()}"
    if recorded.index is None or signer is None:
        return Made(
            case=request.case, output=request.output, entry=None, collected=collected,
            written=None, head=shown,
        )  # fmt: skip
    made = material(station, request.case, recorded.index, head, collected, clock.now())
    written = assemble(made, signer, open_sink(request.output), progress)
    return Made(
        case=request.case, output=request.output, entry=recorded.index, collected=collected,
        written=written, head=shown,
    )  # fmt: skip


def _values(request: Request, collected: Collected) -> dict[str, object]:
    values: dict[str, object] = {
        "form": "zip" if request.output.endswith(b".zip") else "folder",
        "with_exhibits": request.with_exhibits,
        "withheld": collected.withheld,
    }
    if request.with_sensitive:
        values["with_sensitive"] = True
    if collected.exhibit_refs:
        values["exhibits"] = list(collected.exhibit_refs)
    enclosed = sorted({ref for ref, _ in collected.exhibits})
    if enclosed:
        values["enclosed"] = enclosed
    taken = values.keys() & request.values.keys()
    if taken:
        raise UsageError(f"field `{min(taken)}` is filled by evkit and cannot be set")
    return values


def _need_space(output: bytes, wanted: int) -> None:
    folder = os.path.dirname(os.path.abspath(output))
    free = shutil.disk_usage(folder).free
    if free < wanted + MARGIN:
        raise StorageError(
            f"`{escape_bytes(folder)}` has {free:,} bytes free; the bundle needs about "
            f"{wanted + MARGIN:,}",
            hint="choose another destination; nothing was recorded",
        )
