"""What could not be read, as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.bundle.inventory.words import Safe, Speaker, name, number
from evkit.core.paths import from_fields
from evkit.core.text import escape_bytes, shorten
from evkit.inventory.holders import MARK
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
        stopped = str(row.get("reason", "")).startswith("engine-")
        key = "problem.error" if stopped else "problem.found"
        return say.element(key, reason=reason, where=_where(inventory, row))
    if kind == "space":
        what = ", ".join(f"{key} {row[key]}" for key in ("what", "fs", "inode") if key in row)
        return say.element("problem.space", what=what, reason=reason)
    if "within" in row:
        return _archive(inventory, row, reason, say)
    if kind in {"partition", "filesystem"}:
        return _volume(row, reason, say)
    if kind == "stream":
        return _stream(inventory, number_, row, say)
    if "path" not in row:
        return say.element("problem.found", reason=reason, where=_where(inventory, row))
    return say.element(f"problem.{kind}", path=_path_in(inventory, row), reason=reason)


def detail(row: Mapping[str, Any]) -> str:
    """Return what the engine said, cut; empty when it said nothing."""
    return shorten(name(str(row.get("detail", ""))), _DETAIL)


def stream_path(inventory: Inventory, number_: int, row: dict[str, Any]) -> str:
    """Return the path of a stream; of several names one in use comes first."""
    found = sorted(of_streams(inventory, [(number_, row)]), key=lambda entry: entry.deleted)
    return shorten(found[0].shown, _WIDTH)


def _path_in(inventory: Inventory, row: Mapping[str, Any]) -> str:
    """Return the path of a row, with what holds it in front."""
    path = inventory.holders.of(row.get("fs", 0)) + escape_bytes(from_fields(row))
    return shorten(path, _WIDTH)


def _archive(inventory: Inventory, row: Mapping[str, Any], reason: Safe, say: Speaker) -> Safe:
    path = shorten(inventory.holders.of(row["fs"]).removesuffix(MARK), _WIDTH)
    kind = name(str(row["type"]))
    if row["state"] == "encrypted":
        return say.element("problem.archive.encrypted", path=path, kind=kind)
    return say.element("problem.archive", path=path, kind=kind, reason=reason)


def _volume(row: Mapping[str, Any], reason: Safe, say: Speaker) -> Safe:
    values = {"offset": number(row["offset"]), "size": number(row["size"])}
    if row["row"] != "filesystem":
        return say.element(f"problem.{row['row']}", **values, reason=reason)
    values["kind"] = name(str(row["type"]))
    guessed = row.get("reason") == "high-entropy"  # encrypted or wiped: nobody knows
    if row["state"] == "encrypted" and not guessed:
        return say.element("problem.filesystem.encrypted", **values)
    unread = guessed or row["state"] == "unsupported"
    key = "problem.filesystem" + (".unsupported" if unread else "")
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


def _where(inventory: Inventory, row: Mapping[str, Any]) -> str:
    parts = [f"{key} {row[key]}" for key in ("fs", "partition", "inode") if key in row]
    if "path" in row:
        parts.append(_path_in(inventory, row))
    return ", ".join([*parts, f"stage {row.get('stage', row['row'])}"])
