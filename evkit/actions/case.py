"""`evkit case open|list|show|close`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.actions import advice
from evkit.actions.custody import Recorded, Request, prepare, require_case, sign
from evkit.actions.custody_log import findings_lines, holding, wrap
from evkit.actions.todo import left_open
from evkit.core import clock
from evkit.core.errors import RefusedError, UsageError
from evkit.core.refs import is_case_id
from evkit.core.text import escape, shorten
from evkit.custody.history import shown
from evkit.custody.when import local_text

if TYPE_CHECKING:
    from evkit.custody.findings import Finding
    from evkit.custody.replay import Replay
    from evkit.custody.state import Case
    from evkit.identity.signer import Signer
    from evkit.station import Station

_FIELDS = (
    ("fir_no", "FIR"), ("offence", "offence"), ("police_station", "police station"),
    ("district", "district"), ("court", "court"), ("court_no", "court number"),
    ("investigating_officer", "investigating officer"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CaseList:
    """All cases with the number of their exhibits and entries."""

    cases: tuple[Case, ...]
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/case-list/1",
            "cases": [
                {
                    "case": case.id,
                    "title": case.title,
                    "open": case.open,
                    "opened": case.opened,
                    "exhibits": len(case.exhibits),
                    "entries": len(case.entries),
                }
                for case in self.cases
            ],
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        if not self.cases:
            return ["No cases. Open one with `evkit case open CASE --title …`."]
        width = max(len(case.id) for case in self.cases)
        return [
            f"{case.id:<{width}}  {'open' if case.open else 'closed':<6}  "
            f"{_count(case):<12}  {escape(case.title)}"
            for case in self.cases
        ]


@dataclass(frozen=True, kw_only=True)
class CaseView:
    """One case with its exhibits and remarks."""

    case: Case
    offset: str
    findings: tuple[Finding, ...]
    profile: str
    everything: bool = False
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/case/1",
            **self.case.document(),
            "profile": self.profile,
            "findings": [finding.document() for finding in self.findings],
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        case = self.case
        lines = wrap(f"{case.id}: {escape(case.title)}")
        if case.opened:
            opened = local_text(clock.parse(case.opened), self.offset)
            state = "open" if case.open else f"closed (entry {case.closed_entry})"
            lines.append(f"  {state}, opened {opened} {self.offset} (entry {case.opened_entry})")
        for name, label in _FIELDS:
            if name in case.fields:
                lines += wrap(f"{label}: {escape(shown(case.fields[name]))}", first="  ")
        for name, value in case.heads.items():
            lines += wrap(f"{name}: {escape(value)}", first="  ")
        if case.personal:
            lines += wrap(f"personal, kept as commitments: {', '.join(case.personal)}", first="  ")
        for exhibit in case.exhibits.values():
            lines.append("")
            lines += wrap(f"{exhibit.ref}  {escape(shorten(exhibit.what, 60))}")
            lines += wrap(holding(exhibit, self.offset), first="      ")
            for acquisition in exhibit.acquisitions.values():
                result = acquisition.result or "begun, no end recorded"
                lines += wrap(f"{acquisition.ref}  {acquisition.what}, {result}", first="      ")
        return [
            *lines,
            "",
            *findings_lines(self.findings, everything=self.everything),
            "",
            *wrap(escape(self.profile)),
        ]


def _count(case: Case) -> str:
    count = len(case.exhibits)
    return f"{count:>3} exhibit" + ("" if count == 1 else "s")


def open_case(station: Station, signer: Signer | None, request: Request) -> Recorded:
    """Open a case.

    Raises:
        UsageError: the id cannot be that of a case.
        RefusedError: there is a case of that id, ignoring case.
    """
    replayed = check_new(station, request)
    name = request.refs[0]
    draft = prepare(station, replayed, request, (name, (), ()))
    hint = f"next: evkit exhibit register {name}/E1 --what …"
    return sign(
        station, signer, draft, dry_run=request.dry_run, reason=request.reason, next_step=hint
    )


def check_new(station: Station, request: Request) -> Replay:
    """Look whether a case of that id can be opened; errors as `open_case`."""
    name = request.refs[0]
    if not is_case_id(name):
        raise UsageError(
            f"`{escape(name)}` cannot be the id of a case",
            hint="use letters, digits, `.`, `_` and `-`, at most 64, such as `2026-457`",
        )
    replayed = station.state(name)
    for known in replayed.state.cases.values():
        if known.id.casefold() == name.casefold() and known.opened_entry is not None:
            raise RefusedError(
                f"there is a case `{known.id}` already, opened by entry {known.opened_entry}",
                hint="choose another id; correct what is wrong with "
                f"`evkit custody record correct {known.id}`",
            )
    return replayed


def check_open(station: Station, request: Request) -> Replay:
    """Look whether a case is there and open; errors as `close_case`."""
    name = request.refs[0]
    replayed = station.state(name)
    require_case(replayed, name)
    closed = replayed.state.cases[name].closed_entry
    if closed is not None:
        raise RefusedError(f"case `{name}` was closed by entry {closed}")
    return replayed


def close_case(station: Station, signer: Signer | None, request: Request) -> Recorded:
    """Close a case; later entries are still possible and remarked.

    Whoever listens hears what is open in it.

    Raises:
        CaseError: there is none of that id.
        RefusedError: it was closed before.
    """
    name = request.refs[0]
    replayed = check_open(station, request)
    advice.tell(f"open in case {name}", left_open(replayed, name))
    draft = prepare(station, replayed, request, (name, (), ()))
    return sign(station, signer, draft, dry_run=request.dry_run, reason=request.reason)


def list_cases(station: Station) -> CaseList:
    """Return all cases in the order of their ids."""
    cases = station.state().state.cases
    return CaseList(cases=tuple(cases[name] for name in sorted(cases, key=str.casefold)))


def show_case(station: Station, name: str, *, everything: bool = False) -> CaseView:
    """Return one case; `everything` names each field that was not given.

    Raises:
        CaseError: there is none of that id.
    """
    replayed = station.state(name)
    require_case(replayed, name)
    entries = replayed.entries_of(name)
    return CaseView(
        case=replayed.state.cases[name],
        offset=entries[-1].offset,
        findings=tuple(replayed.findings_of(name)),
        profile=station.profile.review_line(),
        everything=everything,
    )
