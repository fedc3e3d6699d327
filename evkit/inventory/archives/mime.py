"""A message taken apart: header fields, parts, decoded attachments. Works on bytes, never raises.

Standards: RFC 5322 (messages), RFC 2045 and 2046 (MIME), RFC 2047 and 2231 (names in other
character sets). Everything is capped; what a cap leaves out is said by the caller.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from email import header as mail_header
from email import message as mail_message
from email import utils as mail_utils
from typing import TYPE_CHECKING, NamedTuple

from evkit.core.text import escape
from evkit.inventory.archives.caps import ReadError

if TYPE_CHECKING:
    from typing import Any

_HEADER = 1 << 18  # bytes of the header of a message or part
_FIELDS = 2000
_VALUE = 4096
_SHOWN = 256  # characters of an address list; a subject may have four times as many
_DEPTH = 32
_PARTS = 10_000
_NAME = re.compile(rb"^([!-9;-~]{1,76})[ \t]*:", re.MULTILINE)
_END = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_SPACE = re.compile(r"\s+")
_IN_TEXT = frozenset({"7bit", "8bit", "binary", ""})


@dataclass(frozen=True)
class Part:
    """An attachment, still encoded.

    Attributes:
        name: its name as bytes, made up where it has none.
        encoding: `Content-Transfer-Encoding` in lower case.
        data: the encoded bytes.
    """

    name: bytes
    encoding: str
    data: bytes

    def decoded(self) -> tuple[bytes, ReadError | None]:
        """Return the content, and what is wrong with it."""
        if self.encoding in _IN_TEXT:
            return self.data, None
        if self.encoding == "quoted-printable":
            return binascii.a2b_qp(self.data), None
        if self.encoding == "base64":
            text = b"".join(self.data.split())
            try:
                return binascii.a2b_base64(text, strict_mode=True), None
            except (binascii.Error, ValueError):
                return _loosely(text), ReadError("encoding-damaged", "not clean base64")
        problem = ReadError("encoded-otherwise", escape(self.encoding[:64]), "unsupported")
        return b"", problem


class _Region(NamedTuple):
    """Bytes of a message that are an entity, from `start` to `end`."""

    start: int
    end: int
    depth: int


def message_fields(data: bytes) -> dict[str, str]:
    """Return `message_id`, `subject`, `from`, `to` and `sent` (ns, decimal) of a message."""
    fields, _ = _header(data, 0, len(data))
    found = {}
    for key, name, most in (
        ("message_id", b"message-id", _SHOWN),
        ("subject", b"subject", 4 * _SHOWN),
        ("from", b"from", _SHOWN),
        ("to", b"to", _SHOWN),
    ):
        text = _text(fields.get(name, b""))[:most]
        if text:
            found[key] = text
    try:
        moment = mail_utils.parsedate_to_datetime(_text(fields.get(b"date", b"")))
        found["sent"] = str(int(moment.timestamp()) * 1_000_000_000)
    except Exception:  # noqa: BLE001 - a date that is none stays out
        return found
    return found


def parts_of(data: bytes) -> tuple[list[Part], ReadError | None]:
    """Return the attachments of a message, and why some may be missing."""
    found: list[Part] = []
    trouble: ReadError | None = None
    waiting = [_Region(0, len(data), 0)]
    seen = 0
    while waiting:
        region = waiting.pop()
        seen += 1
        if seen > _PARTS:
            return found, ReadError("too-many-parts", f"more than {_PARTS}", "unreadable")
        fields, body = _header(data, region.start, region.end)
        if body - region.start > _HEADER:
            trouble = ReadError("header-too-long", f"more than {_HEADER} bytes")
        kind, boundary, name, attached = _describe(fields)
        if boundary and kind.startswith("multipart/"):
            if region.depth >= _DEPTH:
                trouble = ReadError("too-deep", "parts in too many others", "unreadable")
                continue
            inner, closed = _split(data, body, region, boundary)
            waiting += reversed(inner)
            if not closed and trouble is None:
                trouble = ReadError("cut-short", "a boundary is never closed")
        elif attached or (region.depth and not kind.startswith("text/")):
            number = len(found) + 1
            shown = name or (b"part-%d" % number + (b".eml" if kind == "message/rfc822" else b""))
            encoding = _text(fields.get(b"content-transfer-encoding", b"")).strip().lower()
            found.append(Part(shown, encoding, data[body : region.end]))
    return found, trouble


def _describe(fields: dict[bytes, bytes]) -> tuple[str, bytes, bytes, bool]:
    """Return type, boundary, name, and whether it is an attachment."""
    part = mail_message.Message()
    for key in (b"content-type", b"content-disposition"):
        if key in fields:
            part[key.decode("ascii")] = fields[key][:_VALUE].decode("utf-8", "surrogateescape")
    try:
        kind = part.get_content_type()
        boundary = part.get_boundary() or ""
        name = part.get_filename() or ""
        disposition = part.get_content_disposition() or ""
    except Exception:  # noqa: BLE001 - the library trips over hostile parameters
        return "text/plain", b"", b"", b"content-disposition" in fields
    raw = (
        _decoded(name)
        .replace("/", "\u2215")
        .encode(
            "utf-8",
            "surrogateescape",
        )
    )
    attached = bool(name) or disposition == "attachment"
    return kind, boundary.encode("utf-8", "surrogateescape"), raw, attached


def _header(data: bytes, start: int, end: int) -> tuple[dict[bytes, bytes], int]:
    """Return the first value of each field of an entity, and where its body begins."""
    if data[start : start + 1] == b"\n" or data[start : start + 2] == b"\r\n":
        return {}, start + (1 if data[start : start + 1] == b"\n" else 2)
    match = _END.search(data, start, end)
    body = match.end() if match else end
    block = data[start : min(match.start() if match else end, start + _HEADER)]
    block = _FOLD.sub(b" ", block)
    found: dict[bytes, bytes] = {}
    for number, name in enumerate(_NAME.finditer(block)):
        if number >= _FIELDS:
            break
        stop = block.find(b"\n", name.end())
        value = block[name.end() : stop if stop >= 0 else len(block)].strip()
        found.setdefault(name[1].lower(), value)
    return found, body


def _split(data: bytes, body: int, region: _Region, boundary: bytes) -> tuple[list[_Region], bool]:
    """Return the parts between the lines of a boundary, and whether the last one was seen."""
    line = re.compile(rb"(?:^|(?<=\n))--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\r?\n|\Z)")
    found: list[_Region] = []
    begin = -1
    for match in line.finditer(data, body, region.end):
        if match.start() != body and data[match.start() - 1 : match.start()] != b"\n":
            continue
        if begin >= 0:
            stop = match.start()
            stop -= 2 if data[stop - 2 : stop] == b"\r\n" else 1
            found.append(_Region(begin, max(begin, stop), region.depth + 1))
        begin = match.end()
        if match[1]:
            return found, True
        if len(found) > _PARTS:
            break
    if begin >= 0:
        found.append(_Region(begin, region.end, region.depth + 1))
    return found, False


def _text(raw: bytes) -> str:
    """Return a header value as text without control characters in it."""
    text = _decoded(raw[:_VALUE].decode("utf-8", "replace"))
    return _SPACE.sub(" ", text).strip()


def _decoded(text: str) -> str:
    """Decode encoded words; text whose coding is unknown or wrong stays as it is."""
    if "=?" not in text:
        return text
    try:
        decoded: Any = str(mail_header.make_header(mail_header.decode_header(text)))
        decoded.encode("utf-8")
    except Exception:  # noqa: BLE001 - unknown character sets, wrong base64, and the library's own
        return text
    return str(decoded)


def _loosely(text: bytes) -> bytes:
    """Decode as much base64 as there is."""
    clean = bytes(byte for byte in text if chr(byte).isalnum() or byte in b"+/")
    clean = clean[: len(clean) - (len(clean) % 4 == 1)]
    try:
        return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
    except (binascii.Error, ValueError):
        return b""
