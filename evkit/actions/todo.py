"""What is left to do at a station, each item with the command that does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.custody.state import COURT, ENDED, LOST, OUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.custody.foresee import Foreseen
    from evkit.custody.replay import Replay
    from evkit.custody.state import Acquisition, Exhibit

TAKEN = ("complete", "with-gaps")
_TRIED = ("stopped", "failed")


@dataclass(frozen=True, kw_only=True)
class Task:
    """One thing to do.

    Attributes:
        code: what kind of task.
        ref: the exhibit, empty for the station.
        text: one sentence; values as recorded.
        command: a command line, capitals and `…` stand for what only a person knows.
    """

    code: str
    text: str
    command: str
    ref: str = ""

    def document(self) -> dict[str, Any]:
        """Return the JSON form, without absent values."""
        return {name: value for name, value in vars(self).items() if value}


def tasks(replayed: Replay) -> list[Task]:
    """Return what is left to do in open cases, and what is newer than the last head on paper."""
    found: list[Task] = []
    for case in replayed.state.cases.values():
        for exhibit in case.exhibits.values() if case.open else ():
            if exhibit.registered_entry is not None and exhibit.state not in {ENDED, LOST}:
                found += _data(exhibit)
                found += _stated(exhibit, replayed)
                found += _unsealed(exhibit)
    return [*_nobody(replayed), *found, *_paper(replayed)]


def _nobody(replayed: Replay) -> Iterator[Task]:
    """Without an officer nothing can be recorded."""
    if not any(entry.kind == "enrol" for entry in replayed.entries):
        command = "evkit officer enrol NAME --rank … --badge … --role officer"
        yield Task(code="no-officer", text="no officer is enrolled yet", command=command)


def taken(exhibit: Exhibit) -> list[Acquisition]:
    """Return the acquisitions that ended with data."""
    return [entry for entry in exhibit.acquisitions.values() if entry.result in TAKEN]


def since_memo(replayed: Replay) -> int | None:
    """Return how many entries are newer than the last memo or bundle; None without one."""
    memos = [entry.index for entry in replayed.entries if entry.kind in {"memo", "bundle"}]
    return len(replayed.entries) - memos[-1] - 1 if memos else None


def left_open(replayed: Replay, case: str) -> list[Foreseen]:
    """Return what is open in a case that is about to be closed, gaps first."""
    from evkit.custody.foresee import Foreseen

    found = [
        Foreseen(code=finding.code, text=finding.text, level=finding.level)
        for finding in replayed.findings_of(case)
        if finding.level == "gap"
    ]
    known = replayed.state.cases[case]
    for exhibit in known.exhibits.values():
        if exhibit.registered_entry is None or exhibit.state in {ENDED, LOST}:
            continue
        found += [
            Foreseen(code=task.code, text=task.text, command=task.command)
            for task in (*_data(exhibit), *_stated(exhibit, replayed), *_unsealed(exhibit))
        ]
        running = [a for a in exhibit.acquisitions.values() if a.ended_entry is None]
        found += [
            Foreseen(code="running", text=f"{a.ref} was begun and has no end") for a in running
        ]
        found += _where(exhibit)
    return found


def _where(exhibit: Exhibit) -> Iterator[Foreseen]:
    from evkit.custody.foresee import Foreseen

    ref, seal = exhibit.ref, exhibit.seal
    if seal is None and not exhibit.parts:
        command = f"evkit custody record seal {ref} --set seal=NUMBER"
        yield Foreseen(code="never-sealed", text=f"{ref} was never sealed", command=command)
    elif seal and seal.sealed:
        numbers = ", ".join(seal.numbers) or "without a number"
        yield Foreseen(code="sealed", text=f"{ref} is sealed: {numbers}")
    if exhibit.state == OUT:
        command = f"evkit custody record check-in {ref} --set location=WHERE"
        text = f"{ref} is out with {exhibit.holder or 'nobody recorded'}"
        yield Foreseen(code="out", text=text, command=command)


def _data(exhibit: Exhibit) -> Iterator[Task]:
    """Look for data that were never taken; work without an end is listed as unfinished."""
    tried = list(exhibit.acquisitions.values())
    if any(entry.ended_entry is None for entry in tried):
        return
    done = max((entry.ended_entry or 0 for entry in taken(exhibit)), default=-1)
    failed = [e for e in tried if e.result in _TRIED and (e.started_entry or 0) > done]
    ref = exhibit.ref
    if failed:
        last = failed[-1]
        source = "SOURCE" if last.what == "acquire" else "PATH"
        word = "failed" if last.result == "failed" else "was stopped"
        text = f"{last.ref} {word} (entry {last.ended_entry}), no complete one since"
        command = f"evkit {last.what} {source} --exhibit {ref}"
        parent = last.fields.get("derived_from")
        if last.what == "acquire" and isinstance(parent, (list, tuple)) and parent:
            command = f"evkit image convert {parent[0]}"
            if not str(parent[0]).startswith(f"{ref}/"):
                command = f"evkit image export {parent[0]} --exhibit {ref} …"
        yield Task(code="try-again", ref=ref, text=text, command=command)
    elif not taken(exhibit) and not exhibit.parts:
        text = f"{ref}: no data were taken yet"
        yield Task(
            code="no-data", ref=ref, text=text, command=f"evkit acquire SOURCE --exhibit {ref}"
        )


def _stated(exhibit: Exhibit, replayed: Replay) -> Iterator[Task]:
    """Digests stated with a delivery that do not agree, until a note answers for them."""
    for finding in replayed.findings:
        if finding.code != "expected-mismatch" or finding.exhibit != exhibit.ref:
            continue
        answered = any(
            entry.kind == "note" and exhibit.ref in entry.exhibits
            for entry in replayed.entries
            if entry.index > finding.events[-1]
        )
        if not answered:
            yield Task(
                code="stated-digests",
                ref=exhibit.ref,
                text=f"{finding.text.replace('`', '')}; ask who delivered it and note the answer",
                command=f'evkit custody record note {exhibit.ref} --set text="…"',
            )


def _unsealed(exhibit: Exhibit) -> Iterator[Task]:
    seal = exhibit.seal
    if seal and not seal.sealed and exhibit.state != COURT:
        yield Task(
            code="unsealed",
            ref=exhibit.ref,
            text=f"{exhibit.ref} was unsealed (entry {seal.entry}) and not sealed again",
            command=f"evkit custody record seal {exhibit.ref} --set seal=NUMBER",
        )


def _paper(replayed: Replay) -> Iterator[Task]:
    count = since_memo(replayed)
    if count == 0:
        return
    text = "no head of the ledger is on paper yet"
    if count:
        verb = "entry is" if count == 1 else "entries are"
        text = f"{count} {verb} newer than the last memo"
    yield Task(code="memo", text=text, command="evkit ledger memo -o memo.html --record")
