"""Three identities kept apart: the bridge that the system sees, the drive behind it, the label.

The bridge is what names itself on the bus; the drive what answers smartctl past it; the label what
a person reads off the thing. They may differ for good reasons, and are never mixed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evkit.acquire import bridge, probing, sysfs
from evkit.acquire.checks import CHECKED, FAILED, UNKNOWN, Check
from evkit.acquire.probing import Answers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.acquire.source import Facts
    from evkit.core.ejson import Json

DIFFERS = "label-differs"
HIDDEN = "hidden-areas"
LABEL = "label"
NOT_KNOWN = "not known"  # what a person answers who does not know
_NATIVE = frozenset(("ata", "nvme", "mmc", "scsi"))  # what the system sees there is the drive
_SHORTEST = 4  # characters of a serial number that are worth comparing
_SECTOR = 512
_PARTS = {"protected": "HPA", "configured": "DCO"}


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What is known of a device from each side.

    Attributes:
        bridge: as it names itself on USB, empty when there is none.
        drive: as it answers itself, empty when it was not asked or did not answer.
        label: `make`, `model`, `serial` as typed; a value may be `not known`.
        answers: of the drive, with the reasons for what it did not answer.
    """

    bridge: Mapping[str, str] = field(default_factory=dict)
    drive: Mapping[str, str] = field(default_factory=dict)
    label: Mapping[str, str] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)

    def fields(self) -> dict[str, Json]:
        """Return the JSON form; absent what is not known."""
        found: dict[str, Json] = {}
        for name in ("bridge", "drive", "label"):
            values = dict(getattr(self, name))
            if values:
                found[name] = values
        if self.answers.drive is not None:
            found["asked_with"] = self.answers.drive.tool
        return found


def of(facts: Facts, label: Mapping[str, str] | None = None, *, ask: bool = True) -> Identity:
    """Return the identity of an opened block device.

    Args:
        facts: of the device or of a partition of it.
        label: as typed.
        ask: run the programs that ask the drive.
    """
    device = facts.device or ""
    bus = facts.identity.get("interface", "unknown")
    answers = Answers(refused={"drive": "it was not asked"})
    if ask and device:
        answers = probing.ask(disk_path(facts), bus)
    return of_answers(device, bus, facts.identity, answers, label)


def of_answers(
    device: str,
    bus: str,
    reported: Mapping[str, str],
    answers: Answers,
    label: Mapping[str, str] | None = None,
) -> Identity:
    """Put the identity together from what the system reports and what the drive answered."""
    told = dict(answers.drive.identity) if answers.drive is not None else {}
    if not told and bus in _NATIVE:
        names = ("make", "model", "serial", "firmware", "wwid")
        told = {name: reported[name] for name in names if name in reported}
    return Identity(
        bridge=bridge.of_device(device), drive=told, label=dict(label or {}), answers=answers
    )


def disk_path(facts: Facts) -> bytes:
    """Return the node of the whole disk that a source lies on."""
    disk = facts.identity.get("disk") or facts.identity.get("name")
    if disk is None:
        return os.path.realpath(facts.path)
    return os.path.join(b"/dev", os.fsencode(disk.replace("!", "/")))


def label_check(identity: Identity, reported: str | None) -> Check:
    """Compare the serial number on the label with that of the drive.

    Args:
        identity: all three.
        reported: the serial number as the system reports it, which may be the bridge's.
    """
    typed, own = identity.label.get("serial", ""), identity.drive.get("serial", "")
    if len(key(typed)) < _SHORTEST or typed == NOT_KNOWN:
        text = "the serial number on the label was not given, so that nothing was compared"
        return Check(name=LABEL, state=UNKNOWN, text=text)
    if own:
        if same_serial(typed, own):
            text = f"the label names the serial number of the drive, `{own}`"
            return Check(name=LABEL, state=CHECKED, text=text)
        text = f"the label says serial `{typed}`, the drive says `{own}`"
        if same_serial(typed, identity.bridge.get("serial", "")):
            text += "; the label's is that of the bridge"
        return Check(
            name=LABEL,
            state=FAILED,
            code=DIFFERS,
            text=text,
            hint="look whether the right device is attached, and whose label was read",
        )
    if reported and same_serial(typed, reported):
        text = f"the label names the serial number that the system sees, `{reported}`; "
        return Check(name=LABEL, state=CHECKED, text=text + "the drive itself was not asked")
    seen = f"the system sees `{reported}`, which may be that of a bridge" if reported else (
        "the system sees none")  # fmt: skip
    text = f"the label says serial `{typed}`; the drive did not tell its own, and {seen}"
    return Check(name=LABEL, state=UNKNOWN, text=text)


def same_serial(one: str, other: str) -> bool:
    """Say whether two serial numbers are the same, apart from signs, case and a prefix."""
    short, long = sorted((key(one), key(other)), key=len)
    return len(short) >= _SHORTEST and (short == long or long.endswith(short))


def key(text: str) -> str:
    """Return the letters and digits of a serial number, in capitals."""
    return "".join(c for c in text.upper() if c.isalnum())


def hidden_check(identity: Identity, size: int | None) -> Check:
    """Say whether the drive has areas that the system cannot read: HPA, DCO, other namespaces.

    Args:
        identity: with the answers of the drive.
        size: bytes that the system sees of the whole disk.
    """
    answers = identity.answers
    found = _hidden(answers, size)
    if found:
        text = "hidden area present, not acquired: " + "; ".join(found)
        return Check(name=HIDDEN, state=FAILED, code="hidden-area", text=text, answer="yes")
    if _all_in_one(answers, size):
        text = "the namespace takes all of the drive; no capacity is unallocated"
        return Check(name=HIDDEN, state=CHECKED, text=text, answer="no")
    missing = [name for name in _PARTS if getattr(answers, name) is None]
    if not missing:
        return Check(name=HIDDEN, state=CHECKED, text="neither HPA nor DCO", answer="no")
    known = [f"no {_PARTS[name]}" for name in _PARTS if name not in missing]
    words = [f"{_PARTS[name]}: {answers.refused.get(name, 'it was not asked')}" for name in missing]
    text = "; ".join([*known, *words])
    hint = "as root: `hdparm -N DEVICE` and `hdparm --dco-identify DEVICE`; "
    hint += "state what they say with `--set source.hidden_areas=…`"
    return Check(name=HIDDEN, state=UNKNOWN, text=text, answer="unknown", hint=hint)


def _all_in_one(answers: Answers, size: int | None) -> bool:
    """Say whether an NVMe drive holds nothing but the namespace that is read."""
    drive = answers.drive
    if drive is None or drive.unallocated != 0:
        return False
    return drive.namespaces == 1 or (size is not None and drive.total == size)


def _hidden(answers: Answers, size: int | None) -> list[str]:
    found = []
    area, real, drive = answers.protected, answers.configured, answers.drive
    if area is not None and area.hidden:
        found.append(f"HPA of {area.hidden:,} sectors ({area.accessible:,} of {area.native:,})")
    native = area.native if area is not None else (size or 0) // _SECTOR
    if real is not None and native and real > native:
        found.append(f"DCO of {real - native:,} sectors ({native:,} of {real:,})")
    if drive is not None and drive.unallocated:
        found.append(f"{drive.unallocated:,} bytes of the drive belong to no namespace")
    if drive is not None and drive.size and size and drive.size > size:
        found.append(f"the drive offers {drive.size:,} bytes, the system sees {size:,} of them")
    return found


def disk_size(device: str) -> int | None:
    """Return the bytes of the whole disk that a device (`major:minor`) is or is a part of."""
    folder = sysfs.place_of(device)
    if folder is None:
        return None
    if os.path.isfile(os.path.join(folder, b"partition")):
        folder = os.path.dirname(folder)
    text = sysfs.read_text(os.path.join(folder, b"size"))
    return int(text) * _SECTOR if text.isascii() and text.isdigit() and len(text) < 20 else None  # noqa: PLR2004 - 64 bits
