"""What an event kind is, and the groups of fields that many kinds share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.custody.fields import Field

if TYPE_CHECKING:
    from collections.abc import Iterable

OFFICER, CUSTODIAN, ANALYST, SUPERVISOR, PROSECUTOR = (
    "officer", "custodian", "analyst", "supervisor", "prosecutor",
)  # fmt: skip
ROLES = (OFFICER, CUSTODIAN, ANALYST, SUPERVISOR, PROSECUTOR)
HANDLING_ROLES = (OFFICER, CUSTODIAN, ANALYST)
RECORDABLE, HANDLES = "recordable", "handles"
LEVELS = ("station", "case", "exhibit", "acquisition")
HEAD_FIELDS = ("authority", "purpose", "place")  # they stand beside `fields` in the predicate


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One event kind.

    Attributes:
        name: the word in the predicate.
        level: what it is about, one of `LEVELS`; a `case` kind may also name exhibits.
        help: one line for the officer.
        fields: its fields by name, the shared ones included.
        roles: roles that usually record it; any other role is a deviation; empty for any role.
        recordable: `custody record` offers it; the others are written by their own command.
        handles: a person has the thing itself in the hands; custody is compared.
    """

    name: str
    level: str
    help: str
    fields: dict[str, Field]
    roles: tuple[str, ...] = ()
    recordable: bool = False
    handles: bool = False


def text(name: str, help_: str, *, required: bool = False) -> Field:
    """Return a public text field."""
    return Field(name=name, type="text", help=help_, required=required)


def field(name: str, type_: str, help_: str, *, required: bool = False) -> Field:
    """Return a public field of any type."""
    return Field(name=name, type=type_, help=help_, required=required)


def choice(name: str, help_: str, *choices: str, required: bool = False) -> Field:
    """Return a field with a fixed set of words."""
    return Field(name=name, type="choice", help=help_, choices=choices, required=required)


def private(name: str, type_: str, help_: str) -> Field:
    """Return a personal field: it becomes a salted commitment."""
    return Field(name=name, type=type_, help=help_, sensitive=True)


COMMON = (
    text("remarks", "anything a reader should know"),
    text("daily_diary_no", "number of the daily diary entry (rapat)"),
    text("authority_type", "kind of authority, a word of the profile"),
    private("witnesses", "people", "who witnessed it"),
    private("present", "people", "who else was present"),
    private("private", "text", "text that only the court should read"),
    field("photos", "list", "photographs that show it, by number or name"),
    field("attachments", "objects", "files taken in with the event, by digest"),
    text("change", "what was unavoidably changed on the evidence"),
    text("change_reason", "why the change could not be avoided"),
    field("starts", "list", "deadlines of the profile that begin to run now"),
    field("meets", "list", "deadlines of the profile that are met by this"),
)
CONDITION = (
    text("condition", "condition found before anything was done"),
    text("condition_after", "condition afterwards"),
    field("seal", "list", "seal numbers, as read; over several exhibits `E1:S-101`"),
    choice(
        "seal_condition", "what the seals looked like", "intact", "broken", "missing", "not-checked"
    ),
)
TRANSPORT = (
    text("transport", "how it was carried"),
    text("consignment_no", "number of the courier's consignment"),
    text("road_certificate_no", "number of the road certificate"),
    field("road_certificate_date", "date", "day the road certificate was issued"),
    field("dispatched", "date", "day it was sent off"),
    field("received", "date", "day it was received"),
)
STOREROOM = (
    text("location", "store room, shelf, safe"),
    text("store_register_no", "number of the store-room register"),
    text("store_entry_no", "entry in the store-room register"),
)


def kind(
    name: str,
    level: str,
    help_: str,
    fields: Iterable[Field] = (),
    *,
    roles: tuple[str, ...] = (),
    traits: tuple[str, ...] = (),
) -> Kind:
    """Return a kind; below the station it gets the shared fields too.

    The arguments are those of `Kind`; `traits` may hold `recordable` and `handles`.
    """
    own = {entry.name: entry for entry in fields}
    if level != "station":
        own.update({entry.name: entry for entry in COMMON if entry.name not in own})
    return Kind(
        name=name,
        level=level,
        help=help_,
        fields=own,
        roles=roles,
        recordable=RECORDABLE in traits,
        handles=HANDLES in traits,
    )
