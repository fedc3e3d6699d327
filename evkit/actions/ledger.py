"""`evkit ledger show|checkpoint|prove|export`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.core import durable
from evkit.core.errors import CaseError
from evkit.core.paths import to_fields
from evkit.core.refs import need_case
from evkit.core.text import escape, escape_bytes, shorten
from evkit.station import export as exporting
from evkit.station.reading import event_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evkit.ledger.event import Event
    from evkit.station import Station
    from evkit.station.store import Entry

_ABOUT = 34


@dataclass(frozen=True, kw_only=True)
class Row:
    """One entry as shown."""

    index: int
    event_id: str
    event: Event

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        event = self.event
        return {
            "entry": self.index,
            "event_id": self.event_id,
            "kind": event.kind,
            "case": event.case,
            "case_seq": event.case_seq,
            "exhibits": list(event.exhibits),
            "acquisitions": list(event.acquisitions),
            "recorded": event.recorded.utc,
            "officer": event.actor.officer,
            "role": event.actor.role,
            "deviations": len(event.deviations),
            "pinned_size": event.head.size if event.head else None,
        }

    def line(self) -> str:
        """Return the line for people."""
        event = self.event
        about = ", ".join((*event.acquisitions, *event.exhibits)) or event.case or "the station"
        marks = f" [{len(event.deviations)} deviations]" if event.deviations else ""
        return (
            f"{self.index:>6}  {event.recorded.utc[:19]}Z  {event.kind:<14} "
            f"{escape(shorten(about, _ABOUT)):<{_ABOUT}} {escape(event.actor.officer)}{marks}"
        )


@dataclass(frozen=True, kw_only=True)
class LedgerView:
    """Entries of the ledger with its head."""

    origin: str
    size: int
    root: str
    rows: tuple[Row, ...]
    case: str | None = None
    left_out: int = 0
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/ledger/1",
            "origin": self.origin,
            "size": self.size,
            "root": self.root,
            "case": self.case,
            "left_out": self.left_out,
            "entries": [row.document() for row in self.rows],
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        lines = [f"{self.origin}, {self.size} entries", f"root {self.root}"]
        if self.left_out:
            lines.append(f"… {self.left_out} earlier entries are not shown (`--last`)")
        return lines + [row.line() for row in self.rows]


def show(station: Station, case: str | None, last: int | None) -> LedgerView:
    """Return the entries of the ledger or of a case.

    Args:
        station: the station.
        case: a case id, or None.
        last: only the last so many.

    Raises:
        CaseError: no entry is of that case.
    """
    head = station.head()
    if case is None:
        start = max(0, head.size - last) if last is not None else 0
        rows, left_out = _rows(station.entries(start, head.size)), start
    else:
        need_case(case)
        rows = _rows(station.case_entries(case))
        if not rows:
            raise CaseError(f"no case `{escape(case)}`", hint="see `evkit case list`")
        left_out = max(0, len(rows) - last) if last is not None else 0
        rows = rows[left_out:]
    return LedgerView(
        origin=station.origin,
        size=head.size,
        root=head.root.hex(),
        rows=tuple(rows),
        case=case,
        left_out=left_out,
    )


def _rows(entries: Iterable[Entry]) -> list[Row]:
    return [Row(index=e.index, event_id=e.event_id, event=event_of(e)) for e in entries]


@dataclass(frozen=True, kw_only=True)
class CheckpointView:
    """The signed checkpoint; `path` when it was written to a file."""

    note: bytes
    origin: str
    size: int
    root: str
    log_key: str
    path: bytes | None = None
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/checkpoint/1",
            "origin": self.origin,
            "size": self.size,
            "root": self.root,
            "log_key": self.log_key,
            "note": self.note.decode("utf-8"),
        }

    def lines(self) -> list[str]:
        """Return the lines for people: the note itself, or where it was written."""
        if self.path is not None:
            return [f"wrote the checkpoint of {self.size} entries to `{escape_bytes(self.path)}`"]
        return self.note.decode("utf-8").removesuffix("\n").split("\n")


def checkpoint(station: Station, target: bytes | None) -> CheckpointView:
    """Return the signed checkpoint, and write it to a new file if asked.

    Raises:
        RefusedError: the file exists, or the ledger lies below or beside the high-water mark.
    """
    head = station.leaving_head()
    note = head.note or b""
    if target is not None:
        durable.write_new(target, note)
    return CheckpointView(
        note=note,
        origin=station.origin,
        size=head.size,
        root=head.root.hex(),
        log_key=station.trust.statement().log_key,
        path=target,
    )


@dataclass(frozen=True, kw_only=True)
class ProofView:
    """A proof of one entry and the files beside it, the envelope first."""

    row: Row
    size: int
    proof: bytes
    beside: tuple[bytes, ...]
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/proof-made/1",
            **to_fields(self.proof, "proof"),
            **to_fields(self.beside[0], "envelope"),
            "beside": [to_fields(path) for path in self.beside],
            "entry": self.row.index,
            "event_id": self.row.event_id,
            "size": self.size,
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        return [
            f"entry {self.row.index} ({self.row.event.kind}) is in the ledger of {self.size}",
            f"  proof     {escape_bytes(self.proof)}",
            *(f"  beside it {escape_bytes(path)}" for path in self.beside),
            "hand all of them over; whoever has a memo can check them with",
            f"  evkit verify {escape_bytes(self.proof)} --memo …",
        ]


def prove(station: Station, event: str, target: bytes) -> ProofView:
    """Write the `.tlog-proof` of an entry and beside it what a verifier needs.

    The envelope is `<target>.event.json`, the certificates `.officer.crt` and `.root.crt`, the
    others `.station-statement.json` and `.root.crl`.

    Args:
        station: the station.
        event: number of the entry, or the start of its event id.
        target: file of the proof.

    Raises:
        CaseError: no such entry.
        RefusedError: a file exists.
    """
    entry = station.find(event)
    made = exporting.prove(station, entry)
    stem = target.removesuffix(b".tlog-proof") + b"."
    files = {
        stem + end.encode(): data for end, data in exporting.beside_proof(station, entry).items()
    }
    for path in (target, *files):
        durable.need_absent(path)
    durable.write_new(target, made)
    for path, data in files.items():
        durable.write_new(path, data)
    return ProofView(
        row=_rows([entry])[0], size=station.head().size, proof=target, beside=tuple(files)
    )


@dataclass(frozen=True, kw_only=True)
class ExportView:
    """A ledger that was exported."""

    path: bytes
    origin: str
    size: int
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/ledger-export/1",
            **to_fields(self.path),
            "origin": self.origin,
            "size": self.size,
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        return [
            f"exported {self.size} entries of `{self.origin}` to `{escape_bytes(self.path)}`",
            "personal fields are in it as commitments only; the openings stay here",
        ]


def export(station: Station, target: bytes) -> ExportView:
    """Write the ledger as a static tiled log; see `station.export.export` for the errors."""
    size = exporting.export(station, target)
    return ExportView(path=target, origin=station.origin, size=size)
