"""Personal fields: openings fit their commitments; what is withheld is declared and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.ledger.commitments import verify_opening
from evkit.manifest.openings import parse_openings
from evkit.verify.report import CONTENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evkit.ledger.commitments import Opening
    from evkit.ledger.event import Entry
    from evkit.verify.report import Report


class Personal(NamedTuple):
    """How many personal values are opened and how many withheld."""

    opened: int
    withheld: int


def check_openings(
    entries: Mapping[int, Entry],
    files: Mapping[int, bytes],
    withheld: Iterable[Mapping[str, Any]],
    report: Report,
) -> Personal:
    """Check the openings of all entries.

    Args:
        entries: the enclosed entries.
        files: the openings file of an entry, by index.
        withheld: what the manifest declares withheld.
        report: takes the findings.
    """
    declared = {row["entry"]: set(row["names"]) for row in withheld}
    opened = kept = wrong = 0
    for index in files.keys() - entries.keys():
        text = f"openings of entry {index}, which is not enclosed"
        report.failed(CONTENT, "opening-stray", text, f"entry {index}")
        wrong += 1
    for index, entry in entries.items():
        commitments = entry.event.commitments
        if not commitments and index not in files and index not in declared:
            continue
        found = _read(index, files.get(index), report)
        if found is None:
            wrong += 1
            continue
        wrong += _compare(index, commitments, found, declared.get(index, set()), report)
        opened += len(found)
        kept += len(commitments.keys() - found.keys())
    for index in declared.keys() - entries.keys():
        text = f"the manifest withholds fields of entry {index}, which is not enclosed"
        report.failed(CONTENT, "opening-stray", text, f"entry {index}")
    if opened and not wrong:
        report.passed(CONTENT, "openings", f"{opened} personal values are those committed to")
    return Personal(opened, kept)


def _read(index: int, data: bytes | None, report: Report) -> dict[str, Opening] | None:
    if data is None:
        return {}
    try:
        return parse_openings(data)
    except InputError as error:
        text = f"the openings of entry {index} cannot be read: {escape(error.message)}"
        report.failed(CONTENT, "opening-form", text, f"entry {index}")
        return None


def _compare(
    index: int,
    commitments: Mapping[str, str],
    found: Mapping[str, Opening],
    declared: set[str],
    report: Report,
) -> int:
    wrong = 0
    for name, opening in found.items():
        if name not in commitments or not verify_opening(opening, commitments[name]):
            text = f"entry {index}: `{escape(name)}` is not the value that was signed"
            report.failed(CONTENT, "opening", text, f"entry {index}")
            wrong += 1
    missing = commitments.keys() - found.keys()
    if missing != declared:
        names = ", ".join(sorted(escape(name) for name in missing ^ declared))
        text = f"entry {index}: the manifest does not say rightly what is withheld: {names}"
        report.failed(CONTENT, "withheld", text, f"entry {index}")
        wrong += 1
    return wrong
