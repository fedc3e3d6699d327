"""The high-water mark: the last head this user saw of a ledger, kept outside the station's folder.

Whoever puts back an old copy of the folder and goes on would make a second history under one name.
The mark shows that before it happens: nothing is appended below it or beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evkit.core.errors import InputError, RefusedError
from evkit.core.text import escape, escape_bytes
from evkit.merkle.tree import HASH_SIZE, is_size, root_from_reader
from evkit.station import state

if TYPE_CHECKING:
    from evkit.core.ejson import Json
    from evkit.merkle.tree import Reader

SCHEMA = "evkit/high-water/1"


class Mark(NamedTuple):
    """A head: number of entries and root of the tree."""

    size: int
    root: bytes


def path_of(origin: str) -> bytes:
    """Return the file that holds the mark of a ledger."""
    return state.file_for("marks", origin)


def read(origin: str) -> Mark | None:
    """Return the mark of a ledger, None when this user has none.

    Raises:
        InputError: the file is damaged.
    """
    found = _load(origin)
    return None if found is None else found.mark


def known(origin: str) -> bool:
    """Say whether this user had a mark of the ledger, or an event records that there was none."""
    found = _load(origin)
    return found is not None and not found.unrecorded


class _Stored(NamedTuple):
    """A mark as kept; no event says yet that there was none before; which ledger went on."""

    mark: Mark
    unrecorded: bool
    retired: str | None


def _load(origin: str) -> _Stored | None:
    path = path_of(origin)
    try:
        fields = state.load(path, SCHEMA)
        if fields is None:
            return None
        root = bytes.fromhex(str(fields.get("root")))
    except (InputError, ValueError) as error:
        raise _damaged(path) from error
    size, unrecorded = fields.get("size"), fields.get("unrecorded", False)
    retired = fields.get("retired")
    if fields.get("origin") != origin or not is_size(size) or len(root) != HASH_SIZE:
        raise _damaged(path)
    if not isinstance(unrecorded, bool) or not (retired is None or isinstance(retired, str)):
        raise _damaged(path)
    return _Stored(Mark(size, root), unrecorded, retired)


def check(origin: str, size: int, reader: Reader) -> Mark | None:
    """Return the mark when the ledger stands at or above it, None when there is none.

    Args:
        origin: the ledger's name.
        size: its committed size.
        reader: its complete subtrees.

    Raises:
        RefusedError: the ledger is shorter than the mark, holds other entries below it, or another
            one went on in its place.
        InputError: the mark is damaged.
    """
    found = _load(origin)
    if found is None:
        return None
    mark = found.mark
    details = {"mark": f"{mark.size}:{mark.root.hex()}", "kept in": escape_bytes(path_of(origin))}
    if size < mark.size:
        raise RefusedError(
            f"the ledger `{escape(origin)}` has {size} entries, but had {mark.size} before",
            hint=_RECOVER,
            details=details | {"ledger": f"{size}:{root_from_reader(size, reader).hex()}"},
        )
    root = root_from_reader(mark.size, reader)
    if root != mark.root:
        raise RefusedError(
            f"the first {mark.size} entries of the ledger `{escape(origin)}` are not those that "
            "this user saw before",
            hint=_RECOVER,
            details=details | {"ledger": f"{mark.size}:{root.hex()}"},
        )
    if found.retired is not None:
        raise RefusedError(
            f"the ledger `{escape(origin)}` went on as `{escape(found.retired)}` after a recovery",
            hint="work in the station that was recovered; this one can only be read",
            details=details,
        )
    return mark


def advance(origin: str, size: int, root: bytes, *, recorded: bool = True) -> None:
    """Write the mark (the caller holds the ledger's lock and has checked the old one).

    Args:
        origin: the ledger's name.
        size: its committed size.
        root: its root at that size.
        recorded: False when there was no mark before and no event says so yet.
    """
    path = path_of(origin)
    state.prepare(path)
    fields: dict[str, Json] = {
        "schema": SCHEMA,
        "origin": origin,
        "size": size,
        "root": root.hex(),
    }
    if not recorded:
        fields["unrecorded"] = True
    state.save(path, fields)


def retire(origin: str, mark: Mark, successor: str) -> None:
    """Write that another ledger went on; nothing is appended to this one by this user any more.

    Args:
        origin: the ledger that was lost, or is taken for lost.
        mark: its last head held outside; an existing mark is kept.
        successor: the new ledger.
    """
    kept = read(origin) or mark
    state.prepare(path_of(origin))
    fields: dict[str, Json] = {
        "schema": SCHEMA,
        "origin": origin,
        "size": kept.size,
        "root": kept.root.hex(),
        "retired": successor,
    }
    state.save(path_of(origin), fields)


_RECOVER = (
    "a restored backup must not go on under the old name: "
    "use `evkit station recover BACKUP --head SIZE:ROOT`"
)


def _damaged(path: bytes) -> InputError:
    return InputError(
        f"the high-water mark `{escape_bytes(path)}` is damaged",
        hint="compare the ledger with a memo or a bundle (`evkit ledger compare`), "
        "then remove that file",
    )
