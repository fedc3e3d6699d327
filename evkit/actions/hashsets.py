"""`evkit hashset list|show|verify|remove`: the hash sets of a station, and those that are files."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.actions import custody
from evkit.core import durable
from evkit.core.errors import CaseError, CheckFailedError, InputError
from evkit.core.progress import SILENT
from evkit.core.text import escape, escape_bytes
from evkit.custody.compose import Typed, compose
from evkit.custody.replay import replay
from evkit.custody.validate import Context, complete
from evkit.inventory.hashsets.formats import WORDS
from evkit.inventory.hashsets.reader import TASK, HashSet

if TYPE_CHECKING:
    from evkit.core.progress import Progress
    from evkit.custody.state import ListedSet
    from evkit.identity.signer import Signer
    from evkit.inventory.hashsets.model import Header
    from evkit.station import Station

KIND, REMOVE = "hashset", "hashset-remove"
_LEFT_OUT = {
    "malformed": "not understood",
    "no-digest": "without a digest",
    "other-algorithm": "with digests of another kind",
    "empty-content": "of the empty file",
    "other-category": "of another category",
}


@dataclass(frozen=True, kw_only=True)
class Sets:
    """The hash sets of a station; `missing` are those whose file is not there."""

    sets: tuple[ListedSet, ...]
    missing: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """3 when the file of a set is missing."""
        return 3 if self.missing else 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/hashsets/1",
            "hashsets": [listed.document() for listed in self.sets],
            "missing": list(self.missing),
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        if not self.sets:
            return ["no hash set is on the list", "hint: `evkit hashset import FILE --name …`"]
        lines = []
        for listed in self.sets:
            fields = listed.fields
            text = f"{listed.name}: {fields.get('category')}"
            text += ", sensitive" if fields.get("sensitive_material") is True else ""
            text += f", release {fields['release']}" if "release" in fields else ""
            lines.append(escape(text))
            entries = fields.get("entries")
            shown = f"{entries:,}" if isinstance(entries, int) else "?"
            lines.append(f"  {shown} entries, on record as entry {listed.entry}")
            if listed.removed_entry is not None:
                lines.append(f"  removed by entry {listed.removed_entry}")
            elif listed.name in self.missing:
                lines.append("  its file is missing; import it again from its source")
        return lines


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One set as its file says; `checked` says what was compared, None when nothing was."""

    path: bytes
    header: Header
    sha256: str | None = None
    checked: str | None = None
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/hashset/1",
            "path": escape_bytes(self.path),
            "set": self.header.document(),
            "sha256": self.sha256,
            "checked": self.checked,
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        lines = [f"hash set {self.header.name}", *lines_of(self.header)]
        lines.append(f"  made {self.header.created} by evkit {escape(self.header.evkit)}")
        if self.sha256 is not None:
            lines.append(f"  sha256 {self.sha256}")
        lines.append(f"  {self.checked}" if self.checked else "  its digests were not checked")
        return lines


def lines_of(header: Header) -> list[str]:
    """Return what a set is and holds, indented."""
    source = header.source
    what = header.category + (", sensitive material" if header.sensitive else "")
    lines = [f"  {what}" + (f", release {escape(header.release)}" if header.release else "")]
    lines.append(f"  from {escape_bytes(source.name)}, {WORDS.get(source.format, source.format)}")
    if source.origin:
        lines.append(f"  source: {escape(source.origin)}")
    if source.categories:
        lines.append(f"  categories {', '.join(str(number) for number in source.categories)}")
    counts = ", ".join(f"{item.algorithm} {item.count:,}" for item in header.sections)
    lines.append(f"  {header.entries:,} entries" + (f": {counts}" if counts else ""))
    lines += [
        f"  left out {count:,} {_LEFT_OUT.get(reason, reason)}"
        for reason, count in sorted(header.left_out.items())
    ]
    return lines


def listed_sets(station: Station) -> dict[str, ListedSet]:
    """Return the sets that the ledger speaks of, by name, removed ones too."""
    kinds = {KIND, REMOVE}
    events = (entry for entry in station.events() if entry[1].kind in kinds)
    return replay(events, station.profile).state.hashsets


def list_sets(station: Station) -> Sets:
    """Return the sets by name, removed ones last."""
    found = listed_sets(station).values()
    ordered = sorted(found, key=lambda item: (item.removed_entry is not None, item.name))
    missing = [
        item.name
        for item in ordered
        if item.removed_entry is None and not os.path.isfile(station.place.hash_set(item.name))
    ]
    return Sets(sets=tuple(ordered), missing=tuple(missing))


def require_set(station: Station, name: str) -> ListedSet:
    """Return a set that is in use.

    Raises:
        CaseError: there is none of that name.
    """
    known = listed_sets(station)
    found = known.get(name)
    if found is None or found.removed_entry is not None:
        names = sorted(item.name for item in known.values() if item.removed_entry is None)
        there = ", ".join(f"`{item}`" for item in names)
        raise CaseError(
            f"no hash set `{escape(name)}`",
            hint=f"there is: {there}" if names else "import one first",
        )
    return found


def show(path: bytes) -> Shown:
    """Say what a file says of itself, without looking at its digests.

    Raises:
        InputError: it is not a hash set.
    """
    with HashSet(path) as found:
        return Shown(path=path, header=found.header)


def verify(path: bytes, listed: ListedSet | None, progress: Progress = SILENT) -> Shown:
    """Look at every byte of a set; one of a station is compared with its record.

    Raises:
        CheckFailedError: it is not the recorded one.
        InputError: it is damaged.
    """
    with HashSet(path) as found:
        progress.begin(TASK, os.path.getsize(path))
        digest = found.check(progress)
        progress.end(TASK, os.path.getsize(path))
        checked = "sound in itself; compared with no record"
        if listed is not None:
            need_recorded(listed, digest)
            checked = f"sound, and the one on record as entry {listed.entry}"
        return Shown(path=path, header=found.header, sha256=digest, checked=checked)


def need_recorded(listed: ListedSet, digest: str) -> None:
    """Compare the digest of the file of a set with its record.

    Raises:
        CheckFailedError: it is another.
    """
    if listed.sha256 != digest:
        raise CheckFailedError(
            f"hash set `{listed.name}` is not the one that entry {listed.entry} records",
            hint="remove it and import it again from its source",
            details={"expected": f"sha256:{listed.sha256}", "found": f"sha256:{digest}"},
        )


def remove(station: Station, signer: Signer | None, request: custody.Request) -> custody.Recorded:
    """Record that a set is no longer used, then remove its file.

    Raises:
        CaseError: there is none of that name.
        StorageError: its file cannot be removed; the event stands.
    """
    listed = require_set(station, str(request.values.get("name")))
    values = dict(request.values)
    if isinstance(listed.fields.get("file"), dict):
        values["file"] = listed.fields["file"]
    typed = Typed(
        kind=REMOVE, case=None, values=values, happened=request.happened,
        offset=station.profile.offset,
    )  # fmt: skip
    draft = complete(compose(typed), station.profile, Context(reason=request.reason))
    recorded = custody.sign(station, signer, draft, dry_run=request.dry_run, reason=request.reason)
    if recorded.index is not None:
        path = station.place.hash_set(listed.name)
        with durable.storage_errors(path), contextlib.suppress(FileNotFoundError):
            durable.step("unlink", path)
            os.unlink(path)
            durable.fsync_dir(os.path.dirname(path))
    return recorded


def check_remove(station: Station, request: custody.Request) -> None:
    """Look for the set before anybody is asked for a passphrase."""
    require_set(station, str(request.values.get("name")))


def path_of(what: str, station: Station | None) -> tuple[bytes, ListedSet | None]:
    """Return the file of a set and, for one of a station, its record.

    Args:
        what: the name of a set, or a path (with a `/`, or the ending `.hashset`).
        station: None when a path is meant.

    Raises:
        CaseError: there is no such set.
    """
    if station is None:
        return os.path.abspath(os.fsencode(what)), None
    listed = require_set(station, what)
    path = station.place.hash_set(listed.name)
    if not os.path.isfile(path):
        raise InputError(
            f"the file of hash set `{listed.name}` is missing",
            hint="remove it and import it again from its source",
        )
    return path, listed


def is_path(what: str) -> bool:
    """Say whether an argument is a path and not the name of a set."""
    return "/" in what or os.sep in what or what.endswith(".hashset")
