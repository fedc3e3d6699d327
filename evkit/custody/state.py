"""What the replay arrives at: officers, cases, exhibits, acquisitions, and who held what when.

Times are RFC 3339 UTC texts; entries are referred to by index. `document()` gives the JSON form
that commands, manifests and reports share.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.custody.decision import Decision

HELD, STORED, OUT, COURT, LOST, ENDED = "held", "stored", "out", "court", "lost", "ended"


@dataclass(kw_only=True)
class Stretch:
    """A time in one pair of hands; `holder` None when nobody is recorded, `end` None while open."""

    holder: str | None
    officer: str | None
    location: str | None
    state: str
    start: str
    start_entry: int
    end: str | None = None
    end_entry: int | None = None

    def document(self) -> dict[str, Any]:
        """Return the JSON form, without absent values."""
        return _present(vars(self))


@dataclass(kw_only=True)
class Seal:
    """Whether an exhibit is sealed, the seal numbers, and the entry that says so."""

    sealed: bool
    numbers: tuple[str, ...]
    entry: int


@dataclass(kw_only=True)
class Acquisition:
    """One attempt to take data.

    Attributes:
        result: `complete`, `with-gaps`, `stopped`, `failed`, or None while there is no end.
        fields: those of the end (of the start while there is no end), corrections applied.
        decisions: what is left out by decision, of the first end.
    """

    ref: str
    what: str
    started_entry: int | None = None
    ended_entry: int | None = None
    started: str | None = None
    ended: str | None = None
    result: str | None = None
    by: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    inventories: list[int] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    verifications: list[tuple[int, str]] = field(default_factory=list)
    copies: list[int] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    @property
    def media(self) -> Mapping[str, Any]:
        """Size and digests of the content; empty for many files."""
        value = self.fields.get("media")
        return value if isinstance(value, dict) else {}

    @property
    def made_by(self) -> str:
        """`evkit` or `other-tool`."""
        return str(self.fields.get("made_by", "evkit"))

    def document(self) -> dict[str, Any]:
        """Return the JSON form, without absent values."""
        found = _present(vars(self))
        found["verifications"] = [{"entry": e, "result": r} for e, r in self.verifications]
        found["decisions"] = [decision.document() for decision in self.decisions]
        return found


@dataclass(kw_only=True)
class Exhibit:
    """A thing or a delivered data set.

    Attributes:
        registered_entry, registration: entry and event id of the registration, None without one.
        fields: those of the registration, corrections applied.
        personal: names of personal fields, which stand as commitments.
        marks: further marks with the entries that gave them.
        custody: stretches in order of happening.
        state: `held`, `stored`, `out`, `court`, `lost`, `ended`; None before registration.
        entries: every entry that names it, in ledger order.
        sensitive: whether it holds sensitive material; None when nothing was said.
    """

    ref: str
    registered_entry: int | None = None
    registration: str | None = None
    registered: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    personal: tuple[str, ...] = ()
    marks: list[tuple[str, int]] = field(default_factory=list)
    seal: Seal | None = None
    custody: list[Stretch] = field(default_factory=list)
    acquisitions: dict[str, Acquisition] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    copies: list[int] = field(default_factory=list)
    produced: list[int] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)
    sensitive: bool | None = None
    moved_alone: bool = False

    @property
    def now(self) -> Stretch | None:
        """The latest stretch, None before registration."""
        return self.custody[-1] if self.custody else None

    @property
    def state(self) -> str | None:
        """Where it is now, as one word."""
        return self.custody[-1].state if self.custody else None

    @property
    def holder(self) -> str | None:
        """Who holds it now, None when nobody is recorded."""
        return self.custody[-1].holder if self.custody else None

    @property
    def what(self) -> str:
        """The description, or what stands for it."""
        return str(self.fields.get("what") or "(not registered)")

    def document(self) -> dict[str, Any]:
        """Return the JSON form, without absent values."""
        found = _present(vars(self))
        found.pop("moved_alone", None)
        found["state"], found["holder"] = self.state, self.holder
        found["marks"] = [{"mark": mark, "entry": entry} for mark, entry in self.marks]
        found["seal"] = _present(vars(self.seal)) if self.seal else None
        found["custody"] = [stretch.document() for stretch in self.custody]
        found["acquisitions"] = [a.document() for a in self.acquisitions.values()]
        return found


@dataclass(kw_only=True)
class Case:
    """A case: its opening, its exhibits, and every entry that names it."""

    id: str
    opened_entry: int | None = None
    opening: str | None = None
    opened: str | None = None
    closed_entry: int | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    personal: tuple[str, ...] = ()
    exhibits: dict[str, Exhibit] = field(default_factory=dict)
    entries: list[int] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The title, or what stands for it."""
        return str(self.fields.get("title") or "(no title)")

    @property
    def open(self) -> bool:
        """Whether it was opened and not closed since."""
        return self.opened_entry is not None and self.closed_entry is None

    def document(self) -> dict[str, Any]:
        """Return the JSON form, without absent values."""
        found = _present(vars(self))
        found["open"] = self.open
        found["exhibits"] = [exhibit.document() for exhibit in self.exhibits.values()]
        return found


@dataclass(kw_only=True)
class Officer:
    """An officer as enrolled; `revoked_entry` when the key was revoked."""

    officer: str
    name: str
    rank: str | None = None
    badge: str | None = None
    roles: tuple[str, ...] = ()
    certificate: str | None = None
    enrolled_entry: int | None = None
    revoked_entry: int | None = None

    def document(self) -> dict[str, Any]:
        """Return the JSON form, without absent values."""
        return _present(vars(self))


class PieceTest(NamedTuple):
    """One test of a piece of equipment."""

    day: str
    result: str | None
    report: str | None
    by: str | None
    entry: int


@dataclass(kw_only=True)
class Piece:
    """A piece of equipment: its latest values, and its tests from the oldest to the newest."""

    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    tests: list[PieceTest] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return the JSON form, without absent values."""
        tests = [_present(test._asdict()) for test in self.tests]
        return {"name": self.name, **self.fields, "tests": tests, "entries": list(self.entries)}


@dataclass(kw_only=True)
class Medium:
    """A destination medium with its latest values."""

    label: str
    added: str
    fields: dict[str, Any] = field(default_factory=dict)
    entries: list[int] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"label": self.label, **self.fields, "added": self.added,
                "entries": list(self.entries)}  # fmt: skip


@dataclass(kw_only=True)
class ListedSet:
    """A hash set of the station as its import recorded it; `removed_entry` once it was removed."""

    name: str
    entry: int
    fields: dict[str, Any] = field(default_factory=dict)
    removed_entry: int | None = None

    @property
    def sha256(self) -> str | None:
        """The recorded digest of its file."""
        file = self.fields.get("file")
        value = file.get("sha256") if isinstance(file, dict) else None
        return value if isinstance(value, str) else None

    def document(self) -> dict[str, Any]:
        """Return the JSON form, without absent values."""
        found = {"name": self.name, **self.fields, "entry": self.entry}
        return _present({**found, "removed_entry": self.removed_entry})


@dataclass(kw_only=True)
class State:
    """Everything; it also answers as `custody.kinds.Lookup`.

    `corrections` holds the sentence of each correction, by its event id; `equipment` and `media`
    are found by name and label, ignoring case; `hashsets` by name.
    """

    station: dict[str, Any] = field(default_factory=dict)
    statement_id: str | None = None
    officers: dict[str, Officer] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    corrections: dict[str, str] = field(default_factory=dict)
    equipment: dict[str, Piece] = field(default_factory=dict)
    media: dict[str, Medium] = field(default_factory=dict)
    hashsets: dict[str, ListedSet] = field(default_factory=dict)

    def statement(self) -> str | None:
        """Return the event id of the station statement."""
        return self.statement_id

    def opening(self, case: str) -> str | None:
        """Return the event id of the opening of `case`."""
        found = self.cases.get(case)
        return found.opening if found else None

    def registration(self, exhibit: str) -> str | None:
        """Return the event id of the registration of `CASE/E1`."""
        found = self.exhibit(exhibit)
        return found.registration if found else None

    def digests(self, acquisition: str) -> Mapping[str, str] | None:
        """Return the digests of the data of `CASE/E1/A1`."""
        found = self.acquisition(acquisition)
        return found.digests if found and found.digests else None

    def exhibit(self, ref: str) -> Exhibit | None:
        """Return the exhibit `CASE/E1`, or None."""
        case = self.cases.get(ref.partition("/")[0])
        return case.exhibits.get(ref) if case else None

    def acquisition(self, ref: str) -> Acquisition | None:
        """Return the acquisition `CASE/E1/A1`, or None."""
        exhibit = self.exhibit(ref.rpartition("/")[0])
        return exhibit.acquisitions.get(ref) if exhibit else None

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "station": self.station,
            "officers": [officer.document() for officer in self.officers.values()],
            "cases": [case.document() for case in self.cases.values()],
            "equipment": [piece.document() for piece in self.equipment.values()],
            "media": [medium.document() for medium in self.media.values()],
            "hashsets": [listed.document() for listed in self.hashsets.values()],
        }


def number_of(ref: str) -> tuple[int, str]:
    """Return the place of `CASE/E10` or `CASE/E1/A2` among its siblings, by its last number."""
    digits = ref.rpartition("/")[2][1:]
    return (int(digits) if digits.isascii() and digits.isdigit() else 0, ref)


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value is not None
    }
