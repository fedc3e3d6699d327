"""Remarks of the replay of custody; they never change a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evkit.core.errors import EvkitError
from evkit.core.text import escape, shorten
from evkit.manifest.decisions import decisions
from evkit.verify.report import Remark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evkit.custody.findings import Finding
    from evkit.ledger.event import Entry
    from evkit.verify.report import Report

MISSING: Final = "missing-fields"
DECISIONS: Final = 3  # that stand in the first line; all are listed below it
_WIDTH: Final = 300


def remark_custody(
    entries: Mapping[int, Entry],
    report: Report,
    stated: Iterable[Mapping[str, Any]] | None = None,
) -> None:
    """Replay the entries and add what the replay remarks: gaps, order, seals, deviations.

    Args:
        entries: the entries that could be read.
        report: takes the remarks.
        stated: the remarks of a manifest; what the replay finds and they do not is said.
    """
    from evkit.custody.replay import replay

    events = [(index, entry.event, entry.event_id) for index, entry in entries.items()]
    try:
        found = replay(events).findings
    except EvkitError as error:
        report.remark("replay", f"custody could not be replayed: {escape(error.message)}")
        return
    said = None if stated is None else {(row["code"], *row["entries"]) for row in stated}
    for finding in found:
        if said is not None and (finding.code, *finding.events) not in said:
            text = f"the manifest is silent about the next remark ({finding.code})"
            report.remark("manifest-silent", text, *finding.events)
        gap = finding.level == "gap"
        text = ("gap: " if gap else "") + escape(finding.text)
        alike = _alike(finding, entries)
        report.custody(Remark(finding.code, text, tuple(finding.events), gap, alike))


def say_decisions(facts: Mapping[str, Any], report: Report, below: str = "") -> None:
    """Say in the first line which acquisitions are partial because somebody decided so.

    Args:
        facts: of the entries, or of a manifest that came without them.
        report: takes the sentences.
        below: only acquisitions of this case, exhibit or acquisition; all when empty.
    """
    found = [
        decision
        for ref, decided in decisions(facts).items()
        if not below or f"{ref}/".startswith(f"{below}/")
        for decision in decided
    ]
    report.decisions = [
        {name: escape(value) for name, value in decision.document().items()}
        | {"text": escape(decision.sentence)}
        for decision in found
    ]
    report.reach += [shorten(entry["text"], _WIDTH) for entry in report.decisions[:DECISIONS]]
    if len(found) > DECISIONS:
        report.reach.append(f"{len(found) - DECISIONS} more decisions, listed below")


def _alike(finding: Finding, entries: Mapping[int, Entry]) -> str:
    """Return the heading for missing fields of one kind of entry, else nothing."""
    entry = entries.get(finding.events[0]) if finding.events else None
    if finding.detail != MISSING or entry is None:
        return ""
    return f"fields that the profile asks for were not given for `{escape(entry.event.kind)}`"
