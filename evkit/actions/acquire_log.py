"""Filling the acquisition log of one acquisition with what was found and what was stated."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from evkit.acquire import gaps, host, imaging, log, partitions, sysfs
from evkit.acquire.found import items as found_items
from evkit.acquire.imaging import E01
from evkit.acquire.output.branch import write_small
from evkit.acquire.output.rawout import IMAGE
from evkit.actions import decided
from evkit.actions.copy_record import COMPLETE
from evkit.core import clock, durable
from evkit.core.errors import EvkitError, InputError
from evkit.core.limits import read_file
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.acquire.imaging import Artifact, Imaging, Order
    from evkit.acquire.output.branch import Branch
    from evkit.acquire.preflight import Report
    from evkit.acquire.source import Facts, Opened
    from evkit.actions.acquire_job import Attempt
    from evkit.actions.longwork import Work
    from evkit.core.ejson import Json
    from evkit.custody.decision import Decision
    from evkit.identity.signer import Signer

_HEAD = 8192
_IDENTITY = ("make", "model", "serial", "firmware", "interface")


def write_log(
    attempt: Attempt,
    signer: Signer,
    deviations: Sequence[Sequence[str | None]],
    decisions: Sequence[Decision] = (),
) -> tuple[Artifact, dict[str, Json]]:
    """Write the log into the acquisition folder; return its artifact and the event's summary.

    Raises:
        StorageError: the destination is full or fails.
    """
    work, job, made = attempt.work, attempt.job, attempt.made
    found = {
        **who_and_where(work, signer, job.request.command),
        **_source(job.opened, made, attempt.order.branches[0]),
        **found_items(job.report),
        **_destination(attempt.order, job.report, made),
        **_reading(made),
        "decision": decided.for_log(decisions, made.result),
        "deviations": [
            {"code": code, "text": text, "reason": reason or "not stated"}
            for code, text, reason in deviations
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


def put_beside(attempt: Attempt, log_of: Artifact, rows: Sequence[dict[str, Any]]) -> list[str]:
    """Put the log beside every complete copy outside the station; return what went wrong.

    A copy that cannot take it stays complete; its description says why it has none.

    Args:
        attempt: what was done; its log is in the folder in the station.
        log_of: the log.
        rows: what the event says of each copy, empty when all are in the station.
    """
    home, found = attempt.work.folder, []
    places = zip(attempt.order.branches, attempt.made.copies, rows, strict=True) if rows else ()
    for branch, copy, row in places:
        if branch.folder == home or copy["state"] != COMPLETE:
            continue
        name = os.fsencode(log_of.name)
        try:
            write_small(branch.folder, name, read_file(os.path.join(home, name), log.MAX_BYTES))
        except EvkitError as error:
            text = f"the log could not be put beside the {branch.copy} copy: {error.message}"[:500]
            copy["error"] = row["error"] = text
            found.append(text)
    return found


def who_and_where(work: Work, signer: Signer, command: str) -> dict[str, Json]:
    """Return the items about the officer, the time, the computer and the program."""
    end = clock.now()
    facts = host.fields()
    certificate = signer.certificate
    return {
        "operator": {
            "officer": certificate.officer,
            "name": certificate.common_name,
            "rank": certificate.rank or "",
            "roles": list(certificate.roles),
        },
        "start": {"utc": work.started.text(), "offset": work.started.offset},
        "end": {"utc": end.text(), "offset": end.offset},
        "host": facts["host"],
        "system": facts["system"],
        "tool": f"{facts['tool']}, Python {facts['python']}",
        "tool_build": facts["tool_build"],
        "command": command or None,
    }


def _source(opened: Opened, made: Imaging, master: Branch) -> dict[str, Json]:
    facts = opened.facts
    size = made.outcome.size if facts.size is None and made.outcome else facts.size
    block = facts.kind == "block"
    return {
        "source.path": escape_bytes(facts.path),
        "source.kind": facts.kind,
        **{f"source.{name}": facts.identity.get(name) for name in _IDENTITY},
        "source.size": size,
        "source.sectors": size // facts.sector_size if block and size is not None else None,
        "source.sector_size": _sectors(facts) if block else None,
        "source.read_only": facts.read_only,
        "source.partition_table": partition_table(_head(opened, master)),
    }


def _sectors(facts: Facts) -> dict[str, Json]:
    found: dict[str, Json] = {"logical": facts.sector_size}
    if facts.physical_sector_size is not None:
        found["physical"] = facts.physical_sector_size
    return found


def _head(opened: Opened, master: Branch) -> bytes:
    """Return the first bytes of the medium, none where they cannot be read."""
    facts = opened.facts
    try:
        if facts.kind == "stream":
            with open(master.path(IMAGE), "rb") as handle:
                return handle.read(_HEAD)
        return partitions.read_at(opened, 0, _HEAD)
    except (OSError, InputError):
        return b""


def _destination(order: Order, report: Report, made: Imaging) -> dict[str, Json]:
    folder = order.branches[0].folder
    devices = sorted(sysfs.devices_of(folder))
    named = [sysfs.identity(device).get("name", device) for device in devices]
    return {
        "destination.path": escape_bytes(folder),
        "destination.file_system": report.file_system,
        "destination.device": ", ".join(named) or None,
        "format": made.format,
        "compression": order.plan.compression if order.plan and made.format == E01 else "none",
        "segments": [{"name": file.name, "size": file.size} for file in made.files] or None,
    }


def _reading(made: Imaging) -> dict[str, Any]:
    outcome = made.outcome
    return {
        "bytes_read": made.bytes_read,
        "read_errors": {**gaps.fields(made.gaps), "retries": made.retries},
        "digests": dict(outcome.digests) if outcome else None,
        "pieces": outcome.pieces.fields() if outcome else None,
        "verification": made.verification or None,
        "result": made.result,
    }


def partition_table(head: bytes) -> str | None:
    """Name the partition table in the first sectors of a medium; None when there are no bytes."""
    if not head:
        return None
    for sector in (512, 4096):
        if head[sector : sector + 8] == b"EFI PART":
            return f"GPT, sectors of {sector} bytes"
    if head[512:514] == b"PM" or head[:2] == b"ER":
        return "Apple partition map"
    if head[510:512] == b"\x55\xaa":
        entries = [head[446 + 16 * n : 462 + 16 * n] for n in range(4)]
        if all(entry[0] in {0, 0x80} for entry in entries) and any(e[4] for e in entries):
            return "MBR"
        return "none seen; a boot sector"
    return "none seen"
