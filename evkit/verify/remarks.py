"""Remarks of the replay of custody; they never change a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.core.errors import EvkitError
from evkit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evkit.ledger.event import Entry
    from evkit.verify.report import Report


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
        word = "gap: " if finding.level == "gap" else ""
        report.remark(finding.code, word + escape(finding.text), *finding.events)
