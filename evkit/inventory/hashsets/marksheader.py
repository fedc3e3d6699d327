"""The first line of a marks file: the inventory, the sets, and what the marks add up to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.inventory.hashsets.model import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.core.ejson import Json

SCHEMA: Final = "evkit/marks/1"
COUNTS: Final = ("streams", "without_digest", "marked", "known", "notable", "marks", "weak")
MAX_SETS: Final = 500
_FIELDS = frozenset({"schema", "created", "evkit", "inventory", "sets", "counts"})
_HEX64 = re.compile("[0-9a-f]{64}")


class SetFacts(NamedTuple):
    """A set that was looked into; `release` is empty when not known."""

    name: str
    sha256: str
    category: str
    sensitive: bool
    release: str

    def document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return dict(self._asdict())


@dataclass(frozen=True, kw_only=True)
class MarksHeader:
    """What marks were made from.

    Attributes:
        created: RFC 3339 UTC; `evkit` is the version that wrote them.
        rows, row_root: of the inventory.
        sets: in the order in which marks refer to them.
        counts: streams looked up and without digest; streams marked, in a set of known, of notable
            files; marks; marks by MD5 or SHA-1 alone.
    """

    created: str
    evkit: str
    rows: int
    row_root: str
    sets: tuple[SetFacts, ...]
    counts: Mapping[str, int]

    def encode(self) -> bytes:
        """Return the line without its line feed.

        Raises:
            InputError: the strict reader would refuse it.
        """
        data = ejson.dumps(
            {
                "schema": SCHEMA,
                "created": self.created,
                "evkit": self.evkit,
                "inventory": {"rows": self.rows, "row_root": self.row_root},
                "sets": [listed.document() for listed in self.sets],
                "counts": dict(self.counts),
            }
        )
        if parse_header(data) != self:
            raise InputError("the header of the marks cannot be written as it would be read")
        return data


def parse_header(data: bytes) -> MarksHeader:
    """Read the first line strictly.

    Raises:
        InputError: anything that evkit would not write.
    """
    value = ejson.as_object(ejson.loads(data, max_depth=5), "the first line")
    if value.keys() != _FIELDS or value["schema"] != SCHEMA:
        raise InputError(f"its first line is not that of `{SCHEMA}`")
    inventory, counts, sets = value["inventory"], value["counts"], value["sets"]
    good = (
        isinstance(inventory, dict)
        and inventory.keys() == {"rows", "row_root"}
        and _count(inventory["rows"])
        and _hex(inventory["row_root"])
        and isinstance(counts, dict)
        and counts.keys() == set(COUNTS)
        and all(_count(item) for item in counts.values())
        and isinstance(sets, list)
        and 0 < len(sets) <= MAX_SETS
        and all(isinstance(value[name], str) for name in ("created", "evkit"))
    )
    if not good:
        raise InputError("a field of its first line has a wrong value")
    return MarksHeader(
        created=value["created"],
        evkit=value["evkit"],
        rows=inventory["rows"],
        row_root=inventory["row_root"],
        sets=tuple(_set(item) for item in sets),
        counts=counts,
    )


def _set(value: Any) -> SetFacts:  # noqa: ANN401 - JSON
    good = (
        isinstance(value, dict)
        and value.keys() == set(SetFacts._fields)
        and all(isinstance(value[name], str) for name in ("name", "release"))
        and bool(value["name"])
        and _hex(value["sha256"])
        and value["category"] in CATEGORIES
        and isinstance(value["sensitive"], bool)
    )
    if not good:
        raise InputError("a set of its first line is malformed")
    return SetFacts(**value)


def _count(value: object) -> bool:
    return type(value) is int and value >= 0


def _hex(value: object) -> bool:
    return isinstance(value, str) and _HEX64.fullmatch(value) is not None
