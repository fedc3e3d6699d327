"""What taking in gave: the documents and the lines of `evkit intake`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.actions.longwork import leftovers
from evkit.core.errors import ExitCode, worst
from evkit.core.sizes import in_words
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from evkit.actions.intake_job import Taken
    from evkit.actions.longwork import Ended

_WORDS = {
    "complete": "complete",
    "with-gaps": "complete but for gaps",
}
_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class TakenIn:
    """What came of an intake.

    Attributes:
        again: the command that starts it once more.
        hints: images that were taken in as plain files.
    """

    ref: str
    folder: bytes
    kind: str
    start: int
    ended: Ended
    taken: Taken
    remarks: tuple[str, ...] = ()
    again: str = "evkit intake"
    hints: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The worst of: a stated digest that differs, something unread or changed, an error."""
        taken, codes = self.taken, [int(ExitCode.OK)]
        if taken.table is not None and taken.table.mismatch:
            codes.append(int(ExitCode.FAILED_CHECK))
        if taken.result == "with-gaps" or taken.changed:
            codes.append(int(ExitCode.INCOMPLETE))
        if taken.table is not None and taken.table.incomplete:
            codes.append(int(ExitCode.INCOMPLETE))
        codes += [int(e.exit_code) for e in (taken.error, self.ended.error) if e is not None]
        return worst(*codes)

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        taken = self.taken
        document: dict[str, Any] = {
            "schema": "evkit/taken-in/1",
            "acquisition": self.ref,
            "kind": self.kind,
            "result": taken.result,
            "recorded": self.ended.index is not None,
            "entries": [n for n in (self.start, self.ended.index) if n is not None],
            "folder": escape_bytes(self.folder),
            "files": taken.files,
            "bytes": taken.bytes,
            "other": dict(taken.other),
            "artifacts": [artifact.fields() for artifact in taken.artifacts],
            "remarks": list(self.remarks),
            "hints": list(self.hints),
            "notices": list(self.ended.notices),
        }
        for name in ("media", "unread", "tool", "verification"):
            if name in taken.values:
                document[name] = taken.values[name]
        if taken.table is not None:
            document["expected"] = taken.table.fields()
        problem = taken.error or self.ended.error
        if problem is not None:
            document["error"] = problem.message
        return document

    def lines(self) -> list[str]:
        """Return the lines for people."""
        taken = self.taken
        done = taken.result in _WORDS
        text = f"evkit: {taken.result.upper()}: {self.ref} is not complete, read"
        if done:
            text = f"evkit: {self.ref} taken in: {_WORDS[taken.result]},"
        text += f" {taken.files:,} " + ("file" if taken.files == 1 else "files")
        lines = [f"{text}, {in_words(taken.bytes)}"]
        if self.ended.index is not None:
            lines[0] += f", entries {self.start} and {self.ended.index}"
        lines += self._digest_lines()
        lines += self._table_lines()
        lines += [f"  note: {escape(text)}" for text in (*self.remarks, *self.ended.notices)]
        if taken.error is not None:
            lines.append(f"  {taken.error.message}")
            lines += [f"hint: {taken.error.hint}"] if taken.error.hint else []
        if not done:
            lines += leftovers(self.folder)
            lines.append(f"hint: start again with `{self.again}`")
        lines += [f"hint: {text}" for text in self.hints]
        if self.ended.error is not None:
            lines.append(f"  the end is not signed: {self.ended.error.message}")
            lines.append(f"hint: sign it with `evkit intake --record --exhibit {self.ref}`")
        return lines

    def _digest_lines(self) -> list[str]:
        media = self.taken.values.get("media")
        if isinstance(media, dict):
            names = ("md5", "sha1", "sha256", "sha512")
            lines = [f"  {name} {media[name]}" for name in names if name in media]
            return ["  made by another tool, first digested here", *lines]
        lists = [artifact for artifact in self.taken.artifacts if artifact.role == "list"]
        return [f"  list {lists[0].name} sha256 {lists[0].sha256}"] if lists else []

    def _table_lines(self) -> list[str]:
        table = self.taken.table
        if table is None:
            return []
        counts = ", ".join(f"{count} {word}" for word, count in table.counts.items() if count)
        verdict = "FAIL" if table.mismatch else "ok"
        lines = [f"  compared with what was stated: {verdict}, {counts or 'nothing'}"]
        for entry in table.compared:
            if not entry.agrees:
                lines.append(f"    {entry.source} states {entry.algorithm} {entry.stated}")
                lines.append(f"    found {' ' * len(entry.source)}{entry.found}")
        for shown in table.shown[:_SHOWN]:
            text = f"    {shown['is']}: {shown['name']}"
            if shown["is"] == "mismatch":
                text += f", stated {shown.get('stated')}, found {shown.get('found')}"
            lines.append(text)
        if table.weak:
            lines.append("    only MD5 or SHA-1: a match says nothing about tampering")
        return lines


@dataclass(frozen=True, kw_only=True)
class PlannedIntake:
    """What a dry run found."""

    ref: str
    kind: str
    count: int
    total: int
    in_place: bool
    deviations: tuple[tuple[str, str], ...]
    hints: tuple[str, ...] = ()
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/intake-plan/1",
            "acquisition": self.ref,
            "kind": self.kind,
            "things": self.count,
            "bytes": self.total,
            "in_place": self.in_place,
            "deviations": [{"code": code, "text": text} for code, text in self.deviations],
            "hints": list(self.hints),
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        how = "digest in place" if self.in_place else "take in"
        return [
            f"evkit: would {how} {self.count:,} things, {in_words(self.total)}, as {self.ref}",
            *(f"  deviation: {escape(text)}" for _, text in self.deviations),
            *(f"hint: {text}" for text in self.hints),
            "nothing was written",
        ]
