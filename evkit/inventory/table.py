"""The partition table in the child: entries as libtsk sees them, and where file systems may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.paths import to_fields
from evkit.inventory import tsk

if TYPE_CHECKING:
    from evkit.inventory.wire import Sender


def send_table(image: tsk.Image, sender: Sender) -> None:
    """Send a `part` for each entry; none for an image without a table.

    An image that has a table and also a file system at its very beginning (a hybrid ISO 9660) gets
    one more `part` of kind `whole`, so that both are inventoried.
    """
    table = tsk.open_table(image)
    if table is None:
        sender.send("part", _whole(image, "none", "no partition table"))
        return
    starts_at_zero = False
    for entry in table.entries():
        flags, offset = int(entry.flags), int(entry.start) * table.sector
        allocated = bool(flags & tsk.PART_ALLOCATED)
        if not allocated and not flags & tsk.PART_META:
            continue  # gaps are computed by the parent, so that the bytes add up
        starts_at_zero = starts_at_zero or (allocated and offset == 0)
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
        sender.send("part", part)
    if not starts_at_zero and _has_file_system(image):
        sender.send("part", _whole(image, table.kind, "file system over the whole medium"))


def _whole(image: tsk.Image, table: str, text: str) -> dict[str, Any]:
    return {
        "kind": "whole",
        "table": table,
        "offset": 0,
        "size": image.get_size(),
        "description": text,
    }


def _has_file_system(image: tsk.Image) -> bool:
    try:
        tsk.open_file_system(image, 0)
    except InputError:
        return False
    return True
