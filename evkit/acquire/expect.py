"""Digests that somebody stated, beside those that were found: one by one, or a whole list."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evkit.core.errors import InputError, UsageError
from evkit.core.text import escape, escape_bytes
from evkit.hashing import audit, naming
from evkit.hashing.digests import ALGORITHMS, WEAK, digest_file
from evkit.hashing.lists.formats import read_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from evkit.core.ejson import Json
    from evkit.hashing.audit import Finding
    from evkit.hashing.lists.model import KnownList
    from evkit.hashing.rows import Row

MATCH, MISMATCH, ABSENT = "match", "mismatch", "absent"
SHOWN = 40
_NAMED = re.compile(r"(md5|sha-?1|sha-?256|sha-?512)[:=](.*)", re.IGNORECASE)
_LENGTHS = {2 * length: name for name, length in ALGORITHMS.items()}
# what the audit of a tree calls it -> what it means for a delivery
_WORDS = {
    "ok": MATCH, "modified": MISMATCH, "missing": ABSENT, "moved": "renamed", "copied": "renamed",
    "new": "not-listed", "unreadable": "unreadable",
}  # fmt: skip
# labels of imagers' logs: "MD5 checksum: …", "MD5 hash calculated over data:\t…", "… (md5)"
_BEFORE = re.compile(
    rb"\b(md5|sha-?1|sha-?256|sha-?512)\b[^\r\n]{0,80}?\b([0-9a-f]{32,128})\b", re.IGNORECASE
)
_AFTER = re.compile(rb"\b([0-9a-f]{32,128})\b\s*\((md5|sha-?1|sha-?256|sha-?512)\)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What was given with `--expect`: one digest, or a list with its path."""

    algorithm: str | None = None
    digest: str | None = None
    path: bytes | None = None
    known: KnownList | None = None

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The digests that must be made to compare."""
        if self.known is not None:
            return self.known.algorithms
        return (self.algorithm,) if self.algorithm else ()


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One stated digest beside the one that was found.

    Attributes:
        source: who stated it: `container`, `vendor-log`, `officer`.
        found: None when it could not be made.
    """

    source: str
    algorithm: str
    stated: str
    found: str | None

    @property
    def agrees(self) -> bool:
        """Whether they are equal."""
        return self.stated == self.found

    def fields(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "source": self.source,
            "algorithm": self.algorithm,
            "stated": self.stated,
            "found": self.found or "not made",
            "agrees": self.agrees,
        }


@dataclass(frozen=True, kw_only=True)
class Table:
    """The outcome of a comparison: counts by word, the first entries that do not match."""

    counts: Mapping[str, int]
    compared: tuple[Compared, ...] = ()
    shown: tuple[Mapping[str, Json], ...] = ()
    source: Mapping[str, Json] = field(default_factory=dict)
    weak: bool = False

    @property
    def mismatch(self) -> bool:
        """Whether a stated digest is not the one that was found."""
        return bool(self.counts.get(MISMATCH))

    @property
    def incomplete(self) -> bool:
        """Whether something that was stated is not here."""
        return bool(self.counts.get(ABSENT) or self.counts.get("unreadable"))

    def fields(self) -> dict[str, Json]:
        """Return what the event says."""
        result: dict[str, Json] = {"counts": dict(self.counts), **self.source}
        if self.compared:
            result["compared"] = [entry.fields() for entry in self.compared]
        if self.shown:
            result["differences"] = list(self.shown)
        if self.weak:
            result["weak"] = True
        return result


def parse(text: str) -> Expected:
    """Read what was given with `--expect`.

    Raises:
        UsageError: it is neither a digest nor a file.
        InputError: the list is damaged.
    """
    match = _NAMED.fullmatch(text.strip())
    name = normal(match[1]) if match else None
    value = (match[2] if match else text).strip().lower()
    is_hex = len(value) in _LENGTHS and not value.strip("0123456789abcdef")
    if is_hex and (name is None or _LENGTHS[len(value)] == name):
        return Expected(algorithm=_LENGTHS[len(value)], digest=value)
    path = os.fsencode(text)
    if name is None and os.path.isfile(path):
        return Expected(path=os.path.abspath(path), known=read_list(path))
    raise UsageError(
        f"`{escape(text)}` is neither a digest nor a list",
        hint="give hex such as `sha256:…`, or a hashdeep, sha256sum, BagIt or JSONL list",
    )


def against_list(
    expected: Expected, rows: Iterable[tuple[bytes, Row]], roots: Sequence[bytes]
) -> Table:
    """Compare what was taken in with a list.

    Args:
        expected: a list.
        rows: (absolute path, row) of everything that was taken in.
        roots: the paths that were named on the command line.
    """
    known, path = expected.known, expected.path
    if known is None or path is None:
        raise UsageError("no list was given")
    found = dict(rows)
    roots = [os.path.abspath(root) for root in roots]
    names = list(known.rows)
    places = naming.candidates(names, os.path.dirname(path), roots)
    place = naming.choose(names, places, found)
    listed = audit.by_place((place.path(name), row) for name, row in known.rows.items())
    listed.pop(path, None)
    findings = audit.compare(listed, found, typed=known.typed)
    counts: dict[str, int] = {}
    for finding in findings:
        word = _WORDS.get(finding.category)
        if word is not None:
            counts[word] = counts.get(word, 0) + 1
    odd = [finding for finding in findings if finding.category not in {"ok", audit.NOT_COMPARED}]
    size, digests = digest_file(path, ("sha256",))
    return Table(
        counts=counts,
        shown=tuple(_shown(finding) for finding in odd[:SHOWN]),
        source={
            "list": {
                "name": escape_bytes(os.path.basename(path)),
                "format": known.format,
                "size": size,
                "sha256": digests["sha256"],
            }
        },
        weak=set(known.algorithms) <= WEAK,
    )


def against_digests(
    stated: Sequence[tuple[str, str, str]],
    found: Mapping[str, str],
    of_files: AbstractSet[tuple[str, str]] = frozenset(),
) -> Table:
    """Compare stated digests of one content.

    Args:
        stated: (source, algorithm, hex).
        found: hex by algorithm.
        of_files: (algorithm, hex) of the files that hold the content; a log may state these too.
    """
    compared = tuple(
        Compared(
            source=source,
            algorithm=name,
            stated=value,
            found=value if (name, value) in of_files else found.get(name),
        )
        for source, name, value in stated
    )
    agree = sum(entry.agrees for entry in compared)
    counts = {MATCH: agree, MISMATCH: len(compared) - agree}
    names = {entry.algorithm for entry in compared}
    return Table(counts=counts, compared=compared, weak=bool(names) and names <= WEAK)


def digests_in_log(data: bytes) -> list[tuple[str, str]]:
    """Return (algorithm, hex) pairs that an imager's log states, each once, in order.

    Logs have no common format; a digest counts only beside the name of its algorithm and with the
    length that belongs to it.
    """
    pairs = [(match[1], match[2]) for match in _BEFORE.finditer(data)]
    pairs += [(match[2], match[1]) for match in _AFTER.finditer(data)]
    found: dict[tuple[str, str], None] = {}
    for label, value in pairs:
        name, digest = normal(label.decode("ascii")), value.decode("ascii").lower()
        if len(digest) == 2 * ALGORITHMS[name]:
            found[name, digest] = None
    return list(found)


def read_log(path: bytes, max_bytes: int = 4 << 20) -> list[tuple[str, str]]:
    """Return the digests in a log file; UTF-16, which some imagers write, is read too.

    Raises:
        InputError: it cannot be read or is too large for a log.
    """
    from evkit.core.limits import read_file

    data = read_file(path, max_bytes)
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        try:
            data = data.decode("utf-16").encode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"`{escape_bytes(path)}` is damaged UTF-16 text") from error
    return digests_in_log(data)


def normal(label: str) -> str:
    """Return the name of an algorithm without hyphen, lower-case."""
    return label.lower().replace("-", "")


def _shown(finding: Finding) -> dict[str, Json]:
    name = finding.known if finding.known is not None else os.path.basename(finding.path)
    result: dict[str, Json] = {"name": escape_bytes(name), "is": _WORDS[finding.category]}
    for word, digests in (("stated", finding.expected), ("found", finding.found)):
        for algorithm in ("sha512", "sha256", "sha1", "md5"):
            if algorithm in digests:
                result[word] = f"{algorithm}:{digests[algorithm]}"
                break
    return result
