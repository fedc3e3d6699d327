"""`evkit station init|show|reindex|backup|recover`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.core.errors import EvkitError, ExitCode, UsageError
from evkit.core.paths import to_fields
from evkit.core.text import escape, escape_bytes
from evkit.station import backup as backups
from evkit.station import layout, rootkey
from evkit.station.create import NewStation, create
from evkit.station.recover import Recovery
from evkit.station.recover import recover as run_recovery

if TYPE_CHECKING:
    from evkit.station import Station
    from evkit.station.backup import Made
    from evkit.station.recover import Recovered

_HEAD = re.compile(r"(0|[1-9][0-9]{0,15}):([0-9a-f]{64})", re.ASCII)
_SHOWN = 50
_WITH = "lies with the station"
_AWAY = "is kept elsewhere"


@dataclass(frozen=True, kw_only=True)
class StationView:
    """What a station is and where it stands.

    Attributes:
        made: just created.
        origin, size, root: the last head, root in hex.
        fingerprint: SHA-256 of the agency root certificate, hex.
        root_with_station: the root's key file lies inside the station's folder.
        mark: `SIZE:ROOT` of this user's high-water mark; None when there is none.
        problem: why nothing can be appended, None when it can.
        unfinished: work journals left behind.
        notices: what was done on opening.
    """

    folder: bytes
    name: str
    agency: str
    origin: str
    profile: str
    review: str
    size: int
    root: str
    fingerprint: str
    root_with_station: bool
    officers: int
    mark: str | None
    problem: str | None
    unfinished: tuple[bytes, ...]
    notices: tuple[str, ...]
    made: bool = False
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/station/1",
            **to_fields(self.folder, "folder"),
            "name": self.name,
            "agency": self.agency,
            "origin": self.origin,
            "profile": self.profile,
            "profile_review": self.review,
            "size": self.size,
            "root": self.root,
            "agency_root": f"sha256:{self.fingerprint}",
            "agency_root_with_station": self.root_with_station,
            "officers": self.officers,
            "high_water": self.mark,
            "problem": self.problem,
            "unfinished": [escape_bytes(path) for path in self.unfinished],
            "notices": list(self.notices),
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        lines = [f"made station `{escape(self.name)}`"] if self.made else []
        lines += [
            f"station      {escape(self.name)}, {escape(self.agency)}",
            f"folder       {escape_bytes(self.folder)}",
            f"profile      {escape(self.review.removeprefix('profile '))}",
            f"origin       {self.origin}",
            f"size         {self.size}",
            f"root         {self.root}",
            f"agency root  sha256:{self.fingerprint}",
            f"root key     {_WITH if self.root_with_station else _AWAY}",
            f"officers     {self.officers}",
            f"high water   {self.mark or 'none yet for this user'}",
        ]
        if self.root_with_station:
            lines.append("             keep it on other media: whoever has it can name officers")
        if self.problem:
            lines.append(f"problem      {self.problem}")
        lines += [f"unfinished   {escape_bytes(path)}" for path in self.unfinished]
        lines += [f"note         {notice}" for notice in self.notices]
        if self.made:
            lines.append("next: evkit officer enrol NAME --rank … --badge … --role officer")
        return lines


def init(request: NewStation) -> StationView:
    """Make a station; see `station.create.create` for the errors."""
    from evkit.station import Station

    place = create(request)
    with Station.open(place.home) as station:
        return _view(station, made=True)


def show(station: Station) -> StationView:
    """Return what a station is; a problem with the mark gives its exit code."""
    return _view(station, made=False)


def _view(station: Station, *, made: bool) -> StationView:
    head = station.head()
    problem, mark, code = None, None, ExitCode.OK
    try:
        found = station.mark()
        mark = f"{found.size}:{found.root.hex()}" if found else None
        station.signed_head()
    except EvkitError as error:
        problem, code = error.message, error.exit_code
    return StationView(
        folder=station.place.home,
        name=station.config.name,
        agency=station.config.agency,
        origin=station.origin,
        profile=station.config.profile,
        review=station.profile.review_line(),
        size=head.size,
        root=head.root.hex(),
        fingerprint=station.trust.root().fingerprint,
        root_with_station=root_with_station(station),
        officers=len(station.officers()),
        mark=mark,
        problem=problem,
        unfinished=tuple(station.journals()),
        notices=tuple(station.notices),
        made=made,
        exit_code=int(code),
    )


def root_with_station(station: Station) -> bool:
    """Say whether the agency root's key lies inside the station's folder."""
    if rootkey.exists(station.place.path(layout.ROOT_HOME)):
        return True
    named = os.fsencode(station.config.root_dir)
    if not named:
        return False
    home = os.path.realpath(station.place.home)
    return os.path.commonpath([home, os.path.realpath(named)]) == home and rootkey.exists(named)


def root_folder(station: Station, chosen: bytes | None) -> bytes:
    """Return where the agency root is: as chosen, in the station, or where it was at the start."""
    if chosen is not None:
        return chosen
    inside = station.place.path(layout.ROOT_HOME)
    if rootkey.exists(inside) or not station.config.root_dir:
        return inside
    return os.fsencode(station.config.root_dir)


@dataclass(frozen=True, kw_only=True)
class Reindexed:
    """The projection was made again: entries read, cases found."""

    entries: int
    cases: int
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {"schema": "evkit/reindex/1", "entries": self.entries, "cases": self.cases}

    def lines(self) -> list[str]:
        """Return the lines for people."""
        return [f"index made again from {self.entries} entries, {self.cases} cases"]


def reindex(station: Station) -> Reindexed:
    """Throw `index.db` away and make it again from the ledger."""
    from evkit.station.index import Index

    index = Index.rebuild(station.place.path(layout.INDEX), station.store)
    cases = len(index.cases())
    index.close()
    return Reindexed(entries=station.head().size, cases=cases)


@dataclass(frozen=True, kw_only=True)
class BackupView:
    """A backup that was made."""

    made: Made
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        made = self.made
        return {
            "schema": "evkit/backup-made/1",
            **to_fields(made.path),
            "size": made.head.size,
            "root": made.head.root.hex(),
            "files": made.files,
            "bytes": made.bytes,
            "left_out": made.left_out,
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        made = self.made
        wrote = f"{made.files} files, {made.bytes} bytes"
        lines = [
            f"backup of {made.head.size} entries in `{escape_bytes(made.path)}`: {wrote}",
            "the log key is not in it; after a loss go on with `evkit station recover`",
        ]
        if made.left_out:
            lines.append(
                f"{made.left_out} files of evidence are not in it (`--evidence` adds them)"
            )
        return lines


def backup(station: Station, target: bytes, *, evidence: bool) -> BackupView:
    """Write a backup; see `station.backup.make` for the errors."""
    station.signed_head()
    return BackupView(made=backups.make(station.place, station.origin, target, evidence=evidence))


@dataclass(frozen=True, kw_only=True)
class RecoveryView:
    """A station that goes on after a loss."""

    done: Recovered
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/recovery/1",
            **to_fields(self.done.place.home, "folder"),
            "origin": self.done.origin,
            "previous_origin": self.done.previous_origin,
            "entries": self.done.entries,
            "lost": self.done.lost,
            "unknown": [to_fields(path) for path in self.done.unknown],
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        done = self.done
        lines = [
            f"station recovered in `{escape_bytes(done.place.home)}`",
            f"origin       {done.origin} (before: {done.previous_origin})",
            f"taken over   {done.entries} entries",
        ]
        if done.lost:
            lines.append(f"lost         {done.lost} entries that the head held outside covers")
        if done.unknown:
            lines.append(
                f"not named    {len(done.unknown)} files of the backup stand in no entry; its list "
                "is not signed, so look at each:"
            )
            lines += [f"  {escape_bytes(path)}" for path in done.unknown[:_SHOWN]]
            if len(done.unknown) > _SHOWN:
                lines.append(f"  … and {len(done.unknown) - _SHOWN} more (`--json` lists them)")
        return [
            *lines,
            "next: evkit ledger memo; give the new memo to those who hold an old one",
        ]


def recover(request: Recovery) -> RecoveryView:
    """Make a station from a backup; see `station.recover.recover` for the errors."""
    return RecoveryView(done=run_recovery(request))


def parse_head(text: str) -> tuple[int, bytes]:
    """Read a head written `SIZE:ROOT`.

    Raises:
        UsageError: the text is another one.
    """
    match = _HEAD.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(
            f"`{escape(text)}` is not a head",
            hint="write SIZE:ROOT, the number of entries and 64 hex digits, as in `station show`",
        )
    return int(match[1]), bytes.fromhex(match[2])
