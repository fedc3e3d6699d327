"""`evkit inventory list|find`: what an inventory says, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evkit.actions.inventory_intact import View, intact
from evkit.actions.inventory_said import (
    coverage_lines,
    first_problems,
    is_deleted,
    problem_lines,
    problem_rows,
    said,
)
from evkit.core.errors import UndecidedError, UsageError
from evkit.core.text import escape, escape_bytes, shorten
from evkit.inventory.search.find import Criteria, Entry, entries, show_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.actions.inventory_intact import Intact
    from evkit.inventory.database.reader import Inventory
    from evkit.inventory.hashsets.marks import Marks

_WIDTH = 80
_PLAIN = View()
_MORE = "… more; `--limit` sets how many are shown"
_ALL_READ = ("everything that was found could be read", "everything deleted could be read")
HIDDEN = "its names, types and times are kept out: sensitive material"
_HIDDEN_PART = "names, types and times of sensitive material are kept out: not looked at"
_BY_LENGTH = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}


class LackingError(UndecidedError):
    """An inventory was made without the digests or types that are looked for.

    Args:
        database: the inventory.
        lacking: without what it was made.
    """

    def __init__(self, database: bytes, lacking: str) -> None:
        super().__init__(
            f"`{escape_bytes(database)}` was {lacking}",
            hint="make another inventory that has them; `evkit inventory run --help`",
        )
        self.lacking = lacking


class UnmarkedError(UndecidedError):
    """A mark is looked for, and an inventory was never compared with hash sets."""


class HiddenError(UndecidedError):
    """What is looked for is kept out of every output: it is of sensitive material."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Entries of an inventory.

    Attributes:
        database: the inventory file.
        entries: what was found.
        coverage: totals of the whole inventory.
        problems: what could not be read.
        brief: one line an entry (list), else digests and basis as well (find).
        volumes: partition and file system rows; empty for `find`.
        left_out: entries that were not shown because of `--limit`.
        more_problems: what is said of problems that are not shown, empty when there are none.
        others: problems that are not of what is deleted, when only these are shown.
        nothing: said when there are no entries.
        hidden: names, types or times were looked for, and some are kept out of every output.
        uncertain: entries whose local time of unknown zone may lie outside the times asked for.
        checked: how the inventory was checked before.
    """

    database: bytes
    checked: Intact
    entries: tuple[Entry, ...]
    coverage: Mapping[str, Any]
    problems: tuple[str, ...] = ()
    brief: bool = True
    volumes: tuple[Mapping[str, Any], ...] = ()
    left_out: bool = False
    more_problems: str = ""
    others: int = 0
    nothing: str = "no entries"
    uncertain: int = 0
    hidden: bool = False
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/inventory-list/1",
            "database": escape_bytes(self.database),
            "checked": self.checked.document(),
            "coverage": dict(self.coverage),
            "problems": list(self.problems),
            "volumes": [dict(row) for row in self.volumes],
            "more": self.left_out or self.more_problems == _MORE,
            "more_problems": bool(self.more_problems),
            "other_problems": self.others,
            "uncertain_times": self.uncertain,
            "names_kept_out": self.hidden,
            "entries": [entry.document() for entry in self.entries],
        }

    def lines(self) -> list[str]:
        """Return the lines for people, at most 80 columns wide."""
        lines = [_volume_line(row) for row in self.volumes]
        if lines:
            lines.append("")
        for entry in self.entries:
            lines.append(_entry_line(entry))
            if not self.brief:
                lines += _detail_lines(entry)
        if not self.entries and self.nothing:
            lines.append(self.nothing)
        if self.left_out:
            lines.append(_MORE)
        if self.uncertain:
            lines.append(
                f"{self.uncertain:,} with local times of unknown zone: may lie outside the range"
            )
        if self.brief:
            lines += [""] if lines else []
            lines += [*coverage_lines(self.coverage)]
            lines += problem_lines(self.problems, self.more_problems)
            if self.others:
                lines.append(f"not of what is deleted, and not shown: {self.others:,}")
        elif self.coverage["result"] != "complete":
            lines.append("this inventory has gaps: what could not be read could not be searched")
        return [*lines, *self.last_lines()]

    def last_lines(self) -> list[str]:
        """Say what was not looked at, and how little the inventory was checked before."""
        return [*([_HIDDEN_PART] if self.hidden else []), *self.checked.lines()]


def listing(
    database: bytes, view: View = _PLAIN, *, deleted: bool | None = None, limit: int = 0
) -> Listing:
    """List an inventory: volumes, entries, totals, what could not be read.

    Args:
        database: the file.
        view: how.
        deleted: True for deleted names only, False for names in use only.
        limit: entries at most; 0 for all.

    Raises:
        CheckFailedError: it is not the recorded one, or does not agree with itself.
    """
    checked = intact(database, view)
    with view.opened(database) as inventory:
        found, more = _some(inventory, Criteria(deleted=deleted), limit)
        first, rest = first_problems(inventory)
        return Listing(
            database=database,
            checked=checked,
            entries=found,
            coverage=inventory.coverage(),
            problems=first,
            more_problems=rest,
            volumes=tuple(row for _, row in inventory.rows("partition", "filesystem")),
            left_out=more,
        )


def problems(
    database: bytes, view: View = _PLAIN, *, deleted: bool | None = None, limit: int = 0
) -> Listing:
    """List only what could not be read; arguments as in `listing`, `limit` counts sentences."""
    found: list[str] = []
    left_out, others = False, 0
    checked = intact(database, view)
    with view.opened(database) as inventory:
        say = said(inventory)
        for number, row in problem_rows(inventory):
            if deleted is not None and is_deleted(inventory, row) != deleted:
                others += 1
            elif limit and len(found) == limit:
                left_out = True
                if deleted is None:
                    break
            else:
                found.append(say(number, row))
        return Listing(
            database=database,
            checked=checked,
            entries=(),
            coverage=inventory.coverage(),
            problems=tuple(found),
            more_problems=_MORE if left_out else "",
            others=others,
            nothing="" if found else _ALL_READ[bool(deleted)],
        )


def find(database: bytes, criteria: Criteria, limit: int = 0, view: View = _PLAIN) -> Listing:
    """Search an inventory; arguments as in `listing`.

    Raises:
        CheckFailedError: it is not the recorded one, or does not agree with itself.
        HiddenError: names, types or times are looked for, and all of it is of sensitive material.
        UnmarkedError: a mark is looked for and the inventory was not compared with hash sets.
        LackingError: it was made without what is looked for.
        UsageError: nothing to look for was given.
    """
    need_criteria(criteria)
    checked = intact(database, view)
    marks = None
    if criteria.mark is not None:
        marks = view.marks(database)
        if marks is None:
            raise UnmarkedError(
                f"`{escape_bytes(database)}` was not compared with hash sets",
                hint="`evkit inventory mark` does that",
            )
    with view.opened(database) as inventory:
        if without := lacking(inventory, criteria):
            raise LackingError(database, without)
        if hides(inventory, criteria):
            raise HiddenError(
                f"`{escape_bytes(database)}` cannot be searched for this: {HIDDEN}",
                hint="look for digests, sizes or deleted names; these are shown",
            )
        found, more = _some(inventory, criteria, limit, marks)
        return Listing(
            database=database,
            checked=checked,
            entries=found,
            coverage=inventory.coverage(),
            brief=False,
            left_out=more,
            nothing="nothing found",
            uncertain=_uncertain(found, criteria),
            hidden=inventory.mask is not None and _of_names(criteria),
        )


def _uncertain(found: tuple[Entry, ...], criteria: Criteria) -> int:
    if criteria.time is None or not criteria.time.widened:
        return 0
    return sum((entry.name or {}).get("zone") == "local-unknown" for entry in found)


def lacking(inventory: Inventory, criteria: Criteria) -> str:
    """Say without what an inventory was made that is looked for; empty for nothing."""
    meta = inventory.meta
    if criteria.digest is not None:
        wanted = _BY_LENGTH.get(len(criteria.digest), "")
        if wanted not in meta.get("hashes", "").split(","):
            return f"made without {wanted} digests"
    if criteria.type is not None and "types" not in meta:
        return "made without file types"
    return ""


def hides(inventory: Inventory, criteria: Criteria) -> bool:
    """Say whether what is looked for is kept out of every output for all of an inventory."""
    return inventory.mask is not None and inventory.mask.everything and _of_names(criteria)


def _of_names(criteria: Criteria) -> bool:
    wanted = criteria.name, criteria.path, criteria.type, criteria.time
    return any(one is not None for one in wanted)


def need_criteria(criteria: Criteria) -> None:
    """Refuse a search for nothing.

    Raises:
        UsageError: nothing to look for was given.
    """
    if replace(criteria, times=Criteria().times) == Criteria():
        raise UsageError(
            "nothing to look for",
            hint="give one or more of --name, --path, --digest, --type, --size, --time, --deleted, "
            "--notable, --known",
        )


def _some(
    inventory: Inventory, criteria: Criteria, limit: int, marks: Marks | None = None
) -> tuple[tuple[Entry, ...], bool]:
    found: list[Entry] = []
    for entry in entries(inventory, criteria, marks):
        if limit and len(found) == limit:
            return tuple(found), True
        found.append(entry)
    return tuple(found), False


def _volume_line(row: Mapping[str, Any]) -> str:
    if row["row"] == "partition":
        what = f"{row['kind']:<10} {row['offset']:>15,} {row['size']:>15,}"
        text = f"{what}  {escape(str(row.get('description', '')))}".rstrip()
    else:
        place = f"in row {row['within']}" if "within" in row else f"at {row['offset']:,}"
        text = f"  file system {row['fs']}: {row['type']} {place}, {row['state']}"
        text += f", {row['reason']}" if "reason" in row else ""
    return shorten(text, _WIDTH)


def _entry_line(entry: Entry) -> str:
    name, stream = entry.name or {}, entry.stream or {}
    mark = "D" if entry.deleted else " "
    if name.get("reallocated") == "yes":
        mark = "R"
    kind = "/" if name.get("type") == "directory" else ("@" if "target" in name else " ")
    size = f"{stream['size']:,}" if "size" in stream else "-"
    gap = "!" if stream.get("state", "ok") not in {"ok", "skipped"} else " "
    text = f"{mark}{kind}{gap}{size:>16}  {_when(name):<17} "
    return text + shorten(entry.shown, _WIDTH - len(text))


def _when(name: Mapping[str, Any]) -> str:
    """Return when content changed, to the minute; `Z` only where the time is one of UTC."""
    modified = name.get("times", {}).get("m")
    if not modified:
        return "-"
    text = show_time(modified, name["zone"])
    return text[:16].replace("T", " ") + ("Z" if text.endswith("Z") else "")


def _detail_lines(entry: Entry) -> list[str]:
    stream = entry.stream
    lines = []
    if len(entry.shown) > _WIDTH - 39:
        lines.append(f"      path {entry.shown}")
    if stream is None:
        return [*lines, "      no content of its own is recorded"]
    for name, value in stream.get("digests", {}).items():
        lines.append(f"      {name} {value}")
    text = f"      content {stream['basis']}, {stream['state']}"
    text += f", {stream['reason']}" if "reason" in stream else ""
    lines.append(text)
    if entry.mime:
        lines.append(f"      type {escape(entry.mime)}")
    return lines
