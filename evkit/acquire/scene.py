"""The questions before the first read: what only a person on the spot can say.

Every question may be answered *not known*. That is an answer: it is recorded as such, and is not
the same as a question that nobody asked. `docs/spec/scene-answers.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from evkit.acquire import log

NOT_KNOWN = log.ANSWER_NOT_KNOWN
UNKNOWN_MARK = "?"  # what a person types for it
BLOCKER = "write_blocker"
WITNESSES = "witnesses"
HEADS = ("authority", "purpose", "place")
FIELD = "not_known"  # of the started event


class Question(NamedTuple):
    """One question: the field or item that the answer goes to, and how it is asked."""

    name: str
    text: str
    example: str = ""


QUESTIONS = (
    Question(BLOCKER, "write blocker", ""),
    Question("source.power_state", "power state when it was found", "off, battery out"),
    Question("source.seals", "seals when it was unpacked", "S-101 intact"),
    Question("source.clock", "its clock beside the right time", "14:02 at 14:05, or no clock"),
    Question("label.make", "make on the label", "Seagate"),
    Question("label.model", "model on the label", "ST500DM002"),
    Question("label.serial", "serial number on the label", "Z2A1B3C4"),
    Question("authority", "authority: warrant, order or provision", "warrant 12/2026"),
    Question("purpose", "purpose", "examination for FIR 457/2026"),
    Question("place", "place where it is acquired", "laboratory, room 4"),
    Question(WITNESSES, "witnesses, separated by commas", "First Witness, Second Witness"),
)
# the write blocker, where it is not one of the list
BLOCKER_QUESTIONS = (
    Question(f"{BLOCKER}.make", "make of the write blocker", "Tableau"),
    Question(f"{BLOCKER}.model", "model of the write blocker", "T35u"),
    Question(f"{BLOCKER}.serial", "serial number of the write blocker", "0A17"),
    Question(f"{BLOCKER}.tested", "day of its last test", "2026-11-02"),
)
WHY_NONE = Question(f"{BLOCKER}.none", "why no write blocker is used", "none fits this device")
DESTINATION = Question("destination.medium", "destination medium", "STORE-07")
# answers that hold for the next device of the case too; never persons, never the thing itself
KEPT = frozenset((*HEADS, "authority_type", *(f"{BLOCKER}.{name}" for name in (
    "make", "model", "serial", "firmware", "tested", "none")),
    "destination.medium", "destination.serial", "destination.wiped"))  # fmt: skip


def flat(fields: Mapping[str, object]) -> dict[str, object]:
    """Return fields by their dotted names: `{"label": {"make": …}}` as `label.make`."""
    found: dict[str, object] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping) and any(item.startswith(f"{name}.") for item in log.ASKED):
            found.update({f"{name}.{key}": part for key, part in value.items()})
        else:
            found[name] = value
    return found


def open_questions(given: Mapping[str, object]) -> list[Question]:
    """Return the questions that nothing answers yet.

    Args:
        given: flat fields.
    """
    stems = {name.partition(".")[0] for name in given}
    return [
        question
        for question in QUESTIONS
        if question.name not in given
        and not (question.name in {BLOCKER, WITNESSES} and question.name in stems)
    ]


def settle(given: Mapping[str, object]) -> dict[str, object]:
    """Return fields with every *not known* where it belongs.

    Items of the acquisition log keep the answer, and the log has a state for it. Everything else is
    left out, so that nothing not known counts as given, and named in the field `not_known`.

    Args:
        given: flat fields.
    """
    fields: dict[str, object] = {}
    names: set[str] = set()
    listed = given.get(FIELD)
    if isinstance(listed, (list, tuple)):
        names.update(str(name) for name in listed)
    elif isinstance(listed, str):
        names.update(part.strip() for part in listed.split(",") if part.strip())
    for name, value in given.items():
        if name == FIELD:
            continue
        if not is_not_known(value):
            fields[name] = value
            continue
        names.add(WITNESSES if name.startswith(f"{WITNESSES}.") else name)
        if name in log.ASKED and "." in name:
            fields[name] = NOT_KNOWN
    if names:
        fields[FIELD] = sorted(names)
    return fields


def is_not_known(value: object) -> bool:
    """Say whether an answer is *not known*."""
    return isinstance(value, str) and value.strip().lower() in {NOT_KNOWN, UNKNOWN_MARK}


def label_of(fields: Mapping[str, object]) -> dict[str, str]:
    """Return `make`, `model`, `serial` on the label, as `preflight.examine` takes them."""
    start = "label."
    return {
        name[len(start) :]: str(value)
        for name, value in flat(fields).items()
        if name.startswith(start) and not is_not_known(value)
    }
