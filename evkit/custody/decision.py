"""What an acquisition leaves out because somebody decided so: what, why, who.

Told apart from what could not be read. Values stand as recorded; whoever prints them escapes them.
The values may be any JSON, for they come from entries of other people too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

PARTIAL, LIVE, CLOSED = "partial", "live", "closed"
NOT_STATED: Final = "not stated"
CLOSED_CODE: Final = "closed-as-partial"  # the deviation of an image that was closed as it is
MOMENT: Final = "taken from a running system: of no single moment"
_PARTS: Final = frozenset({"partition", "range", "targeted"})
_DONE: Final = frozenset({"complete", "with-gaps"})
_HEADS: Final = {PARTIAL: "partial by decision: ", LIVE: "", CLOSED: "closed by decision with "}


class Decision(NamedTuple):
    """One decision about what is taken.

    Attributes:
        kind: `partial`, `live` or `closed`.
        acquisition: `CASE/E1/A1`.
        what: what was taken, or left untried.
        why: as stated, or `not stated`.
        who: rank and name of the officer who signed it.
    """

    kind: str
    acquisition: str
    what: str
    why: str
    who: str

    @property
    def words(self) -> str:
        """The decision without its acquisition."""
        return f"{_HEADS[self.kind]}{self.what}; why: {self.why}; who: {self.who}"

    @property
    def sentence(self) -> str:
        """The decision with its acquisition."""
        verb = "is" if self.kind == PARTIAL else "was"
        return f"{self.acquisition} {verb} {self.words}"

    def document(self) -> dict[str, str]:
        """Return the JSON form."""
        return self._asdict()


class Side(NamedTuple):
    """The started or the ended event of an acquisition: its fields, deviations and officer."""

    fields: Mapping[str, Any]
    who: str
    deviations: Iterable[Mapping[str, Any]] = ()


def decide(ref: str, start: Side | None, end: Side) -> list[Decision]:
    """Return the decisions about an acquisition; none where no data were taken.

    Args:
        ref: the acquisition.
        start: its started event, None where that is not here.
        end: its first ended event.
    """
    if _text(end.fields, "result") not in _DONE:
        return []
    begun = start or end
    why = _why(begun.fields) or _why(end.fields) or NOT_STATED
    kind = _text(end.fields, "type") or _text(begun.fields, "type")
    found = []
    if kind in _PARTS or _map(end.fields, "part"):
        found.append(Decision(PARTIAL, ref, _taken(kind, end.fields), why, begun.who))
    if kind == LIVE or _map(end.fields, "selection").get("live") is True:
        found.append(Decision(LIVE, ref, MOMENT, why, begun.who))
    untried = _count(_map(end.fields, "unread"), "untried")
    closing = [entry for entry in end.deviations if entry.get("code") == CLOSED_CODE]
    if closing and untried:
        stated = _text(closing[0], "reason") or NOT_STATED
        what = f"{untried:,} {'byte' if untried == 1 else 'bytes'} not tried"
        found.append(Decision(CLOSED, ref, what, stated, end.who))
    return found


def _taken(kind: str, fields: Mapping[str, Any]) -> str:
    if kind != "targeted":
        return _text(_map(fields, "part"), "words") or kind or "a part of the source"
    chosen = _map(fields, "selection")
    files, size = _count(fields, "files"), _count(fields, "bytes")
    text = f"targeted: {_files(files)}, {size:,} bytes"
    seen = chosen.get("seen")
    if isinstance(seen, Mapping) and type(seen.get("files")) is int:
        text += " of " + ("" if seen.get("whole") is True else "at least ")
        text += f"{_files(seen['files'])} seen"
    else:
        text += "; the files of the source were not counted"
    absent = _count(chosen, "not_there")
    return text + (f"; {absent:,} of the list not there" if absent else "")


def _files(count: int) -> str:
    return f"{count:,} {'file' if count == 1 else 'files'}"


def _why(fields: Mapping[str, Any]) -> str:
    stated = (_text(fields, name) for name in ("scope", "reason"))
    return "; ".join(dict.fromkeys(text for text in stated if text))


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""


def _map(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = fields.get(name)
    return value if isinstance(value, Mapping) else {}


def _count(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    return value if type(value) is int else 0
