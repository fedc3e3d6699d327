"""What a drive says of itself past its bridge: readers of the answers of smartctl and hdparm.

Pure functions over what the programs print. Everything is text from a device that may lie: values
are cleaned and cut, numbers bounded, and what has another shape is left out, never guessed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.acquire import sysfs
from evkit.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 4 << 20
MAX_SECTORS = 1 << 48  # what a 48-bit address reaches
_OPEN_FAILED = 0b11  # bits of smartctl's exit status: wrong arguments, device not opened
_HPA = re.compile(
    r"max sectors\s*=\s*([0-9]{1,20})/([0-9]{1,20}),\s*"
    r"(?:HPA is (enabled|disabled)|ACCESSIBLE MAX ADDRESS (enabled|disabled))",
    re.ASCII,
)
_DCO = re.compile(r"Real max sectors:\s*([0-9]{1,20})", re.ASCII)
_VALUES = {
    "make": ("vendor", "scsi_vendor"),
    "family": ("model_family",),
    "model": ("model_name", "scsi_model_name", "product"),
    "serial": ("serial_number",),
    "firmware": ("firmware_version", "revision", "scsi_revision"),
}


@dataclass(frozen=True, kw_only=True)
class Drive:
    """A drive as smartctl reads it.

    Attributes:
        identity: make, family, model, serial, firmware, wwn, protocol; absent what is not told.
        size: bytes that the drive offers, or None.
        total, unallocated: bytes of an NVMe drive, and those that belong to no namespace, or None.
        namespaces: how many namespaces an NVMe drive can have, or None.
        health: `passed`, `failed` or None.
        hours: hours of operation, or None.
        tool: name and version of the program.
    """

    identity: Mapping[str, str] = field(default_factory=dict)
    size: int | None = None
    total: int | None = None
    unallocated: int | None = None
    namespaces: int | None = None
    health: str | None = None
    hours: int | None = None
    tool: str = "smartctl"


@dataclass(frozen=True, kw_only=True)
class Protected:
    """The host protected area: sectors accessible now, and those that the drive has."""

    accessible: int
    native: int

    @property
    def hidden(self) -> int:
        """Sectors that are not accessible."""
        return self.native - self.accessible


def smartctl(raw: bytes) -> Drive:
    """Read the JSON that `smartctl -j` prints.

    Raises:
        InputError: it is not that, or says that the device was not opened.
    """
    if len(raw) > MAX_BYTES:
        raise InputError(f"the answer of smartctl is over the limit of {MAX_BYTES} bytes")
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InputError("the answer of smartctl is not JSON") from error
    if not isinstance(document, dict) or not isinstance(document.get("smartctl"), dict):
        raise InputError("the answer is not that of smartctl")
    about: dict[str, Any] = document["smartctl"]
    status = about.get("exit_status")
    if not isinstance(status, int) or status & _OPEN_FAILED:
        raise InputError(f"smartctl could not ask the drive{_why(about)}")
    return Drive(
        identity=_identity(document),
        size=_count(_part(document, "user_capacity").get("bytes")),
        total=_count(document.get("nvme_total_capacity")),
        unallocated=_count(document.get("nvme_unallocated_capacity")),
        namespaces=_count(document.get("nvme_number_of_namespaces")),
        health=_health(_part(document, "smart_status").get("passed")),
        hours=_count(_part(document, "power_on_time").get("hours")),
        tool=_tool(about),
    )


def protected_area(text: str) -> Protected:
    """Read what `hdparm -N` prints.

    Raises:
        InputError: it does not say how many sectors there are.
    """
    match = _HPA.search(text[:MAX_BYTES])
    if match is None:
        raise InputError(_refusal(text, "the drive does not tell its protected area"))
    accessible, native = int(match[1]), int(match[2])
    enabled = (match[3] or match[4]) == "enabled"
    if not 0 < accessible <= native <= MAX_SECTORS or enabled is (accessible == native):
        raise InputError(f"the answer about the protected area contradicts itself: `{match[0]}`")
    return Protected(accessible=accessible, native=native)


def configured(text: str) -> int:
    """Read what `hdparm --dco-identify` prints; return the real number of sectors.

    Raises:
        InputError: it does not say so.
    """
    match = _DCO.search(text[:MAX_BYTES])
    if match is None or not 0 < int(match[1]) <= MAX_SECTORS:
        raise InputError(_refusal(text, "the drive does not tell its configuration overlay"))
    return int(match[1])


def _refusal(text: str, otherwise: str) -> str:
    """Return the line in which hdparm says why, or another text."""
    for line in text[:MAX_BYTES].splitlines():
        if any(
            word in line for word in ("failed", "missing", "not supported", "invalid", "denied")
        ):
            return f"{otherwise}: {sysfs.clean(line.encode('utf-8', 'replace'))}"
    return otherwise


def _identity(document: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, keys in _VALUES.items():
        for key in keys:
            value = document.get(key)
            text = _text(value) if isinstance(value, str) else ""
            if text:
                found[name] = text
                break
    wwn = _part(document, "wwn")
    parts = [wwn.get(name) for name in ("naa", "oui", "id")]
    if all(isinstance(part, int) and part >= 0 for part in parts):
        naa, oui, number = (int(part) for part in parts if isinstance(part, int))
        found["wwn"] = f"{naa:x}{oui:06x}{number:09x}"[:64]
    protocol = _part(document, "device").get("protocol")
    if isinstance(protocol, str) and _text(protocol):
        found["protocol"] = _text(protocol)
    return found


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _text(value: str) -> str:
    return sysfs.clean(value.encode("utf-8", "replace"))


def _count(value: object) -> int | None:
    """Return a number of bytes, sectors or hours; large ones may stand as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:  # noqa: PLR2004 - 64 bits
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63:
        return value
    return None


def _health(value: object) -> str | None:
    return {True: "passed", False: "failed"}.get(value) if isinstance(value, bool) else None


def _tool(about: Mapping[str, Any]) -> str:
    version = about.get("version")
    if isinstance(version, list) and version and all(isinstance(part, int) for part in version):
        return "smartctl " + ".".join(str(part) for part in version[:3])[:32]
    return "smartctl"


def _why(about: Mapping[str, Any]) -> str:
    messages = about.get("messages")
    for message in messages if isinstance(messages, list) else ():
        text = message.get("string") if isinstance(message, dict) else None
        if isinstance(text, str) and _text(text):
            return f": {_text(text)}"
    return ""
