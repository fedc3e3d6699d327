"""Verification of a station, a case, an exhibit or an acquisition where it lies.

The whole ledger is here, so the tree is computed from the entries themselves; only what is asked
about is judged in content and history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.manifest import contents, facts, model
from evkit.verify.bundle import check_record
from evkit.verify.content import Counts, check_acquisition, check_ends
from evkit.verify.history import check_history
from evkit.verify.remarks import remark_custody, say_decisions
from evkit.verify.report import CONTENT, RECORD, Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.ledger.event import Entry
    from evkit.manifest.contents import Acquisition
    from evkit.verify.sources import Source
    from evkit.verify.supplied import Supplied
    from evkit.verify.view import RecordView


def verify_station(
    view: RecordView, label: str, ref: str | None, source: Source, supplied: Supplied
) -> tuple[Report, list[str]]:
    """Verify a record with its data.

    Args:
        view: the whole ledger.
        label: how it was named, escaped.
        ref: a case, an exhibit or an acquisition; None for everything.
        source: where the files of acquisitions are.
        supplied: what the verifier brought along.

    Returns:
        The report, and the acquisitions whose files were compared.
    """
    kind = "station" if ref is None else ("case", "exhibit", "acquisition")[ref.count("/")]
    report = Report(label, kind, no_history=supplied.no_history)
    report.not_proven = [text for text in model.NOT_PROVEN if "manifest" not in text]
    done = check_record(view, supplied, report)
    asked = {index: entry for index, entry in done.entries.items() if _about(entry, ref)}
    report.reach.append(f"{len(asked)} of {len(done.entries)} entries of the ledger")
    if not asked:
        report.undecided(RECORD, "nothing-asked", f"no entry is about `{escape(ref or label)}`")
    compared = _content(asked, done.entries, ref, source, report)
    if "revocation" in supplied.require and any(
        entry.code == "revocation-unchecked" for entry in report.remarks
    ):
        text = "revocation was required, and no revocation list holds at the time of signing"
        report.undecided("authorship", "revocation-required", text)
    check_history(done.tree, supplied, list(asked), report)
    cases = {entry.event.case for entry in asked.values()} - {None}
    remark_custody(
        {
            index: entry
            for index, entry in done.entries.items()
            if entry.event.case is None or entry.event.case in cases
        },
        report,
    )
    return report, compared


def _about(entry: Entry, ref: str | None) -> bool:
    event = entry.event
    if ref is None:
        return True
    if event.case is None or event.case.casefold() != ref.partition("/")[0].casefold():
        return False
    named = (*event.exhibits, *event.acquisitions)
    return "/" not in ref or any(name == ref or name.startswith(f"{ref}/") for name in named)


def _hidden(entries: Mapping[int, Entry]) -> set[str]:
    """Return the exhibits that hold sensitive material, as all entries say."""
    said = [
        (index, entry.event, entry.event_id)
        for index, entry in sorted(entries.items())
        if entry.event.kind in {"register", "sensitive", "correct"}
    ]
    return contents.sensitive_exhibits(facts.facts(said))


def _content(
    asked: Mapping[int, Entry],
    everything: Mapping[int, Entry],
    ref: str | None,
    source: Source,
    report: Report,
) -> list[str]:
    made = facts.facts([(index, entry.event, entry.event_id) for index, entry in asked.items()])
    try:
        acquisitions = contents.acquisitions(made)
    except InputError as error:
        report.failed(RECORD, "facts-form", escape(error.message))
        return []
    check_ends(made, report, ref or "")
    say_decisions(made, report, ref or "")
    total = Counts()
    compared = []
    hidden = _hidden(everything)
    for name, found in acquisitions.items():
        if ref is None or f"{name}/".startswith(f"{ref}/"):
            acquisition = found._replace(sensitive=name.rpartition("/")[0] in hidden)
            counts = check_acquisition(acquisition, source, report, _names(acquisition))
            total = total.plus(counts)
            if counts.files:
                compared.append(name)
    for name, row in contents.inventories(made).items():
        if ref is None or f"{name}/".startswith(f"{ref}/"):
            total = total.plus(_database(name, row, source, report))
    _say(total, report)
    return compared


def _names(acquisition: Acquisition) -> list[str]:
    names = [artifact.name for artifact in acquisition.artifacts]
    return [*names, contents.FILES_NAME] if acquisition.is_list else names


def _database(ref: str, row: Mapping[str, object], source: Source, report: Report) -> Counts:
    """Compare the inventory file with its record; its rows were bound by the root in the event."""
    database = row.get("database")
    name = database.get("name") if isinstance(database, dict) else None
    expected = database.get("sha256") if isinstance(database, dict) else None
    if not isinstance(name, str) or not isinstance(expected, str):
        return Counts()
    where = source.place(ref, name)
    if where is None:
        return Counts(absent=1, names=(escape(f"{ref}/{name}"),))
    found = source.digest(ref, name)
    if found is None:
        return Counts()
    size = source.size(ref, name)
    if found == expected:
        return Counts(1, size)
    text = f"`{escape(where)}` is not the inventory that was recorded"
    report.failed(CONTENT, "inventory-file", text, escape(where), expected, found)
    return Counts(1, size, 1)


def _say(total: Counts, report: Report) -> None:
    if total.absent:
        what = "1 recorded file is" if total.absent == 1 else f"{total.absent} recorded files are"
        text = f"{what} not here: {total.absent_names}"
        report.undecided(CONTENT, "files-absent", text)
    if total.files and not total.wrong:
        text = f"{total.files} files, {total.bytes:,} bytes, are as recorded"
        report.passed(CONTENT, "exhibits", text)
    if not total.files and not total.absent:
        text = "no data were recorded for this, so there is nothing to compare"
        report.undecided(CONTENT, "no-data", text)
