"""What a dry run of `evkit acquire` found: the document and the lines of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.acquire import imaging, source
from evkit.core.sizes import in_words
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from evkit.acquire.preflight import Report
    from evkit.acquire.source import Facts
    from evkit.actions.acquire_job import Request


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What a dry run found."""

    ref: str
    facts: Facts
    report: Report
    request: Request
    reading: dict[str, Any] | None
    deviations: tuple[tuple[str, str], ...]
    remark: str = ""
    exit_code: int = 0

    @property
    def seconds(self) -> dict[str, float] | None:
        """Seconds of each phase, from the sample; None for a stream."""
        size = self.facts.size
        if size is None or self.reading is None:
            return None
        rate = self.reading["seconds"] / max(1, self.reading["bytes"])
        phases = {"read": rate * size}
        if self.request.verify == imaging.NOW:
            phases["verify"] = rate * size * (2 if self.request.also is not None else 1)
        if self.request.reread:
            phases["read again"] = rate * size
        return phases

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/acquire-plan/1",
            "acquisition": self.ref,
            "source": source.fields(self.facts),
            "preflight": self.report.fields(),
            "format": self.request.format,
            "split": self.request.split,
            "digests": list(self.request.digests),
            "verify": self.request.verify,
            "inventory": self.request.inventory,
            "estimated_seconds": None
            if self.seconds is None
            else {name: round(value) for name, value in self.seconds.items()},
            "deviations": [{"code": code, "text": text} for code, text in self.deviations],
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        size = "unknown length" if self.facts.size is None else in_words(self.facts.size)
        digests = ", ".join(self.request.digests)
        lines = [
            f"evkit: would acquire `{escape_bytes(self.facts.path)}` ({size}) as {self.ref}",
            f"  format: {_format_words(self.request)}",
            f"  digests: {digests}, piece tree; verify: {self.request.verify}",
        ]
        lines += [f"  {c.name}: {c.state}, {escape(c.text)}" for c in self.report.checks]
        lines += [f"  note: {escape(self.remark)}"] if self.remark else []
        seconds = self.seconds
        if seconds is None:
            lines.append("  time: cannot be estimated before the source is read")
        else:
            phases = ", ".join(f"{name} about {duration(value)}" for name, value in seconds.items())
            lines.append(
                f"  time: {phases}; from a sample that was read and digested, writing to the "
                "destination is not measured"
            )
        lines += [f"  deviation: {escape(text)}" for _, text in self.deviations]
        lines += [f"hint: {check.hint}" for check in self.report.deviations if check.hint]
        return [*lines, "nothing was written"]


def _format_words(request: Request) -> str:
    words = "E01, compression " + request.compress if request.is_e01 else "raw"
    if request.split is not None:
        words += f", files of at most {in_words(request.split)}"
    return words + (", with an inventory" if request.inventory else "")


def duration(seconds: float) -> str:
    """Return a length of time for people."""
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
