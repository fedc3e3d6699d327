"""Remarks of the replay of custody; they never change a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.errors import EvkitError
from evkit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.ledger.event import Entry
    from evkit.verify.report import Report


def remark_custody(entries: Mapping[int, Entry], report: Report) -> None:
    """Replay the entries and add what the replay remarks: gaps, order, seals, deviations."""
    from evkit.custody.replay import replay

    events = [(index, entry.event, entry.event_id) for index, entry in entries.items()]
    try:
        found = replay(events).findings
    except EvkitError as error:
        report.remark("replay", f"custody could not be replayed: {escape(error.message)}")
        return
    for finding in found:
        word = "gap: " if finding.level == "gap" else ""
        report.remark(finding.code, word + escape(finding.text), *finding.events)
