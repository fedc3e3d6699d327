"""Which stream of an inventory is meant by a path, `path:stream`, a row number or a digest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError, UsageError
from evkit.core.text import escape, shorten
from evkit.inventory.search.find import Criteria as Wanted
from evkit.inventory.search.find import Entry, entries, of_streams, parse_digest

if TYPE_CHECKING:
    from evkit.inventory.database.proving import Salted

_SHOWN = 10
_WIDTH = 200
_DIGEST = re.compile("[0-9A-Fa-f]{32,128}")
_ESCAPED = re.compile(r"\\(?:\\|x[0-9a-f]{2}|u\{[0-9a-f]{1,6}\})")


def choose_entry(inventory: Salted, text: str) -> Entry:
    """Return the one stream that is meant, with the name that was asked for.

    Raises:
        InputError: there is none.
        UsageError: several are meant; the message lists them.
    """
    if text.isascii() and text.isdigit():
        found = _row(inventory, int(text))
    elif _DIGEST.fullmatch(text) and "/" not in text:
        found = list(entries(inventory, Wanted(digest=parse_digest(text))))
    else:
        found = _path(inventory, text)
    with_content = [entry for entry in found if entry.stream is not None]
    shown = escape(shorten(text, _WIDTH))
    if not with_content:
        what = "has no content of its own" if found else "is not in the inventory"
        near = None if found else _near(inventory, text)
        raise InputError(
            f"`{shown}` {what}",
            hint=f"did you mean `{near}`?"
            if near
            else "name a path as `evkit inventory list` shows it, a row number, or a digest",
        )
    streams = {entry.stream_row for entry in with_content}
    if len(streams) > 1:
        raise _ambiguous(shown, with_content)
    allocated = [entry for entry in with_content if not entry.deleted]
    return (allocated or with_content)[0]


def _row(inventory: Salted, number: int) -> list[Entry]:
    row = inventory.row(number)
    if row["row"] == "stream":
        return list(of_streams(inventory, [(number, row)]))
    if row["row"] != "name":
        raise InputError(f"row `{number}` is that of a {row['row']}, not of a file")
    return _of_name(inventory, number, row)


def _all_of(inventory: Salted, number: int, row: dict[str, Any]) -> list[Entry]:
    """Return the entries of one name, one for each of its streams."""
    return [
        Entry(name=row, stream=stream, name_row=number, stream_row=place, mime=None)
        for place, stream in inventory.joined("stream", row["fs"], row["inode"])
        if stream["seq"] == row.get("seq")
    ]


def _of_name(inventory: Salted, number: int, row: dict[str, Any]) -> list[Entry]:
    """Return the entries of one name, its unnamed stream alone where there is exactly one."""
    made = _all_of(inventory, number, row)
    plain = [entry for entry in made if "name" not in (entry.stream or {})]
    none = Entry(name=row, stream=None, name_row=number, stream_row=None, mime=None)
    return (plain if len(plain) == 1 else made) or [none]


def _path(inventory: Salted, text: str) -> list[Entry]:
    for spelling in dict.fromkeys((text, _unescaped(text))):
        found = [entry for row in inventory.named(spelling) for entry in _of_name(inventory, *row)]
        path, colon, stream = spelling.rpartition(":")
        if not found and colon:
            found = [
                entry
                for row in inventory.named(path)
                for entry in _all_of(inventory, *row)
                if (entry.stream or {}).get("name") == stream
            ]
        if found:
            return found
    return []


def _near(inventory: Salted, text: str) -> str | None:
    """Return the one path that ends in what was typed when case is ignored, as it is shown."""
    asked = text.casefold().lstrip("/")
    rows = inventory.names_like(text.rpartition("/")[2])
    paths = {row["path"] for _, row in rows if f"{row['path']}".casefold().endswith(f"/{asked}")}
    return escape(paths.pop()) if len(paths) == 1 else None


def _unescaped(text: str) -> str:
    """Return what a path looks like in its row that was copied from a listing."""

    def plain(match: re.Match[str]) -> str:
        part = match[0]
        if part == "\\\\":
            return "\\"
        code = int(part[3:-1] if part[1] == "u" else part[2:], 16)
        return chr(code) if code < 0x80 or part[1] == "u" else part  # noqa: PLR2004 - not UTF-8

    return _ESCAPED.sub(plain, text)


def _ambiguous(shown: str, found: list[Entry]) -> UsageError:
    details = {
        f"row {entry.stream_row}": f"{escape(entry.shown)}"
        f"{' (deleted)' if entry.deleted else ''}, {(entry.stream or {}).get('size', '?')} bytes"
        for entry in found[:_SHOWN]
    }
    if len(found) > _SHOWN:
        details["and"] = f"{len(found) - _SHOWN} more"
    return UsageError(
        f"`{shown}` can mean several entries",
        hint="give the row number of one of them",
        details=details,
    )
