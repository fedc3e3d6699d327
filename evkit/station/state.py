"""The user's state folder, outside every station: high-water marks and officers' pins."""

from __future__ import annotations

import hashlib
import os
import sys

from evkit.core import durable, ejson
from evkit.core.errors import InputError
from evkit.core.limits import read_file
from evkit.core.text import escape_bytes

MAX_BYTES = 64 * 1024


def folder() -> bytes:
    """Return `$XDG_STATE_HOME/evkit`, else `~/.local/state/evkit` (Windows: in LOCALAPPDATA).

    A relative path in a variable is ignored: marks must not depend on the working folder.
    """
    base = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base) and sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(os.fsencode(base), b"evkit")


def file_for(kind: str, *keys: str) -> bytes:
    """Return the path of the state file of `kind` for the given keys.

    The name is a digest, so that an origin can hold any character.
    """
    digest = hashlib.sha256("\n".join(keys).encode("utf-8")).hexdigest()[:32]
    return os.path.join(folder(), kind.encode("ascii"), digest.encode("ascii") + b".json")


def load(path: bytes, schema: str) -> dict[str, object] | None:
    """Return the fields of a state file, or None when there is none.

    Raises:
        InputError: it is damaged.
    """
    if not os.path.lexists(path):
        return None
    value = ejson.loads(read_file(path, MAX_BYTES))
    if not isinstance(value, dict) or value.get("schema") != schema:
        raise InputError(f"`{escape_bytes(path)}` is damaged: it is not `{schema}`")
    return value


def prepare(path: bytes) -> None:
    """Make the folder of a state file, durable; StorageError when that is not possible."""
    folder_ = os.path.dirname(path)
    durable.make_dir(folder_, 0o700)
    if not os.path.lexists(path):  # the folder may be from a process that was stopped making it
        with durable.storage_errors(folder_):
            durable.fsync_dir(os.path.dirname(folder_))


def save(path: bytes, value: dict[str, ejson.Json]) -> None:
    """Replace a state file durably."""
    durable.replace(path, ejson.dumps(value), mode=0o600)
