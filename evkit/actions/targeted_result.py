"""What a targeted acquisition gave: the documents and the lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.actions import targeted_job as jobs
from evkit.actions.longwork import leftovers
from evkit.core.errors import ExitCode, worst
from evkit.core.sizes import in_words
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.acquire.selecting import Seen
    from evkit.actions.intake_job import Taken
    from evkit.actions.longwork import Ended
    from evkit.actions.targeted_job import Job
    from evkit.custody.decision import Decision

_WORDS = {"complete": "complete", "with-gaps": "complete but for gaps"}


@dataclass(frozen=True, kw_only=True)
class TakenFiles:
    """What came of a targeted acquisition.

    Attributes:
        selection: the field of the event; empty when nothing was taken.
        decisions: what the record says first.
        deviations: in words.
    """

    ref: str
    folder: bytes
    job: Job
    start: int
    ended: Ended
    taken: Taken
    selection: Mapping[str, Any] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()
    deviations: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 for a decision; 3 when something wanted could not be read or changed; else the error.

        What is not there is no gap: the record says that it is not there.
        """
        taken, codes = self.taken, [int(ExitCode.OK)]
        unknown = self.selection.get("not_known", 0)
        if taken.result == "with-gaps" or taken.changed or unknown:
            codes.append(int(ExitCode.INCOMPLETE))
        codes += [int(e.exit_code) for e in (taken.error, self.ended.error) if e is not None]
        return worst(*codes)

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        taken = self.taken
        document: dict[str, Any] = {
            "schema": "evkit/acquired-files/1",
            "acquisition": self.ref,
            "result": taken.result,
            "recorded": self.ended.index is not None,
            "entries": [n for n in (self.start, self.ended.index) if n is not None],
            "folder": escape_bytes(self.folder),
            "source": self.job.folder.fields(),
            "files": taken.files,
            "bytes": taken.bytes,
            "other": dict(taken.other),
            "selection": dict(self.selection),
            "decisions": [decision.document() for decision in self.decisions],
            "artifacts": [artifact.fields() for artifact in taken.artifacts],
            "deviations": list(self.deviations),
            "notices": list(self.ended.notices),
        }
        problem = taken.error or self.ended.error
        if problem is not None:
            document["error"] = problem.message
        return document

    def lines(self) -> list[str]:
        """Return the lines for people."""
        taken = self.taken
        text = f"evkit: {taken.result.upper()}: {self.ref} is not complete, read"
        if taken.result in _WORDS:
            text = f"evkit: {self.ref} acquired: {_WORDS[taken.result]},"
        count = f"{taken.files:,} " + ("file" if taken.files == 1 else "files")
        text += f" {count}, {in_words(taken.bytes)}"
        if self.ended.index is not None:
            text += f", entries {self.start} and {self.ended.index}"
        lines = [text, *(f"  {escape(decision.words)}" for decision in self.decisions)]
        lists = [artifact for artifact in taken.artifacts if artifact.role == "list"]
        lines += [f"  list {artifact.name} sha256 {artifact.sha256}" for artifact in lists]
        lines += selection_lines(self.selection)
        lines += [f"  deviation: {escape(text)}" for text in self.deviations]
        lines += [f"  note: {escape(text)}" for text in (*taken.remarks, *self.ended.notices)]
        if taken.error is not None:
            lines.append(f"  {taken.error.message}")
            lines += [f"hint: {taken.error.hint}"] if taken.error.hint else []
        if taken.result not in _WORDS:
            lines += leftovers(self.folder)
            lines.append("hint: start again with the same command; it takes the next number")
        if self.ended.error is not None:
            lines.append(f"  the end is not signed: {self.ended.error.message}")
            lines.append(f"hint: sign it with `evkit acquire --record --exhibit {self.ref}`")
        return lines


@dataclass(frozen=True, kw_only=True)
class PlannedFiles:
    """What a dry run found."""

    ref: str
    job: Job
    seen: Seen | None
    deviations: tuple[tuple[str, str], ...]
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/acquire-files-plan/1",
            "acquisition": self.ref,
            "source": self.job.folder.fields(),
            "preflight": self.job.report.fields(),
            "things": self.job.things,
            "bytes": self.job.total,
            "selection": jobs.selection_fields(self.job, {}, self.seen),
            "deviations": [{"code": code, "text": text} for code, text in self.deviations],
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        job = self.job
        source = escape_bytes(job.folder.path)
        lines = [
            f"evkit: would acquire {job.things:,} things, {in_words(job.total)}, as {self.ref}",
            f"  of the folder `{source}`",
        ]
        lines += [f"  {c.name}: {c.state}, {escape(c.text)}" for c in job.report.checks]
        lines += selection_lines(jobs.selection_fields(job, {}, self.seen))
        lines += [f"  deviation: {escape(text)}" for _, text in self.deviations]
        lines += [f"hint: {check.hint}" for check in job.report.deviations if check.hint]
        return [*lines, "nothing was written"]


def selection_lines(selection: Mapping[str, Any]) -> list[str]:
    """Say what of the list is not there, what was not entered, and what lies below the folder."""
    if not selection:
        return []
    items = selection["list"]["items"]
    lines = [f"  {selection['matched']:,} of {items:,} lines of the list name something"]
    seen = selection["seen"]
    if isinstance(seen, str):
        lines.append("  the files below the folder were not counted")
    else:
        least = "" if seen["whole"] else "at least "
        counts = ", ".join(f"{seen[name]:,} {name}" for name in ("files", "folders", "links"))
        lines.append(f"  below the folder: {least}{counts}, {seen['special']:,} special files")
        if seen["unlisted"]:
            lines.append(f"  {seen['unlisted']:,} folders could not be counted")
    lines += [f"  not there: `{name}`" for name in selection.get("first_not_there", ())]
    more = selection["not_there"] - len(selection.get("first_not_there", ()))
    if more > 0:
        lines.append(f"  not there: {more:,} more, see {jobs.NAME.decode()}")
    if selection["not_known"]:
        lines.append(
            f"  not known whether there: {selection['not_known']:,} lines, behind folders that "
            "could not be entered"
        )
    lines += [
        f"  not entered: `{one['path']}`, {one['why']}"
        for one in selection.get("first_not_entered", ())
    ]
    more = selection.get("not_entered", 0) - len(selection.get("first_not_entered", ()))
    return [*lines, *([f"  not entered: {more:,} more"] if more > 0 else [])]
