"""The acquisition log: every item of a fixed list, each with how much is known about it.

`recorded` has a value; `could-not-check` was looked for without success; `not-known` was asked of a
person who does not know; `not-asked` is what only a person knows and nobody was asked.
`docs/spec/acquisition-log.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.core import ejson
from evkit.core.errors import InputError, UsageError
from evkit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.core.ejson import Json

SCHEMA = "evkit/acquisition-log/1"
NAME = "acquisition-log.json"
RECORDED, UNKNOWN, NOT_ASKED = "recorded", "could-not-check", "not-asked"
NOT_KNOWN = "not-known"
STATES = (RECORDED, UNKNOWN, NOT_KNOWN, NOT_ASKED)
ANSWER_NOT_KNOWN = "not known"  # the answer of a person who does not know
MAX_BYTES = 4 << 20
MAX_TEXT = 4096

# what evkit finds out by itself
FOUND: dict[str, str] = {
    "operator": "officer, name, rank and role of the person who signed",
    "start": "begin, UTC with the offset of the place",
    "end": "end, UTC with the offset of the place",
    "host": "name of the computer",
    "system": "operating system and its version",
    "tool": "program and version",
    "tool_build": "digest over the installed program",
    "command": "command line as typed",
    "source.path": "source as named",
    "source.kind": "regular file, block device, stream or folder",
    "source.make": "make of the source",
    "source.model": "model of the source",
    "source.serial": "serial number of the source",
    "source.firmware": "firmware of the source",
    "source.interface": "how it was connected",
    "source.size": "length in bytes",
    "source.sectors": "number of logical sectors",
    "source.sector_size": "logical and physical sector size",
    "source.read_only": "read-only flag of the system",
    "source.mounted": "whether it was mounted",
    "source.mounted_since_attach": "whether it was mounted since it was attached: yes, no, unknown",
    "source.written_since_attach": "writes that the system counts since it was attached",
    "source.guard": "whether the device guard was active when it was attached",
    "source.read_alone": "whether another process acquired it at the same time",
    "source.bridge": "USB bridge or dock in front of the drive, as it names itself",
    "source.drive": "the drive behind it, as it answers itself",
    "source.partition_table": "kind of partition table seen in the first sectors",
    "destination.path": "where the image was written",
    "destination.file_system": "file system of the destination",
    "destination.device": "device of the destination",
    "format": "format of the image",
    "compression": "compression of the image",
    "segments": "files of the image with their lengths",
    "bytes_read": "bytes read",
    "read_errors": "number, places, fill and retries of read errors",
    "digests": "digests made while reading",
    "pieces": "piece tree made while reading",
    "verification": "second reading of the image",
    "result": "how it ended",
    "decision": "what was left out by decision: what, why, who",
    "deviations": "departures from procedure with their reasons",
}
# what only a person can state, given with `--set NAME=VALUE`
ASKED: dict[str, str] = {
    "write_blocker.make": "make of the write blocker",
    "write_blocker.model": "model of the write blocker",
    "write_blocker.serial": "serial number of the write blocker",
    "write_blocker.firmware": "firmware of the write blocker",
    "write_blocker.tested": "day of its last test",
    "write_blocker.none": "why no write blocker was used",
    "label.make": "make on the label of the source",
    "label.model": "model on the label of the source",
    "label.serial": "serial number on the label of the source",
    "source.hidden_areas": "HPA, DCO or AMA: state and how it was looked up",
    "source.encryption": "whether the medium is encrypted, and with what",
    "source.power_state": "power state when it was found",
    "source.clock": "its clock beside a reference clock",
    "source.seals": "seals when it was unpacked: numbers and what they looked like",
    "destination.medium": "make and model of the destination medium",
    "destination.serial": "serial number of the destination medium",
    "destination.wiped": "how it is known that the destination was empty",
    "type": "full, partition, range, targeted or live",
    "scope": "what was taken and why that is enough",
    "reason": "why not everything was taken",
    "second_person": "who else was present, by function",
    "photos": "photographs by number or name",
    "volatility_order": "for a running computer: the order that was followed and why",
}
ITEMS: dict[str, str] = {**FOUND, **ASKED}


def stated(fields: Mapping[str, object]) -> tuple[dict[str, str], dict[str, object]]:
    """Split what an officer typed into items of this log and fields of the event.

    Args:
        fields: of `--set` and `--fields`; `write_blocker: {make: …}` is `write_blocker.make`.

    Raises:
        UsageError: an item has no text.
    """
    items: dict[str, str] = {}
    rest: dict[str, object] = {}
    flat: dict[str, object] = {}
    for name, value in fields.items():
        if isinstance(value, dict) and any(key.startswith(f"{name}.") for key in ASKED):
            flat.update({f"{name}.{key}": part for key, part in value.items()})
        else:
            flat[name] = value
    for name, value in flat.items():
        if name in ASKED and ("." in name or name in _ONLY_HERE):
            items[name] = _text(name, value)
        elif name.partition(".")[0] in _GROUPS:
            raise UsageError(
                f"the acquisition log has no item `{escape(name)}`",
                hint="items: " + ", ".join(item for item in ASKED if "." in item),
            )
        else:
            rest[name] = value
    return items, rest


def build(ref: str, found: Mapping[str, Json], typed: Mapping[str, str]) -> dict[str, Any]:
    """Return the log.

    Args:
        ref: the acquisition.
        found: values that evkit found, by item; None or absent where it found nothing.
        typed: values that an officer stated, by item.
    """
    items: dict[str, Any] = {}
    for name in ITEMS:
        value = typed.get(name, found.get(name))
        if name in typed and str(value).strip().lower() == ANSWER_NOT_KNOWN:
            value = found.get(name)  # what evkit found is better than what a person does not know
            if value is None:
                items[name] = {"state": NOT_KNOWN}
            else:
                items[name] = {"state": RECORDED, "value": value, "by": "evkit"}
        elif value is not None:
            by = "officer" if name in typed else "evkit"
            items[name] = {"state": RECORDED, "value": value, "by": by}
        else:
            items[name] = {"state": NOT_ASKED if name in ASKED else UNKNOWN}
    return {"schema": SCHEMA, "ref": ref, "items": items}


def encode(document: Mapping[str, Any]) -> bytes:
    """Return the bytes of a log."""
    return ejson.dumps(document)


def decode(data: bytes) -> dict[str, Any]:
    """Read a log strictly.

    Raises:
        InputError: anything that `build` and `encode` would not write.
    """
    document = ejson.as_object(ejson.loads(data, max_bytes=MAX_BYTES), "the acquisition log")
    if set(document) != {"schema", "ref", "items"} or document["schema"] != SCHEMA:
        raise InputError(f"not an acquisition log of the form `{SCHEMA}`")
    items = ejson.as_object(document["items"], "items")
    if set(items) != set(ITEMS) or not isinstance(document["ref"], str):
        raise InputError("the acquisition log does not hold exactly its items")
    for name, item in items.items():
        keys = set(ejson.as_object(item, name))
        recorded = item.get("state") == RECORDED
        if keys != ({"state", "value", "by"} if recorded else {"state"}):
            raise InputError(f"item `{name}` of the acquisition log is malformed")
        if item["state"] not in STATES:
            raise InputError(f"item `{name}` has a state that is not known")
        if recorded and item["by"] not in {"evkit", "officer"}:
            raise InputError(f"item `{name}` does not say who stated it")
    return document


def summary(document: Mapping[str, Any]) -> dict[str, Json]:
    """Return what the event says: how many items in which state, and those not recorded."""
    states: dict[str, list[str]] = {state: [] for state in STATES}
    for name, item in document["items"].items():
        states[item["state"]].append(name)
    return {
        "recorded": len(states[RECORDED]),
        UNKNOWN: tuple(states[UNKNOWN]),
        NOT_KNOWN: tuple(states[NOT_KNOWN]),
        NOT_ASKED: tuple(states[NOT_ASKED]),
    }


_GROUPS = {"write_blocker", "source", "destination", "label"}
_ONLY_HERE = {"second_person", "volatility_order"}


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT:
        raise UsageError(
            f"`{name}` is not text of 1 to {MAX_TEXT} characters", hint=f"{name}: {ASKED[name]}"
        )
    return value.strip()
