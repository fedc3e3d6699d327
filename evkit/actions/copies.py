"""`evkit copy list` and `evkit copy locate`: every copy on record, and where it is now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.actions.acquire_where import Where
from evkit.actions.copy_record import FAILED, GIVEN
from evkit.actions.custody import require_case, require_exhibit
from evkit.core.errors import CaseError, ExitCode, UsageError
from evkit.core.refs import parse_ref
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from evkit.actions.acquire_where import Place
    from evkit.actions.copy_record import Copy, Recorded
    from evkit.core.refs import Ref
    from evkit.station import Station

_CHECKED = {
    "match": "read back equal when it was made",
    "mismatch": "READ BACK DIFFERENT when it was made",
    "pass": "verified",
    "fail": "verified: FAIL",
    "undecided": "verified: undecided",
}


@dataclass(frozen=True, kw_only=True)
class Listed:
    """The copies of one acquisition, or of an exhibit when no acquisition was named."""

    ref: str
    images: tuple[str, ...]
    places: tuple[Place, ...]

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "acquisition": self.ref,
            "images": list(self.images),
            "copies": [place.document() for place in self.places],
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        lines = [self.ref]
        for place in self.places:
            lines.append(f"  {escape(place.copy.name)}: {_where(place)}")
            lines.append(f"    {_history(place.copy)}")
        return lines


@dataclass(frozen=True, kw_only=True)
class CopyList:
    """The copies of a station, a case, an exhibit or an acquisition."""

    what: str
    listed: tuple[Listed, ...]
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/copies/1",
            "what": self.what,
            "acquisitions": [one.document() for one in self.listed],
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        if not self.listed:
            return [f"no data are on record{f' for {self.what}' if self.what else ''}"]
        return [line for one in self.listed for line in one.lines()]


@dataclass(frozen=True, kw_only=True)
class Located:
    """Where the files of one acquisition are now."""

    listed: Listed

    @property
    def exit_code(self) -> int:
        """0 when a whole copy is here, 3 when one with missing files is, else 5."""
        states = {place.state for place in self.listed.places}
        if "here" in states:
            return int(ExitCode.OK)
        return int(ExitCode.INCOMPLETE if "incomplete" in states else ExitCode.UNDECIDED)

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/copy-location/1",
            "here": self.exit_code == ExitCode.OK,
            **self.listed.document(),
            "paths": [escape_bytes(path) for path in self._paths()],
        }

    def lines(self) -> list[str]:
        """Return the lines for people: the files of the first copy, then the other copies."""
        listed = self.listed
        here = next((place for place in listed.places if place.state == "here"), None)
        if here is None:
            first = f"{listed.ref}: not here"
        else:
            first = f"{listed.ref}: the {escape(here.copy.words)} is here"
            if not here.known:
                first += "; only its path says that it is this copy"
        lines = [first, *(f"  {escape_bytes(path)}" for path in self._paths())]
        return lines + [
            f"{escape(place.copy.name)}: {_where(place)}"
            for place in listed.places
            if place is not here
        ]

    def _paths(self) -> list[bytes]:
        """Return the files of the image in the first copy that is here, else its folder."""
        for place in self.listed.places:
            if place.state == "here" and place.folder is not None:
                folder = place.folder
                return [folder + b"/" + name.encode() for name in self.listed.images] or [folder]
        return []


def list_copies(station: Station, what: str | None) -> CopyList:
    """Return the copies of everything that is named.

    Raises:
        CaseError: no such case, exhibit or acquisition.
    """
    ref = parse_ref(what) if what is not None else None
    cases = list(station.state().state.cases) if ref is None else [_need(station, ref)]
    where = Where(station)
    found = [
        _listed(where, known)
        for case in sorted(cases, key=str.casefold)
        for known in where.recorded(case).values()
        if ref is None or f"{known.ref}/".startswith(f"{ref}/")
    ]
    return CopyList(what=what or "", listed=tuple(found))


def locate(station: Station, what: str) -> Located:
    """Say where the files of an acquisition are, or which medium has to be fetched.

    Raises:
        UsageError: it is a case or an exhibit.
        CaseError: no such acquisition, or it holds no data.
    """
    ref = parse_ref(what)
    if ref.acquisition is None:
        raise UsageError(
            f"`{ref}` is no acquisition", hint=f"`evkit copy list {ref}` shows all its copies"
        )
    where = Where(station)
    known = where.recorded(_need(station, ref)).get(what)
    if known is None:
        raise CaseError(
            f"`{ref}` holds no data", hint=f"`evkit exhibit show {ref.of_exhibit()}` lists attempts"
        )
    return Located(listed=_listed(where, known))


def _need(station: Station, ref: Ref) -> str:
    """Return the case after looking whether what is named is on record."""
    replayed = station.state(ref.case)
    require_case(replayed, ref.case)
    if ref.exhibit is not None:
        require_exhibit(replayed, str(ref.of_exhibit()))
    if ref.acquisition is not None and replayed.state.acquisition(str(ref)) is None:
        raise CaseError(
            f"no acquisition `{ref}` is recorded",
            hint=f"`evkit exhibit show {ref.of_exhibit()}` lists them",
        )
    return ref.case


def _listed(where: Where, known: Recorded) -> Listed:
    return Listed(ref=known.ref, images=known.images, places=where.places(known))


def _where(place: Place) -> str:
    """Say where a copy is now, on which medium, and where it was written."""
    copy = place.copy
    if place.folder is not None:
        text = place.words
        if not copy.station:
            text += f", {escape(copy.on)}" + _serial(copy)
        return text if place.known else f"{text} (by its path alone)"
    text = place.words + _serial(copy)
    if copy.folder is not None and not copy.station:
        text += f", written to `{escape_bytes(copy.folder)}`"
    return text


def _serial(copy: Copy) -> str:
    marks = [f"serial {copy.serial}"] if copy.serial is not None and copy.medium else []
    if copy.volume is not None and copy.medium is not None:
        marks.append(f"file system {copy.volume}")
    return f" ({escape(', '.join(marks))})" if marks else ""


def _history(copy: Copy) -> str:
    """Say how it came to be and when it was verified last."""
    if copy.state == GIVEN:
        text = f"given to {copy.to}" if copy.to is not None else "given away"
    else:
        text = "FAILED" if copy.state == FAILED else "written"
    text += f" {copy.when}, entry {copy.entry}"
    if copy.error is not None:
        text += f": {copy.error}"
    check = copy.check
    if check is None:
        return escape(f"{text}; never read back")
    word = _CHECKED.get(check.state, check.state)
    if check.state == "match" and copy.state == GIVEN:
        word = "read back equal when it was given"
    if check.entry != copy.entry:
        word += f" {check.when}, entry {check.entry}"
    return escape(f"{text}; {word}")
