"""One answer of the pre-flight: what was looked at, how far the answer reaches, what was found.

A state is `checked` (looked at, nothing to object), `failed` (looked at, and it departs from
procedure: recorded as a deviation, never refused) or `could-not-check`. The words stand in events
and in `docs/spec/preflight.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evkit.core.ejson import Json

CHECKED, FAILED, UNKNOWN = "checked", "failed", "could-not-check"
STATES = (CHECKED, FAILED, UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check.

    Attributes:
        name: what was looked at, one word.
        state: one of `STATES`.
        text: what was found, in words.
        answer: the answer as one word, where the question has one (`yes`, `no`, `unknown`).
        code: code of the deviation; only a failed check has one.
        hint: what could have been done about it.
    """

    name: str
    state: str
    text: str
    answer: str | None = None
    code: str | None = None
    hint: str | None = None

    def fields(self) -> dict[str, Json]:
        """Return the JSON form."""
        found: dict[str, Json] = {"check": self.name, "state": self.state, "text": self.text}
        if self.answer is not None:
            found["answer"] = self.answer
        return found


def unknown(name: str, text: str, hint: str | None = None) -> Check:
    """Return a check that could not be made."""
    return Check(name=name, state=UNKNOWN, text=text, hint=hint)
