"""The work journal: the file that tells, after a stop of any kind, what was begun.

It is written before the first read, rewritten when the state changes, and removed when the ended
event is recorded. `docs/spec/journal.md`.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from evkit.core import durable, ejson
from evkit.core.errors import InputError
from evkit.core.limits import read_file
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = b"journal.json"
DAMAGED = b"journal.damaged.json"  # kept after the work was closed
SCHEMA = "evkit/journal/1"
RUNNING, UNSIGNED = "running", "unsigned"
STATES = (RUNNING, UNSIGNED)
MAX_BYTES = 4 << 20
_REQUIRED = {"schema", "what", "ref", "started", "pid", "state"}
_OPTIONAL = {"start_event", "draft", "work"}


@dataclass(frozen=True, kw_only=True)
class Journal:
    """One work journal.

    Attributes:
        what: `acquire` or `intake`.
        ref: the acquisition.
        started: RFC 3339 UTC.
        pid: process that does the work.
        state: `running`, or `unsigned` when only the signature under the end is missing.
        start_event: event id of the start once it is recorded.
        draft: the end as it is to be signed, when `unsigned`.
        work: what it takes to go on with the work; empty when it cannot go on.
    """

    what: str
    ref: str
    started: str
    pid: int
    state: str = RUNNING
    start_event: str | None = None
    draft: Mapping[str, Any] = field(default_factory=dict)
    work: Mapping[str, Any] = field(default_factory=dict)


def write(folder: bytes, journal: Journal) -> None:
    """Write or rewrite the journal of an acquisition folder."""
    durable.replace(os.path.join(folder, NAME), encode(journal), mode=0o600)


def begin(folder: bytes, journal: Journal) -> None:
    """Write the journal of a new acquisition folder; RefusedError when there is one."""
    durable.write_new(os.path.join(folder, NAME), encode(journal), mode=0o600)


def advance(folder: bytes, journal: Journal, **changes: Any) -> Journal:  # noqa: ANN401
    """Change fields of a journal, write it, and return it."""
    changed = replace(journal, **changes)
    write(folder, changed)
    return changed


def remove(folder: bytes) -> None:
    """Remove the journal: the work is recorded."""
    path = os.path.join(folder, NAME)
    with durable.storage_errors(path):
        durable.step("unlink", path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        durable.fsync_dir(folder)


def put_aside(folder: bytes) -> None:
    """Give a journal that cannot be read another name: its work is recorded as failed.

    Raises:
        StorageError: the destination fails.
    """
    path, aside = os.path.join(folder, NAME), os.path.join(folder, DAMAGED)
    with durable.storage_errors(aside):
        if os.path.lexists(aside) and os.path.samefile(path, aside):
            durable.step("unlink", path)  # stopped between the two halves of a renaming
            os.unlink(path)
            durable.fsync_dir(folder)
        else:
            durable.rename_new(path, aside)


def encode(journal: Journal) -> bytes:
    """Return the bytes of a journal."""
    value: dict[str, Any] = {
        "schema": SCHEMA,
        "what": journal.what,
        "ref": journal.ref,
        "started": journal.started,
        "pid": journal.pid,
        "state": journal.state,
    }
    if journal.start_event is not None:
        value["start_event"] = journal.start_event
    if journal.draft:
        value["draft"] = dict(journal.draft)
    if journal.work:
        value["work"] = dict(journal.work)
    return ejson.dumps(value)


def read(folder: bytes) -> Journal | None:
    """Return the journal of an acquisition folder, or None when there is none.

    Raises:
        InputError: it is damaged.
    """
    path = os.path.join(folder, NAME)
    if not os.path.lexists(path):
        return None
    try:
        return decode(_regular(path))
    except InputError as error:
        if not os.path.lexists(path):
            return None  # its work was recorded a moment ago
        raise InputError(f"`{escape_bytes(path)}` is damaged: {error.message}") from error


def _regular(path: bytes) -> bytes:
    """Return the content of a regular file; nothing is waited for.

    Raises:
        InputError: it is something else, cannot be read or is too long.
    """
    if not os.path.isfile(path):
        raise InputError("it is no regular file")
    return read_file(path, MAX_BYTES)


def decode(data: bytes) -> Journal:
    """Read a journal strictly.

    Raises:
        InputError: anything that `encode` would not write.
    """
    value = ejson.as_object(ejson.loads(data, max_bytes=MAX_BYTES), "the journal")
    if not _REQUIRED <= set(value) <= _REQUIRED | _OPTIONAL or value["schema"] != SCHEMA:
        raise InputError(f"not a journal of the form `{SCHEMA}`")
    texts = [value[name] for name in ("what", "ref", "started", "state")]
    texts.append(value.get("start_event", ""))
    if not all(isinstance(text, str) for text in texts) or value["state"] not in STATES:
        raise InputError("a field of the journal is malformed")
    pid = value["pid"]
    if isinstance(pid, bool) or not isinstance(pid, int) or pid < 1:
        raise InputError("the process number of the journal is malformed")
    draft = value.get("draft", {})
    if not isinstance(draft, dict) or bool(draft) != (value["state"] == UNSIGNED):
        raise InputError("the journal and its draft do not belong together")
    work = value.get("work", {})
    if not isinstance(work, dict) or ("work" in value and not work):
        raise InputError("the checkpoint in the journal is malformed")
    return Journal(
        what=value["what"],
        ref=value["ref"],
        started=value["started"],
        pid=pid,
        state=value["state"],
        start_event=value.get("start_event"),
        draft=draft,
        work=work,
    )
