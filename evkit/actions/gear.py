"""`evkit equipment` and `evkit media`: what the station works with, signed entry by entry."""

from __future__ import annotations

import datetime as _dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.actions import custody
from evkit.core import clock
from evkit.core.errors import UsageError
from evkit.core.text import escape
from evkit.custody.compose import Typed, compose
from evkit.custody.replay import replay
from evkit.custody.validate import Context, complete

if TYPE_CHECKING:
    from evkit.custody.state import Medium, Piece, State
    from evkit.identity.signer import Signer
    from evkit.station import Station

EQUIPMENT, MEDIUM = "equipment", "medium"
_NAMES = {EQUIPMENT: "name", MEDIUM: "label"}
_PARTS = (
    ("serial", "serial "), ("file_system_uuid", "file system "), ("use", "for "),
    ("wiped", "wiped: "), ("retired", "retired: "),
)  # fmt: skip
_OLD_TEST = 365  # days after which a test is said to be old


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """The equipment of a station, retired pieces last."""

    pieces: tuple[Piece, ...]
    today: str
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/equipment/1",
            "equipment": [piece.document() for piece in self.pieces],
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        if not self.pieces:
            return ["no equipment is on the list", "hint: `evkit equipment add NAME --what …`"]
        lines = []
        for piece in self.pieces:
            lines.append(escape(f"{piece.name}: {describe(piece)}"))
            lines.append(f"  {escape(tested(piece, self.today))}")
        return lines


@dataclass(frozen=True, kw_only=True)
class Media:
    """The destination media of a station, retired ones last."""

    media: tuple[Medium, ...]
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {"schema": "evkit/media/1", "media": [medium.document() for medium in self.media]}

    def lines(self) -> list[str]:
        """Return the lines for people."""
        if not self.media:
            return ["no medium is on the list", "hint: `evkit media add LABEL --serial …`"]
        return [escape(f"{medium.label}: {describe_medium(medium)}") for medium in self.media]


def add(station: Station, signer: Signer | None, request: custody.Request) -> custody.Recorded:
    """Record a piece of equipment or a medium, or what is new about it.

    Raises:
        UsageError: a malformed value, or no such field.
    """
    check(station, request)
    typed = Typed(
        kind=request.kind,
        case=None,
        values=request.values,
        sensitive=request.sensitive,
        happened=request.happened,
        offset=station.profile.offset,
    )
    draft = complete(compose(typed), station.profile, Context(reason=request.reason))
    return custody.sign(station, signer, draft, dry_run=request.dry_run, reason=request.reason)


def check(station: Station, request: custody.Request) -> None:
    """Look at what is added before anybody is asked for a passphrase.

    Raises:
        UsageError: a test without its day, or what is no day up to now.
    """
    values = request.values
    if "tested" not in values and {"test_result", "test_report", "tested_by"} & set(values):
        raise UsageError("a test has a day", hint="give it with `--tested 2026-11-22`")
    day = values.get("tested")
    if isinstance(day, str) and not _is_day(day):
        raise UsageError(f"`{escape(day)}` is no day", hint="write it as `--tested 2026-11-22`")
    if isinstance(day, str) and day > today(station):
        raise UsageError(f"the test of `{escape(day)}` lies in the future")


def _is_day(text: str) -> bool:
    try:
        return _dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def known(station: Station) -> State:
    """Return a state with the equipment and the media of the station, and nothing else."""
    kinds = {EQUIPMENT, MEDIUM}
    events = (entry for entry in station.events() if entry[1].kind in kinds)
    return replay(events, station.profile).state


def list_equipment(station: Station) -> Pieces:
    """Return the equipment in the order of its names."""
    found = known(station).equipment.values()
    ordered = sorted(found, key=lambda piece: ("retired" in piece.fields, piece.name.casefold()))
    return Pieces(pieces=tuple(ordered), today=today(station))


def list_media(station: Station) -> Media:
    """Return the media in the order of their labels."""
    found = known(station).media.values()
    ordered = sorted(found, key=lambda item: ("retired" in item.fields, item.label.casefold()))
    return Media(media=tuple(ordered))


def medium_at(state: State, folder: bytes) -> dict[str, str]:
    """Return the destination items of the acquisition log for the medium that holds a folder.

    It is recognised by the UUID of its file system; empty when none of the list lies there.
    """
    from evkit.acquire import sysfs, udev

    records = (udev.read(device) for device in sorted(sysfs.devices_of(folder)))
    found = {record.text("ID_FS_UUID") for record in records if record is not None} - {None}
    for medium in state.media.values():
        uuid = medium.fields.get("file_system_uuid")
        if uuid is not None and "retired" not in medium.fields and uuid in found:
            return medium_items(medium)
    return {}


def medium_items(medium: Medium) -> dict[str, str]:
    """Return what the acquisition log says of a medium as destination."""
    fields = medium.fields
    words = [str(fields[name]) for name in ("make", "model") if name in fields]
    items = {
        "destination.medium": " ".join((f"{medium.label}:", *words)) if words else medium.label
    }
    for item, name in (("destination.serial", "serial"), ("destination.wiped", "wiped")):
        if name in fields:
            items[item] = str(fields[name])
    return items


def describe_medium(medium: Medium) -> str:
    """Return what a medium is, as text that is not escaped."""
    fields = medium.fields
    words = " ".join(str(fields[name]) for name in ("make", "model", "capacity") if name in fields)
    parts = [words] if words else []
    for name, text in _PARTS:
        if name in fields:
            parts.append(f"{text}{fields[name]}")
    return ", ".join(parts) or "(nothing else given)"


def describe(piece: Piece) -> str:
    """Return what a piece is, as text that is not escaped."""
    fields = piece.fields
    words = [str(fields[name]) for name in ("make", "model") if name in fields]
    text = " ".join(words) or "(make not given)"
    if "serial" in fields:
        text += f", serial {fields['serial']}"
    if "firmware" in fields:
        text += f", firmware {fields['firmware']}"
    what = str(fields.get("what", "equipment"))
    return f"{what}, {text}" + (f", retired: {fields['retired']}" if "retired" in fields else "")


def tested(piece: Piece, day: str) -> str:
    """Return when a piece was tested last, seen from `day`."""
    if not piece.tests:
        return "no test on record"
    last = piece.tests[-1]
    text = f"last test {last.day}"
    text += f": {last.result}" if last.result else ", result not given"
    if last.report:
        text += f", report {last.report}"
    age = (_dt.date.fromisoformat(day) - _dt.date.fromisoformat(last.day)).days
    return text + (f"; {age} days ago" if age > _OLD_TEST else "")


def today(station: Station) -> str:
    """Return the day at the station."""
    zone = _dt.datetime.fromisoformat(f"2000-01-01T00:00:00{station.profile.offset}").tzinfo
    return clock.now().utc.astimezone(zone).date().isoformat()
