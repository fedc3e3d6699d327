"""A targeted acquisition: what is wanted of which folder, and what was found before copying."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from evkit.core import ejson
from evkit.core.paths import to_fields
from evkit.core.text import escape_bytes, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.acquire import wanted
    from evkit.acquire.mounted import Folder
    from evkit.acquire.preflight import Report
    from evkit.acquire.selecting import Bounds, Seen, Selection, Skipped
    from evkit.actions.longwork import Plan

NAME: Final = b"wanted.jsonl"
ROLE: Final = "wanted"
FORMAT: Final = "files"
SHOWN: Final = 10  # of what is not there or was not entered: in the event and to people
_WIDTH: Final = 160


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is wanted.

    Attributes:
        source: the folder.
        exhibit: `CASE/E1`.
        listed: the list of files, its bytes.
        list_name: where it was read, `-` for standard input.
        names: digest algorithms; SHA-256 is always among those made.
        fields: of `--set`, `--fields` and `--scope`.
        happened, reason: as typed.
        command: the command line, for the log.
        count: count everything below the folder.
        cross: enter other file systems too.
    """

    source: bytes
    exhibit: str
    listed: bytes
    list_name: bytes = b"-"
    names: tuple[str, ...] = ("md5", "sha256")
    fields: Mapping[str, object] = field(default_factory=dict)
    happened: str | None = None
    reason: str | None = None
    command: str = ""
    count: bool = True
    cross: bool = False


@dataclass(frozen=True, kw_only=True)
class Job:
    """A wish with what was found before the first file was read.

    Attributes:
        things, total: things that are wanted and the bytes of the files among them.
        typed: items of the acquisition log that the officer stated.
    """

    wish: Wish
    folder: Folder
    bounds: Bounds
    selection: Selection
    things: int
    total: int
    report: Report
    plan: Plan
    typed: Mapping[str, str]


def list_fields(wish: Wish, items: Sequence[wanted.Item]) -> dict[str, Any]:
    """Return what the events say of the list of files."""
    return {
        **to_fields(wish.list_name, "name"),
        "size": len(wish.listed),
        "sha256": hashlib.sha256(wish.listed).hexdigest(),
        "items": len(items),
        "patterns": sum(not item.is_exact for item in items),
    }


def selection_fields(job: Job, taken: Mapping[str, int], seen: Seen | None) -> dict[str, Any]:
    """Return the field `selection` of the ended event.

    Args:
        job: what was wanted; its selection was walked.
        taken: rows by state, and `files`.
        seen: what lies below the folder, None when it was not counted.
    """
    chosen = job.selection
    absent = chosen.absent()
    found: dict[str, Any] = {
        "list": list_fields(job.wish, chosen.items),
        "matched": sum(1 for item in chosen.items if chosen.matched[item.number]),
        "copied": taken.get("files", 0),
        "not_there": len(absent),
        "not_known": sum(1 for i in chosen.items if is_unknown(chosen, i)),
        "unreadable": taken.get("unreadable", 0),
        "changed": taken.get("changed", 0),
        "live": job.folder.live,
        "cross": job.wish.cross,
        "seen": "not counted" if seen is None else seen.fields(),
    }
    if absent:
        found["first_not_there"] = [short(item.text) for item in absent[:SHOWN]]
    skipped = all_skipped(chosen, seen)
    if skipped:
        found["not_entered"] = len(skipped)
        found["first_not_entered"] = [
            {"path": short(one.name), "why": one.why} for one in skipped[:SHOWN]
        ]
    return found


def is_unknown(chosen: Selection, item: wanted.Item) -> bool:
    """Say whether it cannot be known if an item is there: a folder on the way was not read."""
    return not chosen.matched[item.number] and item.number in chosen.hidden


def all_skipped(chosen: Selection, seen: Seen | None) -> list[Skipped]:
    """Return the folders that were not entered, those of both walks."""
    return list(dict.fromkeys([*chosen.skipped, *(seen.skipped if seen is not None else ())]))


def short(text: bytes) -> str:
    """Return a name for an event or a line, cut where it is long."""
    return shorten(escape_bytes(text), _WIDTH)


def wanted_rows(chosen: Selection) -> bytes:
    """Return `wanted.jsonl`: each item of the list and what came of it."""
    lines = []
    for item in chosen.items:
        count = chosen.matched[item.number]
        row: dict[str, Any] = {"n": item.number, **to_fields(item.text, "item"), "matched": count}
        state = "matched" if count else "not-there"
        if is_unknown(chosen, item):
            state = "not-known"
        row["state"] = state
        if not count and item.number in chosen.why:
            row["why"] = chosen.why[item.number]
        lines.append(ejson.dumps(row))
    return b"\n".join(lines) + b"\n"
