"""What an E01 says about the case: `header2`, `header`, `xheader` to readable names.

The values are text from outside. `header2` is UTF-16 and is believed before `header`, where other
programs lose every letter outside ASCII.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from typing import Final

from evkit.images.e01.parse import inflate

NAMES: Final = {
    "a": "description", "c": "case_number", "n": "evidence_number", "e": "examiner_name",
    "t": "notes", "md": "model", "sn": "serial_number", "l": "device_label",
    "av": "acquisition_software_version", "ov": "acquisition_operating_system",
    "m": "acquisition_date", "u": "system_date", "p": "password_hash",
    "pid": "process_identifier", "dc": "unknown_dc", "ext": "extents", "r": "compression",
}  # fmt: skip
_LEVELS: Final = {"n": "none", "f": "fast", "b": "best"}
_DATES: Final = ("m", "u")
MAX_VALUE: Final = 4096
_MAX_LINES: Final = 64
_XML = re.compile(r"<([a-z_]{1,64})>([^<]{0,4096})</\1>")


def read_header(kind: str, body: bytes) -> dict[str, str] | None:
    """Return the values of a `header`, `header2` or `xheader` section, None when it is damaged."""
    data = inflate(body)
    if data is None:
        return None
    if kind == "xheader":
        text = data.decode("utf-8", "replace")
        found = {key: unescape(value).strip() for key, value in _XML.findall(text)}
        return {
            key.replace("acquiry", "acquisition"): value for key, value in found.items() if value
        }
    return _values(_text(kind, data))


def _text(kind: str, data: bytes) -> str:
    if kind == "header2" or data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        if data[:2] == b"\xfe\xff":
            return data[2:].decode("utf-16-be", "replace")
        return data.removeprefix(b"\xff\xfe").decode("utf-16-le", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _values(text: str) -> dict[str, str] | None:
    """Read the category `main`: a line of short names, then a line of values, tabs between."""
    lines = [line.rstrip("\r") for line in text.split("\n", _MAX_LINES)[:_MAX_LINES]]
    if "main" not in lines:
        return None
    at = lines.index("main")
    if len(lines) < at + 3:
        return None
    keys, values = lines[at + 1].split("\t"), lines[at + 2].split("\t")
    found: dict[str, str] = {}
    for key, value in zip(keys, values, strict=False):
        name = NAMES.get(key)
        shown = _readable(key, value.strip("\0 "))
        if name is not None and shown:
            found[name] = shown[:MAX_VALUE]
    return found


def _readable(key: str, value: str) -> str:
    if key == "p" and value == "0":
        return ""
    if key == "r":
        return _LEVELS.get(value, value)
    return _date(value) if key in _DATES else value


def _date(value: str) -> str:
    """Return a date as it can be read; the older form states no time zone."""
    parts = value.split(" ")
    if len(parts) == 6 and all(part.isdecimal() and len(part) <= 4 for part in parts):  # noqa: PLR2004
        year, month, day, hour, minute, second = (int(part) for part in parts)
        return f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} (no time zone)"
    if value.isascii() and value.isdecimal() and 0 < int(value[:12]) < 1 << 33:
        return datetime.fromtimestamp(int(value[:12]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value
