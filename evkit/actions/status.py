"""`evkit status`: what is running, unfinished, unsigned, out, or due."""

from __future__ import annotations

import dataclasses
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.acquire import journal
from evkit.actions import inventory_unfinished
from evkit.actions.acquire_where import away
from evkit.actions.custody_log import wrap
from evkit.actions.todo import Task, since_memo, tasks
from evkit.actions.unfinished import place_of
from evkit.core import clock
from evkit.core.errors import EvkitError, ExitCode, InputError, RefusedError, worst
from evkit.core.paths import to_fields
from evkit.core.refs import is_ref
from evkit.core.sizes import in_words
from evkit.core.text import escape, escape_bytes
from evkit.custody.deadlines import MET, OVERDUE, Due, due
from evkit.custody.when import local_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.custody.replay import Replay
    from evkit.custody.state import Exhibit
    from evkit.station import Station

RUNNING, STOPPED, UNSIGNED, DAMAGED = "running", "stopped", "unsigned", "damaged"
RECORDED = "recorded"
_ADVICE = {
    RUNNING: "running now",
    STOPPED: "stopped before its end; nothing was lost of what is recorded",
    UNSIGNED: "complete, but its end is not signed",
    DAMAGED: "its journal is damaged",
    RECORDED: "its end is recorded; only its journal is left",
}
_WITH_JOURNAL = ("acquire", "intake")

_DO_NOT = (
    "Nothing can be recorded here and no head of it may be handed out. Find the true station, or",
    "compare with a memo: evkit ledger compare",
)


@dataclass(frozen=True, kw_only=True)
class Work:
    """Long work that left a journal, or whose start has no end in the ledger.

    Attributes:
        ref: the acquisition, if known.
        what: `acquire`, `intake`, `inventory`, or empty.
        state: `running`, `stopped`, `unsigned`, `damaged`, or `recorded` when the ledger has its
            end.
        path: the journal, or None when only the ledger tells.
        entry: the entry that started it.
        unsigned: the journal holds an end that waits for a signature.
        size: bytes of the source of an image that can go on, else None.
        done: bytes of it that are kept.
    """

    ref: str
    what: str
    state: str
    started: str | None = None
    pid: int | None = None
    path: bytes | None = None
    entry: int | None = None
    unsigned: bool = False
    size: int | None = None
    done: int | None = None

    def document(self) -> dict[str, Any]:
        """Return the JSON form, without absent values."""
        document = {
            name: getattr(self, name)
            for name in ("ref", "what", "state", "started", "pid", "entry", "size", "done")
            if getattr(self, name) not in (None, "")
        }
        return {**document, **(to_fields(self.path) if self.path else {})}

    def line(self) -> str:
        """Return one line for people, escaped."""
        what = escape(self.what) + " " if self.what else ""
        text = f"{escape(self.ref) or 'work'}: {what}{_ADVICE[self.state]}"
        if self.started:
            text += f", begun {escape(self.started)}"
        if self.state == RUNNING and self.pid:
            text += f", process {self.pid}"
        if self.state == DAMAGED and self.path:
            text += f": {escape_bytes(self.path)}"
        if self.state == STOPPED and self.size is not None:
            text += f"; {in_words(self.done or 0)} of {in_words(self.size)} are kept, it can go on"
        if self.state == STOPPED and self.path is None:
            text += "; its journal is gone, so that its end can only be noted"
        return text

    def command(self) -> str | None:
        """Return the command line that settles it, or None."""
        exhibit = escape(self.ref.rpartition("/")[0])
        if self.state == DAMAGED and exhibit:
            return f"evkit {self.what or 'acquire'} --finish --exhibit {escape(self.ref)}"
        if self.state not in {STOPPED, UNSIGNED, RECORDED} or not exhibit:
            return None
        if self.what == inventory_unfinished.WHAT:
            return f"evkit inventory run {escape(self.ref)} --resume"
        if self.path is None or self.what not in _WITH_JOURNAL:
            return f'evkit custody record note {exhibit} --set text="…"'
        if self.state == STOPPED and self.size is not None:
            return f"evkit acquire --resume --exhibit {escape(self.ref)}"
        signing = self.unsigned or self.state == UNSIGNED
        return f"evkit {self.what} {'--record' if signing else '--finish'} --exhibit {exhibit}"


@dataclass(frozen=True, kw_only=True)
class Status:
    """The state of a station as a whole.

    Attributes:
        mark_problem: why the ledger is not the one this user saw before, None when it is.
        mark_code: the exit code of that.
        away: acquisitions of open cases whose image lies on media that are not here.
    """

    name: str
    origin: str
    profile: str
    size: int
    offset: str
    head_signed: bool
    notices: tuple[str, ...]
    work: tuple[Work, ...]
    deadlines: tuple[Due, ...]
    tasks: tuple[Task, ...]
    out: tuple[Exhibit, ...]
    open_cases: int
    exhibits: int
    gaps: int
    gaps_of: Mapping[str, int]
    unreported: int | None
    mark_problem: str | None = None
    mark_code: int = 0
    away: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """4 when the ledger contradicts the mark, 5 when that is not known, 3 for a bad journal."""
        damaged = any(work.state == DAMAGED for work in self.work)
        return worst(self.mark_code, ExitCode.INCOMPLETE if damaged else ExitCode.OK)

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/status/1",
            "station": self.name,
            "origin": self.origin,
            "profile": self.profile,
            "size": self.size,
            "head_signed": self.head_signed,
            "mark_problem": self.mark_problem,
            "notices": list(self.notices),
            "work": [work.document() for work in self.work],
            "deadlines": [item.document() for item in self.deadlines],
            "todo": [task.document() for task in self.tasks],
            "out": [
                {"exhibit": exhibit.ref, "state": exhibit.state, "holder": exhibit.holder}
                for exhibit in self.out
            ],
            "open_cases": self.open_cases,
            "exhibits": self.exhibits,
            "gaps": self.gaps,
            "entries_since_memo": self.unreported,
            "images_not_here": list(self.away),
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        lines = [f"WARNING: {self.mark_problem}", *_DO_NOT, ""] if self.mark_problem else []
        entries = "1 entry" if self.size == 1 else f"{self.size} entries"
        lines += wrap(f"{escape(self.name)}, {entries}, {escape(self.origin)}")
        cases = f"{self.open_cases} open case" + ("" if self.open_cases == 1 else "s")
        lines.append(f"{cases}, {self.exhibits} exhibit" + ("" if self.exhibits == 1 else "s"))
        head = len(lines)
        work = [(work.line(), work.command()) for work in self.work]
        lines += _block("Running and unfinished", work)
        unsigned = [] if self.head_signed else ["the last head is committed but not signed"]
        lines += _block("Not signed", [(text, None) for text in unsigned])
        urgent = [self._due_line(item) for item in self.deadlines if item.state != MET]
        lines += _block("Due", [(text, None) for text in urgent])
        lines += _block("To do", [(escape(task.text), escape(task.command)) for task in self.tasks])
        lines += _block(
            "Out",
            [
                (f"{exhibit.ref}: {exhibit.state} with {_holder(exhibit)}", None)
                for exhibit in self.out
            ],
        )
        notices: list[tuple[str, str | None]] = [(escape(text), None) for text in self.notices]
        for case, count in self.gaps_of.items():
            word = "gap" if count == 1 else "gaps"
            text = f"{count} {word} in custody or evidence of case {case}"
            notices.append((text, f"evkit case show {case}"))
        if self.away:
            more = f" and {len(self.away) - 1} more" if len(self.away) > 1 else ""
            text = f"on media that are not here: the image of {escape(self.away[0])}{more}"
            notices.append((text, "evkit copy list"))
        lines += _block("Notes", notices)
        if len(lines) == head:
            lines.append("Nothing is running, unfinished, unsigned or due.")
        return [*lines, "", *wrap(escape(self.profile))]

    def _due_line(self, item: Due) -> str:
        word = "OVERDUE since" if item.state == OVERDUE else "by"
        when = local_text(clock.parse(item.due), self.offset)
        return (
            f"{word} {when} {self.offset}: {item.case}, {escape(item.text)} "
            f"({item.id}, entry {item.started_by}, {escape(item.source)})"
        )


def run(station: Station) -> Status:
    """Look at a station; nothing is changed."""
    replayed = station.state()
    problem, code = _compare_with_mark(station)
    now = clock.now()
    cases = replayed.state.cases.values()
    exhibits = [exhibit for case in cases for exhibit in case.exhibits.values()]
    return Status(
        name=station.config.name,
        origin=station.config.origin,
        profile=station.profile.review_line(),
        size=len(replayed.entries),
        offset=now.offset,
        head_signed=station.head().note is not None,
        notices=tuple(station.notices),
        work=tuple(_work(station, replayed)),
        deadlines=tuple(due(replayed, station.profile, now.utc)),
        tasks=tuple(tasks(replayed)),
        out=tuple(exhibit for exhibit in exhibits if exhibit.state in {"out", "court", "lost"}),
        open_cases=sum(case.open for case in cases),
        exhibits=len(exhibits),
        gaps=sum(finding.level == "gap" for finding in replayed.findings),
        gaps_of=_gaps(replayed),
        unreported=since_memo(replayed),
        mark_problem=problem,
        mark_code=code,
        away=tuple(away(station, replayed)),
    )


def _compare_with_mark(station: Station) -> tuple[str | None, int]:
    """Return why the ledger is not the one this user saw before, and the exit code of that."""
    try:
        station.mark()
    except RefusedError as error:
        return error.message, int(ExitCode.FAILED_CHECK)
    except EvkitError as error:
        return error.message, int(ExitCode.UNDECIDED)
    return None, 0


def read_journal(path: bytes) -> Work | None:
    """Return what a work journal says, None when it is gone; a damaged one is data, no error."""
    try:
        entry = journal.read(os.path.dirname(path))
    except InputError:
        return Work(ref="", what="", state=DAMAGED, path=path)
    if entry is None:
        return None
    unsigned = entry.state == journal.UNSIGNED
    state = RUNNING if is_alive(entry.pid) else STOPPED
    return Work(
        ref=entry.ref,
        what=entry.what,
        state=UNSIGNED if unsigned else state,
        started=entry.started or None,
        pid=entry.pid,
        path=path,
        unsigned=unsigned,
        **_kept(entry.work),
    )


def _kept(work: Mapping[str, Any]) -> dict[str, int]:
    """Return the length of the source and how much of it is kept, of work that can go on."""
    size, state = work.get("size"), work.get("state")
    if not isinstance(size, int):
        return {}
    done = state.get("at") if isinstance(state, dict) else None
    return {"size": size, "done": done if isinstance(done, int) else 0}


def is_alive(pid: int) -> bool:
    """Say whether a process of that number is there; on Windows always yes, it is not asked."""
    if sys.platform == "win32":
        return True
    if pid < 1:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _work(station: Station, replayed: Replay) -> list[Work]:
    read = [(path, read_journal(path)) for path in station.journals()]
    found = [_in_place(station, path, work, replayed) for path, work in read if work is not None]
    known = {work.ref for work in found}
    begun = [
        acquisition
        for case in replayed.state.cases.values()
        for exhibit in case.exhibits.values()
        for acquisition in exhibit.acquisitions.values()
        if acquisition.ended_entry is None and acquisition.ref not in known
    ]
    for acquisition in begun:
        work = Work(
            ref=acquisition.ref,
            what=acquisition.what,
            state=STOPPED,
            started=acquisition.started,
            entry=acquisition.started_entry,
        )
        found.append(work)
    for ref, path, running in inventory_unfinished.parts(station, replayed):
        state = RUNNING if running else STOPPED
        found.append(Work(ref=ref, what=inventory_unfinished.WHAT, state=state, path=path))
    return found


def _in_place(station: Station, path: bytes, work: Work, replayed: Replay) -> Work:
    """Compare a journal with the ledger; one that is damaged is that of the folder it lies in."""
    place = place_of(station, path)
    if work.state != DAMAGED and (place is None or work.ref == str(place)):
        return _against(work, replayed)
    known = replayed.state.acquisition(str(place))
    what, entry = (known.what, known.started_entry) if known is not None else ("", None)
    ref = str(place) if place is not None else ""
    return Work(ref=ref, what=what, state=DAMAGED, path=path, entry=entry)


def _against(work: Work, replayed: Replay) -> Work:
    """A journal whose end is in the ledger is no unfinished work."""
    known = replayed.state.acquisition(work.ref) if is_ref(work.ref) else None
    if known is None or known.ended_entry is None or work.state == RUNNING:
        return work
    return dataclasses.replace(work, state=RECORDED)


def _gaps(replayed: Replay) -> dict[str, int]:
    counts = {
        name: sum(finding.level == "gap" for finding in replayed.findings_of(name))
        for name in replayed.state.cases
    }
    return {name: count for name, count in counts.items() if count}


def _holder(exhibit: Exhibit) -> str:
    return escape(exhibit.holder or "nobody recorded")


def _block(title: str, items: Sequence[tuple[str, str | None]]) -> list[str]:
    """Return the lines of a block; a command stands on its own line, to be copied."""
    if not items:
        return []
    lines = ["", f"{title}:"]
    for text, command in items:
        lines += wrap(text, first="  ", rest="    ")
        if command:
            lines.append(f"    {command}")
    return lines
