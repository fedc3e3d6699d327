"""What the replay remarks: every code with its level and its meaning.

Texts are plain English with values as they were recorded; whoever prints them escapes them. The
page `docs/spec/custody-findings.md` lists the codes; a test compares both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evkit.core.ejson import Json

GAP, REMARK = "gap", "remark"

CATALOGUE: dict[str, tuple[str, str]] = {
    "custody-gap": (GAP, "for some time nobody is recorded as holding the exhibit"),
    "holder-change": (GAP, "someone acted on the exhibit who was not recorded as holding it"),
    "no-check-out": (GAP, "someone acted on the exhibit while it was recorded in the store"),
    "holder-mismatch": (GAP, "it was received from someone other than the recorded holder"),
    "lost": (GAP, "the exhibit was reported lost"),
    "not-registered": (GAP, "an event on an exhibit that is not registered"),
    "before-registration": (GAP, "an event recorded before the exhibit was registered"),
    "derived-without-source": (GAP, "a copy whose source is not an exhibit"),
    "source-not-registered": (GAP, "the named source is not registered in this ledger"),
    "returned-unexamined": (REMARK, "given back or disposed of before any data were taken"),
    "seal-mismatch": (GAP, "the seal numbers read are not those recorded"),
    "seal-condition": (GAP, "a seal was found broken or missing"),
    "unseal-without-seal": (REMARK, "a seal was opened that is not recorded"),
    "seal-while-sealed": (REMARK, "sealed again without an unsealing"),
    "worked-while-sealed": (GAP, "data were taken while the exhibit was recorded as sealed"),
    "check-in-without-check-out": (REMARK, "taken back that was not handed out"),
    "check-out-while-out": (REMARK, "handed out that was out already"),
    "after-end": (GAP, "an event after the exhibit was returned or disposed of"),
    "registered-twice": (REMARK, "the same exhibit was registered again"),
    "entries-missing": (GAP, "the entries of a case are not numbered one after the other"),
    "entry-repeated": (GAP, "the same entry stands in the ledger twice"),
    "case-not-open": (REMARK, "an event in a case that was not opened"),
    "case-opened-twice": (REMARK, "the same case was opened again"),
    "after-close": (REMARK, "an event after the case was closed"),
    "happened-earlier": (REMARK, "recorded after an event that it preceded"),
    "future": (REMARK, "stated to happen after it was recorded"),
    "late-entry": (REMARK, "recorded long after it happened"),
    "clock-backwards": (REMARK, "the clock was behind that of the entry before"),
    "clock-set": (REMARK, "the time was not read from a clock but given to the program"),
    "transport-dates": (REMARK, "the dates of a transport contradict each other"),
    "deviation": (REMARK, "a departure from procedure, recorded with its reason"),
    "corrected": (REMARK, "an entry was corrected; both are shown"),
    "correction-of-unknown": (REMARK, "a correction of an entry that is not here"),
    "acquisition-failed": (REMARK, "an attempt to take data failed"),
    "acquisition-stopped": (REMARK, "an attempt to take data was stopped"),
    "acquisition-unfinished": (REMARK, "an attempt to take data was begun and has no end"),
    "end-without-start": (REMARK, "the end of an attempt whose start is not recorded"),
    "acquisition-started-twice": (GAP, "the same attempt was begun twice"),
    "acquisition-ended-twice": (GAP, "the same attempt was ended twice; the first entry stands"),
    "digests-contradict": (GAP, "one entry states two different digests of the same data"),
    "parent-contradicted": (
        GAP,
        "what a conversion says of the acquisition it was made from is not what is on record of it",
    ),
    "unread-data": (REMARK, "part of the data could not be read"),
    "foreign-tool": (REMARK, "made by another tool, first digested here"),
    "expected-mismatch": (
        REMARK,
        "digests stated with a delivery do not agree, or what they name is not there",
    ),
    "inventory-without-data": (GAP, "an inventory of data whose end is not recorded before it"),
    "inventory-repeated": (REMARK, "an acquisition was inventoried again; the last one counts"),
    "inventory-incomplete": (REMARK, "the inventory could not read everything"),
    "verification-failed": (GAP, "a recorded check of digests said no"),
    "not-verified": (REMARK, "data that were taken and never compared again"),
    "verification-undecided": (REMARK, "a recorded check of digests could not be made"),
    "evidence-changed": (REMARK, "an unavoidable change of the evidence"),
    "incident": (REMARK, "an incident was recorded"),
    "unknown-kind": (REMARK, "an event kind that this version does not know"),
    "unknown-officer": (REMARK, "an officer whose enrolment is not in this ledger"),
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One remark: a code of `CATALOGUE`, a sentence, `gap` or `remark`, the entries it is about.

    `detail` is the code of a deviation; it is not part of the JSON form.
    """

    code: str
    text: str
    level: str
    events: tuple[int, ...]
    exhibit: str | None = None
    detail: str | None = None

    def document(self) -> dict[str, Json]:
        """Return the JSON form."""
        document: dict[str, Json] = {
            "code": self.code,
            "level": self.level,
            "text": self.text,
            "entries": list(self.events),
        }
        if self.exhibit:
            document["exhibit"] = self.exhibit
        return document


class Findings:
    """Collects findings; the level comes from the catalogue."""

    def __init__(self) -> None:
        self.all: list[Finding] = []

    def add(
        self,
        code: str,
        text: str,
        *events: int,
        exhibit: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Add one; `events` are entry indexes, sorted and made unique here."""
        self.all.append(
            Finding(
                code=code,
                text=text,
                level=CATALOGUE[code][0],
                events=tuple(sorted(set(events))),
                exhibit=exhibit,
                detail=detail,
            )
        )
