"""The copies of acquisitions as the ledger tells of them: written where, verified when.

The end of an acquisition names the copies that were made in the same pass; `copy-out` tells of
copies that were given away; `verify` says which copy was read. `docs/spec/copies.md`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from evkit.acquire.output.branch import MASTER
from evkit.core.errors import InputError
from evkit.core.paths import from_fields, to_fields
from evkit.manifest.contents import CONTENT_ROLES
from evkit.manifest.facts import ENDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evkit.custody.history import Entry
    from evkit.custody.replay import Replay

COMPLETE, FAILED, GIVEN = "complete", "failed", "given"
IN_STATION: Final = "the station's own folder"
_TAKEN = frozenset({"complete", "with-gaps"})
_MARKS: Final = ("medium", "serial", "volume")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One time that a copy was read and compared: `match`, `pass`, `fail`, …, and the entry."""

    state: str
    entry: int
    when: str
    recorded: str

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"state": self.state, "entry": self.entry, "recorded": self.recorded}


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One copy.

    Attributes:
        name: `master`, `second`, or what a copy that was given away is for.
        state: `complete`, `failed`, or `given` for one that somebody else has.
        entry, when, recorded: the entry that tells of it, its time for people and RFC 3339.
        station: it lies in the station's own folder.
        folder: where it was written, None where that is not recorded.
        medium, serial, volume: label and serial number of its medium, UUID of the file system.
        file_system: type of the file system then.
        to: who received it.
        error: why it failed.
        check: the last time that it was read and compared, None when it never was.
    """

    name: str
    state: str
    entry: int
    when: str
    recorded: str
    station: bool = False
    folder: bytes | None = None
    medium: str | None = None
    serial: str | None = None
    volume: str | None = None
    file_system: str | None = None
    to: str | None = None
    error: str | None = None
    check: Check | None = None

    @property
    def words(self) -> str:
        """What it is, as text that is not escaped: `second copy on medium STORE-07`."""
        if self.station:
            return f"{self.name} copy in {IN_STATION}"
        return f"{self.name} copy on {self.on}"

    @property
    def on(self) -> str:
        """Its medium as far as it is known, as text that is not escaped."""
        if self.medium is not None:
            return f"medium {self.medium}"
        if self.serial is not None:
            return f"the medium with serial number {self.serial}"
        if self.volume is not None:
            return f"the file system {self.volume}"
        return "a medium that was not registered"

    def document(self) -> dict[str, Any]:
        """Return the JSON form, without absent values."""
        found = {name: value for name, value in vars(self).items() if value is not None}
        found["copy"] = found.pop("name")
        if self.folder is not None:
            found |= {f"folder_{key}": text for key, text in to_fields(self.folder).items()}
            found.pop("folder")
        if self.check is not None:
            found["check"] = self.check.document()
        found.pop("when")
        return found


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What the ledger says of one acquisition, or of an exhibit that copies were given of.

    Attributes:
        ref: the acquisition.
        result: how it ended, None for an exhibit.
        images: names of the files that hold its content as an image, in order.
        copies: its copies, those of the same pass first.
    """

    ref: str
    result: str | None = None
    images: tuple[str, ...] = ()
    copies: tuple[Copy, ...] = ()

    @property
    def outside(self) -> bool:
        """Whether a copy of the same pass lies outside the station."""
        return any(not copy.station and copy.state != GIVEN for copy in self.copies)


def recorded(replayed: Replay) -> dict[str, Recorded]:
    """Return every acquisition with data by its reference, in ledger order.

    An exhibit stands among them when a copy was given away and no acquisition was named.
    """
    found: dict[str, Recorded] = {}
    for entry in replayed.entries:
        if entry.kind in ENDS:
            for ref in entry.acquisitions:
                if ref not in found and _text(entry.fields, "result") in _TAKEN:
                    found[ref] = _ended(ref, entry)
        elif entry.kind == "copy-out":
            _given(found, entry)
        elif entry.kind == "verify":
            _verified(found, entry)
    return found


def _ended(ref: str, entry: Entry) -> Recorded:
    """Read the end as it was signed: where files lie is not corrected later."""
    fields = entry.fields
    images = tuple(
        item["name"]
        for item in _objects(fields.get("artifacts"))
        if item.get("role") in CONTENT_ROLES and isinstance(item.get("name"), str)
    )
    copies = tuple(_copies(fields, entry))
    return Recorded(ref=ref, result=str(fields.get("result")), images=images, copies=copies)


def written(fields: Mapping[str, Any]) -> tuple[Copy, ...]:
    """Return the copies in the fields of an end that is not in the ledger yet."""
    return tuple(_copies(fields, None))


def _copies(fields: Mapping[str, Any], entry: Entry | None) -> Iterator[Copy]:
    number, when, moment = (entry.index, entry.when, entry.recorded) if entry else (-1, "", "")
    listed = _objects(fields.get("copies"))
    if not listed:
        listed = [{"copy": MASTER, "in_station": True, "verification": fields.get("verification")}]
    for item in listed:
        verification = item.get("verification")
        state = _text(verification, "state") if isinstance(verification, dict) else None
        check = None
        if state in {"match", "mismatch"}:
            check = Check(state=str(state), entry=number, when=when, recorded=moment)
        yield Copy(
            name=_text(item, "copy") or "copy",
            state=_text(item, "state") or COMPLETE,
            entry=number,
            when=when,
            recorded=moment,
            station=item.get("in_station") is True,
            folder=_folder(item),
            medium=_text(item, "medium"),
            volume=_text(item, "volume"),
            file_system=_text(item, "file_system"),
            error=_text(item, "error"),
            check=check,
        )


def _given(found: dict[str, Recorded], entry: Entry) -> None:
    """Add a copy that was given away, corrections applied."""
    fields = {**entry.fields, **entry.current}
    named = _text(fields, "acquisition")
    copy = Copy(
        name=_text(fields, "copy") or "copy",
        state=GIVEN,
        entry=entry.index,
        when=entry.when,
        recorded=entry.recorded,
        medium=_text(fields, "medium"),
        serial=_text(fields, "medium_serial"),
        to=_text(fields, "to"),
    )
    if fields.get("verified") is True:
        check = Check(state="match", entry=entry.index, when=entry.when, recorded=entry.recorded)
        copy = dataclasses.replace(copy, check=check)
    for ref in dict.fromkeys([named] if named else entry.acquisitions or entry.exhibits):
        known = found.get(ref) or Recorded(ref=ref)
        found[ref] = dataclasses.replace(known, copies=(*known.copies, copy))


def _verified(found: dict[str, Recorded], entry: Entry) -> None:
    """Note which copies a later comparison has read; before that was recorded, the station's."""
    result = _text(entry.fields, "result") or "undecided"
    base = Check(state=result, entry=entry.index, when=entry.when, recorded=entry.recorded)
    rows = _objects(entry.fields.get("read"))
    if not rows and entry.fields.get("where") == IN_STATION:
        rows = [{"acquisition": ref, "in_station": True} for ref in entry.acquisitions]
    for row in rows:
        known = found.get(_text(row, "acquisition") or "")
        if known is None:
            continue
        check = dataclasses.replace(base, state=_text(row, "result") or result)
        copies = tuple(
            dataclasses.replace(copy, check=check) if _is_row(copy, row) else copy
            for copy in known.copies
        )
        found[known.ref] = dataclasses.replace(known, copies=copies)


def row_of(ref: str, copy: Copy) -> dict[str, Any]:
    """Return what an event says of the copy that was read; `_is_row` finds it again."""
    row: dict[str, Any] = {"acquisition": ref, "copy": copy.name}
    if copy.station:
        row["in_station"] = True
    return row | {name: text for name in _MARKS if (text := getattr(copy, name)) is not None}


def _is_row(copy: Copy, row: Mapping[str, Any]) -> bool:
    if row.get("in_station") is True or copy.station:
        return copy.station and row.get("in_station") is True
    alike = all(row.get(name) in (None, getattr(copy, name)) for name in _MARKS)  # any JSON
    return copy.name == row.get("copy") and alike


def _folder(item: Mapping[str, Any]) -> bytes | None:
    try:
        return from_fields(item, "folder_path")
    except InputError:
        return None


def _objects(value: object) -> Sequence[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) and value else None
