"""From drafts to signed entries: deviations, subjects, case numbers, commitments, signature."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from evkit import __version__
from evkit.core import clock
from evkit.core.errors import IdentityError, RefusedError, UsageError
from evkit.core.text import escape
from evkit.station.lookup import LedgerLookup
from evkit.station.reading import event_of
from evkit.station.signing import time_deviation
from evkit.station.sqlite_store import fold
from evkit.station.store import CaseTip, Entry, Secret

if TYPE_CHECKING:
    import datetime as _dt

    from evkit.custody.profile import Profile
    from evkit.identity.signer import Signer
    from evkit.ledger.commitments import Opening
    from evkit.ledger.event import Draft, Event
    from evkit.station.store import Head, Store


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the officer said about signing.

    Attributes:
        reason: why the procedure was departed from.
        role: in which of the certificate's roles; chosen by the kind of event when None.
    """

    reason: str | None = None
    role: str | None = None


class Built(NamedTuple):
    """A signed entry that is not committed yet."""

    entry: Entry
    event: Event


class Builder:
    """Builds the entries of one batch; each sees those before it.

    Attributes:
        secrets: the openings of all entries built so far.
    """

    def __init__(
        self, store: Store, statement: str, profile: Profile, signer: Signer, terms: Terms
    ) -> None:
        self.secrets: list[Secret] = []
        self._store = store
        self._profile = profile
        self._signer = signer
        self._terms = terms
        self._lookup = LedgerLookup(store, statement)
        self._tips: dict[str, CaseTip | None] = {}
        self._size = store.head().size
        self._last = self._last_recorded()

    def build(self, draft: Draft, head: Head, origin: str) -> Built:
        """Return the signed entry of a draft.

        Raises:
            UsageError: the draft cannot be signed as an event of its kind.
            RefusedError: the case or exhibit it opens is there already.
            IdentityError: the officer does not have the role.
        """
        from evkit.custody.kinds import subjects_for
        from evkit.ledger import dsse, event

        tip = self._tip(draft)
        self._require_new(draft)
        now = clock.now()
        actor = event.Actor.of(self._signer.certificate, self._role(draft.kind))
        draft = self._completed(draft, actor.role, now)
        draft = dataclasses.replace(draft, subjects=subjects_for(draft, self._lookup))
        commitments, openings = _commit(draft)
        payload = event.build(
            draft,
            event.Context(
                recorded=event.Recorded.of(now),
                actor=actor,
                tool=event.Tool("evkit", __version__),
                head=event.Head(origin, head.size, head.root.hex()) if head.size else None,
                case_seq=None if draft.case is None else (tip.seq + 1 if tip else 1),
                case_prev=tip.event_id if tip else None,
                commitments=commitments,
            ),
        )
        envelope = dsse.sign(payload, dsse.IN_TOTO, self._signer)
        event_id = dsse.event_id(envelope)
        self.secrets += [Secret(event_id, o.name, o.value, o.salt) for o in openings]
        return self._took(dsse.encode(envelope), event_id, event.parse_event(payload))

    def _took(self, envelope: bytes, event_id: str, event: Event) -> Built:
        """Note a built entry, so that the next one follows it."""
        entry = Entry(
            index=self._size,
            event_id=event_id,
            envelope=envelope,
            kind=event.kind,
            case=event.case,
            case_seq=event.case_seq,
            signer=event.actor.certificate,
        )
        self._size += 1
        self._last = event.recorded.moment()
        self._lookup.add(event, event_id, event.subjects)
        if event.case is not None and event.case_seq is not None:
            self._tips[fold(event.case)] = CaseTip(event.case_seq, event_id, event.case)
        return Built(entry, event)

    def _tip(self, draft: Draft) -> CaseTip | None:
        """Return the last event of the draft's case; the id must be spelled as it was opened."""
        if draft.case is None:
            return None
        key = fold(draft.case)
        if key not in self._tips:
            self._tips[key] = self._store.case_tip(draft.case)
        tip = self._tips[key]
        if tip is not None and tip.case != draft.case:
            raise UsageError(
                f"case `{escape(draft.case)}` is written `{tip.case}` at this station",
                hint="case ids are unique whatever the case of their letters",
            )
        return tip

    def _require_new(self, draft: Draft) -> None:
        if draft.kind == "case-open" and draft.case and self._lookup.opening(draft.case):
            raise RefusedError(f"case `{draft.case}` is open already", hint="choose another id")
        for exhibit in draft.exhibits if draft.kind == "register" else ():
            if self._lookup.registration(exhibit):
                raise RefusedError(
                    f"exhibit `{exhibit}` is registered already",
                    hint="choose the next number, or correct the entry with "
                    "`evkit custody record correct`",
                )
        for ref in draft.acquisitions if draft.kind in {"acquire-end", "intake-end"} else ():
            if self._lookup.ended(ref):
                raise RefusedError(
                    f"the end of `{ref}` is recorded already; the first record of data stands",
                    hint="take the data again as a new acquisition, or record what was wrong with "
                    "`evkit custody record note`",
                )

    def _role(self, kind: str) -> str | None:
        """Return the role to sign in: the one asked for, else one that usually records this."""
        roles = self._signer.certificate.roles
        wanted = self._terms.role
        if wanted is not None and wanted not in roles:
            raise IdentityError(
                f"officer `{self._signer.certificate.officer}` does not have the role "
                f"`{escape(wanted)}`",
                hint=f"roles in the certificate: {', '.join(roles) or 'none'}",
            )
        usual = self._profile.usual_roles(kind)
        return wanted or next((role for role in roles if role in usual), None)

    def _completed(self, draft: Draft, role: str, now: clock.Instant) -> Draft:
        """Return the draft with all its deviations."""
        from evkit.custody.validate import Context, complete
        from evkit.ledger.event import Deviation

        outside = time_deviation(self._signer.certificate)
        if outside is not None:
            more = Deviation(*outside, reason=self._terms.reason)
            draft = dataclasses.replace(draft, deviations=(*draft.deviations, more))
        context = Context(
            role=role, now=now.utc, last_recorded=self._last, reason=self._terms.reason
        )
        return complete(draft, self._profile, context)

    def _last_recorded(self) -> _dt.datetime | None:
        if self._size == 0:
            return None
        last = next(iter(self._store.entries(self._size - 1, self._size)))
        return event_of(last).recorded.moment()


def _commit(draft: Draft) -> tuple[dict[str, str], tuple[Opening, ...]]:
    from evkit.ledger.commitments import commit_all

    return commit_all(draft.sensitive)
