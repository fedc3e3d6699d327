"""The answer of a verification: questions, findings, remarks, one overall word.

A question without a single check that passed is UNDECIDED, so a check that was not made can never
read as a pass. Word, exit code and JSON are derived from the same findings. See
`docs/spec/verify-report.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from evkit.core.errors import ExitCode, worst

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

SCHEMA: Final = "evkit/verify-report/1"
CONTENT, AUTHORSHIP, RECORD, HISTORY = QUESTIONS = ("content", "authorship", "record", "history")
SECTORS, FILE = "sectors", "file"  # of a proof of origin, in place of content
PASS, FAIL, UNDECIDED, WAIVED = "PASS", "FAIL", "UNDECIDED", "WAIVED"
_CODES = {PASS: ExitCode.OK, FAIL: ExitCode.FAILED_CHECK, UNDECIDED: ExitCode.UNDECIDED}
_ORDER = (FAIL, UNDECIDED, PASS)
MAX_SHOWN: Final = 20  # findings of one state and question shown to people; JSON has all
MAX_KEPT: Final = 1000  # findings of one code kept at all; the rest is counted


class Finding(NamedTuple):
    """One check.

    Attributes:
        question: one of those that the report answers.
        state: `PASS`, `FAIL` or `UNDECIDED`.
        code: a short name that does not change between versions.
        text: the words, already escaped.
        where: file or entry, already escaped; empty when it is the whole.
        expected: what is recorded, in full.
        found: what was found, in full.
    """

    question: str
    state: str
    code: str
    text: str
    where: str = ""
    expected: str = ""
    found: str = ""

    def document(self) -> dict[str, str]:
        """Return the finding for JSON; empty parts are left out."""
        return {key: value for key, value in self._asdict().items() if value}


class Remark(NamedTuple):
    """Something to know that never changes a word.

    Attributes:
        code: as in `docs/spec/verify-report.md` or `custody-findings.md`.
        text: the words, already escaped.
        entries: ledger indices.
        gap: it leaves open where an exhibit was, whether it is the same, or its data.
        alike: remarks with the same text here are shown to people in one line; empty for none.
    """

    code: str
    text: str
    entries: tuple[int, ...] = ()
    gap: bool = False
    alike: str = ""


class Report:
    """Collects findings while a verification runs and answers afterwards.

    Attributes:
        label: what was verified, escaped.
        kind: `bundle`, `manifest`, `proof`, `station`, `case`, `image`.
        questions: what is answered, in this order.
        lead: of a proof of origin, both verdicts in plain words; first in the first line.
        reach: parts of the first line that say how far the answer reaches.
        shown: facts found inside and not used as authority (roots, keys).
        not_proven: sentences of what no check here can prove.
        unreadable: files that could not be read now.
        no_history: the verifier waived the question.
        decisions: what acquisitions leave out because somebody decided so.
    """

    def __init__(
        self,
        label: str,
        kind: str,
        *,
        no_history: bool = False,
        questions: tuple[str, ...] = QUESTIONS,
    ) -> None:
        self.label = label
        self.kind = kind
        self.questions = questions
        self.no_history = no_history
        self.findings: list[Finding] = []
        self.remarks: list[Remark] = []
        self.lead = ""
        self.reach: list[str] = []
        self.decisions: list[dict[str, str]] = []
        self.shown: dict[str, str] = {}
        self.not_proven: list[str] = []
        self.unreadable = 0
        self.omitted: dict[str, int] = {}
        self._seen: dict[str, int] = {}

    def add(self, finding: Finding) -> None:
        """Keep a finding; beyond `MAX_KEPT` of one code only failures are counted."""
        count = self._seen.get(finding.code, 0) + 1
        self._seen[finding.code] = count
        if count <= MAX_KEPT:
            self.findings.append(finding)
        else:
            self.omitted[finding.code] = count - MAX_KEPT

    def passed(self, question: str, code: str, text: str, where: str = "") -> None:
        """Note a check that was made and passed."""
        self.add(Finding(question, PASS, code, text, where))

    def failed(
        self,
        question: str,
        code: str,
        text: str,
        where: str = "",
        expected: str = "",
        found: str = "",
    ) -> None:
        """Note a check whose answer is no."""
        self.add(Finding(question, FAIL, code, text, where, expected, found))

    def undecided(self, question: str, code: str, text: str, where: str = "") -> None:
        """Note a check that was asked for and could not be made."""
        self.add(Finding(question, UNDECIDED, code, text, where))

    def remark(self, code: str, text: str, *entries: int) -> None:
        """Note something that changes no word."""
        self.remarks.append(Remark(code, text, entries))

    def custody(self, remark: Remark) -> None:
        """Note what the replay of custody remarks."""
        self.remarks.append(remark)

    def fold(self, codes: Collection[str]) -> int:
        """Take away failures of these codes, count them as omitted, and return their number."""
        gone = [f for f in self.findings if f.state == FAIL and f.code in codes]
        self.findings = [f for f in self.findings if f.state != FAIL or f.code not in codes]
        for finding in gone:
            self.omitted[finding.code] = self.omitted.get(finding.code, 0) + 1
        return len(gone)

    def soften(self, codes: Collection[str]) -> None:
        """Turn failures of these codes into checks that could not be made."""
        self.findings = [
            f._replace(state=UNDECIDED) if f.state == FAIL and f.code in codes else f
            for f in self.findings
        ]

    @property
    def gaps(self) -> int:
        """Number of remarks that leave custody open."""
        return sum(remark.gap for remark in self.remarks)

    def has(self, state: str, question: str | None = None) -> bool:
        """Say whether a finding of this state exists."""
        return any(
            finding.state == state and question in {None, finding.question}
            for finding in self.findings
        )

    def answer(self, question: str) -> str:
        """Return PASS, FAIL, UNDECIDED or, for a history that the verifier waived, WAIVED."""
        states = {finding.state for finding in self.findings if finding.question == question}
        if question == HISTORY and self.no_history and FAIL not in states:
            return WAIVED
        for state in _ORDER:
            if state in states:
                return state
        return UNDECIDED

    @property
    def word(self) -> str:
        """The worst of the answers."""
        answers = {self.answer(question) for question in self.questions}
        return next(state for state in _ORDER if state in answers)

    @property
    def exit_code(self) -> int:
        """0, 4 or 5; 3 when all is well but something could not be read."""
        return worst(_CODES[self.word], ExitCode.INCOMPLETE if self.unreadable else ExitCode.OK)

    @property
    def verdict(self) -> str:
        """The word, and whether history was left out."""
        if self.word == PASS and self.answer(HISTORY) == WAIVED:
            return "PASS without history"
        return self.word

    @property
    def first_line(self) -> str:
        """Word, what was verified, how far the answer reaches, and the gaps in custody."""
        asked = [name for name in self.questions if not self.lead or name not in {SECTORS, FILE}]
        states = [f"{question} {self.answer(question)}" for question in asked]
        if self.word == PASS:
            states = []
        parts = [*([self.lead] if self.lead else []), *states, *self.reach]
        if self.gaps:
            parts.append(f"{self.gaps} gap{'s' if self.gaps > 1 else ''} in custody")
        return f"{self.verdict}  {self.kind} `{self.label}`: " + "; ".join(parts)

    def document(self) -> dict[str, Any]:
        """Return the report for `--json`."""
        return {
            "schema": SCHEMA,
            "word": self.word,
            "exit_code": self.exit_code,
            "first_line": self.first_line,
            "kind": self.kind,
            "what": self.label,
            "questions": {
                question: {
                    "answer": self.answer(question),
                    "checks": [
                        finding.document()
                        for finding in self.findings
                        if finding.question == question
                    ],
                }
                for question in self.questions
            },
            "reach": self.reach,
            "decisions": self.decisions,
            "remarks": [
                {
                    "code": entry.code,
                    "level": "gap" if entry.gap else "remark",
                    "text": entry.text,
                    "entries": list(entry.entries),
                }
                for entry in self.remarks
            ],
            "found_not_used": self.shown,
            "not_proven": self.not_proven,
            "unreadable": self.unreadable,
            "omitted": self.omitted,
        }

    def lines(self, *, everything: bool = False) -> list[str]:
        """Return the report for people; remarks that are alike are folded unless `everything`."""
        lines = [self.first_line]
        if self.decisions:
            lines.append("by decision, not for want of reading:")
            lines += [f"  - {entry['text']}" for entry in self.decisions]
        for question in self.questions:
            lines += self._question_lines(question)
        if self.remarks:
            lines.append(f"remarks ({len(self.remarks)}):")
            lines += [f"  - {text}" for text in _remark_lines(self.remarks, everything=everything)]
        if self.shown:
            lines.append("found inside, shown and not used as authority:")
            lines += [f"  {key}: {value}" for key, value in self.shown.items()]
        if self.not_proven:
            lines.append("not proven by any of this:")
            lines += [f"  - {text}" for text in self.not_proven]
        return lines

    def _question_lines(self, question: str) -> list[str]:
        lines = [f"  {question:<10}  {self.answer(question)}"]
        for state in _ORDER:
            found = [f for f in self.findings if f.question == question and f.state == state]
            mark = {FAIL: "no:", UNDECIDED: "not made:", PASS: "ok:"}[state]
            for finding in found[:MAX_SHOWN]:
                lines.append(f"    {mark} {finding.text}")
                if finding.expected or finding.found:
                    lines.append(f"      expected: {finding.expected}")
                    lines.append(f"      found:    {finding.found}")
            if len(found) > MAX_SHOWN:
                lines.append(f"    {mark} {len(found) - MAX_SHOWN} more; `--json` lists them")
        return lines


def _remark_lines(remarks: Sequence[Remark], *, everything: bool) -> list[str]:
    """Return the texts, gaps first; those that are alike in one line with their entries."""
    groups: dict[tuple[bool, str], list[Remark]] = {}
    for number, remark in enumerate(remarks):
        single = everything or not remark.alike
        groups.setdefault((not remark.gap, f"#{number}" if single else remark.alike), []).append(
            remark
        )
    lines = []
    for (_, key), found in sorted(groups.items(), key=lambda item: item[0][0]):
        if len(found) == 1:
            lines.append(found[0].text)
            continue
        entries = sorted({index for remark in found for index in remark.entries})
        shown = ", ".join(str(index) for index in entries[:MAX_SHOWN])
        more = " …" if entries[MAX_SHOWN:] else ""
        lines.append(f"{key}: {len(found)} times, entries {shown}{more} (`--all` lists them)")
    return lines


class Reports:
    """The answers for several things; the overall word is the worst.

    Attributes:
        reports: one for each.
        everything: list remarks that are alike one by one.
    """

    def __init__(self, reports: list[Report], *, everything: bool = False) -> None:
        self.reports = reports
        self.everything = everything

    @property
    def verdict(self) -> str:
        """The worst word."""
        for state in _ORDER:
            for report in self.reports:
                if report.word == state:
                    weaker = [r.verdict for r in self.reports if r.verdict != state]
                    return weaker[0] if state == PASS and weaker else report.verdict
        return UNDECIDED

    @property
    def exit_code(self) -> int:
        """The worst exit code."""
        return worst(*(report.exit_code for report in self.reports))

    def document(self) -> dict[str, Any]:
        """Return one report, or all under `reports`."""
        if len(self.reports) == 1:
            return self.reports[0].document()
        word = next(
            state for state in _ORDER if any(report.word == state for report in self.reports)
        )
        return {
            "schema": SCHEMA,
            "word": word,
            "exit_code": self.exit_code,
            "reports": [report.document() for report in self.reports],
        }

    def lines(self) -> list[str]:
        """Return the reports one after the other, and at the end the verdict once more."""
        lines: list[str] = []
        for report in self.reports:
            lines += [""] if lines else []
            lines += report.lines(everything=self.everything)
        return [*lines, f"verdict: {self.verdict}"]
