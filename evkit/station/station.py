"""`Station`: what the rest of evkit sees of a station. `record` is the only way to append."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Self

from evkit.core.closing import Closing
from evkit.core.errors import CaseError, EvkitError
from evkit.core.progress import SILENT
from evkit.core.text import escape
from evkit.station import append, config, highwater, layout
from evkit.station.append import Book
from evkit.station.build import Terms
from evkit.station.journals import journals
from evkit.station.layout import Layout
from evkit.station.reading import check_head, event_of
from evkit.station.sqlite_store import SqliteStore
from evkit.station.trust import Trust

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from evkit.core.progress import Progress
    from evkit.core.refs import Ref
    from evkit.custody.profile import Profile
    from evkit.custody.replay import Replay
    from evkit.identity.certificate import Certificate
    from evkit.identity.signer import Signer
    from evkit.ledger.commitments import Opening
    from evkit.ledger.event import Draft, Event
    from evkit.merkle.tree import Reader
    from evkit.station.append import Recorded
    from evkit.station.config import Config
    from evkit.station.index import Index
    from evkit.station.store import Entry, Head, Store

_KEPT = 4096  # events that are kept after they were read once


class Station(Closing):
    """An open station; a context manager.

    Attributes:
        place: where its files lie.
        config: what `station.toml` says.
        store: the committed ledger.
        trust: root, statement, officers, other roots.
        notices: what was found and done on opening, for people.
    """

    def __init__(self, place: Layout, settings: Config, store: Store) -> None:
        self.place = place
        self.config = settings
        self.store = store
        self.trust = Trust(place)
        self.notices: list[str] = []
        self._events: dict[tuple[str, bytes], Event] = {}
        self._states: dict[str | None, tuple[tuple[int, bytes], Replay]] = {}
        self._index: Index | None = None

    @classmethod
    def open(cls, path: str | bytes | os.PathLike[str]) -> Self:
        """Open a station and finish what a stop left behind.

        A committed head without checkpoint is signed. Where that is not possible, a notice says
        why; reading works all the same.

        Raises:
            CaseError: there is no station.
            InputError: its configuration or its ledger is damaged.
        """
        place = Layout.of(path)
        settings = config.read(place.home)
        station = cls(place, settings, SqliteStore.open(place.path(layout.LEDGER)))
        try:
            if append.sign_missing(station.book):
                station.notices.append("signed the last head; the append before was stopped")
        except EvkitError as error:
            station.notices.append(f"the last head is not signed: {error.message}")
        return station

    @functools.cached_property
    def profile(self) -> Profile:
        """The legal profile; read when it is first needed."""
        from evkit.custody.profile import load_profile

        return load_profile(self.config.profile)

    @property
    def book(self) -> Book:
        """The parts that an append works on."""
        return Book(
            place=self.place,
            origin=self.config.origin,
            profile=lambda: self.profile,
            store=self.store,
            trust=self.trust,
        )

    @property
    def origin(self) -> str:
        """The name of the ledger."""
        return self.config.origin

    def record(
        self,
        draft: Draft,
        signer: Signer,
        *,
        reason: str | None = None,
        role: str | None = None,
        progress: Progress = SILENT,
    ) -> Recorded:
        """Sign an event and append it; see `station.append.append` for the errors.

        Args:
            draft: what to record.
            signer: the officer's unlocked key.
            reason: why the procedure was departed from.
            role: one of the roles in the certificate; chosen by the kind of event when None.
            progress: told when the ledger is held by somebody else.
        """
        terms = Terms(reason=reason, role=role)
        return append.append(self.book, [draft], signer, terms, progress)[0]

    def record_many(
        self,
        drafts: Sequence[Draft],
        signer: Signer,
        *,
        reason: str | None = None,
        role: str | None = None,
        progress: Progress = SILENT,
    ) -> list[Recorded]:
        """Sign events and append them in one transaction; all or none."""
        return append.append(self.book, drafts, signer, Terms(reason=reason, role=role), progress)

    def check(self, signer: Signer, kind: str) -> None:
        """Try everything that could keep `signer` from recording `kind`; before long work.

        Raises:
            EvkitError: as `record` would.
        """
        append.try_out(self.book, signer, {kind})

    def head(self) -> Head:
        """Return the last committed head."""
        return self.store.head()

    def signed_head(self) -> Head:
        """Return the last head with its checkpoint, checked.

        Raises:
            InputError: the checkpoint is missing or damaged.
            CheckFailedError: it is not that of the ledger, or not by the certified log key.
        """
        append.sign_missing(self.book)
        head = self.store.head()
        check_head(head, self.origin, self.trust.statement().vkey())
        return head

    def leaving_head(self) -> Head:
        """Return the last head to hand out; the high-water mark moves to it.

        Raises:
            RefusedError: the ledger lies below or beside the mark.
            EvkitError: as `signed_head`.
        """
        return append.leaving(self.book)

    def checkpoint(self) -> bytes:
        """Return the signed checkpoint of the last head; errors as `signed_head`."""
        return self.signed_head().note or b""

    def mark(self) -> highwater.Mark | None:
        """Check the ledger against this user's high-water mark and return it."""
        return highwater.check(self.origin, self.store.head().size, self.store.node)

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """Yield committed entries in order, from `start` to before `stop`, or to the end."""
        size = self.store.head().size
        return self.store.entries(start, size if stop is None else min(stop, size))

    def case_entries(self, case: str) -> Iterator[Entry]:
        """Yield the entries of a case in order."""
        return self.store.case_entries(case)

    def events(self, case: str | None = None) -> Iterator[tuple[int, Event, str]]:
        """Yield (index, event, event id) of the whole ledger or of one case."""
        for entry in self.entries() if case is None else self.case_entries(case):
            yield entry.index, self._event(entry), entry.event_id

    def _event(self, entry: Entry) -> Event:
        """Return the event of an entry; the same bytes are read strictly once."""
        event = self._events.get((entry.event_id, entry.envelope))
        if event is None:
            event = event_of(entry)
            if len(self._events) < _KEPT:
                self._events[entry.event_id, entry.envelope] = event
        return event

    def find(self, event: str) -> Entry:
        """Return an entry by its number or by (the start of) its event id.

        Raises:
            CaseError: there is none, or several begin like that.
        """
        size = self.store.head().size
        if event.isascii() and event.isdigit() and len(event) < 16:  # noqa: PLR2004 - event ids are longer
            index = int(event)
            if index >= size:
                raise CaseError(f"no entry `{index}`; the ledger has {size}")
            return next(iter(self.store.entries(index, index + 1)))
        return self._by_id(event.lower())

    def _by_id(self, start: str) -> Entry:
        found = self.store.starting(start) if len(start) >= 8 else []  # noqa: PLR2004 - not by chance
        if len(found) != 1:
            what = "several entries have" if found else "no entry has"
            raise CaseError(
                f"{what} an event id starting with `{escape(start)}`",
                hint="give the number of the entry, or at least 8 digits of its event id",
            )
        return found[0]

    def openings(self, event_id: str) -> list[Opening]:
        """Return the openings of an event's commitments."""
        from evkit.ledger.commitments import Opening

        return [Opening(row.name, row.value, row.salt) for row in self.store.openings(event_id)]

    def reader(self) -> Reader:
        """Return the complete subtrees of the ledger."""
        return self.store.node

    def leaf_hashes(self, size: int | None = None) -> list[bytes]:
        """Return the leaf hashes of the first `size` entries, or of all."""
        return self.store.leaf_hashes(size)

    def state(self, case: str | None = None) -> Replay:
        """Replay the ledger, or one case of it, into state and findings.

        The answer is kept until the ledger grows, and is nobody's to change.
        """
        from evkit.custody.replay import replay

        head = self.store.head()
        kept = self._states.get(case)
        if kept is None or kept[0] != (head.size, head.root):
            found = replay(self.events(case), self.profile)
            kept = self._states[case] = ((head.size, head.root), found)
        return kept[1]

    def index(self) -> Index:
        """Return the projection for look-ups, brought up to the ledger."""
        from evkit.station.index import Index

        if self._index is None:
            self._index = Index.open(self.place.path(layout.INDEX), self.store)
        else:
            self._index.refresh()
        return self._index

    def folder(self, ref: Ref) -> bytes:
        """Return the folder of a case, an exhibit or an acquisition; it need not exist."""
        return self.place.folder(ref)

    def journals(self) -> list[bytes]:
        """Return the work journals that stopped work left behind."""
        return journals(self.place)

    def officers(self) -> list[Certificate]:
        """Return the certificates of all officers, revoked ones too."""
        return self.trust.officers()

    def signer(self, officer: str, passphrase: bytes) -> Signer:
        """Unlock an officer's key.

        Raises:
            IdentityError: no such officer, the key is missing, or the passphrase is wrong.
        """
        from evkit.identity.signer import open_signer

        certificate = self.trust.officer(officer)
        return open_signer(self.place.officer_key(officer), certificate, passphrase)

    def close(self) -> None:
        """Let go of the files."""
        if self._index is not None:
            self._index.close()
            self._index = None
        self.store.close()
