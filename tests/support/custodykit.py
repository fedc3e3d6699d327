"""Builds events as a ledger would hold them, without keys: for tests of the replay."""

from __future__ import annotations

import dataclasses
import hashlib

from evkit.custody.compose import Typed, compose
from evkit.custody.replay import replay
from evkit.ledger.commitments import commit
from evkit.ledger.event import (
    Actor,
    Context,
    Deviation,
    Head,
    Recorded,
    Subject,
    Tool,
    build,
    parse_event,
)

OFFICERS = {
    "first": ("First Officer", "Inspector", "1204", "officer"),
    "second": ("Second Keeper", "Head Constable", "77", "custodian"),
    "third": ("Third Analyst", None, None, "analyst"),
}


def event_id(index):
    """The id of entry `index` in such a ledger."""
    return hashlib.sha256(f"{index}".encode()).hexdigest()


class Ledger:
    """A list of `(index, event, event id)`, one minute between entries."""

    def __init__(self):
        self.events = []
        self.sequence = {}
        self.minute = 0

    def add(self, kind, *exhibits, by="first", case="C1", at=None, **more):
        """Append one event; `more` are fields as typed, `_acquisitions`, `_happened` and so on."""
        acquisitions = tuple(more.pop("_acquisitions", ()))
        happened = more.pop("_happened", None)
        deviations = tuple(Deviation(*d) for d in more.pop("_deviations", ()))
        subjects = more.pop("_subjects", (Subject("x", {"sha256": "ab" * 32}),))
        raw = more.pop("_raw", None)
        if kind in {"station", "enrol", "memo"}:
            case = None
        refs = tuple(f"{case}/{e}" for e in exhibits)
        values = {name.replace("__", "."): value for name, value in more.items()}
        draft = compose(
            Typed(
                kind=kind,
                case=case,
                exhibits=refs,
                acquisitions=tuple(f"{case}/{a}" for a in acquisitions),
                values=values,
                happened=happened,
                offset="+05:00",
            )
        )
        return self.append(draft, by=by, at=at, deviations=deviations, subjects=subjects, raw=raw)

    def append(self, draft, *, by, at, deviations=(), subjects=(), raw=None, source="system"):

        index = len(self.events)
        self.minute += 1
        utc = at or f"2026-11-22T{4 + self.minute // 60:02d}:{self.minute % 60:02d}:00.000Z"
        draft = dataclasses.replace(draft, deviations=deviations, subjects=tuple(subjects))
        if raw is not None:
            draft = dataclasses.replace(draft, fields=raw)
        name, rank, badge, role = OFFICERS[by]
        seq, prev = self.sequence.get(draft.case, (0, None))
        context = Context(
            recorded=Recorded(utc, "+05:00", source),
            actor=Actor(by, name, role, "cd" * 32, rank, badge),
            tool=Tool("evkit", "0"),
            head=None if draft.kind == "station" else Head("o", max(index, 1), "00" * 32),
            case_seq=seq + 1 if draft.case else None,
            case_prev=prev if draft.case else None,
            commitments={n: commit(n, v, bytes(16)) for n, v in draft.sensitive.items()},
        )
        event = parse_event(build(draft, context))
        identity = event_id(index)
        if draft.case:
            self.sequence[draft.case] = (seq + 1, identity)
        self.events.append((index, event, identity))
        return index

    def replay(self, profile=None):
        return replay(self.events, profile)

    def codes(self, profile=None):
        return sorted({f.code for f in self.replay(profile).findings})

    def start(self, *exhibits):
        """A case opened, with exhibits registered by first."""
        self.add("case-open", title="Laptop theft")
        for exhibit in exhibits or ("E1",):
            self.add("register", exhibit, what="phone")
        return self
