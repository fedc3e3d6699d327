"""Reading sources of hash sets: which form a file has, and handing its entries to a tally."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from evkit.core.errors import InputError, UsageError
from evkit.core.text import escape, escape_bytes
from evkit.inventory.hashsets import lines, nsrl, vics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.core.progress import Progress
    from evkit.inventory.hashsets.tally import Tally

FORMATS = ("nsrl", "hashdeep", "sum", "plain", "csv", "vics")
WORDS = {
    "nsrl": "NSRL RDSv3 (SQLite)",
    "hashdeep": "hashdeep list",
    "sum": "list of sha256sum, sha1sum or md5sum",
    "plain": "one digest a line",
    "csv": "CSV with a header",
    "vics": "Project VIC (JSON)",
}
TASK = "import"
_HEAD = 1 << 16
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MINE = re.compile(rb'\s*\{"algorithms":\[[^]]*\],"schema":"evkit/hash-list/')


def recognise(path: bytes) -> str:
    """Return the format of a file.

    Raises:
        InputError: it cannot be read, or has none of `FORMATS`.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise InputError(f"cannot read `{escape_bytes(path)}`: it is not a file")
    head = _head(path)
    if head.startswith(nsrl.MAGIC):
        return "nsrl"
    text = head.removeprefix(b"\xef\xbb\xbf")
    if text[:2] in _UTF16:
        raise InputError(f"`{escape_bytes(path)}` is UTF-16 text", hint="save it as UTF-8")
    if text.startswith(lines.HASHDEEP):
        return "hashdeep"
    if _MINE.match(text):
        raise InputError(
            f"`{escape_bytes(path)}` is a list of evkit in JSON lines",
            hint="make it with `evkit hash … --format hashdeep`",
        )
    if text.lstrip().startswith((b"{", b"[")):
        return "vics"
    found = lines.recognise(text)
    if found is None:
        raise InputError(
            f"`{escape_bytes(path)}` has no form that evkit can make a hash set from",
            hint="it reads " + "; ".join(WORDS.values()),
        )
    return found


def take(
    path: bytes,
    form: str,
    tally: Tally,
    progress: Progress,
    categories: Sequence[int] = (),
) -> str | None:
    """Hand every entry of a source to the tally.

    Args:
        path: the source; it is only read.
        form: one of `FORMATS`.
        tally: takes digests, and counts what is left out.
        progress: told the bytes (`nsrl`: the rows) that were read.
        categories: of `vics`, the categories to take; all when empty.

    Returns:
        What the source says of its own release, None when it does not.

    Raises:
        InputError: it is not of that form, or damaged.
        UsageError: no such form, or categories for a form that has none.
    """
    if form not in FORMATS:
        raise UsageError(f"no format `{escape(form)}`", hint=f"use one of {', '.join(FORMATS)}")
    if categories and form != "vics":
        raise UsageError("only a Project VIC list has categories")
    shown = escape_bytes(path)
    if form == "nsrl":
        return nsrl.take(path, tally, progress, TASK)
    try:
        with open(path, "rb") as handle:
            progress.begin(TASK, os.path.getsize(path), "bytes")
            if form == "vics":
                vics.take(handle, tally, progress, TASK, categories)
            else:
                lines.take(handle, form, tally, progress, TASK)
            progress.end(TASK, handle.tell())
    except OSError as error:
        raise InputError(f"cannot read `{shown}`: {error.strerror or error}") from error
    except InputError as error:
        raise InputError(f"`{shown}`: {error.message}", hint=error.hint) from error
    return None


def _head(path: bytes) -> bytes:
    try:
        with open(path, "rb") as handle:
            return handle.read(_HEAD)
    except OSError as error:
        raise InputError(
            f"cannot read `{escape_bytes(path)}`: {error.strerror or error}"
        ) from error
