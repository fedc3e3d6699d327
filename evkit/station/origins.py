"""The register of ledger names that an agency root has certified: one line each, only appended to.

It lies beside the root's key, so that the root never certifies two log keys for one name. See
`docs/spec/station.md`.
"""

from __future__ import annotations

import os

from evkit.core import clock, durable
from evkit.core.errors import RefusedError
from evkit.core.limits import read_stream
from evkit.core.text import escape, escape_bytes
from evkit.station import lock

NAME = b"origins.txt"
MAX_BYTES = 4 << 20


def issue(folder: bytes, origin: str, log_key: str) -> None:
    """Enter a name before a statement for it is signed.

    Args:
        folder: where the root's key lies.
        origin: the name of the ledger.
        log_key: the vkey that the statement will certify.

    Raises:
        RefusedError: a statement for that name was issued before.
        StorageError: the register cannot be written.
    """
    path = os.path.join(folder, NAME)
    with durable.storage_errors(path):
        durable.step("create", path)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    with os.fdopen(descriptor, "rb", buffering=0) as handle:
        lock.wait(descriptor)
        known = read_stream(handle, MAX_BYTES, "origins.txt")
        if origin.lower() in _names(known):
            raise RefusedError(
                f"this agency root has certified a ledger `{escape(origin)}` before",
                hint="choose another origin: two histories under one name cannot be told apart",
                details={"register": escape_bytes(path)},
            )
        start = "" if known.endswith(b"\n") or not known else "\n"  # after a stop while writing
        line = f"{start}{clock.now().text()} {origin} {log_key}\n"
        _append(descriptor, path, line.encode("ascii"))


def _names(data: bytes) -> set[str]:
    rows = (line.split(b" ") for line in data.lower().splitlines())
    return {row[1].decode("utf-8", "replace") for row in rows if len(row) > 1}


def _append(descriptor: int, path: bytes, line: bytes) -> None:
    with durable.storage_errors(path):
        durable.step("write", path)
        while line:
            line = line[os.write(descriptor, line) :]
        durable.step("fsync", path)
        os.fsync(descriptor)
        durable.fsync_dir(os.path.dirname(path))
