"""The partition table in the child: entries as libtsk sees them, and where file systems may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.paths import to_fields
from evkit.inventory import foreign, native, tablecheck, tsk

if TYPE_CHECKING:
    from evkit.images.model import Image
    from evkit.inventory.native import Native
    from evkit.inventory.wire import Sender

_LARGE_SECTOR = 4096


def send_table(source: Image, sender: Sender) -> None:
    """Send `image` with the facts of the medium, then a `part` for each entry of its table.

    A medium whose container does not state its sector size is tried with 512 bytes, then with
    4096. A medium that has a table and also a file system at its very beginning (a hybrid ISO 9660)
    gets one more `part` of kind `whole`, so that both are inventoried.
    """
    sector = source.sector_size or 0
    image = tsk.Image(source, sector)
    table = tsk.open_table(image)
    plain = _has_file_system(image)
    if table is None and not plain and not sector and source.size >= 2 * _LARGE_SECTOR:
        larger = tsk.Image(source, _LARGE_SECTOR)
        table = tsk.open_table(larger)
        sector = _LARGE_SECTOR if table else 0
    sender.send(
        "image",
        {
            "size": source.size,
            "sector_size": sector,
            "format": source.format,
            "gaps": [list(item) for item in source.declared_gaps],
        },
    )
    if table is None:
        whole = _whole(source, "none", "no partition table")
        sender.send("part", whole | _members(image, 0, source.size))
        return
    starts_at_zero = False
    tables: list[tuple[int, bytes]] = []
    for entry in table.entries():
        flags, offset = int(entry.flags), int(entry.start) * table.sector
        allocated = bool(flags & native.PART_ALLOCATED)
        if not allocated and not flags & native.PART_META:
            continue  # gaps are computed by the parent, so that the bytes add up
        if not allocated:
            tables.append((offset, bytes(entry.desc or b"")))
        starts_at_zero = starts_at_zero or (allocated and offset == 0)
        part = _part(table, entry, offset, allocated=allocated)
        sender.send("part", part | (_members(image, offset, part["size"]) if allocated else {}))
    if not starts_at_zero and plain:
        sender.send("part", _whole(source, table.kind, "file system over the whole medium"))
    wrong = _wrong(image, table, tables)
    if wrong:
        row = {"row": "error", "stage": "table", "reason": "table-not-read", "detail": wrong}
        sender.row(row)


def _wrong(image: tsk.Image, table: tsk.Table, tables: list[tuple[int, bytes]]) -> str:
    if table.kind != "gpt":
        return tablecheck.extended(tables)
    try:
        return tablecheck.gpt(image.read, table.sector)
    except (OSError, InputError) as error:
        return native.clean(error)


def _part(table: tsk.Table, entry: Native, offset: int, *, allocated: bool) -> dict[str, Any]:
    part: dict[str, Any] = {
        "kind": "partition" if allocated else "metadata",
        "table": table.kind,
        "offset": offset,
        "size": int(entry.len) * table.sector,
        **to_fields(bytes(entry.desc or b""), "description"),
    }
    if int(entry.slot_num) >= 0:
        part["slot"] = int(entry.slot_num)
    if int(entry.table_num) >= 0:
        part["table_number"] = int(entry.table_num)
    return part


def _members(image: tsk.Image, offset: int, size: int) -> dict[str, int]:
    """Return how many file systems a container holds, when there are several."""
    count = foreign.members(lambda at, length: image.read(offset + at, length), size)
    return {"members": count} if count > 1 else {}


def _whole(source: Image, table: str, text: str) -> dict[str, Any]:
    return {
        "kind": "whole",
        "table": table,
        "offset": 0,
        "size": source.size,
        "description": text,
    }


def _has_file_system(image: tsk.Image) -> bool:
    try:
        tsk.open_file_system(image, 0)
    except InputError:
        return False
    return True
