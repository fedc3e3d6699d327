"""Rows of an inventory: which fields each kind has, their bytes, their salted leaf hashes.

A row is an object in evkit JSON. The leaf of row `n` is SHA-256(0x00 ‖ salt ‖ row) with a random
16-byte salt, so that rows which are withheld cannot be guessed from the tree. The tree over the
leaves in row order is that of RFC 6962. Byte for byte: `docs/spec/inventory-rows.md`.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.core.paths import b64, from_fields, unb64

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SALT_BYTES = 16
MAX_ROW = 4 << 20  # bytes of one encoded row
MAX_EXTENTS = 1 << 16
MAX_TEXT = 1 << 17
HOLE = -1  # offset of an extent that has no place in the image

GAPS = frozenset({"damaged", "unreadable", "unsupported", "encrypted"})  # states of what is lost
STATES = GAPS | {"ok", "skipped"}
BASES = frozenset({"allocated", "deleted-runs-recorded", "deleted-contiguous-guess", "none"})
DIGESTS: Final = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
FLAGS = frozenset(
    {
        "compressed",
        "encrypted",
        "resident",
        "sparse",
        "time-out-of-range",
        "virtual",
        "volume-label",
    }
)
TYPES = frozenset(
    {"block-device", "character-device", "directory", "fifo", "file", "other", "socket", "symlink",
     "unknown", "whiteout"}
)  # fmt: skip

_sha256 = hashlib.sha256
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_HEX = re.compile("[0-9a-f]+")
_SLUG = re.compile("[a-z0-9][a-z0-9.-]{0,63}")
_NS = re.compile("0|-?[1-9][0-9]{0,18}")
_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MIME = re.compile(r"[!-~]{1,127}/[!-~]{1,127}")


def _int(low: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and low <= value <= ejson.MAX_INT


def _one_of(words: Iterable[str]) -> Callable[[object], bool]:
    allowed = frozenset(words)
    return lambda value: isinstance(value, str) and value in allowed


def _match(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _bool(value: object) -> bool:
    return isinstance(value, bool)


def _digests(value: object) -> bool:
    return isinstance(value, dict) and all(
        name in DIGESTS
        and isinstance(item, str)
        and len(item) == DIGESTS[name]
        and _HEX.fullmatch(item) is not None
        for name, item in value.items()
    )


def _extents(value: object) -> bool:
    if not isinstance(value, list) or len(value) > MAX_EXTENTS:
        return False
    top = ejson.MAX_INT
    for item in value:
        if type(item) is not list or len(item) != 2:  # noqa: PLR2004 - [offset, length]
            return False
        offset, length = item
        if type(offset) is not int or type(length) is not int:
            return False
        if not HOLE <= offset <= top or not 0 < length <= top:
            return False
    return True


def _flags(value: object) -> bool:
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(item, str) and item in FLAGS for item in value) and value == sorted(
        set(value)
    )


def _times(value: object) -> bool:
    return isinstance(value, dict) and all(
        key in {"a", "b", "c", "m"} and isinstance(item, str) and _NS.fullmatch(item) is not None
        for key, item in value.items()
    )


def _resolution(value: object) -> bool:
    return isinstance(value, dict) and all(
        key in {"a", "b", "c", "m"} and type(item) is int and 0 < item <= ejson.MAX_INT
        for key, item in value.items()
    )


def _counts(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(key, str) and _SLUG.fullmatch(key.replace("_", "-")) and _count(item)
        for key, item in value.items()
    )


_count, _number = _int(0), _int(1)
_state, _slug = _one_of(STATES), _match(_SLUG)
_place = {"state": _state, "reason": _slug, "detail": _text}
_node = {"fs": _number, "inode": _count, "seq": _count}

# kind -> (every field it may have, the fields it must have)
_KINDS: dict[str, tuple[dict[str, Callable[[object], bool]], frozenset[str]]] = {
    "source": (
        {"kind": _one_of({"image", "tree"}), "name": _text, "name_b64": _text, "size": _count,
         "sector_size": _number, "digests": _digests, "acquisition": _text},
        frozenset({"kind", "name"}),
    ),
    "partition": (
        {"partition": _number, "kind": _one_of({"partition", "gap", "metadata", "whole"}),
         "table": _slug, "offset": _count, "size": _count, "description": _text,
         "description_b64": _text, "slot": _count, "table_number": _count, **_place},
        frozenset({"partition", "kind", "table", "offset", "size", "state"}),
    ),
    "filesystem": (
        {"fs": _number, "partition": _number, "type": _slug, "offset": _count, "size": _count,
         "block_size": _number, "blocks": _count, "root": _count, "first_inode": _count,
         "last_inode": _count, "zone": _one_of({"utc", "local-unknown"}), "resolution": _resolution,
         "member": _number, "label": _text, "label_b64": _text, "identifier": _match(_UUID),
         "within": _count, **_place},
        frozenset({"fs", "type", "offset", "size", "state"}),
    ),
    "directory": (
        {**_node, "path": _text, "path_b64": _text, "allocated": _bool, "entries": _count,
         "left_out": _number, "flags": _flags, **_place},
        frozenset({"fs", "inode", "seq", "path", "allocated", "entries", "state"}),
    ),
    "name": (
        {**_node, "path": _text, "path_b64": _text, "name": _text, "name_b64": _text,
         "short": _text, "short_b64": _text, "parent": _count, "parent_seq": _count,
         "name_seq": _count, "type": _one_of(TYPES), "allocated": _bool,
         "reallocated": _one_of({"no", "yes", "unknown"}), "times": _times, "name_times": _times,
         "zone": _one_of({"utc", "local-unknown"}), "resolution": _resolution, "mode": _count,
         "uid": _count, "gid": _count, "links": _count, "target": _text, "target_b64": _text,
         "stored": _text, "flags": _flags, **_place},
        frozenset({"fs", "inode", "path", "name", "parent", "type", "allocated", "state"}),
    ),
    "stream": (
        {**_node, "attr": _count, "attr_id": _count, "name": _text, "name_b64": _text,
         "size": _count, "bytes_digested": _count, "digests": _digests, "basis": _one_of(BASES),
         "extents": _extents, "extents_left_out": _number, "flags": _flags, **_place},
        frozenset({"fs", "inode", "seq", "attr", "attr_id", "bytes_digested", "basis", "state"}),
    ),
    "space": (
        {"fs": _number, "partition": _number, "inode": _count, "seq": _count, "attr": _count,
         "attr_id": _count, "what": _one_of({"slack", "unallocated", "volume-slack", "gap"}),
         "derived": _one_of({"bitmap", "runs", "extents", "size", "none"}), "size": _count,
         "extents": _extents, "bytes_digested": _count, "digests": _digests,
         "zeros": lambda value: value is True, "left_out": _number, **_place},
        frozenset({"what", "derived", "bytes_digested", "state"}),
    ),
    "message": (
        {"fs": _number, "inode": _count, "message_id": _text, "subject": _text, "from": _text,
         "to": _text, "sent": _match(_NS), "attachments": _count, **_place},
        frozenset({"fs", "inode", "attachments", "state"}),
    ),
    "export": (
        {"fs": _number, "inode": _count, "kind": _slug, "path": _text, "path_b64": _text,
         "tool": _text, "stated": _count, "agreed": _count, "differing": _count,
         "missing": _count, "unchecked": _count, **_place},
        frozenset({"fs", "inode", "kind", "path", "stated", "agreed", "differing", "missing",
                   "unchecked", "state"}),
    ),
    "error": (
        {"fs": _number, "partition": _number, "inode": _count, "path": _text, "path_b64": _text,
         "stage": _slug, "reason": _slug, "detail": _text},
        frozenset({"stage", "reason"}),
    ),
    "coverage": (
        {"result": _one_of({"complete", "with-gaps"}), "bytes": _counts, "filesystems": _counts,
         "directories": _counts, "names": _counts, "streams": _counts, "spaces": _counts,
         "orphans": _counts, "errors": _count},
        frozenset({"result", "bytes", "filesystems", "directories", "names", "streams", "spaces",
                   "orphans", "errors"}),
    ),
    "type": (
        {"stream": _count, "mime": _match(_MIME)},
        frozenset({"stream", "mime"}),
    ),
}  # fmt: skip
KINDS = tuple(kind for kind in _KINDS if kind != "type")
ENGINE_KINDS = ("type",)
_BYTES_FIELDS = ("path", "name", "short", "target", "description", "label")


def check(row: Mapping[str, Any]) -> None:
    """Accept a row or raise.

    Raises:
        InputError: an unknown kind or field, a missing field, a value of the wrong shape, or
            fields that contradict each other (a digest without a basis above all).
    """
    kind = row.get("row")
    entry = _KINDS.get(kind) if isinstance(kind, str) else None
    if entry is None:
        raise InputError("not a row of an inventory: its kind is missing or unknown")
    fields, required = entry
    for key, value in row.items():
        test = fields.get(key)
        if test is None:
            if key != "row":
                raise InputError(f"a {kind} row has no field {key[:64]!r}")
        elif not test(value):
            raise InputError(f"field `{key}` of a {kind} row has a wrong value")
    if not required <= row.keys():
        missing = ", ".join(sorted(required - row.keys()))
        raise InputError(f"a {kind} row lacks {missing}")
    for name in _BYTES_FIELDS:
        if f"{name}_b64" in row:
            from_fields(row, name)
    if kind == "stream":
        _check_stream(row)
    elif kind == "space":
        _check_space(row)
    elif kind == "name" and row["allocated"] == ("reallocated" in row):
        raise InputError("`reallocated` belongs to deleted names and only to them")


def encode(row: Mapping[str, Any]) -> bytes:
    """Return the canonical bytes of a row that `check` accepts.

    Raises:
        InputError: the row is not acceptable, too large, or holds a lone surrogate.
    """
    check(row)
    try:
        data = _ENCODER.encode(row).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError("a row holds a lone surrogate") from error
    if len(data) > MAX_ROW:
        raise InputError(f"a row of {len(data)} bytes is over the limit of {MAX_ROW}")
    return data


def parse(data: bytes) -> dict[str, Any]:
    """Read the bytes of a row; writing it again gives exactly `data`.

    Raises:
        InputError: the bytes are not a row, or not in canonical form.
    """
    row = ejson.as_object(ejson.loads(data, max_bytes=MAX_ROW, max_depth=8), "row")
    check(row)
    return row


def row_leaf(salt: bytes, row: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ salt ‖ row), 32 bytes.

    Raises:
        InputError: the salt is not 16 bytes.
    """
    if len(salt) != SALT_BYTES:
        raise InputError(f"a salt is {SALT_BYTES} bytes, not {len(salt)}")
    return hashlib.sha256(b"\x00" + salt + row).digest()


def row_leaves(salts: Iterable[bytes], data: Iterable[bytes]) -> list[bytes]:
    """Return the leaves of many rows; the same as `row_leaf` for each.

    Raises:
        InputError: a salt is not 16 bytes, or there are not as many salts as rows.
    """
    try:
        pairs = list(zip(salts, data, strict=True))
    except ValueError as error:
        raise InputError("there are not as many salts as rows") from error
    if any(len(salt) != SALT_BYTES for salt, _ in pairs):
        raise InputError(f"a salt is not {SALT_BYTES} bytes")
    return [_sha256(b"\x00" + salt + row).digest() for salt, row in pairs]


def export_line(number: int, salt: bytes, row: bytes, *, engine: bool = False) -> bytes:
    """Return one line of an exported inventory, with its line feed.

    `row` must be canonical; it is inserted as it is. Engine rows use the key `engine_row`.
    """
    key = b'{"engine_row":' + row if engine else b""
    head = key + b',"n":%d' % number if engine else b'{"n":%d,"row":' % number + row
    return head + b',"salt":"' + b64(salt).encode("ascii") + b'"}\n'


def parse_export_line(line: bytes) -> tuple[bool, int, bytes, bytes]:
    """Read one line of an exported inventory.

    Returns:
        (True for an engine row, row number, salt, canonical bytes of the row).

    Raises:
        InputError: anything that `export_line` would not write.
    """
    if not line.endswith(b"\n"):
        raise InputError("a line of an inventory does not end in a line feed")
    value = ejson.as_object(
        ejson.loads(line[:-1], max_bytes=MAX_ROW + 128, max_depth=9), "line of an inventory"
    )
    engine = "engine_row" in value
    if value.keys() != {"n", "salt", "engine_row" if engine else "row"} or not _count(value["n"]):
        raise InputError("a line of an inventory has other fields than `n`, `row` and `salt`")
    if not isinstance(value["salt"], str) or len(salt := unb64(value["salt"])) != SALT_BYTES:
        raise InputError(f"a salt is not {SALT_BYTES} bytes in base64")
    row = ejson.as_object(value["engine_row" if engine else "row"], "row")
    data = encode(row)
    if engine != (row["row"] in ENGINE_KINDS):
        raise InputError(f"a {row['row']} row stands in the wrong tree")
    return engine, value["n"], salt, data


def _check_stream(row: Mapping[str, Any]) -> None:
    if ("digests" in row) != (row["state"] == "ok"):
        raise InputError("a stream has digests exactly when its state is `ok`")
    if row["state"] != "ok":
        return
    if row["basis"] == "none":
        raise InputError("a digest never stands without the basis of its content")
    if row.get("size") != row["bytes_digested"]:
        raise InputError("a digested stream must have been read to its size")


def _check_space(row: Mapping[str, Any]) -> None:
    if ("digests" in row) != (row["state"] == "ok"):
        raise InputError("space has digests exactly when its state is `ok`")
    if row["state"] == "ok" and row.get("size") != row["bytes_digested"]:
        raise InputError("digested space must have been read to its size")
    if "zeros" in row and row["state"] != "ok":
        raise InputError("space is known to be zeros only when it was read")
    if (row["what"] == "slack") != ("inode" in row) and "left_out" not in row:
        raise InputError("slack belongs to a stream, other space to none")
