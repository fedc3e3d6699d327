"""What an E01 says about the case and the medium, from what the station and the source tell."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from evkit import __version__
from evkit.acquire import host, partitions
from evkit.core.errors import EvkitError
from evkit.images.e01.header import Details
from evkit.images.e01.plan import Medium, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.acquire.source import Facts, Opened
    from evkit.actions.acquire_job import Job
    from evkit.actions.longwork import Work
    from evkit.identity.signer import Signer
    from evkit.station import Station

_SYSTEM = 23  # characters that EnCase shows


def plan_for(station: Station, signer: Signer, job: Job, work: Work, split: int) -> Plan:
    """Return the plan of the image.

    Raises:
        UsageError: an E01 cannot hold the medium.
    """
    return Plan(
        medium=medium_of(job.opened, job.typed),
        details=_details(station, signer, job, work),
        guid=guid_of(work.start.event_id),
        compression=job.request.compress,
        segment_size=split,
    )


def guid_of(event_id: str) -> bytes:
    """Return the name of a segment set: version 8 of RFC 9562, made from the started event."""
    raw = bytearray(hashlib.sha256(b"evkit e01 guid " + event_id.encode()).digest()[:16])
    raw[7] = raw[7] & 0x0F | 0x80  # bytes 6 and 7 are little-endian in a GUID
    raw[8] = raw[8] & 0x3F | 0x80
    return bytes(raw)


def medium_of(opened: Opened, typed: Mapping[str, str]) -> Medium:
    """Return what the container says of the medium."""
    facts = opened.facts
    return Medium(
        size=facts.size or 0,
        sector_size=facts.sector_size,
        media_type=_media_type(facts),
        physical=_is_whole(opened),
        write_blocker=_blocker(typed),
    )


def _is_whole(opened: Opened) -> bool:
    """Say whether it is a whole disk; EnCase wants the flag off without a partition table."""
    if opened.facts.window is not None or "partition" in opened.facts.identity:
        return False
    try:
        return bool(partitions.find(opened))
    except EvkitError:
        return opened.facts.kind == "block"


def _media_type(facts: Facts) -> str:
    name = facts.identity.get("name", "")
    if name.startswith("sr"):
        return "optical"
    return "removable" if facts.identity.get("removable") == "1" else "fixed"


def _blocker(typed: Mapping[str, str]) -> str:
    words = " ".join(value for name, value in typed.items() if name.startswith("write_blocker."))
    for word in ("tableau", "fastbloc"):
        if word in words.lower():
            return word
    return "none"


def _details(station: Station, signer: Signer, job: Job, work: Work) -> Details:
    exhibit = work.ref.of_exhibit()
    known = station.state(exhibit.case).state
    thing = known.exhibit(str(exhibit))
    case = known.cases.get(exhibit.case)
    identity, label = job.opened.facts.identity, job.typed
    fir = case.fields.get("fir_no") if case is not None else None
    person = signer.certificate
    name = f"{person.rank} {person.common_name}" if person.rank else person.common_name
    return Details(
        case_number=f"{exhibit.case}" + (f", FIR {fir}" if fir else ""),
        evidence_number=str(work.ref),
        description=str(thing.fields.get("what", "")) if thing is not None else "",
        examiner=name,
        notes=str(job.plan.values.get("scope") or ""),
        model=identity.get("model") or label.get("label.model", ""),
        serial=identity.get("serial") or label.get("label.serial", ""),
        acquired=work.started.posix,
        utc_offset=work.started.offset_minutes,
        tool_version=f"evkit {__version__}",
        system=host.fields()["system"].rpartition(" ")[0][:_SYSTEM],  # without the machine
    )
