"""What could not be read, as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.bundle.inventory.words import Safe, Speaker, name, number
from evkit.core.paths import from_fields
from evkit.core.text import escape_bytes, shorten
from evkit.inventory.search.find import of_streams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.inventory.database.reader import Inventory

_SAID = frozenset({"partition", "filesystem", "space", "directory", "name", "stream"})
_WIDTH = 400
_DETAIL = 300


def sentence(inventory: Inventory, number_: int, row: Mapping[str, Any], say: Speaker) -> Safe:
    """Return one sentence about a row that is an error or stands in a state that is a gap."""
    kind = str(row["row"])
    reason = say.reason(dict(row))
    if kind not in _SAID:
        return say.element("problem.error", reason=reason, where=_where(row))
    if kind == "space":
        what = ", ".join(f"{key} {row[key]}" for key in ("what", "fs", "inode") if key in row)
        return say.element("problem.space", what=what, reason=reason)
    if kind in {"partition", "filesystem"}:
        return _volume(row, reason, say)
    if kind == "stream":
        return _stream(inventory, number_, row, say)
    if "path" not in row:
        return say.element("problem.error", reason=reason, where=_where(row))
    return say.element(f"problem.{kind}", path=path_of(row), reason=reason)


def detail(row: Mapping[str, Any]) -> str:
    """Return what the engine said, cut; empty when it said nothing."""
    return shorten(name(str(row.get("detail", ""))), _DETAIL)


def path_of(row: Mapping[str, Any]) -> str:
    """Return the path of a row, escaped and cut in the middle."""
    return shorten(escape_bytes(from_fields(row)), _WIDTH)


def stream_path(inventory: Inventory, number_: int, row: dict[str, Any]) -> str:
    """Return the path of a stream; of several names one in use comes first."""
    found = sorted(of_streams(inventory, [(number_, row)]), key=lambda entry: entry.deleted)
    return shorten(found[0].shown, _WIDTH)


def _volume(row: Mapping[str, Any], reason: Safe, say: Speaker) -> Safe:
    values = {"offset": number(row["offset"]), "size": number(row["size"])}
    if row["row"] != "filesystem":
        return say.element(f"problem.{row['row']}", **values, reason=reason)
    values["kind"] = name(str(row["type"]))
    if row["state"] == "encrypted":
        return say.element("problem.filesystem.encrypted", **values)
    key = "problem.filesystem" + (".unsupported" if row["state"] == "unsupported" else "")
    return say.element(key, **values, reason=reason)


def _stream(inventory: Inventory, number_: int, row: Mapping[str, Any], say: Speaker) -> Safe:
    path = stream_path(inventory, number_, dict(row))
    reason = say.reason(dict(row))
    if row["state"] == "encrypted":
        return say.element("problem.stream.encrypted", path=path, reason=reason)
    return say.element(
        "problem.stream",
        path=path,
        done=number(row["bytes_digested"]),
        size=number(row["size"]) if "size" in row else "?",
        reason=reason,
    )


def _where(row: Mapping[str, Any]) -> str:
    parts = [f"{key} {row[key]}" for key in ("fs", "partition", "inode") if key in row]
    if "path" in row:
        parts.append(path_of(row))
    return ", ".join([*parts, f"stage {row.get('stage', row['row'])}"])
