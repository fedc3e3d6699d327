"""`record`: the only way to append. Check, pin, sign, commit, publish; in this order.

See `docs/spec/station.md`, "An append".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evkit.core.errors import EvkitError, InputError
from evkit.core.progress import SILENT
from evkit.station import highwater, layout, lock, pins, state
from evkit.station.build import Builder, Terms
from evkit.station.reading import check_head, event_of, log_signer, sign_head
from evkit.station.signing import require_signer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from evkit.core.progress import Progress
    from evkit.custody.profile import Profile
    from evkit.identity.signer import LogSigner, Signer
    from evkit.ledger.event import Draft, Event
    from evkit.station.layout import Layout
    from evkit.station.store import Entry, Head, Secret, Store
    from evkit.station.trust import Trust

NO_MARK = "no-high-water-mark"
_UNMARKED = (
    "this user had no high-water mark of the ledger, and the event says so; if this is a copy of a "
    "station that goes on elsewhere, stop and compare it with a memo (`evkit ledger compare`)"
)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """An event that is in the ledger.

    Attributes:
        index: its place.
        event_id: hex.
        envelope: its exact bytes.
        event: as signed.
        notices: what to know, or what went wrong after the commit; the event is recorded.
    """

    index: int
    event_id: str
    envelope: bytes
    event: Event
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Book:
    """What an append works on: the parts of one station; the profile is read when needed."""

    place: Layout
    origin: str
    profile: Callable[[], Profile]
    store: Store
    trust: Trust


def append(
    book: Book,
    drafts: Sequence[Draft],
    signer: Signer,
    terms: Terms,
    progress: Progress = SILENT,
) -> list[Recorded]:
    """Record events with one signature each, all in one transaction.

    Raises:
        LockedError: another process kept the ledger too long.
        RefusedError: the ledger lies below or beside the high-water mark; or a case or exhibit of
            that id is there already.
        CheckFailedError: the ledger contradicts the officer's pin.
        IdentityError: the signer may not sign here.
        UsageError: a draft cannot be signed.
        StorageError: nothing was recorded.
    """
    if not drafts:
        return []
    fingerprint = signer.certificate.fingerprint
    state.prepare(highwater.path_of(book.origin))
    state.prepare(pins.path_of(book.origin, fingerprint))
    path = book.place.path(layout.LOCK)
    with lock.hold(path, officer=signer.certificate.officer, progress=progress):
        known = highwater.known(book.origin)
        head = ready(book, signer, {draft.kind for draft in drafts})
        unmarked = head.size > 0 and not known
        if unmarked:
            drafts = [_saying_so(drafts[0], terms), *drafts[1:]]
        builder = Builder(book.store, book.trust.statement_id(), book.profile(), signer, terms)
        built = [builder.build(draft, head, book.origin) for draft in drafts]
        committed = book.store.append([one.entry for one in built], builder.secrets)
        notices = _publish(book, committed, fingerprint)
        if unmarked:
            notices = (_UNMARKED, *notices)
    return [
        Recorded(
            index=one.entry.index,
            event_id=one.entry.event_id,
            envelope=one.entry.envelope,
            event=one.event,
            notices=notices if one is built[-1] else (),
        )
        for one in built
    ]


def _saying_so(draft: Draft, terms: Terms) -> Draft:
    """Return the draft with the deviation that there was no high-water mark."""
    from evkit.custody.validate import DEVIATIONS, NOT_STATED
    from evkit.ledger.event import Deviation

    more = Deviation(NO_MARK, DEVIATIONS[NO_MARK], reason=terms.reason or NOT_STATED)
    return replace(draft, deviations=(*draft.deviations, more))


def ready(book: Book, signer: Signer, kinds: Collection[str]) -> Head:
    """Make every check that can be made before something is signed; return the head to pin.

    The caller holds the ledger's lock, because a missing checkpoint is signed.
    """
    head = book.store.head()
    stored = book.store.count()
    if stored != head.size:
        raise InputError(
            f"the ledger holds {stored} entries, but its head {head.size}: it was changed or is "
            "damaged",
            hint="compare it with a bundle or a backup (`evkit verify`, `evkit ledger compare`)",
        )
    highwater.check(book.origin, head.size, book.store.node)
    statement = book.trust.statement()
    for kind in sorted(kinds):
        require_signer(book.store, book.trust, signer.certificate, kind)
    log = log_signer(book.place, statement)
    if head.size == 0:
        return head
    if head.note is None:
        head = _sign(book, head, log, recorded=highwater.known(book.origin))
    check_head(head, book.origin, log.public)
    for pin in known_pins(book, signer.certificate.fingerprint):
        pins.prove(book.origin, pin, head, book.store.node)
    return head


def try_out(book: Book, signer: Signer, kinds: Collection[str]) -> None:
    """Make the checks of `ready` before long work, so that it does not fail at its end."""
    with lock.hold(book.place.path(layout.LOCK), officer=signer.certificate.officer):
        ready(book, signer, kinds)


def known_pins(book: Book, fingerprint: str) -> list[pins.Pin]:
    """Return the heads this officer relies on: from the state folder and from their last event."""
    found = []
    kept = pins.read(book.origin, fingerprint)
    if kept is not None:
        found.append(kept)
    last = book.store.last_by(fingerprint)
    if last is not None:
        pinned = event_of(last).head
        if pinned is not None and pinned.origin == book.origin:
            source = f"the officer's event {last.index}"
            found.append(pins.Pin(pinned.size, bytes.fromhex(pinned.root), source))
    return found


def adopt(book: Book, entries: Sequence[Entry], secrets: Sequence[Secret]) -> Head:
    """Commit entries of a lost ledger with their exact bytes; only `station recover` does this."""
    if entries:
        with lock.hold(book.place.path(layout.LOCK)):
            head = book.store.append(entries, secrets)
            _publish(book, head, book.trust.root().fingerprint)
    return book.store.head()


def sign_missing(book: Book) -> bool:
    """Sign the last committed head when its checkpoint is missing; say whether it was."""
    head = book.store.head()
    if head.size == 0 or head.note is not None:
        return False
    with lock.hold(book.place.path(layout.LOCK)):
        head = book.store.head()
        if head.note is not None:
            return False
        highwater.check(book.origin, head.size, book.store.node)
        log = log_signer(book.place, book.trust.statement())
        _sign(book, head, log, recorded=highwater.known(book.origin))
    return True


def leaving(book: Book) -> Head:
    """Return the last head, signed and checked against the mark, which moves to it.

    Raises:
        RefusedError: the ledger lies below or beside the mark; this head must not be handed out.
        CheckFailedError: the checkpoint is not that of the ledger.
        InputError: checkpoint or mark is missing or damaged.
    """
    sign_missing(book)
    head = book.store.head()
    check_head(head, book.origin, book.trust.statement().vkey())
    if highwater.check(book.origin, head.size, book.store.node) != head[:2]:
        with lock.hold(book.place.path(layout.LOCK)):
            size = book.store.head().size  # others may have moved the mark meanwhile
            mark = highwater.check(book.origin, size, book.store.node)
            if mark is None or mark.size < head.size:
                known = highwater.known(book.origin)
                highwater.advance(book.origin, head.size, head.root, recorded=known)
    return head


def _sign(book: Book, head: Head, log: LogSigner, *, recorded: bool) -> Head:
    """Sign a committed head. The mark moves first: no head can be seen that is above the mark."""
    highwater.advance(book.origin, head.size, head.root, recorded=recorded)
    book.store.set_note(head.size, sign_head(head, log))
    return book.store.head()


def _publish(book: Book, head: Head, fingerprint: str) -> tuple[str, ...]:
    """Move the mark, sign a committed head, move the pin. The events are recorded in any case."""
    try:
        log = log_signer(book.place, book.trust.statement())
        signed = _sign(book, head, log, recorded=True)
        pins.save(book.origin, fingerprint, signed)
    except EvkitError as error:
        return (f"recorded; what follows a commit could not be finished: {error.message}",)
    return ()
