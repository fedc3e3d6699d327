"""What an event is about, as in-toto subjects.

An acquisition is named by the digests of its data. A thing without data is named by the event id of
its registration, a case event by that of its opening, everything else by that of the station
statement. Names say which: `C1/E1/A1`, `C1/E1#registration`, `C1#opening`, `station#statement`.
The digest is always called `sha256`: an event id is the SHA-256 of the DSSE pre-authentication
encoding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.ledger.event import Draft, Subject


class Lookup(Protocol):
    """What the ledger knows already; all answers are lower-case hex."""

    def statement(self) -> str | None:
        """Return the event id of the station statement."""

    def opening(self, case: str) -> str | None:
        """Return the event id of the opening of `case`, or None."""

    def registration(self, exhibit: str) -> str | None:
        """Return the event id of the registration of `CASE/E1`, or None."""

    def digests(self, acquisition: str) -> Mapping[str, str] | None:
        """Return the digests of the data of `CASE/E1/A1`, or None."""


def subjects_for(draft: Draft, lookup: Lookup) -> tuple[Subject, ...]:
    """Return the subjects of a draft: its own if it has any, else by the rule above.

    An acquisition without data stands for its exhibit, an exhibit without registration for its
    case, a case without opening for the station: an event always has a subject.
    """
    from evkit.ledger.event import Subject

    if draft.subjects:
        return tuple(draft.subjects)
    found: dict[str, Mapping[str, str]] = {}
    covered: set[str] = set()
    for acquisition in draft.acquisitions:
        digests = lookup.digests(acquisition)
        if digests:
            found[acquisition] = dict(digests)
            covered.add(acquisition.rpartition("/")[0])
    named = (*draft.exhibits, *(name.rpartition("/")[0] for name in draft.acquisitions))
    for exhibit in dict.fromkeys(named):
        event_id = None if draft.kind == "register" else lookup.registration(exhibit)
        if event_id and exhibit not in covered:
            found[f"{exhibit}#registration"] = {"sha256": event_id}
    if not found and draft.case and draft.kind != "case-open":
        event_id = lookup.opening(draft.case)
        if event_id:
            found[f"{draft.case}#opening"] = {"sha256": event_id}
    if not found:
        event_id = lookup.statement()
        if event_id:
            found["station#statement"] = {"sha256": event_id}
    return tuple(Subject(name=name, digests=digests) for name, digests in found.items())
