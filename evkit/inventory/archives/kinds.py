"""Which archive or mail a stream is, by its first bytes and, where these say nothing, its name."""

from __future__ import annotations

import re

_MARKS = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"From ", "mbox"),
)
_FIRST = frozenset(mark[0] for mark, _ in _MARKS)
_TAR_AT, _TAR_MARK = 257, b"ustar"
_BLOCK = 512
_FIELD = re.compile(rb"(?:\xef\xbb\xbf)?[A-Za-z][A-Za-z0-9-]{1,40}:[ \t\r\n]")
_MAIL = re.compile(
    rb"^(?:received|return-path|delivered-to|message-id|mime-version|from|date|subject):",
    re.IGNORECASE | re.MULTILINE,
)
_MAIL_FIELDS = 3  # so many different ones make a mail of a file without the name of one
_BY_NAME = {b".eml": "eml", b".mbox": "mbox", b".tar": "tar", b".zip": "zip", b".ufdr": "zip"}
STREAMED = frozenset({"tar", "mbox", "eml", "gzip", "bzip2", "xz", "zstd"})  # need no seeking


def kind_of(head: bytes, name: bytes = b"") -> str | None:
    """Return `zip tar 7z gzip bzip2 xz zstd mbox eml`, or None for anything else.

    Args:
        head: the first bytes of the stream, 4 KiB are enough.
        name: the file's name; it decides only between forms without a mark of their own.
    """
    if not head:
        return None
    if head[0] in _FIRST:
        for mark, marked in _MARKS:
            if head.startswith(mark) and (marked != "mbox" or _is_mbox(head)):
                return marked
    if head[_TAR_AT : _TAR_AT + len(_TAR_MARK)] == _TAR_MARK:
        return "tar"
    kind = _BY_NAME.get(name[-5:].lower()) or _BY_NAME.get(name[-4:].lower())
    if kind == "tar" and len(head) >= _BLOCK and is_tar_header(head[:_BLOCK]):
        return kind
    if kind == "zip":
        return "zip"  # it calls itself one, so that it is not is worth a row
    if _FIELD.match(head) is None:
        return None
    if kind == "eml":
        return kind
    start = head[:4096].replace(b"\r\n", b"\n").split(b"\n\n", 1)[0]
    fields = {found.lower() for found in _MAIL.findall(start)}
    return "eml" if len(fields) >= _MAIL_FIELDS else None


def is_tar_header(block: bytes) -> bool:
    """Say whether the checksum of a tar header agrees, counted with or without signs."""
    text = block[148:156].strip(b" \x00")
    try:
        stated = int(text, 8)
    except ValueError:
        return False
    plain = block[:148] + b" " * 8 + block[156:_BLOCK]
    total = sum(plain)
    return stated in (total, total - 256 * sum(byte > 127 for byte in plain))  # noqa: PLR2004


def _is_mbox(head: bytes) -> bool:
    """Say whether header fields follow the line that starts with `From `."""
    _, _, rest = head.partition(b"\n")
    return _FIELD.match(rest) is not None
