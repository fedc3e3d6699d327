"""Pieces of DFXML: elements, attributes, and text from the evidence that XML can hold.

XML 1.0 has no way to write control characters, U+FFFE, U+FFFF or bytes that are not UTF-8. Such
text, and text that could mislead a reader of the file, is escaped as on a terminal; its bytes
stand beside it in base64, in an element of our own namespace.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.sax.saxutils import escape as xml_escape
from xml.sax.saxutils import quoteattr

from evkit.core.clock import format_ns
from evkit.core.errors import InputError
from evkit.core.paths import b64
from evkit.core.text import escape, escape_bytes, is_clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DFXML = "http://www.forensicswiki.org/wiki/Category:Digital_Forensics_XML"
DC = "http://purl.org/dc/elements/1.1/"
OWN = "urn:evkit:dfxml:1"
SECOND = 1_000_000_000
_NOT_XML = ("\ufffe", "\uffff")
_PLAIN = re.compile("[ !#-%'-;=?-~]*")  # needs no escape, in an element or an attribute


class Text(NamedTuple):
    """Text for an element and, when it is not the bytes as they are, the bytes in base64."""

    shown: str
    coded: str | None


def of_bytes(raw: bytes) -> Text:
    """Return text from the evidence as XML can hold it."""
    text = raw.decode("utf-8", "surrogateescape")
    if _PLAIN.fullmatch(text):
        return Text(text, None)
    if is_clean(text.replace("\\", "")) and not any(char in text for char in _NOT_XML):
        return Text(text, None)
    shown = escape_bytes(raw)
    for char in _NOT_XML:
        shown = shown.replace(char, f"\\u{{{ord(char):x}}}")
    return Text(shown, b64(raw))


def safe(text: str) -> str:
    """Return text of our own making, or an escaped one, without what XML cannot hold."""
    for char in _NOT_XML:
        text = text.replace(char, f"\\u{{{ord(char):x}}}")
    return text if is_clean(text.replace("\\", "")) else escape(text)


def element(name: str, value: object, attributes: Mapping[str, object] | None = None) -> str:
    """Return an element with text."""
    shown = str(value)
    if _PLAIN.fullmatch(shown) is None:
        shown = xml_escape(safe(shown))
    return f"<{name}{attrs(attributes) if attributes else ''}>{shown}</{name}>"


def empty(name: str, attributes: Mapping[str, object]) -> str:
    """Return an element without content; attributes that are None are left out."""
    return f"<{name}{attrs(attributes)}/>"


def attrs(attributes: Mapping[str, object]) -> str:
    """Return attributes with a space before each."""
    found = []
    for name, value in attributes.items():
        if value is not None:
            text = str(value)
            quoted = f'"{text}"' if _PLAIN.fullmatch(text) else quoteattr(safe(text))
            found.append(f" {name}={quoted}")
    return "".join(found)


def evidence(name: str, raw: bytes, out: list[str], own: list[str]) -> None:
    """Append an element with text from the evidence, and to `own` its bytes when they differ."""
    text = of_bytes(raw)
    out.append(f"<{name}>{xml_escape(text.shown)}</{name}>")
    if text.coded is not None:
        own.append(element(f"ev:{name.rpartition(':')[2]}_b64", text.coded))


def time(name: str, nanoseconds: str, row: Mapping[str, Any], letter: str) -> str | None:
    """Return the element of a time, None when xs:dateTime has no such year."""
    try:
        shown = format_ns(int(nanoseconds))
    except InputError:
        return None
    step = row.get("resolution", {}).get(letter)
    attributes = {
        "prec": step // SECOND if step and step % SECOND == 0 else None,
        "ev:resolution_ns": step,
    }
    utc = row.get("zone", "utc") == "utc"
    return element(name, shown if utc else shown.removesuffix("Z"), attributes)


def runs(stream: Mapping[str, Any], start: int) -> str | None:
    """Return the `byte_runs` of a stream; None when nothing is known of its place.

    Args:
        stream: the row.
        start: offset of its file system in the image.
    """
    flags = stream.get("flags", ())
    if "resident" in flags:
        inner = [empty("byte_run", {"file_offset": 0, "len": stream.get("size"),
                                    "type": "resident"})]  # fmt: skip
    elif "extents" in stream:
        inner = list(_runs(stream["extents"], start, stored="compressed" in flags))
    else:
        return None
    attributes = {
        "ev:stored": "compressed" if "compressed" in flags else None,
        "ev:left_out": stream.get("extents_left_out"),
    }
    return f"<byte_runs{attrs(attributes)}>{''.join(inner)}</byte_runs>"


def _runs(extents: Iterable[list[int]], start: int, *, stored: bool) -> Iterable[str]:
    at = 0
    for offset, length in extents:
        attributes: dict[str, object] = {"file_offset": None if stored else at}
        if offset < 0:
            attributes |= {"len": length, "fill": "0"}
        else:
            inside = offset - start if offset >= start else None
            attributes |= {"fs_offset": inside, "img_offset": offset, "len": length}
        yield empty("byte_run", attributes)
        at += length
