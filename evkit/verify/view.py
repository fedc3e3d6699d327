"""What a record consists of, however it is kept: in a bundle, in a station, in a test.

The checks see this and nothing else, so they trust neither a database nor a folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.ledger.event import read_entry
from evkit.verify.report import RECORD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evkit.ledger.event import Entry
    from evkit.verify.report import Report


def _entry_name(index: int) -> str:
    return f"entry {index}"


@dataclass(frozen=True, kw_only=True)
class RecordView:
    """The parts of a record as bytes.

    Attributes:
        entries: envelopes by index.
        checkpoint: the signed checkpoint, None when absent.
        statement: the envelope of the station statement, None when absent.
        root: the root certificate found with the record, PEM or DER; None when absent.
        officers: officers' certificates, PEM or DER, by a name for messages.
        crls: revocation lists, by a name for messages.
        proofs: `.tlog-proof` files by index; None when the whole ledger is here.
        tiles: gives the bytes of a hash tile by its path; None when the whole ledger is here.
        leaves: the leaf hashes of the whole ledger in place of tiles, one after the other.
        place: names an entry in messages.
    """

    entries: Mapping[int, bytes]
    checkpoint: bytes | None
    statement: bytes | None
    root: bytes | None
    officers: Mapping[str, bytes] = field(default_factory=dict)
    crls: Mapping[str, bytes] = field(default_factory=dict)
    proofs: Mapping[int, bytes] | None = None
    tiles: Callable[[str], bytes] | None = None
    leaves: bytes | None = None
    place: Callable[[int], str] = _entry_name


def read_entries(view: RecordView, report: Report) -> dict[int, Entry]:
    """Read all envelopes strictly; each that cannot be read is a failure of the record."""
    found: dict[int, Entry] = {}
    ids: dict[str, int] = {}
    for index in sorted(view.entries):
        where = view.place(index)
        try:
            entry = read_entry(view.entries[index])
        except InputError as error:
            text = f"`{where}` is not an entry as evkit writes it: {escape(error.message)}"
            report.failed(RECORD, "entry-form", text, where)
            continue
        first = ids.setdefault(entry.event_id, index)
        if first != index:
            text = f"entries {first} and {index} are the same event {entry.event_id}"
            report.failed(RECORD, "entry-twice", text, where)
        found[index] = entry
    if found and not report.has("FAIL", RECORD):
        report.passed(RECORD, "entries", f"{len(found)} entries, each in its one valid form")
    return found
