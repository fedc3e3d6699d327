"""The openings of one entry as a file: a JSON list sorted by name.

Each element alone, written as evkit JSON, has the commitment as its SHA-256.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.ledger.commitments import Opening

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_OPENINGS: Final = 16 << 20


def encode_openings(openings: Iterable[Opening]) -> bytes:
    """Return the openings of one entry: a JSON list sorted by name."""
    ordered = sorted(openings)
    return ejson.dumps([opening._asdict() for opening in ordered])


def parse_openings(data: bytes) -> dict[str, Opening]:
    """Read the openings of one entry strictly.

    Raises:
        InputError: anything that `encode_openings` would not write.
    """
    value = ejson.loads(data, max_bytes=MAX_OPENINGS)
    if not isinstance(value, list) or not value:
        raise InputError("the openings are not a list")
    found: dict[str, Opening] = {}
    for entry in value:
        if not isinstance(entry, dict) or entry.keys() != {"name", "value", "salt"}:
            raise InputError("an opening has other fields than `name`, `salt` and `value`")
        if not all(isinstance(part, str) for part in entry.values()):
            raise InputError("a field of an opening is not text")
        found[entry["name"]] = Opening(**entry)
    if encode_openings(found.values()) != data:
        raise InputError("the openings are not sorted or name one twice")
    return found
