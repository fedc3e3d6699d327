"""The formats of an export by name and ending, and the writing of one to a new file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from evkit.core import durable
from evkit.core.errors import UsageError
from evkit.core.progress import SILENT
from evkit.core.text import escape
from evkit.inventory.exports.job import TASK, Job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evkit.core.progress import Progress
    from evkit.inventory.database.reader import Inventory

ENDINGS: Final = {
    "jsonl": "jsonl",
    "csv": "csv",
    "dfxml": "dfxml",
    "xml": "dfxml",
    "body": "bodyfile",
    "bodyfile": "bodyfile",
    "parquet": "parquet",
    "jsonld": "case",
    "json": "case",
}
FORMATS = ("jsonl", "csv", "dfxml", "bodyfile", "parquet")  # of one inventory; CASE is of a case
NAMES = (*FORMATS, "case")
_BLOCK = 1 << 18


def format_of(kind: str | None, output: str) -> str:
    """Return the name of a format: as given, else from the ending of the file's name.

    Raises:
        UsageError: the ending belongs to none, or there is no such format.
    """
    if kind is not None:
        if kind not in NAMES:
            raise UsageError(f"`{escape(kind)}` is not a format", hint=f"use {', '.join(NAMES)}")
        return kind
    ending = os.path.splitext(output)[1].removeprefix(".").lower()
    if ending not in ENDINGS:
        raise UsageError(
            f"the ending of `{escape(output)}` does not tell the format",
            hint=f"give one, such as `--format csv`; there are {', '.join(NAMES)}",
        )
    return ENDINGS[ending]


def parts_of(kind: str) -> Callable[[Job], Iterator[bytes]]:
    """Return the function that yields the bytes of an export of one of `FORMATS`."""
    if kind == "jsonl":
        return Job.lines
    if kind == "csv":
        from evkit.inventory.exports import csvtext

        return csvtext.parts
    if kind == "dfxml":
        from evkit.inventory.exports import dfxml

        return dfxml.parts
    if kind == "bodyfile":
        from evkit.inventory.exports import bodyfile

        return bodyfile.parts
    from evkit.inventory.exports import parquet

    return parquet.parts


def export(inventory: Inventory, kind: str, path: bytes, progress: Progress = SILENT) -> int:
    """Write an export to a new file and return the number of rows and entries in it.

    Args:
        inventory: what to export.
        kind: one of `FORMATS`.
        path: must not exist.
        progress: told the number of rows and entries written.

    Raises:
        RefusedError: the file exists.
        StorageError: it cannot be written.
        UsageError: the format needs a library that is not installed.
    """
    job, parts = Job(inventory, progress), parts_of(kind)
    progress.begin(TASK, None, "rows")
    waiting: list[bytes] = []
    size = 0
    with durable.NewFile(path) as file:
        for part in parts(job):
            waiting.append(part)
            size += len(part)
            if size >= _BLOCK:
                file.write(b"".join(waiting))
                waiting, size = [], 0
        file.write(b"".join(waiting))
        file.commit()
    progress.end(TASK, job.count)
    return job.count
