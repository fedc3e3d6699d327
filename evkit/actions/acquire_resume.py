"""Going on with an image that was stopped, or closing it as it is with the rest as zeros."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from evkit.acquire import continuing, engine, imager, imaging, log, mapfile, preflight, source
from evkit.acquire.output import checkpoint
from evkit.acquire.output.branch import MASTER, PART, SECOND, Branch
from evkit.acquire.output.rawout import parts_of
from evkit.acquire.output.resumed import Resumed
from evkit.acquire.recognise import IDENTITY as RECOGNISED
from evkit.acquire.recognise import identity_changes, recognise
from evkit.acquire.source import Facts, Opened
from evkit.acquire.stopping import Stop
from evkit.actions.acquire_job import Attempt, Job, check_inventory, lister_for
from evkit.actions.acquire_order import e01_of, raw_split, read_rescue, request_of
from evkit.actions.acquire_record import record_end, taken_over
from evkit.actions.latework import Settled, has_ended
from evkit.actions.latework import finish as late
from evkit.actions.longwork import Plan, Started, Work, started_of
from evkit.actions.unfinished import unfinished
from evkit.core import durable
from evkit.core.errors import CaseError, InputError, RefusedError, StorageError
from evkit.core.paths import from_fields
from evkit.core.progress import SILENT, Progress
from evkit.core.refs import Ref, parse_ref
from evkit.core.sizes import in_words
from evkit.core.text import escape_bytes
from evkit.hashing.pieces import GROUP_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.acquire.journal import Journal
    from evkit.actions.acquire_inventory import Lister
    from evkit.actions.acquire_job import Request
    from evkit.actions.acquire_result import Acquired
    from evkit.identity.signer import Signer
    from evkit.station import Station

RESUMED = "resumed"
OTHER_IDENTITY = "source-identity"
CLOSED = "closed-as-partial"
_PREFIX = b"image."
_WINDOW = 3  # offset, length, bytes of the whole source
_NOTED = 30  # deviations that are kept from earlier runs
_GIVEN_UP = "`--finish --reason WHY` records that the work failed"
_Deviation = tuple[str, str, str]


class _NoCopyError(StorageError):
    """A copy on which the work was begun is not here, or had failed."""


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


def resume(
    station: Station, signer: Signer, wish: Resume, progress: Progress = SILENT
) -> Acquired | Settled:
    """Go on with stopped work.

    Raises:
        CaseError: there is none that can go on.
        RefusedError: the source is another one, or the work is running.
        InputError: what the stopped run left is damaged.
    """
    left = unfinished(station, parse_ref(wish.ref), "acquire")
    entry = left.stopped()
    ref = parse_ref(entry.ref) if entry is not None else parse_ref(wish.ref)
    start = started_of(station, ref, "acquire") if entry is not None else None
    if entry is None or start is None:
        raise left.none_readable("acquire") or CaseError(
            f"`{wish.ref}` has no stopped acquisition that can go on",
            hint="`evkit status` lists what is left to do; what was begun before its start was "
            "recorded is closed with `--finish`",
        )
    if has_ended(station, str(ref)):  # stopped between the record and the removal of its journal
        return late(station, signer, str(ref), "acquire", wish.reason)
    start = dataclasses.replace(start, notices=(*start.notices, *left.notices))
    try:
        return _resume(station, signer, (entry, start), wish, progress)
    except InputError:
        if not wish.closing:
            raise
        # nothing can be made of it: it is put on record as failed, its files are left as they are
        return late(station, signer, str(ref), "acquire", wish.reason)
    except _NoCopyError:
        if not (wish.closing and wish.reason):
            raise
        why = f"no copy is left of what was begun: {wish.reason}"
        return late(station, signer, str(ref), "acquire", wish.reason, why)


def _resume(
    station: Station,
    signer: Signer,
    stopped: tuple[Journal, Started],
    wish: Resume,
    progress: Progress,
) -> Acquired:
    entry, start = stopped
    ref = parse_ref(entry.ref)
    request = request_of(entry.work)
    if request.exhibit not in {entry.ref, str(ref.of_exhibit())}:
        raise InputError("the journal is of another exhibit")
    request = dataclasses.replace(request, inventory=request.inventory or wish.inventory)
    check_inventory(request)
    state = entry.work.get("state", {})
    if not isinstance(state, dict):
        raise InputError("the checkpoint in the journal is malformed")
    resumed = Resumed.of(state)
    before = _source_then(station, start)
    opened = _open(request, entry.work, wish, resumed, before)
    try:
        plan = Plan(what="acquire", exhibit=ref.of_exhibit(), reason=wish.reason)
        work = Work(station, signer, plan, progress, stopped)
        try:
            lister = lister_for(request, work, progress)
            order = _order(work, request, opened, wish, (resumed, lister))
            job = _job(request, opened, work.saved, station)
            more = _compare(order, job, (work.saved, before), wish, resumed)
            more = _note(work, more)
            _tidy(order, resumed, opened.facts.size or 0)
            with Stop() as stop:
                made = imager.make(opened, order, stop, progress)
                attempt = Attempt(work=work, job=job, order=order, made=made)
                acquired = record_end(station, signer, attempt, more)
                return lister.complete(station, signer, acquired, stop) if lister else acquired
        finally:
            work.close()
    finally:
        opened.close()


def _note(work: Work, more: list[_Deviation]) -> list[_Deviation]:
    """Keep what is to be known of this run in case it is stopped as well; return all there is."""
    earlier = work.saved.get("noted", [])
    if not isinstance(earlier, list) or not all(_is_deviation(one) for one in earlier):
        raise InputError("what the journal keeps of earlier runs is malformed")
    noted = [*(tuple(one) for one in earlier), *more]
    noted = list(dict.fromkeys(noted))[-_NOTED:]
    work.save({**work.saved, "noted": [list(one) for one in noted]})
    return noted


def _is_deviation(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == len(("code", "text", "reason"))
        and all(isinstance(text, str) for text in value)
    )


def _order(
    work: Work,
    request: Request,
    opened: Opened,
    wish: Resume,
    what: tuple[Resumed, Lister | None],
) -> imaging.Order:
    kept = work.saved
    resumed, lister = what
    branches = _branches(request, work.ref, work.folder, resumed)
    rescued = None
    if request.rescued is not None and not (resumed.map or resumed.whole or wish.closing):
        rescued = read_rescue(request.rescued, opened.facts.size or 0)
    return imaging.Order(
        folder=work.folder,
        branches=branches,
        names=request.digests,
        format=request.format or imaging.RAW,
        plan=e01_of(kept, closing=wish.closing or bool(resumed.whole)),
        split=raw_split(request, opened.facts.size, [branch.folder for branch in branches]),
        verify=request.verify,
        block_nodes=request.block_nodes,
        policy=request.policy,
        storm=request.storm,
        save=lambda state: work.save(
            {**work.saved, "inventory": request.inventory, "state": state}
        ),
        resume=dict(kept.get("state", {})),
        closing=wish.closing,
        rescued=rescued,
        reread=request.reread,
        observer=lister,
    )


def _open(
    request: Request,
    kept: Mapping[str, Any],
    wish: Resume,
    resumed: Resumed,
    before: Mapping[str, object],
) -> Opened:
    size, sector = kept.get("size"), kept.get("sector_size")
    if type(size) is not int or size < 0 or type(sector) is not int or sector < 1:
        raise InputError("the journal does not say how long the source is")
    path = wish.source or request.source
    if wish.closing or (resumed.whole and not request.reread):
        return _absent(Facts(path=path, kind="absent", size=size, sector_size=sector), kept, before)
    opened = source.open_source(path)
    try:
        if request.part is None:
            return opened
        from evkit.actions.acquire import narrowed

        return narrowed(request, opened)
    except BaseException:
        opened.close()
        raise


def _absent(facts: Facts, kept: Mapping[str, Any], before: Mapping[str, object]) -> Opened:
    """Return what stands for a source of which nothing more is read."""
    identity = {
        name: value
        for name in (*RECOGNISED, "name", "removable")
        if isinstance(value := before.get(name), str)
    }
    device, locked = before.get("device"), before.get("read_only")
    window = kept.get("window")
    if window is not None:
        good = isinstance(window, list) and len(window) == _WINDOW
        if not good or not all(type(one) is int and one >= 0 for one in window):
            raise InputError("the journal does not say which part of the source is taken")
        facts = dataclasses.replace(facts, window=(window[0], window[1]), source_size=window[2])
    facts = dataclasses.replace(
        facts,
        device=device if isinstance(device, str) else None,
        identity=identity,
        read_only=locked if isinstance(locked, bool) else None,
    )
    descriptor = os.open(os.devnull, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    return Opened(descriptor=descriptor, facts=facts, direct=False)


def _job(request: Request, opened: Opened, kept: Mapping[str, Any], station: Station) -> Job:
    stated = kept.get("typed", {})
    if not isinstance(stated, dict):
        raise InputError("the journal does not say what was stated")
    typed = {str(k): str(v) for k, v in stated.items() if k in log.ASKED}
    allow = frozenset({preflight.LITTLE_ROOM, preflight.IN_USE})
    home = request.to if request.to and os.path.isdir(request.to) else station.place.home
    report = preflight.examine(opened.facts, home, allow=allow)
    plan = Plan(
        what="acquire",
        exhibit=parse_ref(request.exhibit).of_exhibit(),
        values={"type": request.type, "scope": request.fields.get("scope")},
    )
    return Job(request=request, opened=opened, report=report, plan=plan, typed=typed)


def _branches(request: Request, ref: Ref, folder: bytes, resumed: Resumed) -> tuple[Branch, ...]:
    found = []
    for copy, place in ((MASTER, request.to), (SECOND, request.also)):
        if place is None and copy == SECOND:
            continue
        where = folder if place is None else os.path.join(place, *map(str.encode, _parts(ref)))
        branch = Branch(copy=copy, folder=where)
        if copy in resumed.failed:
            branch.error = _NoCopyError(
                f"the {copy} copy had failed before the work was stopped", hint=_GIVEN_UP
            )
        elif not os.path.isdir(where):
            branch.error = _NoCopyError(
                f"the {copy} copy is not here: `{escape_bytes(where)}`",
                hint=f"plug in its medium; when that is lost for good, {_GIVEN_UP}",
            )
        found.append(branch)
    missing = [branch for branch in found if branch.error is not None]
    if len(missing) == len(found):
        away = [branch for branch in missing if branch.copy not in resumed.failed]
        raise (away or missing)[0].error or StorageError("no copy is here")
    return tuple(found)


def _parts(ref: Ref) -> list[str]:
    return str(ref).split("/")


def _tidy(order: imaging.Order, resumed: Resumed, size: int) -> None:
    """Remove unfinished files behind the place where the work goes on."""
    names = resumed.names(resumed.blocks * engine.BLOCK, order.split)
    if resumed.map:
        names = [name for name, _ in parts_of(size, order.split)]
    keep = {os.fsencode(name) for name in names}
    folders = [branch.folder for branch in order.branches if branch.error is None]
    logs = log.NAME.encode()
    for folder in dict.fromkeys((*folders, order.folder)):
        with durable.storage_errors(folder):
            there = os.listdir(folder)
        for name in sorted(there):
            whole = name.removesuffix(PART)
            mine = folder == order.folder or name.startswith((_PREFIX, logs))
            kept = whole == name or whole in keep or name in checkpoint.KEPT
            # a log is of a stop between it and the record of the end
            if mine and (not kept or name == logs):
                with durable.storage_errors(os.path.join(folder, name)):
                    durable.step("unlink", os.path.join(folder, name))
                    os.unlink(os.path.join(folder, name))


def _compare(
    order: imaging.Order,
    job: Job,
    then: tuple[Mapping[str, Any], Mapping[str, object]],
    wish: Resume,
    resumed: Resumed,
) -> list[_Deviation]:
    """Compare the source with what was read of it; say what is to be known of going on.

    `then` is what the journal keeps, and the source as the started event has it.
    """
    facts, read = job.opened.facts, resumed.blocks * engine.BLOCK
    reason = wish.reason or "not stated"
    kept, before = then
    found: list[_Deviation] = []
    if order.rescued is None and "rescued" in kept and (resumed.map or resumed.whole):
        found.append(taken_over(int(kept["rescued"].get("taken", 0)), reason))
    if resumed.whole:
        text = "stopped when all was read, and resumed to verify and name the image"
        return [*found, (RESUMED, text, reason)]
    chart = resumed.load_map(order.folder, kept["size"]) if resumed.map else None
    done = in_words(read if chart is None else chart.total(mapfile.FINISHED))
    if wish.closing:
        text = f"closed without reading the rest, {done} "
        text += "were read" if chart is not None else "from the start on were read in order"
        return [*found, (CLOSED, text, reason)]
    if chart is not None:
        nodes = continuing.nodes_in_passes(order, chart)
        compared = recognise(job.opened, chart.size, nodes, GROUP_BYTES)
    else:
        tally = engine.Tally.fresh(())
        checkpoint.load(order.folder, tally, read, engine.BLOCK)
        lost = resumed.lost(order.folder, read, kept["size"])
        compared = recognise(job.opened, kept["size"], tally.nodes, engine.BLOCK, lost)
    changes = identity_changes(before, facts)
    _need_something_known(compared.equal, facts, kept, changes)
    text = f"stopped and resumed after {done}; "
    if compared.equal or compared.unread:
        text += f"{compared.equal} MiB of the source compared and equal"
    else:
        text += "nothing was kept with which the source could be compared"
    if compared.unread:
        text += f", {compared.unread} MiB that were to be compared cannot be read any more"
    found.append((RESUMED, text, reason))
    return found + [
        (OTHER_IDENTITY, f"the source identifies itself in another way: {change}", reason)
        for change in changes
    ]


def _need_something_known(
    compared: int, facts: Facts, kept: Mapping[str, Any], changes: Sequence[str]
) -> None:
    """Refuse another source where nothing was read of the first that could tell them apart.

    Raises:
        RefusedError: it has another name or names itself in another way.
    """
    if not compared and (changes or facts.path != from_fields(kept["source"])):
        raise RefusedError(
            f"nothing that was read before is kept, so nothing tells that "
            f"`{escape_bytes(facts.path)}` is the same source",
            hint="close the stopped work with `--finish` and start a new acquisition",
        )


def _source_then(station: Station, start: Started) -> Mapping[str, object]:
    for _, event, event_id in station.events(None):
        if event_id == start.event_id:
            value = event.fields.get("source")
            return value if isinstance(value, dict) else {}
    return {}
