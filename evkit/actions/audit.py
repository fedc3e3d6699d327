"""`evkit audit`: a tree against a list of digests, whoever made it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.core.errors import ExitCode
from evkit.core.paths import to_fields
from evkit.core.progress import SILENT
from evkit.core.text import escape_bytes
from evkit.hashing import audit, naming
from evkit.hashing.digests import DEFAULT, WEAK
from evkit.hashing.lists.formats import read_list
from evkit.hashing.rows import OK, Row
from evkit.hashing.tree_hash import Plan, hash_tree
from evkit.hashing.walk import walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.core.progress import Progress
    from evkit.hashing.audit import Finding
    from evkit.hashing.lists.model import KnownList
    from evkit.hashing.naming import Place

SCHEMA = "evkit/audit/1"
_WORDS = {0: "PASS", int(ExitCode.INCOMPLETE): "INCOMPLETE", int(ExitCode.FAILED_CHECK): "FAIL"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to audit.

    Attributes:
        list_path: the list of known digests.
        paths: files and folders.
        form: format of the list, None recognises it.
        base: folder where the names of the list start, None finds it.
        jobs: worker processes.
    """

    list_path: bytes
    paths: tuple[bytes, ...]
    form: str | None = None
    base: bytes | None = None
    jobs: int = 1


@dataclass(frozen=True, kw_only=True)
class AuditResult:
    """What the audit found.

    Attributes:
        request: the request.
        known: the list as it was read.
        place: where its names were taken to start.
        findings: one per name.
        counts: findings by category.
    """

    request: Request
    known: KnownList
    place: Place
    findings: list[Finding]
    counts: dict[str, int]

    @property
    def exit_code(self) -> int:
        """0, 3 (something unreadable) or 4 (something differs)."""
        return audit.exit_code(self.counts)

    @property
    def weak(self) -> bool:
        """Say whether the list holds nothing stronger than SHA-1."""
        return bool(self.known.algorithms) and set(self.known.algorithms) <= WEAK

    def document(self) -> dict[str, Any]:
        """Return the JSON document; findings that are `ok` are counted only."""
        return {
            "schema": SCHEMA,
            "result": _WORDS[self.exit_code].lower(),
            "counts": self.counts,
            "list": {
                **to_fields(self.request.list_path),
                "format": self.known.format,
                "rows": len(self.known.rows),
                "algorithms": list(self.known.algorithms),
                "weak": self.weak,
                "notes": list(self.known.notes),
            },
            "names": {
                **to_fields(self.place.base, "base"),
                **to_fields(self.place.prefix, "prefix"),
            },
            "findings": [_fields(item) for item in self.findings if item.category != OK],
        }

    def lines(self) -> list[str]:
        """Return the verdict, the counts, and every name that is not ok."""
        counts = self.counts
        listed = len(self.known.rows)
        name = escape_bytes(self.request.list_path)
        told = ", ".join(f"{counts[category]:,} {category}" for category in audit.CATEGORIES)
        lines = [f"{_WORDS[self.exit_code]}  {told}  ({listed:,} names in `{name}`)"]
        if self.weak:
            lines.append("  the list holds MD5 or SHA-1 only: says nothing about tampering")
        if counts[audit.NOT_COMPARED]:
            lines.append(
                f"  links and special files not compared, which this list cannot name: "
                f"{counts[audit.NOT_COMPARED]:,}"
            )
        lines += [f"  {self.place.text()}", *(f"  {note}" for note in self.known.notes[:20])]
        for category in (*audit.CATEGORIES[1:], audit.NOT_COMPARED):
            for item in self.findings:
                if item.category == category:
                    lines += _told(item)
        return lines


def run(request: Request, progress: Progress = SILENT) -> AuditResult:
    """Compare what lies under the paths with the list.

    Raises:
        InputError: the list is malformed, or a path does not exist.
    """
    known = read_list(request.list_path, request.form)
    roots = [os.path.abspath(path) for path in request.paths]
    own = os.path.abspath(request.list_path)
    plan = Plan(algorithms=known.algorithms or DEFAULT, jobs=request.jobs)
    found: dict[bytes, Row] = {}
    for part in hash_tree(walk(_top(roots)), plan, progress):
        found.update((row.path, row) for row in part.rows if row.path != own)
    place = _place(request, known, roots, found)
    rows = audit.by_place((place.path(name), row) for name, row in known.rows.items())
    findings = audit.compare(rows, found, typed=known.typed)
    return AuditResult(
        request=request,
        known=known,
        place=place,
        findings=findings,
        counts=audit.count(findings),
    )


def _top(roots: Sequence[bytes]) -> list[bytes]:
    """Return the roots without those that lie in another."""
    return [
        root
        for root in dict.fromkeys(roots)
        if not any(other != root and root.startswith(other.rstrip(b"/") + b"/") for other in roots)
    ]


def _place(
    request: Request, known: KnownList, roots: Sequence[bytes], found: dict[bytes, Row]
) -> Place:
    if request.base is not None:
        return naming.Place(base=os.path.abspath(request.base))
    names = list(known.rows)
    folder = os.path.dirname(os.path.abspath(request.list_path))
    return naming.choose(names, naming.candidates(names, folder, roots), found)


def _fields(item: Finding) -> dict[str, Any]:
    fields: dict[str, Any] = {"category": item.category, **to_fields(item.path)}
    if item.known is not None:
        fields.update(to_fields(item.known, "known"))
    if item.expected:
        fields["expected"] = dict(item.expected)
    if item.found:
        fields["found"] = dict(item.found)
    if item.detail:
        fields["detail"] = item.detail
    return fields


def _told(item: Finding) -> list[str]:
    line = f"{item.category:<11} {escape_bytes(item.path)}"
    if item.category in {"moved", "copied"} and item.known is not None:
        line += f"  (in the list: {escape_bytes(item.known)})"
    if item.detail:
        line += f"  ({item.detail})"
    lines = [line]
    if item.category == "modified" and item.expected and item.found:
        for name in item.expected:
            if name in item.found:
                lines.append(f"  expected: {name}:{item.expected[name]}")
                lines.append(f"  found:    {name}:{item.found[name]}")
    return lines
