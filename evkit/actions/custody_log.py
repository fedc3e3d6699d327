"""`evkit custody log`: every entry about an exhibit or a case, readable on 80 columns."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.core import clock
from evkit.core.errors import CaseError
from evkit.core.refs import parse_ref
from evkit.core.text import escape
from evkit.custody.findings import GAP
from evkit.custody.history import shown
from evkit.custody.when import local_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.custody.findings import Finding
    from evkit.custody.history import Entry
    from evkit.custody.state import Exhibit
    from evkit.station import Station

WIDTH = 80
_FOLDED = {"missing-fields", "missing-witnesses"}
_INDENT = "      "


@dataclass(frozen=True, kw_only=True)
class Log:
    """The log of one reference; `exhibit` is None for a case."""

    ref: str
    title: str
    exhibit: Exhibit | None
    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        document: dict[str, Any] = {"schema": "evkit/custody-log/1", "ref": self.ref}
        document["title"] = self.title
        if self.exhibit:
            document["exhibit"] = self.exhibit.document()
        document["entries"] = [entry.document() for entry in self.entries]
        document["findings"] = [finding.document() for finding in self.findings]
        return document

    def lines(self) -> list[str]:
        """Return the lines for people."""
        lines = wrap(f"Custody of {self.ref}: {escape(self.title)}")
        if self.exhibit:
            lines += wrap(holding(self.exhibit, self.entries[-1].offset))
        for entry in self.entries:
            lines += ["", *entry_lines(entry)]
        # deviations and corrections stand at their entries already
        rest = [f for f in self.findings if f.code not in {"deviation", "corrected"}]
        return [*lines, "", *findings_lines(rest, none="No other remarks.")]


def run(station: Station, ref: str) -> Log:
    """Return the log of `CASE`, `CASE/E1` or `CASE/E1/A1`.

    Raises:
        CaseError: nothing in this station is called that.
    """
    parsed = parse_ref(ref)
    replayed = station.state(parsed.case)
    entries = tuple(replayed.entries_of(ref))
    if not entries:
        known = parsed.case in replayed.state.cases
        command = f"evkit case show {parsed.case}" if known else "evkit case list"
        raise CaseError(
            f"nothing is recorded about `{ref}`",
            hint=f"`{command}` shows {'its exhibits' if known else 'the cases'}",
        )
    exhibit = replayed.state.exhibit(str(parsed.of_exhibit())) if parsed.exhibit else None
    title = exhibit.what if exhibit else replayed.state.cases[parsed.case].title
    about = str(parsed.of_exhibit()) if parsed.exhibit else ref
    return Log(
        ref=ref,
        title=title,
        exhibit=exhibit,
        entries=entries,
        findings=tuple(replayed.findings_of(about)),
    )


def holding(exhibit: Exhibit, offset: str) -> str:
    """Return one line that says where an exhibit is."""
    now = exhibit.now
    if now is None:
        return "not registered; nobody is recorded as holding it"
    start = local_text(clock.parse(now.start), offset)
    since = f"since {start} {offset} (entry {now.start_entry})"
    holder = escape(now.holder) if now.holder else "nobody recorded"
    words = {
        "held": f"held by {holder}",
        "stored": f"in the store, kept by {holder}",
        "out": f"out with {holder}",
        "court": f"kept by {holder}",
        "lost": "reported lost",
        "ended": "given back or disposed of",
    }
    text = words.get(now.state, now.state)
    if now.location and now.state not in {"ended", "lost"}:
        text += f", {escape(now.location)}"
    seal = exhibit.seal
    if seal and seal.sealed:
        text += ", sealed" + (f" {escape(', '.join(seal.numbers))}" if seal.numbers else "")
    return f"{text}, {since}"


def entry_lines(entry: Entry) -> list[str]:
    """Return the lines of one entry, at most 80 columns wide."""
    head = f"{entry.index:>4}  {entry.when} {entry.offset}  {entry.kind}  {escape(entry.actor)}"
    if entry.role:
        head += f" ({entry.role})"
    lines = wrap(head, first="")
    lines += wrap(escape(entry.summary), first=_INDENT)
    for name, value in entry.heads.items():
        if name != "purpose":
            lines += wrap(f"{name}: {escape(value)}", first=_INDENT)
    if entry.happened:
        recorded = local_text(clock.parse(entry.recorded), entry.offset)
        lines += wrap(f"recorded {recorded}, time above as stated", first=_INDENT)
    remarks = entry.fields.get("remarks")
    if remarks:
        lines += wrap(f"remarks: {escape(shown(remarks))}", first=_INDENT)
    if entry.withheld:
        listed = ", ".join(escape(name) for name in entry.withheld)
        lines += wrap(f"personal, kept as commitments: {listed}", first=_INDENT)
    for deviation in entry.deviations:
        text = f"deviation: {deviation['text']}; reason: {deviation['reason']}"
        lines += wrap(escape(text), first=_INDENT)
    if entry.corrected_by:
        numbers = ", ".join(str(index) for index in entry.corrected_by)
        lines += wrap(f"corrected by entry {numbers}: now reads", first=_INDENT)
        for name, value in entry.current.items():
            lines += wrap(f"{escape(name)}: {escape(shown(value))}", first=_INDENT + "  ")
    return lines


def findings_lines(
    findings: Sequence[Finding], none: str = "No remarks.", *, everything: bool = False
) -> list[str]:
    """Return the lines of findings, gaps first; one line when there are none.

    Args:
        findings: as the replay gives them.
        none: what to print when there are none.
        everything: name every field that was not given; else they are counted, one line per entry.
    """
    if not findings:
        return [none]
    gaps = [finding for finding in findings if finding.level == GAP]
    count = f"{len(findings)} remark" + ("" if len(findings) == 1 else "s")
    count += f", {len(gaps) or 'none'} about a gap in custody or evidence:"
    lines = wrap(count)
    for finding in gaps:
        lines += wrap(f"! {escape(finding.text)}", first="  ", rest="    ")
    rest = [finding for finding in findings if finding.level != GAP]
    folded = {} if everything else _missing(rest)
    for finding in rest:
        entry = finding.events[0] if finding.events else -1
        if everything or finding.detail not in _FOLDED:
            lines += wrap(f"- {escape(finding.text)}", first="  ", rest="    ")
        elif entry in folded:
            lines += wrap(f"- {escape(folded.pop(entry))}", first="  ", rest="    ")
    if not everything and _missing(rest):
        lines.append("  (`--all` names the fields that were not given)")
    return lines


def _missing(findings: Sequence[Finding]) -> dict[int, str]:
    """Return one line per entry that says how much the profile asks for was not given."""
    texts: dict[int, list[str]] = {}
    for finding in findings:
        if finding.detail in _FOLDED and finding.events:
            texts.setdefault(finding.events[0], []).append(finding.text)
    found = {}
    for entry, known in texts.items():
        head, _, rest = known[0].partition(": ")
        reason = rest.rpartition("; reason: ")[2]
        asked = [text.partition("; not given")[0] for text in known if "; not given" in text]
        fields = sum(text.count("`") // 2 - 1 for text in asked)  # the first one names the profile
        parts = [f"{fields} field" + ("" if fields == 1 else "s")] if fields else []
        parts += ["witnesses"] if len(known) > len(asked) else []
        found[entry] = f"{head}: not given: {' and '.join(parts)}; reason: {reason}"
    return found


def wrap(text: str, *, first: str = "", rest: str | None = None) -> list[str]:
    """Break escaped text at 80 columns; words longer than that, such as digests, stay whole."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=_INDENT if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    ) or [first]
