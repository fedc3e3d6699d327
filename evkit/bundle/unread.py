"""What a manifest page says about places that could not be read; the values are any JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.custody.history import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_RANGES = 12


def lost(unread: object) -> str:
    """Return `1,024 bytes in 2 ranges, …` for the field `unread` of an acquisition."""
    if not isinstance(unread, dict) or not _count(unread, "ranges"):
        return shown(unread)
    ranges = _count(unread, "ranges")
    text = f"{_bytes(_count(unread, 'bytes'))} in {ranges:,} {'range' if ranges == 1 else 'ranges'}"
    places = [
        f"{item[0]:,} ({item[1]:,})"
        for item in _list(unread.get("first"))
        if isinstance(item, list) and [type(part) for part in item] == [int, int]
    ]
    if places:
        more = ranges - min(len(places), _RANGES)
        text += "; at byte (length): " + ", ".join(places[:_RANGES])
        text += f" and {more:,} more, see the map" if more > 0 else ""
    rest = {key: unread[key] for key in unread if key not in {"bytes", "ranges", "first"}}
    return text + (f"; {shown(rest)}" if rest else "")


def files_there(
    acquisition: str, inventories: Iterable[Mapping[str, Any]], *, named: bool = True
) -> str:
    """Return which files lie in unread places, as the last inventory that says so; else nothing.

    Names are left out of what is sensitive material (`named` is False).
    """
    said = [
        row
        for row in inventories
        if row.get("acquisition") == acquisition and isinstance(row.get("unread_files"), dict)
    ]
    if not said:
        return ""
    fields = said[-1]["unread_files"]
    used, deleted = _count(fields, "files"), _count(fields, "deleted")
    text = "" if fields.get("whole") is True else "at least "
    text += f"{used:,} in use, {deleted:,} deleted (entry {said[-1]['entry']})"
    uncertain = _count(fields, "uncertain")
    if uncertain:
        text += f"; of {uncertain:,} that is not known"
    if not named:
        return text
    names = [
        f"{shown(hit.get('path', ''))} ({_bytes(_count(hit, 'bytes'))}"
        f"{', deleted' if hit.get('deleted') is True else ''})"
        for hit in _list(fields.get("first"))
        if isinstance(hit, dict)
    ]
    more = used + deleted - len(names)
    if names:
        text += ": " + "; ".join(names) + (f"; and {more:,} more" if more > 0 else "")
    return text


def _count(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    return value if type(value) is int else 0


def _bytes(count: int) -> str:
    return f"{count:,} {'byte' if count == 1 else 'bytes'}"


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []
