"""Choosing a list format: by name for writing, by content for reading."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.core.errors import InputError, UsageError
from evkit.core.limits import read_lines
from evkit.core.text import escape_bytes
from evkit.hashing.lists import bagit, hashdeep, jsonl, sums
from evkit.hashing.lists.model import Collector, KnownList

if TYPE_CHECKING:
    import io
    from collections.abc import Sequence

    from evkit.hashing.rows import Row

WRITABLE = ("hashdeep", "sha256sum", "bagit", "jsonl")
READABLE = ("hashdeep", "sum", "bagit", "jsonl")
ONE_DIGEST = frozenset({"sha256sum", "bagit"})


def check_algorithms(form: str, algorithms: Sequence[str]) -> None:
    """Refuse several digests for a format that holds one.

    Raises:
        UsageError: the format holds one digest per name.
    """
    if form in ONE_DIGEST and len(algorithms) != 1:
        raise UsageError(
            f"a `{form}` list holds one digest per name, not {len(algorithms)}",
            hint="name one with `--hash`, or use `--format hashdeep` or `jsonl`",
        )


@dataclass(frozen=True, kw_only=True)
class ListEncoder:
    """Writes rows in one format; can be sent to a worker process.

    Attributes:
        form: one of `WRITABLE`.
        algorithms: digests of each row; one for the formats of `ONE_DIGEST`.
        strip: taken off the start of each path that has it.
    """

    form: str
    algorithms: tuple[str, ...]
    strip: bytes = b""

    def __call__(self, row: Row) -> bytes:
        """Return the bytes of a row."""
        path = row.path.removeprefix(self.strip) if self.strip else row.path
        if self.form == "hashdeep":
            return hashdeep.encode(row, path, self.algorithms)
        if self.form == "jsonl":
            return jsonl.encode(row, path)
        encode = sums.encode if self.form == "sha256sum" else bagit.encode
        return encode(row, path, self.algorithms[0])


def header(form: str, algorithms: Sequence[str], said: Sequence[str]) -> bytes:
    """Return what stands before the rows; `said` are remarks, already escaped."""
    if form == "hashdeep":
        return hashdeep.header(algorithms, said)
    return jsonl.header(algorithms) if form == "jsonl" else b""


def read_list(path: bytes, form: str | None = None) -> KnownList:
    """Read a list of known digests.

    Args:
        path: the list.
        form: one of `READABLE`; None recognises it.

    Raises:
        InputError: it cannot be read or a row is malformed; the line is named.
    """
    shown = escape_bytes(path)
    try:
        with open(path, "rb") as handle:
            return _read(handle, path, form)
    except OSError as error:
        raise InputError(
            f"cannot read the list `{shown}`: {error.strerror or error}",
            hint="check the name; `evkit hash PATH -o LIST` makes a list",
        ) from error
    except InputError as error:
        raise InputError(
            f"list `{shown}`: {error.message}", hint=error.hint, details=error.details
        ) from error


def _read(handle: io.BufferedReader, path: bytes, form: str | None) -> KnownList:
    start = handle.peek(64)[:64]
    if start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise InputError("it is UTF-16 text", hint="save it as UTF-8")
    stated = bagit.algorithm_of(os.path.basename(path))
    form = form or _recognise(start, stated)
    collector = Collector(format=form)
    lines = read_lines(handle)
    if form == "hashdeep":
        hashdeep.read(lines, collector)
    elif form == "jsonl":
        jsonl.read(lines, collector)
    elif form == "bagit":
        bagit.read(lines, collector, stated)
    else:
        sums.read(lines, collector)
    return collector.finish()


def _recognise(start: bytes, stated: str | None) -> str:
    if start.startswith(hashdeep.MAGIC):
        return "hashdeep"
    if start.startswith(b"{"):
        return "jsonl"
    return "bagit" if stated is not None else "sum"
