"""Going on with an image that was stopped, or closing it as it is with the rest as zeros."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from evkit.acquire import engine, imaging, journal, log, preflight, source
from evkit.acquire.output import checkpoint
from evkit.acquire.output.branch import MASTER, PART, SECOND, Branch
from evkit.acquire.output.e01out import segment_name
from evkit.acquire.output.resumed import Resumed
from evkit.acquire.recognise import identity_changes, recognise
from evkit.acquire.source import Facts, Opened
from evkit.acquire.stopping import Stop
from evkit.actions.acquire_inventory import Lister, check
from evkit.actions.acquire_job import Job
from evkit.actions.acquire_order import e01_of, request_of, saver
from evkit.actions.acquire_record import Attempt, record_end
from evkit.actions.longwork import Plan, Started, Work, started_of, unfinished
from evkit.core import durable
from evkit.core.errors import CaseError, InputError, StorageError
from evkit.core.progress import SILENT, Progress
from evkit.core.refs import Ref, parse_ref
from evkit.core.sizes import in_words
from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.acquire.imaging import Order
    from evkit.acquire.journal import Journal
    from evkit.actions.acquire_job import Request
    from evkit.actions.acquire_result import Acquired
    from evkit.identity.signer import Signer
    from evkit.station import Station

RESUMED = "resumed"
OTHER_IDENTITY = "source-identity"
CLOSED = "closed-as-partial"
_PREFIX = b"image."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Resume:
    """What is to go on.

    Attributes:
        ref: exhibit or acquisition.
        source: the source now, None for the name it had.
        closing: read nothing more; the rest becomes zeros that are listed as untried.
        reason: of the officer, for deviations.
        inventory: list what the image holds while it is read back, also when that was not asked
            for at the start.
    """

    ref: str
    source: bytes | None = None
    closing: bool = False
    reason: str | None = None
    inventory: bool = False


def find(station: Station, ref: str) -> Journal | None:
    """Return the journal of the one stopped work of an exhibit that can go on.

    Raises:
        CaseError: there are several.
    """
    wanted = parse_ref(ref)
    found = [
        entry
        for _, entry in unfinished(station, wanted, "acquire")
        if entry.state == journal.RUNNING and entry.work
    ]
    if len(found) > 1:
        names = ", ".join(entry.ref for entry in found)
        raise CaseError(f"several acquisitions were stopped: {names}", hint="name one of them")
    return found[0] if found else None


def worth_closing(entry: Journal | None) -> bool:
    """Say whether stopped work has read anything that an image could hold."""
    state = dict(entry.work.get("state") or {}) if entry is not None else {}
    return bool(state.get("blocks") or state.get("map"))


def resume(station: Station, signer: Signer, wish: Resume, progress: Progress = SILENT) -> Acquired:
    """Go on with stopped work.

    Raises:
        CaseError: there is none that can go on.
        RefusedError: the source is another one, or the work is running.
        InputError: what the stopped run left is damaged.
    """
    entry = find(station, wish.ref)
    ref = parse_ref(entry.ref) if entry is not None else parse_ref(wish.ref)
    start = started_of(station, ref, "acquire") if entry is not None else None
    if entry is None or start is None:
        raise CaseError(
            f"`{wish.ref}` has no stopped acquisition that can go on",
            hint="`evkit status` lists what is left to do; what was begun before its start was "
            "recorded is closed with `--finish`",
        )
    request = request_of(entry.work)
    request = dataclasses.replace(request, inventory=request.inventory or wish.inventory)
    check(request)
    state = dict(entry.work.get("state") or {})
    opened = _open(request, entry.work, wish)
    try:
        plan = Plan(what="acquire", exhibit=ref.of_exhibit(), reason=wish.reason)
        work = Work(station, signer, plan, progress, (entry, start))
        try:
            return _go_on(station, signer, (work, request, opened), wish, state, progress)
        finally:
            work.close()
    finally:
        opened.close()


def _go_on(
    station: Station,
    signer: Signer,
    what: tuple[Work, Request, Opened],
    wish: Resume,
    state: dict[str, Any],
    progress: Progress,
) -> Acquired:
    work, request, opened = what
    kept = work.saved
    resumed = Resumed.of(state)
    branches = _branches(request, work.ref, work.folder)
    _tidy(branches, resumed, request)
    job = _job(request, opened, kept, station)
    lister = Lister.wanted(request, work, progress)
    order = imaging.Order(
        folder=work.folder,
        branches=branches,
        names=request.digests,
        format=request.format or imaging.RAW,
        plan=e01_of(kept),
        split=None if request.is_e01 else request.split,
        verify=request.verify,
        block_nodes=request.block_nodes,
        policy=request.policy,
        storm=request.storm,
        save=saver(work, {**kept, "inventory": request.inventory}),
        resume=state,
        closing=wish.closing,
        reread=request.reread,
        observer=lister,
    )
    more = _deviations(order, job, work.start, station, wish, resumed)
    with Stop() as stop:
        made = imaging.make(opened, order, stop, progress)
        attempt = Attempt(work=work, job=job, order=order, made=made)
        acquired = record_end(station, signer, attempt, more)
        return lister.complete(station, signer, acquired, stop) if lister else acquired


def _open(request: Request, kept: Mapping[str, Any], wish: Resume) -> Opened:
    size, sector = kept.get("size"), kept.get("sector_size")
    if type(size) is not int or type(sector) is not int:
        raise InputError("the journal does not say how long the source is")
    path = wish.source or request.source
    if wish.closing:
        descriptor = os.open(os.devnull, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        facts = Facts(path=path, kind="absent", size=size, sector_size=sector)
        return Opened(descriptor=descriptor, facts=facts, direct=False)
    opened = source.open_source(path)
    if request.part is None:
        return opened
    from evkit.actions.acquire import narrowed

    return narrowed(request, opened)


def _job(request: Request, opened: Opened, kept: Mapping[str, Any], station: Station) -> Job:
    typed = {str(k): str(v) for k, v in dict(kept.get("typed", {})).items() if k in log.ASKED}
    allow = frozenset({preflight.LITTLE_ROOM, preflight.IN_USE})
    report = preflight.examine(opened.facts, request.to or station.place.home, allow=allow)
    plan = Plan(
        what="acquire",
        exhibit=parse_ref(request.exhibit).of_exhibit(),
        values={"type": request.type, "scope": request.fields.get("scope")},
    )
    return Job(request=request, opened=opened, report=report, plan=plan, typed=typed)


def _branches(request: Request, ref: Ref, folder: bytes) -> tuple[Branch, ...]:
    found = []
    for copy, place in ((MASTER, request.to), (SECOND, request.also)):
        if place is None and copy == SECOND:
            continue
        where = folder if place is None else os.path.join(place, *map(str.encode, _parts(ref)))
        branch = Branch(copy=copy, folder=where)
        if not os.path.isdir(where):
            branch.error = StorageError(
                f"the {copy} copy is not here: `{escape_bytes(where)}`",
                hint="plug in the medium on which it was begun",
            )
        found.append(branch)
    missing = [branch for branch in found if branch.error is not None]
    if len(missing) == len(found):
        raise missing[0].error or StorageError("no copy is here")
    return tuple(found)


def _parts(ref: Ref) -> list[str]:
    return str(ref).split("/")


def _tidy(branches: Sequence[Branch], resumed: Resumed, request: Request) -> None:
    """Remove unfinished files behind the place where the work goes on."""
    if resumed.map:
        return
    names = {part.name for part in resumed.done}
    if resumed.e01 is not None and resumed.e01.offset:
        names.add(segment_name(resumed.e01.segment))
    elif not request.is_e01 and resumed.blocks:
        names |= {"image.raw"} | {f"image.{n:03d}" for n in range(1, len(names) + 2)}
    for branch in branches:
        if branch.error is not None:
            continue
        for name in os.listdir(branch.folder):
            whole = name.removesuffix(PART)
            mine = name.startswith(_PREFIX) and whole != name
            if mine and os.fsdecode(whole) not in names:
                durable.step("unlink", os.path.join(branch.folder, name))
                os.unlink(os.path.join(branch.folder, name))


def _deviations(
    order: Order, job: Job, start: Started, station: Station, wish: Resume, resumed: Resumed
) -> list[tuple[str, str, str]]:
    """Compare the source with what was read of it; say what is to be known of going on."""
    facts = job.opened.facts
    reason = wish.reason or "not stated"
    done = in_words(resumed.blocks * engine.BLOCK)
    if wish.closing:
        text = f"closed without reading the rest, {done} from the start on were read in order"
        return [(CLOSED, text, reason)]
    tally = engine.Tally.fresh(())
    checkpoint.load(order.folder, tally, resumed.blocks, engine.BLOCK)
    compared = recognise(job.opened, facts.size or 0, tally.nodes, engine.BLOCK)
    text = f"stopped and resumed after {done}; {compared} MiB of the source compared and equal"
    found = [(RESUMED, text, reason)]
    before = _source_then(station, start)
    found += [(OTHER_IDENTITY, f"the source identifies itself in another way: {change}", reason)
              for change in identity_changes(before, facts)]  # fmt: skip
    return found


def _source_then(station: Station, start: Started) -> Mapping[str, object]:
    for _, event, event_id in station.events(None):
        if event_id == start.event_id:
            value = event.fields.get("source")
            return value if isinstance(value, dict) else {}
    return {}
