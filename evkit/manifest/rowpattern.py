"""Patterns of the canonical bytes of names, directories and streams, compiled when first used.

They are narrower than `rows.check`: text in `…_b64`, integers of 16 digits and fields that only few
rows have are left to it.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from evkit.manifest import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_COUNT = rb"(?:0|[1-9][0-9]{0,14})"  # 16 digits may be over 2^53 and are parsed
_NUMBER = rb"[1-9][0-9]{0,14}"
_SLUG = rb'"[a-z0-9][a-z0-9.-]{0,63}"'
_TEXT = rb'"([^"\\\x00-\x1f]*+(?:\\(?:["\\bfnrt]|u00(?:0[0-7bef]|1[0-9a-f]))[^"\\\x00-\x1f]*+)*+)"'


def _words(words: Iterable[str]) -> bytes:
    """Return a pattern that keeps one of these words in quotes."""
    return b'"(' + b"|".join(re.escape(word.encode()) for word in sorted(words)) + b')"'


def _quiet(pattern: bytes) -> bytes:
    """Return a pattern that keeps nothing."""
    return re.sub(rb"(?<!\\)\((?!\?)", b"(?:", pattern)


def _listed(items: Iterable[bytes], ends: bytes, *, some: bool = False) -> bytes:
    """Return a pattern of a list or object whose items are optional and in this order."""
    opening, closing = re.escape(ends[:1]), re.escape(ends[1:])
    each = b"".join(b'(?:%s(?:,(?=")|(?=%s)))?+' % (item, closing) for item in items)
    return opening + (b'(?=")' if some else b"") + each + closing


def _object(keys: Iterable[str], value: bytes) -> bytes:
    return _listed([b'"%s":%s' % (key.encode(), value) for key in sorted(keys)], b"{}")


def _row(kind: str, fields: Mapping[str, bytes], optional: Iterable[str]) -> re.Pattern[bytes]:
    """Compile the pattern of a kind whose first field is never absent."""
    parts: list[bytes] = []
    for key, value in sorted({**fields, "row": b'"%s"' % kind.encode()}.items()):
        part = b'%s"%s":%s' % (b"," if parts else b"", key.encode(), value)
        parts.append(b"(?:%s)?+" % part if key in optional else part)
    return re.compile(rb"\{" + b"".join(parts) + rb"\}")


_FLAGS = b"(" + _listed(
    [b'"%s"' % flag.encode() for flag in sorted(rows.FLAGS)], b"[]", some=True
) + b")"  # fmt: skip
_SHARED = {
    "detail": _quiet(_TEXT),
    "flags": _FLAGS,
    "fs": b"(" + _NUMBER + b")",
    "inode": b"(" + _COUNT + b")",
    "reason": _SLUG.replace(b'"', b'"(', 1)[:-1] + b')"',
    "seq": b"(" + _COUNT + b")",
    "state": _words(rows.STATES),
}


@functools.cache
def name() -> re.Pattern[bytes]:
    """Return the pattern of a name.

    Groups: allocated, flags, fs, inode, name as it stands, reallocated, reason, seq, state.
    """
    stamps = _object("abcm", rb'"(?:0|-?[1-9][0-9]{0,18})"')
    fields = {
        **_SHARED,
        "allocated": b"(true|false)",
        **dict.fromkeys(
            ("gid", "links", "mode", "name_seq", "parent", "parent_seq", "uid"), _COUNT
        ),
        "name": _TEXT,
        "name_times": stamps,
        **dict.fromkeys(("path", "short", "stored", "target"), _quiet(_TEXT)),
        "reallocated": _words(("no", "yes", "unknown")),
        "resolution": _object("abcm", _NUMBER),
        "times": stamps,
        "type": _quiet(_words(rows.TYPES)),
        "zone": b'"(?:utc|local-unknown)"',
    }
    needed = {"allocated", "fs", "inode", "name", "parent", "path", "row", "state", "type"}
    return _row("name", fields, fields.keys() - needed)


@functools.cache
def directory() -> re.Pattern[bytes]:
    """Return the pattern of a directory.

    Groups: allocated, flags, fs, inode, reason, seq, state.
    """
    fields = {
        **_SHARED,
        "allocated": b"(true|false)",
        "entries": _COUNT,
        "path": _quiet(_TEXT),
    }
    return _row("directory", fields, {"detail", "flags", "reason"})


@functools.cache
def stream() -> re.Pattern[bytes]:
    """Return the pattern of a stream.

    Groups: basis, bytes_digested, digests, each digest, fs, inode, reason, seq, size, state.
    """
    digests = [
        b'"%s":"([0-9a-f]{%d})"' % (name.encode(), rows.DIGESTS[name]) for name in rows.DIGESTS
    ]
    extent = rb"\[(?:-1|%s),%s\]" % (_COUNT, _NUMBER)
    fields = {
        **_SHARED,
        "attr": _COUNT,
        "attr_id": _COUNT,
        "basis": _words(rows.BASES),
        "bytes_digested": b"(" + _COUNT + b")",
        "digests": b"(" + _listed(digests, b"{}") + b")",
        "extents": rb"\[(?:%s(?:,(?=\[)|(?=\])))*+\]" % extent,
        "extents_left_out": _NUMBER,
        "flags": _quiet(_FLAGS),
        "name": _quiet(_TEXT),
        "size": b"(" + _COUNT + b")",
    }
    optional = {
        "detail", "digests", "extents", "extents_left_out", "flags", "name", "reason", "size",
    }  # fmt: skip
    return _row("stream", fields, optional)


@functools.cache
def usual_names() -> re.Pattern[bytes]:
    """Return a pattern of whole lines: names in use whose text has no escapes.

    Groups: fs, inode, name, seq.
    """
    stamps = _object("abcm", rb'"(?:0|-?[1-9][0-9]{0,18})"')
    plain = rb'"[^"\\\x00-\x1f]*+"'
    fields = {
        "allocated": b"true",
        "fs": b"(" + _NUMBER + b")",
        "inode": b"(" + _COUNT + b")",
        **dict.fromkeys(
            ("gid", "links", "mode", "name_seq", "parent", "parent_seq", "uid"), _COUNT
        ),
        "name": rb'"([^"\\\x00-\x1f]*+)"',
        "name_times": stamps,
        **dict.fromkeys(("path", "short", "target"), plain),
        "resolution": _object("abcm", _NUMBER),
        "seq": b"(" + _COUNT + b")",
        "state": b'"ok"',
        "times": stamps,
        "type": _quiet(_words(rows.TYPES)),
        "zone": b'"(?:utc|local-unknown)"',
    }
    needed = {"allocated", "fs", "inode", "name", "parent", "path", "row", "state", "type"}
    return _lines(_row("name", fields, fields.keys() - needed))


@functools.cache
def usual_streams() -> re.Pattern[bytes]:
    """Return a pattern of whole lines: unnamed streams that were digested.

    Groups: bytes_digested (which is the size), each digest, fs, inode, seq.
    """
    digests = [
        b'"%s":"([0-9a-f]{%d})"' % (name.encode(), rows.DIGESTS[name]) for name in rows.DIGESTS
    ]
    extent = rb"\[(?:-1|%s),%s\]" % (_COUNT, _NUMBER)
    fields = {
        "attr": _COUNT,
        "attr_id": _COUNT,
        "basis": _quiet(_words(rows.BASES - {"none"})),
        "bytes_digested": b"(?P<size>" + _COUNT + b")",
        "digests": _listed(digests, b"{}"),
        "extents": rb"\[(?:%s(?:,(?=\[)|(?=\])))*+\]" % extent,
        "flags": _quiet(_FLAGS),
        "fs": b"(" + _NUMBER + b")",
        "inode": b"(" + _COUNT + b")",
        "seq": b"(" + _COUNT + b")",
        "size": b"(?P=size)",
        "state": b'"ok"',
    }
    return _lines(_row("stream", fields, {"extents", "flags"}))


def _lines(pattern: re.Pattern[bytes]) -> re.Pattern[bytes]:
    return re.compile(rb"^" + pattern.pattern + rb"$", re.MULTILINE)


@functools.cache
def type_() -> re.Pattern[bytes]:
    """Return the pattern of a file type; without groups."""
    word = rb"[!#-\[\]-~]{1,127}"
    mime = rb'"%s/%s"' % (word, word)
    return re.compile(rb'\{"mime":%s,"row":"type","stream":%s\}' % (mime, _COUNT))
