"""Sources of hash sets that are lines of text: hashdeep, sums, bare digests, CSV with a header.

A line that is not understood is counted, not fatal: a list of a million lines is not refused for
one. What is read is bytes; names may be in any encoding.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, BinaryIO

from evkit.core.errors import InputError
from evkit.core.limits import MAX_LINE
from evkit.inventory.hashsets.tally import MALFORMED, NO_DIGEST, OTHER_ALGORITHM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from evkit.core.progress import Progress
    from evkit.inventory.hashsets.tally import Tally

    Read = Callable[[bytes, Tally], None]

HASHDEEP = b"%%%% HASHDEEP-1.0"
_COLUMNS = b"%%%% "
_LENGTHS = {64: "sha256", 40: "sha1", 32: "md5"}
_OTHERS = {56, 96, 128}  # SHA-224, SHA-384, SHA-512
_HEX = re.compile(rb"[0-9A-Fa-f]{32,128}")
_PLAIN = re.compile(rb"\\?([0-9A-Fa-f]{32,128}) [ *].+", re.DOTALL)
_TAGGED = re.compile(rb"\\?[A-Za-z0-9-]{2,10} \(.+\) = ([0-9A-Fa-f]{32,128})", re.DOTALL)
_NAMES = re.compile(r"[^a-z0-9]+")
_KNOWN = frozenset({
    "sha256", "sha2", "sha1", "sha", "md5", "hash", "hashvalue", "digest", "sha256hash", "sha1hash",
    "md5hash", "hashsha256", "hashsha1", "hashmd5", "filehash", "checksum",
})  # fmt: skip
_DELIMITERS = (",", ";", "\t")
_TOLD = 1 << 22  # bytes between two words about progress


def recognise(head: bytes) -> str | None:
    """Return the form of the first line that says something: `plain`, `sum`, `csv`, or None."""
    for raw in head.splitlines():
        line = raw.rstrip()
        if not line or line.startswith(b"#"):
            continue
        if _HEX.fullmatch(line):
            return "plain"
        if _PLAIN.fullmatch(line) or _TAGGED.fullmatch(line):
            return "sum"
        return "csv" if _columns(line) else None
    return None


def take(handle: BinaryIO, form: str, tally: Tally, progress: Progress, task: str) -> None:
    """Hand the entries of a list to the tally.

    Args:
        handle: the list, at its start.
        form: `hashdeep`, `sum`, `plain` or `csv`.
        tally: takes digests, and counts the lines left out.
        progress: told the bytes read.
        task: under this name.

    Raises:
        InputError: it has no header where the form needs one, or a line over the limit.
    """
    read: Read | None = {"sum": _sum, "plain": _plain}.get(form)
    for line in _lines(handle, progress, task):
        comment = line.startswith(b"#")
        if read is None:
            if form == "csv" and (not line or comment):
                continue
            read = _hashdeep(line) if form == "hashdeep" else _csv(line)
        elif form == "csv" and comment:  # or a file whose name begins so: counted, not guessed
            tally.leave_out(MALFORMED)
        elif form == "hashdeep" or (line and not comment):
            read(line, tally)


def _lines(handle: BinaryIO, progress: Progress, task: str) -> Iterator[bytes]:
    """Yield the lines without their ends, the first without a byte order mark."""
    number = done = told = 0
    while raw := handle.readline(MAX_LINE + 2):
        number += 1
        done += len(raw)
        if len(raw) > MAX_LINE + 1:
            raise InputError(f"line {number} is over the limit of {MAX_LINE} bytes")
        line = raw.rstrip(b"\r\n")
        yield line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if done - told >= _TOLD:
            told = done
            progress.update(task, done)


def _add(texts: Sequence[bytes], tally: Tally) -> None:
    """Take hex digests; the algorithm of each is told by its length."""
    digests, reason = [], NO_DIGEST
    for text in texts:
        if len(text) in _LENGTHS and _HEX.fullmatch(text):
            digests.append(bytes.fromhex(text.decode("ascii")))
        elif text:
            reason = OTHER_ALGORITHM if len(text) in _OTHERS else MALFORMED
    if digests:
        tally.add(digests)
    else:
        tally.leave_out(reason)


def _plain(line: bytes, tally: Tally) -> None:
    text = line.strip()
    if text:
        _add([text], tally)


def _sum(line: bytes, tally: Tally) -> None:
    match = _PLAIN.fullmatch(line) or _TAGGED.fullmatch(line)
    if match is None:
        tally.leave_out(MALFORMED)
    else:
        _add([match[1]], tally)


def _hashdeep(first: bytes) -> Read:
    """Return the reader of rows; the columns stand in the second line."""
    if not first.startswith(HASHDEEP):
        raise InputError("the list does not begin with `%%%% HASHDEEP-1.0`")
    wanted: list[int] = []
    count = 0

    def read(line: bytes, tally: Tally) -> None:
        nonlocal count
        if not count:
            if not line.startswith(_COLUMNS):
                raise InputError("the second line of the list does not name its columns")
            names = line.removeprefix(_COLUMNS).decode("ascii", "replace").split(",")
            wanted.extend(at for at, name in enumerate(names) if name in _LENGTHS.values())
            count = len(names)
            if not wanted:
                raise InputError("the list has no column md5, sha1 or sha256")
        elif line and not line.startswith((b"##", _COLUMNS)):
            cells = line.split(b",", count - 1)
            if len(cells) == count:
                _add([cells[at] for at in wanted], tally)
            else:
                tally.leave_out(MALFORMED)

    return read


def _csv(header: bytes) -> Read:
    """Return the reader of rows for the columns of a header."""
    found = _columns(header)
    if found is None:
        raise InputError(
            "the first line names no column of digests",
            hint="call it sha256, sha1, md5 or hash",
        )
    delimiter, wanted = found
    last = max(wanted)

    def read(line: bytes, tally: Tally) -> None:
        cells = _cells(line, delimiter)
        if cells is None or len(cells) <= last:
            tally.leave_out(MALFORMED)
        else:
            texts = [cells[at].strip().encode("utf-8", "surrogateescape") for at in wanted]
            _add(texts, tally)

    return read


def _columns(header: bytes) -> tuple[str, list[int]] | None:
    """Return the delimiter of a header and the places of its columns of digests."""
    for delimiter in _DELIMITERS:
        cells = _cells(header, delimiter) or []
        names = [_NAMES.sub("", cell.casefold()) for cell in cells]
        wanted = [at for at, name in enumerate(names) if name in _KNOWN]
        if wanted:
            return delimiter, wanted
    return None


def _cells(line: bytes, delimiter: str) -> list[str] | None:
    """Split one line; None when a quotation mark is not closed in it."""
    text = line.decode("utf-8", "surrogateescape")
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None
