"""What a converted E01 says of case and medium: what its source says, carried over."""

from __future__ import annotations

import dataclasses
import re
import secrets
from typing import TYPE_CHECKING, Any, Final

from evkit import __version__
from evkit.acquire import partitions
from evkit.core import clock
from evkit.core.errors import EvkitError
from evkit.images.e01.header import Details
from evkit.images.e01.plan import MEDIA, SECTOR_SIZES, Medium, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.acquire.converting import Origin
    from evkit.images.model import Image

CONTAINERS: Final = frozenset({"ewf", "ewf2"})  # those that hold case details
_NAMES: Final = {
    "case_number": "case_number", "evidence_number": "evidence_number",
    "description": "description", "examiner_name": "examiner", "notes": "notes",
    "model": "model", "serial_number": "serial",
    "acquisition_software_version": "tool_version",
    "acquisition_operating_system": "system",
}  # fmt: skip
_UTC: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_LOCAL: Final = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) \(no time zone\)", re.ASCII)


def plan_for(
    origin: Origin, details: Details, compression: str, split: int, guid: bytes | None = None
) -> Plan:
    """Return the plan of the new E01.

    Args:
        origin: what is converted.
        details: what it says of the case.
        compression: `none`, `fast` or `best`.
        split: most bytes of a segment.
        guid: names the set of segments; random when None.

    Raises:
        UsageError: an E01 cannot hold the medium.
    """
    return Plan(
        medium=_medium(origin),
        details=details,
        guid=guid or _random_guid(),
        compression=compression,
        segment_size=split,
    )


def details_of(image: Image, name: str) -> tuple[Details, list[str]]:
    """Return the case details that an image holds, and remarks on them.

    Args:
        image: the source.
        name: of the source, said where it holds no details.
    """
    now = clock.now()
    found = {key.replace("acquiry", "acquisition"): text for key, text in image.metadata.items()}
    if image.format not in CONTAINERS:
        tool = f"evkit {__version__}"
        notes = f"converted from {name}; the time of its acquisition is not known"
        return Details(notes=notes, acquired=now.posix, tool_version=tool), []
    values: dict[str, Any] = {f: found[key] for key, f in _NAMES.items() if key in found}
    acquired, remark = _acquired(found)
    details = Details(acquired=now.posix if acquired is None else acquired, **values)
    return dataclasses.replace(details, system_time=now.posix), [remark] if remark else []


def _acquired(found: Mapping[str, str]) -> tuple[int | None, str]:
    """Return the POSIX seconds of the acquisition, and what to know of them."""
    text = found.get("acquisition_date", "")
    local = _LOCAL.fullmatch(text)
    try:
        if _UTC.fullmatch(text):
            return int(clock.parse(text).timestamp()), ""
        if local is not None:
            moment = clock.parse(f"{local[1]}T{local[2]}Z")
            return int(moment.timestamp()), (
                "the source states the time of its acquisition without a zone; it was taken as UTC"
            )
    except EvkitError:
        pass
    return None, (
        "the source states no time of its acquisition that evkit can carry over; the new image "
        "states that of the conversion"
    )


def _medium(origin: Origin) -> Medium:
    image = origin.image
    said = image.metadata if image.format in CONTAINERS else {}
    flags = said.get("media_flags", "")
    sector = image.sector_size if image.sector_size in SECTOR_SIZES else None
    return Medium(
        size=origin.size,
        sector_size=sector or 512,
        media_type=said["media_type"] if said.get("media_type") in MEDIA else "fixed",
        physical=origin.window is None and ("physical" in flags if flags else _has_table(image)),
        write_blocker="tableau" if "Tableau" in flags else "fastbloc" if "Fastbloc" in flags
        else "none",
    )  # fmt: skip


def _has_table(image: Image) -> bool:
    try:
        return bool(partitions.find_in(partitions.OfImage(image)))
    except EvkitError:
        return False


def _random_guid() -> bytes:
    """Return 16 bytes that name a set of segments: version 4 of RFC 9562."""
    raw = bytearray(secrets.token_bytes(16))
    raw[7] = raw[7] & 0x0F | 0x40  # bytes 6 and 7 are little-endian in a GUID
    raw[8] = raw[8] & 0x3F | 0x80
    return bytes(raw)
