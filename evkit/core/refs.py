"""References to cases, exhibits and acquisitions: `CASE`, `CASE/E1`, `CASE/E1/A1`.

A case id is unique ignoring case; comparing that way is the station's work, a `Ref` keeps the
spelling it was given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from evkit.core.errors import UsageError
from evkit.core.text import escape

_CASE = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_NUMBER = "[1-9][0-9]{0,8}"
_REF = re.compile(f"({_CASE})(?:/(E{_NUMBER})(?:/(A{_NUMBER}))?)?")
_NEAR = re.compile(f"({_CASE})(?:/E0*({_NUMBER})(?:/A0*({_NUMBER}))?)?/?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """A case, one of its exhibits, or one acquisition of an exhibit.

    Attributes:
        case: case id.
        exhibit: `E1`, or None for the case itself.
        acquisition: `A1`, or None.
    """

    case: str
    exhibit: str | None = None
    acquisition: str | None = None

    def __post_init__(self) -> None:
        if self.acquisition is not None and self.exhibit is None:
            raise UsageError("an acquisition belongs to an exhibit")
        match = _REF.fullmatch(str(self))
        if match is None or match.groups() != (self.case, self.exhibit, self.acquisition):
            raise UsageError(f"`{escape(str(self))}` is not a reference", hint=_HINT)

    def __str__(self) -> str:
        return "/".join(part for part in (self.case, self.exhibit, self.acquisition) if part)

    def of_case(self) -> Ref:
        """Return the reference of the case."""
        return Ref(self.case)

    def of_exhibit(self) -> Ref:
        """Return the reference of the exhibit.

        Raises:
            UsageError: this is a case.
        """
        if self.exhibit is None:
            raise UsageError(f"`{self}` is a case; name an exhibit, such as `{self}/E1`")
        return Ref(self.case, self.exhibit)

    def with_acquisition(self, number: int) -> Ref:
        """Return the reference of acquisition `number` (from 1) of this exhibit."""
        return Ref(self.case, self.of_exhibit().exhibit, f"A{number}")


_HINT = "write CASE, CASE/E1 or CASE/E1/A1, such as 2026-457/E1"


def parse_ref(text: str) -> Ref:
    """Read a reference.

    Raises:
        UsageError: the text has another shape.
    """
    match = _REF.fullmatch(text)
    if match is None:
        raise UsageError(
            f"`{escape(text)}` is not a case, exhibit or acquisition", hint=_meant(text) or _HINT
        )
    return Ref(*match.groups())


def _meant(text: str) -> str | None:
    """Guess a reference with a small `e` or `a`, a number like `01`, or a `/` at its end."""
    near = _NEAR.fullmatch(text)
    if near is None:
        return None
    case, exhibit, acquisition = near.groups()
    numbers = (f"/E{exhibit}" if exhibit else "") + (f"/A{acquisition}" if acquisition else "")
    return f"did you mean `{case}{numbers}`?"


def is_ref(text: str) -> bool:
    """Say whether `text` has the shape of a reference."""
    return _REF.fullmatch(text) is not None


def need_case(text: str) -> None:
    """Refuse an exhibit or an acquisition where a case is wanted.

    Raises:
        UsageError: it is one.
    """
    if "/" in text and is_ref(text):
        kind = "an exhibit" if parse_ref(text).acquisition is None else "an acquisition"
        raise UsageError(
            f"`{text}` is {kind}; a case is wanted here",
            hint=f"name the case: `{parse_ref(text).case}`",
        )


def is_case_id(text: str) -> bool:
    """Say whether `text` can be the id of a case."""
    return re.fullmatch(_CASE, text) is not None
