"""What acquiring gave: the documents and the lines of `evkit acquire`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.acquire import gaps, imaging, source
from evkit.actions.longwork import leftovers, quoted
from evkit.core.errors import ExitCode, worst
from evkit.core.refs import parse_ref
from evkit.core.sizes import in_words
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from evkit.acquire.imaging import Imaging
    from evkit.acquire.preflight import Report
    from evkit.acquire.source import Facts
    from evkit.actions.longwork import Ended
    from evkit.core.ejson import Json

_WORDS = {
    imaging.COMPLETE: "complete",
    imaging.WITH_GAPS: "complete but for gaps",
}
_VERIFIED = {
    "later": "the image was not read back; do it with `evkit verify {ref} --record`",
    "not-asked": "the image was not read back",
    "stopped": "reading the image back was stopped; do it with `evkit verify {ref} --record`",
    "": "the image was not read back",
}


@dataclass(frozen=True, kw_only=True)
class Acquired:
    """What came of an acquisition."""

    ref: str
    folder: bytes
    facts: Facts
    made: Imaging
    start: int
    ended: Ended
    remarks: tuple[str, ...] = ()
    changed: bool = False

    @property
    def exit_code(self) -> int:
        """The worst of: unreadable data, a failed check, an error, a missing signature."""
        codes = [int(ExitCode.OK)]
        if self.made.result == imaging.WITH_GAPS or self.changed:
            codes.append(int(ExitCode.INCOMPLETE))
        if self.made.verified is False:
            codes.append(int(ExitCode.FAILED_CHECK))
        if self.made.verification.get("state") == "stopped":
            codes.append(int(ExitCode.INTERRUPTED))
        codes += [int(e.exit_code) for e in (self.made.error, self.ended.error) if e is not None]
        return worst(*codes)

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        made = self.made
        document: dict[str, Any] = {
            "schema": "evkit/acquired/1",
            "acquisition": self.ref,
            "result": made.result,
            "recorded": self.ended.index is not None,
            "entries": [n for n in (self.start, self.ended.index) if n is not None],
            "folder": escape_bytes(self.folder),
            "source": source.fields(self.facts),
            "bytes_read": made.bytes_read,
            "verification": made.verification,
            "artifacts": [artifact.fields() for artifact in made.artifacts],
            "deviations": list(self.remarks),
            "notices": list(self.ended.notices),
        }
        if made.outcome is not None:
            document["media"] = media_fields(made, self.facts)
        if made.gaps:
            document["unread"] = gaps.fields(made.gaps)
        problem = made.error or self.ended.error
        if problem is not None:
            document["error"] = problem.message
        return document

    def lines(self) -> list[str]:
        """Return the lines for people."""
        made = self.made
        size = in_words(made.bytes_read)
        if made.result in _WORDS:
            lines = [f"evkit: {self.ref} acquired: {_WORDS[made.result]}, {size}"]
        else:
            lines = [f"evkit: {made.result.upper()}: {self.ref} is not complete, {size} read"]
        if self.ended.index is not None:
            lines[0] += f", entries {self.start} and {self.ended.index}"
        if made.outcome is not None:
            lines += [f"  {name} {value}" for name, value in made.outcome.digests.items()]
        if made.gaps:
            lines.append(
                f"  {in_words(gaps.total(made.gaps))} in {len(made.gaps)} ranges could not be "
                "read; they are zeros in the image and listed in image.map"
            )
        lines += [f"  {verification_line(made, self.ref)}"] if made.outcome else []
        lines += [f"  deviation: {escape(text)}" for text in self.remarks]
        lines += [f"  note: {escape(text)}" for text in self.ended.notices]
        if made.error is not None:
            lines.append(f"  {made.error.message}")
            lines += [f"hint: {made.error.hint}"] if made.error.hint else []
        if made.result not in _WORDS:
            lines += leftovers(self.folder)
            lines.append(f"hint: start again with `{self._again()}`")
        if self.ended.error is not None:
            lines.append(f"  the end is not signed: {self.ended.error.message}")
            lines.append(f"hint: sign it with `evkit acquire --record --exhibit {self.ref}`")
        return lines

    def _again(self) -> str:
        exhibit = parse_ref(self.ref).of_exhibit()
        return f"evkit acquire {quoted(self.facts.path)} --exhibit {exhibit}"


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What a dry run found."""

    ref: str
    facts: Facts
    report: Report
    names: tuple[str, ...]
    verify: str
    seconds: float | None
    deviations: tuple[tuple[str, str], ...]
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/acquire-plan/1",
            "acquisition": self.ref,
            "source": source.fields(self.facts),
            "preflight": self.report.fields(),
            "digests": list(self.names),
            "verify": self.verify,
            "estimated_seconds": None if self.seconds is None else round(self.seconds),
            "deviations": [{"code": code, "text": text} for code, text in self.deviations],
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        size = "unknown length" if self.facts.size is None else in_words(self.facts.size)
        lines = [
            f"evkit: would acquire `{escape_bytes(self.facts.path)}` ({size}) as {self.ref}",
            f"  digests: {', '.join(self.names)}, piece tree; verify: {self.verify}",
        ]
        lines += [f"  {c.name}: {c.state}, {escape(c.text)}" for c in self.report.checks]
        if self.seconds is None:
            lines.append("  time: cannot be estimated before the source is read")
        else:
            lines.append(
                f"  time: about {duration(self.seconds)}, from a sample that was read and "
                "digested; writing to the destination is not measured"
            )
        lines += [f"  deviation: {escape(text)}" for _, text in self.deviations]
        lines += [f"hint: {check.hint}" for check in self.report.deviations if check.hint]
        return [*lines, "nothing was written"]


def media_fields(made: Imaging, facts: Facts) -> dict[str, Json]:
    """Return size, digests and piece tree of the content as events state them."""
    if made.outcome is None:
        return {}
    fields: dict[str, Json] = {"size": made.outcome.size, **made.outcome.digests}
    fields["pieces"] = made.outcome.pieces.fields()
    if facts.kind == "block":
        fields["sector_size"] = facts.sector_size
    return fields


def verification_line(made: Imaging, ref: str) -> str:
    """Say what the second reading gave."""
    state = str(made.verification.get("state", ""))
    if state == "match":
        how = {
            "direct": "from the medium, past the page cache",
            "cache-dropped": "after the page cache was asked to let it go",
        }.get(str(made.verification.get("how")), "perhaps from the page cache")
        return f"the image was read back {how}: equal"
    if state == "mismatch":
        where = ""
        if made.damage:
            offset, length = made.damage[0]
            where = f", first in bytes {offset:,} to {offset + length:,}"
        return f"FAIL: the image reads back different from the source{where}"
    return _VERIFIED.get(state, _VERIFIED[""]).format(ref=ref)


def duration(seconds: float) -> str:
    """Return a length of time for people."""
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
