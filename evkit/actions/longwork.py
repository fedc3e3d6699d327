"""Long work is two events, started and ended, and a journal between them.

The started event is signed before the first read. If the ended event cannot be signed the result
stays, complete and unsigned, and its draft waits in the journal for `--record`. A folder is locked
while somebody works in it, so that work which was stopped can be told from work which runs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.acquire import journal
from evkit.acquire.journal import Journal
from evkit.acquire.output import checkpoint
from evkit.actions.custody import Request, prepare, require_case, require_exhibit
from evkit.core import clock, durable
from evkit.core.errors import EvkitError, RefusedError
from evkit.core.locks import lock
from evkit.core.refs import Ref, parse_ref
from evkit.core.text import escape_bytes
from evkit.ledger.event import Deviation, Draft, Happened, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.core.progress import Progress
    from evkit.identity.signer import Signer
    from evkit.station import Station
    from evkit.station.append import Recorded

_TRIES = 20


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is going to be done, as the started event states it.

    Attributes:
        what: `acquire` or `intake`.
        exhibit: the exhibit.
        values: fields of the event, typed ones and found ones.
        happened, reason: as typed.
        deviations: (code, text, reason) found before the first read.
    """

    what: str
    exhibit: Ref
    values: Mapping[str, object] = field(default_factory=dict)
    happened: str | None = None
    reason: str | None = None
    deviations: Sequence[tuple[str, str, str]] = ()


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How the record of the end went: the entry, or why it is unsigned.

    Attributes:
        notices: what to know of the records of the start and the end.
    """

    index: int | None = None
    event_id: str | None = None
    error: EvkitError | None = None
    deviations: tuple[Deviation, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Started:
    """The started event as it is in the ledger."""

    index: int
    event_id: str
    deviations: tuple[Deviation, ...] = ()
    notices: tuple[str, ...] = ()


class Work:
    """One attempt at an exhibit, from its started event to its ended event.

    Args:
        station, signer: where and by whom it is recorded.
        plan: what is going to be done.
        progress: hears what recording has to tell.
        stopped: journal and started event of work that goes on instead of new work.

    Raises:
        RefusedError: another process works on it.
        IdentityError: this officer may not sign it.

    Attributes:
        ref: the acquisition.
        folder: its folder.
        started: when it began, or when it went on.
        start: the recorded started event.
    """

    def __init__(
        self,
        station: Station,
        signer: Signer,
        plan: Plan,
        progress: Progress,
        stopped: tuple[Journal, Started] | None = None,
    ) -> None:
        self._station = station
        self._signer = signer
        self._plan = plan
        self._progress = progress
        self._lock = -1
        self.started = clock.now()
        if stopped is not None:
            self._take_up(*stopped)
            return
        self.ref, draft = _draft_start(station, plan)
        station.check(signer, draft.kind)
        self.ref, draft = self._take_number(draft)
        self.folder = station.folder(self.ref)
        self._lock = lock_folder(self.folder)
        self._journal = Journal(
            what=plan.what, ref=str(self.ref), started=self.started.text(), pid=os.getpid()
        )
        self.start = self._begin(draft)

    def _take_up(self, entry: Journal, start: Started) -> None:
        """Go on with work that was stopped, under its own started event."""
        self.ref = parse_ref(entry.ref)
        self._station.check(self._signer, f"{self._plan.what}-end")
        self.folder = self._station.folder(self.ref)
        self._lock = lock_folder(self.folder)
        self._journal = dataclasses.replace(entry, pid=os.getpid(), start_event=start.event_id)
        self.start = start

    def save(self, work: Mapping[str, Any]) -> None:
        """Keep in the journal what it takes to go on.

        Raises:
            StorageError: the destination fails.
        """
        self._journal = journal.advance(self.folder, self._journal, work=work)

    @property
    def saved(self) -> Mapping[str, Any]:
        """What the journal keeps for going on."""
        return self._journal.work

    def end(
        self,
        values: Mapping[str, object],
        subjects: Sequence[Subject],
        deviations: Sequence[tuple[str, str, str]] = (),
    ) -> Ended:
        """Record the end; a failure to sign is in the answer and the draft in the journal."""
        draft = draft_end(self._station, self._plan, self.ref, values, subjects)
        more = tuple(Deviation(*entry) for entry in deviations)
        draft = dataclasses.replace(draft, deviations=(*draft.deviations, *more))
        draft = with_start(draft, self.start.event_id)
        try:
            done = self._record(draft)
        except EvkitError as error:
            self._keep(draft)
            return Ended(error=error, deviations=draft.deviations, notices=self.start.notices)
        forget(self.folder)
        return Ended(
            index=done.index,
            event_id=done.event_id,
            deviations=draft.deviations,
            notices=tuple(dict.fromkeys((*self.start.notices, *done.notices))),
        )

    def close(self) -> None:
        """Let go of the folder."""
        descriptor, self._lock = self._lock, -1
        unlock_folder(descriptor)

    def _record(self, draft: Draft) -> Recorded:
        return self._station.record(
            draft, self._signer, reason=self._plan.reason, progress=self._progress
        )

    def _begin(self, draft: Draft) -> Started:
        try:
            journal.begin(self.folder, self._journal)
            start = self._record(draft)
        except EvkitError:
            self.close()
            with contextlib.suppress(OSError, EvkitError):
                journal.remove(self.folder)
                os.rmdir(self.folder)
            raise
        try:
            self._journal = journal.advance(self.folder, self._journal, start_event=start.event_id)
        except EvkitError:
            self.close()  # the start is on record, and the journal that was begun says so
            raise
        return Started(
            index=start.index,
            event_id=start.event_id,
            deviations=start.event.deviations,
            notices=start.notices,
        )

    def _take_number(self, draft: Draft) -> tuple[Ref, Draft]:
        """Make the folder of the next acquisition; whoever makes it owns the number."""
        for _ in range(_TRIES):
            ref = _next_ref(self._station, self._plan.exhibit)
            try:
                durable.make_dir(self._station.folder(ref), exist_ok=False)
            except RefusedError:
                continue
            return ref, dataclasses.replace(draft, acquisitions=(str(ref),))
        raise RefusedError(f"no number is free for an acquisition of `{self._plan.exhibit}`")

    def _keep(self, draft: Draft) -> None:
        """Keep the unsigned end in the journal, as far as the disk lets us."""
        with contextlib.suppress(EvkitError):
            journal.advance(
                self.folder, self._journal, state=journal.UNSIGNED, draft=draft_fields(draft)
            )


def forget(folder: bytes) -> None:
    """Remove what was kept for going on, the journal last: the end is recorded."""
    checkpoint.remove(folder)
    journal.remove(folder)


def leftovers(*folders: bytes) -> list[str]:
    """Say in a line where unfinished files lie, or that there are none."""
    left: list[bytes] = []
    for folder in dict.fromkeys(folders):
        with contextlib.suppress(OSError):
            names = sorted(os.listdir(folder))
            parts = [name for name in names if name.endswith(durable.PART.encode())]
            left += [os.path.join(folder, name) for name in parts]
    if not left:
        return ["  no unfinished file was kept"]
    return [f"  unfinished, not evidence: `{escape_bytes(path)}`" for path in left]


def quoted(path: bytes) -> str:
    """Return a path as it is typed in a shell, safe to print."""
    import shlex

    return shlex.quote(escape_bytes(path))


def without_station(text: str, folder: bytes) -> str:
    """Return a message for the record: files of the acquisition folder stand by name alone."""
    return text.replace(escape_bytes(os.path.join(folder, b"")), "")


def draft_end(
    station: Station,
    plan: Plan,
    ref: Ref,
    values: Mapping[str, object],
    subjects: Sequence[Subject],
) -> Draft:
    """Return the draft of an ended event."""
    request = Request(kind=f"{plan.what}-end", refs=(), values=values, reason=plan.reason)
    refs = (ref.case, (str(ref.of_exhibit()),), (str(ref),))
    draft = prepare(station, station.state(ref.case), request, refs)
    return dataclasses.replace(draft, subjects=tuple(subjects))


def with_start(draft: Draft, event_id: str | None) -> Draft:
    """Name the started event in an ended one."""
    if event_id is None:
        return draft
    return dataclasses.replace(draft, fields={**draft.fields, "started": event_id})


def started_of(station: Station, ref: Ref, what: str) -> Started | None:
    """Return the started event of an acquisition, None when the ledger has none."""
    for index, event, event_id in station.events(ref.case):
        if event.kind == f"{what}-start" and str(ref) in event.acquisitions:
            return Started(index=index, event_id=event_id, deviations=event.deviations)
    return None


def check_plan(station: Station, plan: Plan) -> Draft:
    """Make every check of a started event without writing anything; for a dry run."""
    return _draft_start(station, plan)[1]


def lock_folder(folder: bytes) -> int:
    """Lock a folder for this process; the lock ends with the process.

    Returns:
        What `unlock_folder` takes; -1 where folders cannot be opened (Windows): the process number
        in the journal has to do there.

    Raises:
        RefusedError: another process works in it.
        StorageError: it cannot be opened.
    """
    if os.name == "nt":
        return -1
    with durable.storage_errors(folder):
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    if lock(descriptor) is False:
        os.close(descriptor)
        raise RefusedError("another process works on this acquisition at present")
    return descriptor


def unlock_folder(descriptor: int) -> None:
    """Let go of a folder that `lock_folder` locked."""
    if descriptor >= 0:
        os.close(descriptor)


def draft_fields(draft: Draft) -> dict[str, Any]:
    """Return a draft as JSON; `read_draft` is the way back."""
    return {
        "kind": draft.kind,
        "case": draft.case,
        "exhibits": list(draft.exhibits),
        "acquisitions": list(draft.acquisitions),
        "fields": dict(draft.fields),
        "sensitive": dict(draft.sensitive),
        "subjects": [{"name": s.name, "digests": dict(s.digests)} for s in draft.subjects],
        "happened": list(draft.happened) if draft.happened else None,
        "authority": draft.authority,
        "purpose": draft.purpose,
        "place": draft.place,
        "deviations": [list(entry) for entry in draft.deviations],
    }


def read_draft(value: Mapping[str, Any]) -> Draft:
    """Return the draft of `draft_fields`; what it says is checked when it is recorded."""
    happened = value["happened"]
    return Draft(
        kind=value["kind"],
        case=value["case"],
        exhibits=tuple(value["exhibits"]),
        acquisitions=tuple(value["acquisitions"]),
        fields=value["fields"],
        sensitive=value["sensitive"],
        subjects=tuple(Subject(s["name"], s["digests"]) for s in value["subjects"]),
        happened=Happened(*happened) if happened else None,
        authority=value["authority"],
        purpose=value["purpose"],
        place=value["place"],
        deviations=tuple(Deviation(*entry) for entry in value["deviations"]),
    )


def _draft_start(station: Station, plan: Plan) -> tuple[Ref, Draft]:
    exhibit = plan.exhibit.of_exhibit()
    replayed = station.state(exhibit.case)
    require_case(replayed, exhibit.case)
    require_exhibit(replayed, str(exhibit))
    request = Request(
        kind=f"{plan.what}-start",
        refs=(),
        values=plan.values,
        happened=plan.happened,
        reason=plan.reason,
    )
    ref = _next_ref(station, exhibit)
    draft = prepare(station, replayed, request, (exhibit.case, (str(exhibit),), (str(ref),)))
    found = tuple(Deviation(*entry) for entry in plan.deviations)
    return ref, dataclasses.replace(draft, deviations=(*found, *draft.deviations))


def _next_ref(station: Station, exhibit: Ref) -> Ref:
    """Return the first number above all that the ledger or the folder knows."""
    known = station.state(exhibit.case).state.exhibit(str(exhibit))
    names = [parse_ref(name).acquisition or "A0" for name in (known.acquisitions if known else ())]
    with contextlib.suppress(OSError):
        names += [os.fsdecode(name) for name in os.listdir(station.folder(exhibit))]
    numbers = [int(name[1:]) for name in names if name[:1] == "A" and name[1:].isdecimal()]
    return exhibit.with_acquisition(max(numbers, default=0) + 1)
