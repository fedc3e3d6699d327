"""The acquisition log of a targeted acquisition."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from evkit.acquire import imaging, log, sysfs
from evkit.actions import decided
from evkit.actions.acquire_log import who_and_where
from evkit.actions.targeted_job import FORMAT
from evkit.core import durable
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.acquire.imaging import Artifact
    from evkit.actions.intake_job import Taken
    from evkit.actions.longwork import Work
    from evkit.actions.targeted_job import Job
    from evkit.core.ejson import Json
    from evkit.custody.decision import Decision
    from evkit.identity.signer import Signer

_IDENTITY = ("make", "model", "serial", "firmware", "interface")


def write(
    what: tuple[Work, Signer, Job],
    taken: Taken,
    decisions: Sequence[Decision],
    deviations: Sequence[tuple[str, str, str]],
) -> tuple[Artifact, dict[str, Json]]:
    """Write the log into the acquisition folder; return its artifact and the event's summary.

    Raises:
        StorageError: the destination is full or fails.
    """
    work, signer, job = what
    folder, report = job.folder, job.report
    unread = taken.other.get("unreadable", 0)
    found: dict[str, Any] = {
        **who_and_where(work, signer, job.wish.command),
        "source.path": escape_bytes(folder.path),
        "source.kind": "folder",
        **{f"source.{name}": folder.identity.get(name) for name in _IDENTITY},
        "source.read_only": folder.read_only,
        "source.mounted": _mounted(job),
        "destination.path": escape_bytes(work.folder),
        "destination.file_system": report.file_system,
        "destination.device": ", ".join(sorted(sysfs.devices_of(work.folder))) or None,
        "format": FORMAT,
        "compression": "none",
        "bytes_read": taken.bytes,
        "read_errors": {"files": unread},
        "result": taken.result,
        "decision": decided.for_log(decisions, taken.result),
        "deviations": [
            {"code": code, "text": text, "reason": reason} for code, text, reason in deviations
        ],
    }
    typed = {**job.typed}
    for name in ("type", "scope", "reason"):
        value = job.plan.values.get(name)
        if isinstance(value, str):
            typed[name] = value
    document = log.build(str(work.ref), found, typed)
    data = log.encode(document)
    file = log.NAME.encode()
    durable.write_new(os.path.join(work.folder, file), data, mode=0o444)
    return imaging.artifact(file, "log", data), log.summary(document)


def _mounted(job: Job) -> str | None:
    checks = [job.report.named(name) for name in ("write-block", "running-system")]
    return "; ".join(check.text for check in checks if check is not None) or None
