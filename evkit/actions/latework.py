"""Work that has no recorded end: sign what is complete, or put on record that it stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.acquire import journal
from evkit.acquire.output import checkpoint
from evkit.actions.acquire_where import Where
from evkit.actions.copy_record import FAILED, written
from evkit.actions.longwork import (
    Plan,
    draft_end,
    forget,
    lock_folder,
    read_draft,
    started_of,
    unlock_folder,
    with_start,
)
from evkit.actions.unfinished import unfinished
from evkit.core import durable
from evkit.core.errors import CaseError, CheckFailedError, InputError
from evkit.core.limits import read_file
from evkit.core.refs import parse_ref
from evkit.core.text import escape, escape_bytes
from evkit.hashing.digests import digest_file
from evkit.ledger.event import Deviation
from evkit.manifest import filelist
from evkit.manifest.contents import CONTENT_ROLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.acquire.journal import Journal
    from evkit.actions.unfinished import Damaged, Unfinished
    from evkit.identity.signer import Signer
    from evkit.ledger.event import Draft
    from evkit.station import Station
    from evkit.station.append import Recorded

LATE = "late-signature"
_ENDED = "the program ended before the work was done"
LIST_MAX = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What became of the unfinished work: (acquisition, what was done, entry or None).

    Attributes:
        notices: what to know of the records that were made.
    """

    what: str
    done: tuple[tuple[str, str, int | None], ...]
    notices: tuple[str, ...] = ()
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/settled/1",
            "work": self.what,
            "acquisitions": [
                {"acquisition": ref, "done": text, "entry": entry} for ref, text, entry in self.done
            ],
            "notices": list(self.notices),
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        lines = [
            f"evkit: {ref}: {text}" + ("" if entry is None else f", entry {entry}")
            for ref, text, entry in self.done
        ]
        return lines + [f"  note: {escape(notice)}" for notice in self.notices]


def sign_late(
    station: Station, signer: Signer, ref: str, what: str, reason: str | None = None
) -> Settled:
    """Sign the ends that wait in journals, after comparing every file with its digest.

    Args:
        station: where it is recorded.
        signer: who signs.
        ref: exhibit or acquisition.
        what: `acquire` or `intake`.
        reason: the officer's, for deviations that show only now.

    Raises:
        CaseError: nothing waits.
        InputError: only a damaged journal was left.
        CheckFailedError: a file is no longer what was digested.
    """
    found = _waiting(station, ref, what, journal.UNSIGNED)
    done: list[tuple[str, str, int | None]] = []
    notices = list(found.notices)
    for folder, entry in found.works:
        with _locked(folder):
            if has_ended(station, entry.ref):
                forget(folder)
                done.append((entry.ref, "was recorded already", None))
                continue
            draft = _read(entry)
            for place in _folders(station, entry.ref, folder, draft):
                check_files(place, draft.fields.get("artifacts"), folder)
            why = reason or "the end could not be signed when the work was done"
            late = Deviation(LATE, f"signed later; begun {entry.started}", why)
            draft = dataclasses.replace(draft, deviations=(*draft.deviations, late))
            recorded = station.record(draft, signer, reason=reason)
            forget(folder)
            done.append((entry.ref, "recorded", recorded.index))
            notices += recorded.notices
    return Settled(what=what, done=tuple(done), notices=tuple(dict.fromkeys(notices)))


def finish(
    station: Station,
    signer: Signer,
    ref: str,
    what: str,
    reason: str | None = None,
    why: str = _ENDED,
) -> Settled:
    """Put on record that work stopped without an end; its files are left as they are.

    Args:
        station: where it is recorded.
        signer: who signs.
        ref: exhibit or acquisition.
        what: `acquire` or `intake`.
        reason: the officer's, for deviations.
        why: it failed.

    Raises:
        CaseError: nothing was left unfinished.
        InputError: only a damaged journal was left, and the exhibit was named, not the acquisition.
        RefusedError: the work is still running.
    """
    found = _waiting(station, ref, what, journal.RUNNING)
    done: list[tuple[str, str, int | None]] = []
    notices = list(found.notices)
    for folder, entry in found.works:
        with _locked(folder):
            start = _start_of(station, entry)
            if has_ended(station, entry.ref) or start is None:
                forget(folder)
                if start is None:
                    with contextlib.suppress(OSError):
                        os.rmdir(folder)
                text = "was recorded already" if start else "had not begun; its journal is removed"
                done.append((entry.ref, text, None))
                continue
            recorded = _failed(station, signer, (what, entry.ref, start), why, reason)
            forget(folder)
            done.append((entry.ref, "recorded as failed", recorded.index))
            notices += recorded.notices
    for one in found.damaged:
        closed = _close_damaged(station, signer, (what, one), reason)
        done.append((str(one.ref), *closed))
    return Settled(what=what, done=tuple(done), notices=tuple(dict.fromkeys(notices)))


def _close_damaged(
    station: Station, signer: Signer, work: tuple[str, Damaged], reason: str | None
) -> tuple[str, int | None]:
    """Record that work failed whose journal cannot be read; what there is of it is put aside.

    Returns:
        What was done, and the entry.
    """
    what, damaged = work
    ref = parse_ref(str(damaged.ref))
    with _locked(damaged.folder):
        start = started_of(station, ref, what)
        if start is None:
            forget(damaged.folder)
            with contextlib.suppress(OSError):
                os.rmdir(damaged.folder)
            return "had not begun; its damaged journal is removed", None
        index = None
        if not has_ended(station, str(ref)):
            named, error = (what, str(ref), start.event_id), f"{_ENDED}; its journal is damaged"
            index = _failed(station, signer, named, error, reason).index
        journal.put_aside(damaged.folder)
        checkpoint.remove(damaged.folder)
    done = "recorded as failed" if index is not None else "was recorded already"
    return f"{done}; its damaged journal is now `{os.fsdecode(journal.DAMAGED)}`", index


def _failed(
    station: Station,
    signer: Signer,
    work: tuple[str, str, str],
    error: str,
    reason: str | None,
) -> Recorded:
    """Record that work (its kind, its acquisition, its started event) failed."""
    what, ref, start = work
    of = parse_ref(ref)
    values: dict[str, object] = {"result": "failed", "made_by": "evkit", "error": error}
    plan = Plan(what=what, exhibit=of.of_exhibit(), reason=reason)
    draft = with_start(draft_end(station, plan, of, values, ()), start)
    return station.record(draft, signer, reason=reason)


def _folders(station: Station, ref: str, home: bytes, draft: Draft) -> list[bytes]:
    """Return the folders of the copies that an end speaks of and that are here.

    Raises:
        CheckFailedError: none of them is here.
    """
    where = Where(station)
    made = [copy for copy in written(draft.fields) if copy.state != FAILED]
    places = [where.place(ref, copy, ()) for copy in made]
    here = [place.folder for place in places if place.folder is not None]
    if not here and made and made[0].folder is not None:
        media = " or ".join(dict.fromkeys(copy.on for copy in made))
        raise CheckFailedError(
            f"the image of `{escape(ref)}` is not here: {escape(media)}",
            hint="plug it in; what cannot be compared is not signed as complete",
        )
    return here or [home]


def check_files(folder: bytes, artifacts: object, home: bytes | None = None) -> None:
    """Compare the files of an acquisition with their recorded digests.

    Args:
        folder: where its image lies.
        artifacts: as the event lists them.
        home: the folder in the station, which has what is not in `folder`.

    Raises:
        CheckFailedError: one is missing or differs; the message names it.
    """
    rows: list[tuple[bytes, int, str]] = []
    images: set[bytes] = set()
    for item in artifacts if isinstance(artifacts, (list, tuple)) else ():
        name = os.fsencode(str(item["name"]))
        rows.append((name, int(item["size"]), str(item["sha256"])))
        if item["role"] in CONTENT_ROLES:
            images.add(name)
        if item["role"] == "list":
            listed = filelist.read_list(read_file(os.path.join(folder, name), LIST_MAX))
            rows += [
                (os.fsencode(row.name), row.size, row.sha256)
                for row in listed
                if row.name is not None and row.size is not None and row.sha256 is not None
            ]
    for name, size, sha256 in rows:
        path = os.path.join(folder, name)
        if home is not None and os.path.basename(name) == name and name not in images:
            path = os.path.join(home, name)
        shown = escape_bytes(path)
        try:
            found_size, digests = digest_file(path, ("sha256",))
        except OSError as error:
            raise CheckFailedError(
                f"`{shown}` cannot be read: {error.strerror or error}",
                hint="the work cannot be signed as complete; record it with `--finish`",
            ) from error
        if (found_size, digests["sha256"]) != (size, sha256):
            raise CheckFailedError(
                f"`{shown}` is not what was digested when the work was done",
                details={"digested then": sha256, "found now": digests["sha256"]},
            )


def _waiting(station: Station, ref: str, what: str, state: str) -> Unfinished:
    """Return the work in a state; of a named acquisition a damaged journal is enough to close it.

    Raises:
        CaseError: there is none.
        InputError: there is nothing but a damaged journal.
    """
    wanted = parse_ref(ref)
    found = unfinished(station, wanted, what)
    works = tuple(pair for pair in found.works if pair[1].state == state)
    closing = bool(found.damaged) and state == journal.RUNNING and wanted.acquisition is not None
    if not works and not closing:
        error = found.none_readable(what)
        if error is not None:
            raise error
        word = "unsigned" if state == journal.UNSIGNED else "unfinished"
        raise CaseError(
            f"`{ref}` has no {word} {what} work", hint="`evkit status` lists what is left to do"
        )
    return dataclasses.replace(found, works=works, damaged=found.damaged if closing else ())


def _read(entry: Journal) -> Any:  # noqa: ANN401 - a Draft; shapes are checked when it is recorded
    try:
        return read_draft(entry.draft)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"the journal of `{escape(entry.ref)}` is damaged") from error


@contextlib.contextmanager
def _locked(folder: bytes) -> Iterator[None]:
    descriptor = lock_folder(folder)
    try:
        yield
        durable.fsync_dir(os.path.dirname(folder))
    finally:
        unlock_folder(descriptor)


def has_ended(station: Station, ref: str) -> bool:
    """Say whether the end of an acquisition is in the ledger."""
    of = parse_ref(ref)
    exhibit = station.state(of.case).state.exhibit(str(of.of_exhibit()))
    found = exhibit.acquisitions.get(ref) if exhibit else None
    return found is not None and found.ended_entry is not None


def _start_of(station: Station, entry: Journal) -> str | None:
    """Return the event id of the started event: the journal's, else the ledger's."""
    if entry.start_event is not None:
        return entry.start_event
    for _, event, event_id in station.events(parse_ref(entry.ref).case):
        if event.kind == f"{entry.what}-start" and entry.ref in event.acquisitions:
            return event_id
    return None
