"""What a bundle of a case is made of, taken from a station."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.actions.acquire_where import Files, Where
from evkit.actions.sensitive import REASON, exhibit_is_sensitive, mask_for
from evkit.bundle.material import Material, Stream
from evkit.core.errors import CheckFailedError, InputError, UsageError
from evkit.core.refs import parse_ref
from evkit.core.text import escape, escape_bytes
from evkit.manifest import contents, facts, filelist, layout
from evkit.manifest.tree import reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evkit.core.clock import Instant
    from evkit.ledger.commitments import Opening
    from evkit.manifest.contents import Acquisition
    from evkit.station import Station
    from evkit.station.store import Entry, Head

BLOCK = 1 << 20
ALWAYS = ("station", "recover", "revoke")  # station entries that every bundle holds
NOT_ASKED = "not asked for (`--with-exhibits`)"
NOT_HERE = "the file is not at the station"
_NAMELESS = frozenset({"pieces", "map", "log"})  # roles of files without content and names
IN_PLACE = "digested where it lay and never copied"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What to enclose: evidence, sensitive material; and which personal fields to withhold."""

    with_exhibits: bool
    withhold: tuple[str, ...]
    with_sensitive: bool = False


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What was found for a bundle before its event is recorded.

    Attributes:
        exhibits: paths of evidence files by (acquisition, name), with their sizes.
        inventories: paths of inventory files by acquisition.
        absent: why something is not enclosed.
        openings: openings to ship, by index.
        withheld: number of personal values withheld.
        exhibit_refs: the exhibits of the case.
    """

    exhibits: Mapping[tuple[str, str], tuple[bytes, int]]
    inventories: Mapping[str, Stream]
    absent: Mapping[tuple[str, str], str]
    openings: Mapping[int, tuple[Opening, ...]]
    withheld: int
    exhibit_refs: tuple[str, ...] = field(default=())

    @property
    def evidence_bytes(self) -> int:
        """Size of all evidence files."""
        return sum(size for _, size in self.exhibits.values())


def collect(station: Station, case: str, choice: Choice) -> Collected:
    """Find everything that the bundle will hold besides the ledger.

    Raises:
        UsageError: a field to withhold does not occur.
        CheckFailedError: an inventory is not the recorded one.
        InputError: a file of evidence has another size than recorded.
    """
    events = list(station.events(case))
    made = facts.facts(events)
    exhibits: dict[tuple[str, str], tuple[bytes, int]] = {}
    absent: dict[tuple[str, str], str] = {}
    if choice.with_exhibits:
        where = Where(station)
        for acquisition in contents.acquisitions(made).values():
            ref = acquisition.ref
            if choice.with_sensitive or not exhibit_is_sensitive(station, None, ref):
                _evidence(where.files(ref), acquisition, exhibits, absent)
            else:
                _harmless(where.files(ref), acquisition, exhibits, absent)
    inventories = {}
    for ref, row in contents.inventories(made).items():
        stream = _inventory(station, ref, row)
        if stream is not None and not choice.with_sensitive and not _may_leave(station, ref, row):
            absent[ref, layout.INVENTORY_FILE] = REASON
        elif stream is None:
            absent[ref, layout.INVENTORY_FILE] = NOT_HERE
        else:
            inventories[ref] = stream
    openings, withheld = _openings(station, events, choice.withhold)
    refs = [name for row in made["exhibits"] for name in row["exhibits"]]
    return Collected(
        exhibits=exhibits,
        inventories=inventories,
        absent=absent,
        openings=openings,
        withheld=withheld,
        exhibit_refs=tuple(dict.fromkeys(refs)),
    )


def material(
    station: Station, case: str, bundle_entry: int, head: Head, collected: Collected, made: Instant
) -> Material:
    """Return the material of a bundle whose event is recorded."""
    entries = _entries(station, case, bundle_entry)
    signers = {entry.signer for entry in entries.values()}
    crl = station.trust.crl()
    return Material(
        case=entries[bundle_entry].case or case,
        entries={index: entry.envelope for index, entry in entries.items()},
        bundle_entry=bundle_entry,
        checkpoint=head.note or b"",
        leaf_hashes=station.leaf_hashes(head.size),
        statement=station.trust.statement_bytes(),
        root=station.trust.root().pem,
        officers={
            certificate.fingerprint: certificate.pem
            for certificate in station.officers()
            if certificate.fingerprint in signers
        },
        crl=None if crl is None else crl.pem,
        openings=collected.openings,
        inventories=collected.inventories,
        exhibits={
            key: Stream(size=size, blocks=_reader(path, size))
            for key, (path, size) in collected.exhibits.items()
        },
        absent=collected.absent,
        reason=NOT_ASKED,
        replay=station.state(case),
        made=made,
        review=station.profile.review_line(),
    )


def _entries(station: Station, case: str, bundle_entry: int) -> dict[int, Entry]:
    """Return the case up to the bundle's event, and what the station's record needs."""
    found = {
        entry.index: entry for entry in station.case_entries(case) if entry.index <= bundle_entry
    }
    for entry in station.store.of_kinds(ALWAYS):
        found[entry.index] = entry
    signers = {entry.signer for entry in found.values()}
    for entry in station.store.of_kinds(("enrol",)):
        if entry.signer in signers:
            found[entry.index] = entry
    return dict(sorted(found.items()))


def _evidence(
    files: Files,
    acquisition: Acquisition,
    exhibits: dict[tuple[str, str], tuple[bytes, int]],
    absent: dict[tuple[str, str], str],
) -> None:
    ref = acquisition.ref
    for artifact in acquisition.artifacts:
        _one(files, artifact.name, artifact.size, (exhibits, absent))
    if not acquisition.is_list:
        return
    listed = exhibits.get((ref, filelist.NAME))
    if listed is None:
        absent[ref, contents.FILES_NAME] = NOT_HERE
        return
    with reading(filelist.NAME), open(listed[0], "rb") as handle:
        rows = [row for row in filelist.iter_rows(handle) if row.sha256 is not None]
    if any(row.name is None for row in rows):
        absent[ref, contents.FILES_NAME] = IN_PLACE
        return
    for row in rows:
        if not _one(files, str(row.name), row.size or 0, (exhibits, absent)):
            absent[ref, contents.FILES_NAME] = f"`{row.name}`: {NOT_HERE}"
            return


def _harmless(
    files: Files,
    acquisition: Acquisition,
    exhibits: dict[tuple[str, str], tuple[bytes, int]],
    absent: dict[tuple[str, str], str],
) -> None:
    """Note of sensitive material only the files that hold neither content nor names."""
    for artifact in acquisition.artifacts:
        if artifact.role in _NAMELESS:
            _one(files, artifact.name, artifact.size, (exhibits, absent))
        else:
            absent[acquisition.ref, artifact.name] = REASON
    if acquisition.is_list:
        absent[acquisition.ref, contents.FILES_NAME] = REASON


def _may_leave(station: Station, ref: str, row: Mapping[str, Any]) -> bool:
    path = os.path.join(station.folder(parse_ref(ref)), str(row["database"]["name"]).encode())
    return mask_for(station, None, ref, path) is None


def _one(
    files: Files,
    name: str,
    size: int,
    kept: tuple[dict[tuple[str, str], tuple[bytes, int]], dict[tuple[str, str], str]],
) -> bool:
    """Note one file; a missing one is a reason, one of another size an error."""
    exhibits, absent = kept
    ref, path = files.ref, files.path_of(name)
    if path is None:
        absent[ref, name] = files.away
        return False
    try:
        state = os.lstat(path)
    except OSError:
        absent[ref, name] = NOT_HERE
        return False
    if not stat.S_ISREG(state.st_mode) or state.st_size != size:
        raise InputError(
            f"`{escape_bytes(path)}` is not what was recorded: {state.st_size} bytes, not {size}",
            hint=f"check it with `evkit verify {escape(ref)}`; nothing was recorded",
        )
    exhibits[ref, name] = (path, size)
    return True


def _reader(path: bytes, size: int) -> Any:  # noqa: ANN401 - a function that yields blocks
    def blocks() -> Iterator[bytes]:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        # an error here is none of the destination, which takes the blocks
        with reading(os.fsdecode(path)), os.fdopen(os.open(path, flags), "rb") as handle:
            left = size + 1
            while left > 0 and (block := handle.read(min(BLOCK, left))):
                left -= len(block)
                yield block

    return blocks


def _inventory(station: Station, ref: str, row: Mapping[str, Any]) -> Stream | None:
    """Return the lines of the recorded inventory, read once to know size and roots."""
    from evkit.inventory.database.reader import Inventory
    from evkit.verify.inventory import RowCheck
    from evkit.verify.report import Report

    database = row.get("database")
    name = database.get("name") if isinstance(database, dict) else None
    path = os.path.join(station.folder(parse_ref(ref)), str(name).encode("utf-8"))
    if not isinstance(name, str) or "/" in name or not os.path.isfile(path):
        return None
    check, size = RowCheck(), 0
    with Inventory(path) as inventory:
        for line in inventory.lines():
            check.update(line)
            size += len(line)
    report = Report(ref, "inventory")
    if check.finish(row, escape(name), report) is None:
        problem = report.findings[-1]
        raise CheckFailedError(
            f"the inventory of `{escape(ref)}` is not the recorded one: {problem.text}",
            hint="nothing was recorded; look for an intact copy, or run the inventory again",
            details={"expected": problem.expected, "found": problem.found},
        )

    def lines() -> Iterator[bytes]:
        with Inventory(path) as again:
            waiting: list[bytes] = []
            held = 0
            for line in again.lines():
                waiting.append(line)
                held += len(line)
                if held >= BLOCK:
                    yield b"".join(waiting)
                    waiting, held = [], 0
            yield b"".join(waiting)

    return Stream(size=size, blocks=lines)


def _openings(
    station: Station, events: list[tuple[int, Any, str]], withhold: tuple[str, ...]
) -> tuple[dict[int, tuple[Opening, ...]], int]:
    """Return the openings to ship and the number withheld."""
    shipped: dict[int, tuple[Opening, ...]] = {}
    unused = set(withhold) - {"all"}
    withheld = 0
    for index, event, event_id in events:
        if not event.commitments:
            continue
        found = {opening.name: opening for opening in station.openings(event_id)}
        kept = []
        for name in sorted(event.commitments):
            by = next((part for part in withhold if _means(part, name)), None)
            unused.discard(by or "")
            if by is None and name in found:
                kept.append(found[name])
            else:
                withheld += 1
        if kept:
            shipped[index] = tuple(kept)
    if unused:
        known = sorted({name for _, event, _ in events for name in event.commitments})
        raise UsageError(
            f"no personal field is called `{escape(min(unused))}`",
            hint="the case has " + (", ".join(f"`{name}`" for name in known) or "none"),
        )
    return shipped, withheld


def _means(part: str, name: str) -> bool:
    return part in {"all", name} or name.startswith(f"{part}.")
