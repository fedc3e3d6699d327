"""What the ledger knows already: openings, registrations and digests that later events refer to.

Answers come from committed entries, and inside a batch also from the drafts before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.station.sqlite_store import fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.ledger.event import Draft, Event, Subject
    from evkit.station.store import Store

_KINDS = ("case-open", "register", "acquire-end", "intake-end")


class LedgerLookup:
    """Implements `custody.kinds.Lookup` over a store; case ids are compared ignoring case."""

    def __init__(self, store: Store, statement: str | None) -> None:
        """Take the store and the event id of the station statement."""
        self._store = store
        self._statement = statement
        self._read: set[str] = set()
        self._openings: dict[str, str] = {}
        self._registrations: dict[str, str] = {}
        self._digests: dict[str, Mapping[str, str]] = {}
        self._ended: set[str] = set()

    def statement(self) -> str | None:
        """Return the event id of the station statement."""
        return self._statement

    def opening(self, case: str) -> str | None:
        """Return the event id of the opening of `case`, or None."""
        self._load(case)
        return self._openings.get(fold(case))

    def registration(self, exhibit: str) -> str | None:
        """Return the event id of the registration of `CASE/E1`, or None."""
        self._load(exhibit)
        return self._registrations.get(fold(exhibit))

    def digests(self, acquisition: str) -> Mapping[str, str] | None:
        """Return the digests of the data of `CASE/E1/A1`, or None."""
        self._load(acquisition)
        return self._digests.get(fold(acquisition))

    def ended(self, acquisition: str) -> bool:
        """Say whether the end of `CASE/E1/A1` is recorded."""
        self._load(acquisition)
        return fold(acquisition) in self._ended

    def add(self, draft: Draft | Event, event_id: str, subjects: Sequence[Subject]) -> None:
        """Take in an event that is committed, or about to be in the same batch."""
        if draft.kind == "case-open" and draft.case:
            self._openings.setdefault(fold(draft.case), event_id)
        elif draft.kind == "register":
            for exhibit in draft.exhibits:
                self._registrations.setdefault(fold(exhibit), event_id)
        elif draft.kind in {"acquire-end", "intake-end"}:
            wanted = {fold(name) for name in draft.acquisitions}
            self._ended |= wanted
            for subject in subjects:
                if fold(subject.name) in wanted:
                    self._digests.setdefault(fold(subject.name), dict(subject.digests))

    def _load(self, ref: str) -> None:
        """Read the case of a reference once."""
        case = fold(ref.partition("/")[0])
        if case in self._read:
            return
        self._read.add(case)
        from evkit.station.reading import event_of

        for entry in self._store.of_kinds(_KINDS, case):
            event = event_of(entry)
            self.add(event, entry.event_id, event.subjects)
