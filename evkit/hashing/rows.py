"""One row per name in a tree: what it is, its size and digests, or why it could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from evkit.core import paths
from evkit.core.ejson import MAX_INT
from evkit.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

OK = "ok"
UNREADABLE = "unreadable"
CHANGED = "changed"  # size or times moved while it was read: the digest is of no one state
FILE = "file"
SYMLINK = "symlink"
SPECIAL = "special"  # device, FIFO, socket
FOLDER = "dir"  # a row only when it could not be listed

_TYPES = frozenset({FILE, SYMLINK, SPECIAL, FOLDER})
_STATES = frozenset({OK, UNREADABLE, CHANGED})


class Row(NamedTuple):
    """A name in a tree or in a list.

    Attributes:
        path: exact bytes, as walked or as listed.
        type: `file`, `symlink`, `special` or `dir`.
        state: `ok`, `unreadable` or `changed`.
        size: bytes, or None when not known.
        digests: lower-case hex by algorithm.
        target: what a symbolic link holds.
        error: why it could not be read, for people.
    """

    path: bytes
    type: str = FILE
    state: str = OK
    size: int | None = None
    digests: Mapping[str, str] = {}
    target: bytes | None = None
    error: str | None = None


def to_fields(row: Row, path: bytes) -> dict[str, Any]:
    """Return a row as JSON fields, under the name `path`."""
    fields: dict[str, Any] = {**paths.to_fields(path), "type": row.type, "state": row.state}
    if row.size is not None:
        fields["size"] = row.size
    fields.update(row.digests)
    if row.target is not None:
        fields.update(paths.to_fields(row.target, "target"))
    if row.error is not None:
        fields["error"] = row.error
    return fields


def from_fields(fields: Mapping[str, Any], algorithms: Mapping[str, int]) -> Row:
    """Read JSON fields; fields that it does not know are left alone.

    Args:
        fields: one JSON object.
        algorithms: digest length in bytes by name; other digests are not read.

    Raises:
        InputError: a field is missing or malformed.
    """
    kind, state, size = fields.get("type", FILE), fields.get("state", OK), fields.get("size")
    if kind not in _TYPES or state not in _STATES:
        raise InputError("a row of unknown type or state")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int)):
        raise InputError("the size of a row is not an integer")
    if size is not None and not 0 <= size <= MAX_INT:
        raise InputError("the size of a row is out of range")
    digests = {
        name: hex_digest(fields[name], length)
        for name, length in algorithms.items()
        if name in fields
    }
    if kind == FILE and state == OK and not digests:
        raise InputError("a file without a digest that evkit knows")
    target = paths.from_fields(fields, "target") if "target" in fields else None
    error = fields.get("error")
    if error is not None and not isinstance(error, str):
        raise InputError("the error of a row is not text")
    return Row(paths.from_fields(fields), kind, state, size, digests, target, error)


def hex_digest(text: object, length: int) -> str:
    """Return lower-case hex of exactly `length` bytes.

    Raises:
        InputError: the text is something else.
    """
    if isinstance(text, str) and len(text) == 2 * length:
        lowered = text.lower()
        if not lowered.strip("0123456789abcdef"):
            return lowered
    raise InputError("a digest is not hex of the right length")
