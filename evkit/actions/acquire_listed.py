"""What came of the inventory of an acquisition, as `evkit acquire --inventory` says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evkit.actions.inventory import RunResult
    from evkit.core.errors import EvkitError


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What came of the inventory of an acquisition.

    Attributes:
        result: the inventory; None when there is none.
        why: why there is none, or why all of it was read again; empty when neither is so.
        error: what prevented it, or its record.
    """

    result: RunResult | None = None
    why: str = ""
    error: EvkitError | None = None

    @property
    def exit_codes(self) -> list[int]:
        """What it adds to the exit code of the acquisition."""
        codes = [self.result.exit_code] if self.result is not None else []
        return codes + ([int(self.error.exit_code)] if self.error is not None else [])

    def document(self) -> dict[str, Any]:
        """Return its part of the JSON document."""
        found: dict[str, Any] = self.result.document() if self.result is not None else {}
        if self.why:
            found["note"] = self.why
        if self.error is not None:
            found["error"] = self.error.message
        return found

    def lines(self, ref: str) -> list[str]:
        """Return its lines for people."""
        lines = self.result.lines() if self.result is not None else []
        if self.why:
            lines.append(f"  inventory: {self.why}")
        if self.error is not None:
            lines.append(f"  inventory: {self.error.message}")
        if self.result is None:
            lines.append(f"hint: `evkit inventory run {ref}` makes it")
        elif self.result.recorded is None:
            lines.append(f"hint: record it with `evkit inventory run {ref} --record`")
        return lines
