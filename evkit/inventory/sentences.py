"""One plain sentence for each row that could not be read: what it is, where, and why (pure)."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from evkit.core.text import escape, escape_bytes, is_clean, shorten
from evkit.inventory.archives import reasons as archives

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ENGINE = {
    "engine-crash": "the program that read it crashed",
    "engine-hang": "the program that read it gave no sign of life",
    "engine-garbage": "the program that read it sent what it should not",
    "engine-limit": "the program that read it used more than it may",
    "engine-memory": "the program that read it needed more memory than it may use",
    "engine-error": "the program that read it failed",
}
REASONS = (
    _ENGINE
    | archives.REASONS
    | {
        "address-out-of-range": "an entry points at a record that cannot exist",
        "begins-with-zeros": "it begins with zeros and has no mark of a file system",
        "apfs-volume": "the volume is encrypted (FileVault, or by the hardware of the device)",
        "attribute-not-given": "the library that reads it does not give this attribute",
        "beyond-end-of-image": "it reaches past the end of the image",
        "bitlocker-volume": "it is encrypted with BitLocker",
        "bitlocker-to-go-volume": "it is encrypted with BitLocker To Go",
        "changed-while-read": "it changed while it was read",
        "cloud-placeholder": "its content lies in a cloud and was not fetched",
        "clusters-over-64-kib": "its clusters are larger than 64 KiB, which libtsk does not read",
        "compression-unknown": "it is compressed in a way that this engine cannot unpack",
        "differs-from-record": "its content is not what was recorded",
        "directory-not-listed": "the directory could not be listed, or not to its end",
        "directory-not-whole": "what stands there is not this directory: entries are missing",
        "high-entropy": "it is random from its first byte: encrypted without a mark, or wiped",
        "hfs-compression": "it is compressed in a way that this engine cannot unpack",
        "holds-no-files": "it holds no files",
        "larger-than-partition": "it claims to be larger than its partition",
        "library-not-installed": "the library that reads it is not installed",
        "link-not-readable": "the target of the link could not be read",
        "map-not-readable": "the map of free space of the file system could not be read",
        "no-known-file-system": "none of the known marks of a file system is there",
        "no-map-of-free-space": "nothing says which space of this file system is free",
        "not-looked-at": "it was not looked at",
        "not-readable": "it has the mark of this file system, but cannot be read as such",
        "not-supported": "evkit cannot read volumes of this kind",
        "orphans-over-limit": "there are more deleted records without a name than were asked for",
        "parts-missing": "parts of it are missing",
        "read-budget": "more was read than an honest file system needs",
        "read-error": "its content could not be read from the image",
        "record-not-readable": "its record could not be read",
        "record-not-in-use": "it stands in its directory, but its record is not in use",
        "record-of-another-kind": "its record is of another kind than its directory says",
        "second-file-system": "a second file system lies on the same volume and was not read",
        "short-read": "there are fewer bytes than its size says",
        "size-out-of-range": "its size is impossible",
        "table-not-read": "the partition table could not be read, or not all of it",
        "snapshot-not-read": "an earlier state of the volume was kept and is not listed",
        "too-deep": "the directory lies too deep",
        "unread-sectors": "the image has no data for a part of it",
        "unreadable-at-intake": "it could not be read when the files were taken in",
    }
)
_STATES = {
    "damaged": "it is damaged",
    "unreadable": "it could not be read",
    "unsupported": "evkit cannot read it",
    "encrypted": "it is encrypted",
}
_KINDS = {"filesystem": "file system"}
_WIDTH = 80
_PATH = 60
_DETAIL = 300


def why(row: Mapping[str, Any]) -> str:
    """Say why something could not be read; known reasons in words, others by their slug."""
    reason = str(row.get("reason", ""))
    text = REASONS.get(reason)
    if text is None and reason.endswith("-volume"):
        text = _STATES["encrypted"]
    if text is None:
        text = _STATES.get(str(row.get("state")), "it could not be read")
        text += f" ({escape(reason)})" if reason else ""
    return text


def sentence(number: int, row: Mapping[str, Any], place: str = "", *, several: bool = False) -> str:
    """Return the sentence for a row that counts as failed.

    Args:
        number: of the row.
        row: the row.
        place: the escaped path that it is about, when that is known; else that of the row.
        several: there are several volumes, so that the one is named as well.
    """
    kind = str(row["row"])
    detail = shorten(_safe(str(row.get("detail", ""))), _DETAIL)
    says_all = kind == "filesystem" and row["state"] in {"unsupported", "encrypted", "unreadable"}
    if says_all and detail and not str(row.get("reason", "")).startswith("engine"):
        reason = detail
    else:
        reason = why(row) + (f" ({detail})" if detail else "")
    return f"row {number}: {_where(kind, row, place, several=several)}: {reason}"


def wrapped(sentences: Iterable[str]) -> list[str]:
    """Return sentences as indented lines of at most 80 columns."""
    lines: list[str] = []
    for text in sentences:
        lines += textwrap.wrap(
            text,
            _WIDTH,
            initial_indent="  ",
            subsequent_indent="    ",
            replace_whitespace=False,
            break_on_hyphens=False,
        )
    return lines


def _safe(text: str) -> str:
    """Escape a text that should have been escaped already, without doing it twice."""
    return text if is_clean(text.replace("\\", "")) else escape(text)


def _where(kind: str, row: Mapping[str, Any], place: str, *, several: bool) -> str:
    text = _KINDS.get(kind, kind)
    if kind == "filesystem" and "within" in row:
        holder = f"row {row['within']}"
        if place:
            holder = f"{shorten(place, _PATH)} ({holder})"
        return f"{row['type']} {row['fs']} in {holder}, {row['state']}"
    if kind == "filesystem":
        return f"{text} {row['fs']} at byte {row['offset']:,}, {row['state']}"
    if kind == "partition":
        return f"{text} {row['partition']} at byte {row['offset']:,}, {row['state']}"
    if kind in {"error", "space"}:
        text = str(row["stage" if kind == "error" else "what"])
    if "fs" in row and (several or kind in {"error", "space"}):
        text += f", file system {row['fs']}"
    if not place and "path" in row:
        place = escape_bytes(row["path"].encode())
    text += f" {shorten(place, _PATH)}" if place else ""
    if row.get("inode"):
        nameless = kind in {"stream", "space"} and not place
        text += f" of record {row['inode']:,}" if nameless else f", record {row['inode']:,}"
    return text + (f", {row['state']}" if "state" in row else "")
