"""What a hash set says of itself: the header of its file in evkit JSON, and where its parts lie.

Byte for byte: `docs/spec/hash-set.md`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from evkit.core import ejson
from evkit.core.errors import EvkitError, InputError, UsageError
from evkit.core.paths import from_fields, to_fields
from evkit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.core.ejson import Json

SCHEMA: Final = "evkit/hash-set/1"
MAGIC: Final = b"evkit hashset 1\n"
LENGTH: Final = 4  # bytes of the length of the header, big-endian
TRAILER: Final = 32  # SHA-256 over everything before it
MAX_HEADER: Final = 1 << 16
MAX_COUNT: Final = 1 << 40
WIDTHS: Final = {"sha256": 32, "sha1": 20, "md5": 16}  # the strongest first; the order of sections
WEAK: Final = ("sha1", "md5")
KNOWN, NOTABLE = "known", "notable"
CATEGORIES: Final = (KNOWN, NOTABLE)
SMALL, LARGE = 8, 16  # bits of a digest that the fan-out table of a section takes
LARGE_FROM: Final = 1 << 16  # digests from which the large table is written
MAX_TEXT: Final = 4096

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)
_HEX64 = re.compile("[0-9a-f]{64}")
_HEADER = frozenset(
    {"schema", "name", "category", "sensitive", "created", "evkit", "source", "entries", "left_out",
     "sections"}
)  # fmt: skip
_SOURCE = frozenset({"name", "size", "sha256", "format"})


@dataclass(frozen=True, kw_only=True)
class Section:
    """The digests of one algorithm: how many, and the bits of their fan-out table."""

    algorithm: str
    count: int
    bits: int

    @property
    def width(self) -> int:
        """Bytes of one digest."""
        return WIDTHS[self.algorithm]

    @property
    def table(self) -> int:
        """Bytes of the fan-out table."""
        return 8 * ((1 << self.bits) + 1)

    @property
    def size(self) -> int:
        """Bytes of table and digests."""
        return self.table + self.count * self.width


@dataclass(frozen=True, kw_only=True)
class Source:
    """The file that a set was made from.

    Attributes:
        name: its name without folder.
        size, sha256: of the whole file.
        format: as which it was read.
        origin: where it comes from, as typed.
        categories: of a Project VIC list, the categories that were taken; empty for all.
    """

    name: bytes
    size: int
    sha256: str
    format: str
    origin: str | None = None
    categories: tuple[int, ...] = ()

    def document(self) -> dict[str, Json]:
        """Return the JSON form."""
        found: dict[str, Json] = {
            **to_fields(self.name),
            "size": self.size,
            "sha256": self.sha256,
            "format": self.format,
        }
        found["name"] = found.pop("path")
        if "path_b64" in found:
            found["name_b64"] = found.pop("path_b64")
        if self.origin is not None:
            found["origin"] = self.origin
        if self.categories:
            found["categories"] = list(self.categories)
        return found


@dataclass(frozen=True, kw_only=True)
class Header:
    """Provenance and contents of a set.

    Attributes:
        name: slug by which it is called.
        category: `known` or `notable`.
        sensitive: names and previews of what it hits stay out of every output.
        created: RFC 3339 UTC; `evkit` is the version that wrote it.
        source: what it was made from.
        release: version of the source, as it or the user says.
        entries: entries of the source that were taken.
        left_out: entries that were not, by reason.
        sections: in the order of `WIDTHS`, each at most once.
    """

    name: str
    category: str
    sensitive: bool
    created: str
    evkit: str
    source: Source
    entries: int
    sections: tuple[Section, ...] = ()
    release: str | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Json]:
        """Return the JSON form."""
        found: dict[str, Json] = {
            "schema": SCHEMA,
            "name": self.name,
            "category": self.category,
            "sensitive": self.sensitive,
            "created": self.created,
            "evkit": self.evkit,
            "source": self.source.document(),
            "entries": self.entries,
            "left_out": dict(sorted(self.left_out.items())),
            "sections": [dict(vars(section)) for section in self.sections],
        }
        if self.release is not None:
            found["release"] = self.release
        return found

    def encode(self) -> bytes:
        """Return the bytes of the header.

        Raises:
            InputError: the strict reader would refuse them.
        """
        data = ejson.dumps(self.document())
        if parse_header(data) != self:
            raise InputError("the header of the hash set cannot be written as it would be read")
        return data

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        head = len(MAGIC) + LENGTH + len(self.encode())
        return head + sum(section.size for section in self.sections) + TRAILER


def check_name(name: str) -> str:
    """Return the name of a set.

    Raises:
        UsageError: it is not a slug.
    """
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            f"`{escape(name)}` cannot be the name of a hash set",
            hint="use up to 64 of a-z, 0-9, `.`, `_` and `-`, such as nsrl-2026.09",
        )
    return name


def bits_for(count: int) -> int:
    """Return the bits of the fan-out table that is written for `count` digests."""
    return SMALL if count < LARGE_FROM else LARGE


def parse_header(data: bytes) -> Header:
    """Read the header strictly: `parse_header(data).encode() == data` or an error.

    Raises:
        InputError: anything that evkit would not write.
    """
    value = ejson.as_object(ejson.loads(data, max_bytes=MAX_HEADER, max_depth=6), "the header")
    if not _HEADER <= value.keys() <= _HEADER | {"release"} or value["schema"] != SCHEMA:
        raise InputError("the header of the hash set has other fields than it should")
    texts = [value["created"], value["evkit"], *([value["release"]] if "release" in value else [])]
    good = (
        isinstance(value["name"], str)
        and _NAME.fullmatch(value["name"]) is not None
        and value["category"] in CATEGORIES
        and isinstance(value["sensitive"], bool)
        and all(_text(text) for text in texts)
        and _count(value["entries"])
    )
    if not good:
        raise InputError("a field of the header of the hash set has a wrong value")
    return Header(
        name=value["name"],
        category=value["category"],
        sensitive=value["sensitive"],
        created=value["created"],
        evkit=value["evkit"],
        source=_source(value["source"]),
        entries=value["entries"],
        sections=_sections(value["sections"]),
        release=value.get("release"),
        left_out=_left_out(value["left_out"]),
    )


def _source(value: Any) -> Source:  # noqa: ANN401 - JSON
    more = {"name_b64", "origin", "categories"}
    if not isinstance(value, dict) or not _SOURCE <= value.keys() <= _SOURCE | more:
        raise InputError("the source of the hash set has other fields than it should")
    try:
        name = from_fields(value, "name")
    except EvkitError as error:
        raise InputError(f"the source of the hash set: {error.message}") from error
    listed = value.get("categories", [])
    good = (
        _count(value["size"])
        and isinstance(value["sha256"], str)
        and _HEX64.fullmatch(value["sha256"]) is not None
        and isinstance(value["format"], str)
        and _SLUG.fullmatch(value["format"]) is not None
        and _text(value.get("origin", "x"))
        and isinstance(listed, list)
        and all(_count(item) for item in listed)
        and ("categories" in value) == bool(listed)
    )
    if not good:
        raise InputError("a field of the source of the hash set has a wrong value")
    return Source(
        name=name,
        size=value["size"],
        sha256=value["sha256"],
        format=value["format"],
        origin=value.get("origin"),
        categories=tuple(listed),
    )


def _sections(value: Any) -> tuple[Section, ...]:  # noqa: ANN401 - JSON
    if not isinstance(value, list) or not value:
        raise InputError("the hash set names no section")
    found = []
    for item in value:
        if not isinstance(item, dict) or item.keys() != {"algorithm", "count", "bits"}:
            raise InputError("a section of the hash set has other fields than it should")
        good = (
            isinstance(item["algorithm"], str)
            and item["algorithm"] in WIDTHS
            and type(item["bits"]) is int
            and item["bits"] in {SMALL, LARGE}
            and _count(item["count"])
            and 0 < item["count"] <= MAX_COUNT
        )
        if not good:
            raise InputError("a section of the hash set has a wrong value")
        found.append(Section(**item))
    order = [section.algorithm for section in found]
    if order != [name for name in WIDTHS if name in order]:
        raise InputError("the sections of the hash set are not in their order, each once")
    return tuple(found)


def _left_out(value: Any) -> dict[str, int]:  # noqa: ANN401 - JSON
    good = isinstance(value, dict) and all(
        _SLUG.fullmatch(key) and _count(item) and item for key, item in value.items()
    )
    if not good:
        raise InputError("`left_out` of the hash set is malformed")
    return dict(value)


def _count(value: object) -> bool:
    return type(value) is int and value >= 0


def _text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TEXT
