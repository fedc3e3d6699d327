"""The strict reader of event payloads: anything that evkit would not write is an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from evkit.core import clock, ejson
from evkit.core.errors import InputError
from evkit.core.refs import is_case_id
from evkit.identity.ed25519 import is_key_name
from evkit.identity.names import ROOT_OFFICER, is_role, is_slug
from evkit.ledger.parts import (
    Actor,
    Deviation,
    Event,
    Happened,
    Head,
    Recorded,
    Subject,
    Tool,
)

if TYPE_CHECKING:
    from collections.abc import Callable

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:evkit:event:v1"
GENESIS = "station"  # the kind of the first event of a ledger, the only one without a head
PRECISIONS = ("second", "minute", "hour", "day", "month")
MAX_PAYLOAD = 48_900  # its envelope then has at most 65,535 bytes
MAX_TEXT = 8192
MAX_NAME = 1024
MAX_ITEMS = 2000
_DIGEST_SIZES = {"md5": 32, "sha1": 40, "sha256": 64, "sha384": 96, "sha512": 128}

_STATEMENT = {"_type", "predicate", "predicateType", "subject"}
_REQUIRED = {"actor", "kind", "recorded", "tool"}
_OPTIONAL = {
    "acquisitions", "authority", "case", "case_prev", "case_seq", "commitments", "deviations",
    "exhibits", "fields", "happened", "head", "place", "purpose",
}  # fmt: skip
_HEX64 = re.compile("[0-9a-f]{64}")
_HEX = re.compile("(?:[0-9a-f]{2}){16,64}")
_ALGORITHM = re.compile("[a-z0-9_]{1,32}")
_WORD = re.compile("[a-z][a-z0-9-]{0,63}")
_FIELD = re.compile("[a-z][a-z0-9_-]{0,63}")
_SENSITIVE = re.compile("[a-z][a-z0-9_.-]{0,127}")
_OFFSET = re.compile("(?!-00:00)[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]")
_UTC = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z")
_EXHIBIT = re.compile("E[1-9][0-9]{0,8}")
_ACQUISITION = re.compile("E[1-9][0-9]{0,8}/A[1-9][0-9]{0,8}")


def parse_event(payload: bytes) -> Event:
    """Read the payload of an event.

    Raises:
        InputError: the payload is not canonical evkit JSON, over the size limit, has a field too
            many or too few, or a value that evkit would not write.
    """
    document = ejson.loads(payload, max_bytes=MAX_PAYLOAD)
    if not isinstance(document, dict) or document.keys() != _STATEMENT:
        raise InputError("the event is not an in-toto statement with its four fields")
    if document["_type"] != STATEMENT_TYPE or document["predicateType"] != PREDICATE_TYPE:
        raise InputError("the event is of another statement or predicate type")
    if b"null" in payload and _has_null(document):
        raise InputError("the event holds `null`; an absent value is left out")
    predicate = _object(document["predicate"], _REQUIRED, _OPTIONAL, "the predicate")
    get = predicate.get
    kind = _match(predicate["kind"], _WORD, "kind")
    case, case_seq, case_prev = _case(get("case"), get("case_seq"), get("case_prev"))
    event = Event(
        kind=kind,
        recorded=_recorded(predicate["recorded"]),
        actor=_actor(predicate["actor"]),
        tool=_tool(predicate["tool"]),
        subjects=_subjects(document["subject"]),
        head=_head(get("head")),
        case=case,
        case_seq=case_seq,
        case_prev=case_prev,
        exhibits=_references(get("exhibits"), case, _EXHIBIT, "exhibits"),
        acquisitions=_references(get("acquisitions"), case, _ACQUISITION, "acquisitions"),
        fields=_fields(get("fields")),
        commitments=_commitments(get("commitments")),
        happened=_happened(get("happened")),
        authority=_optional(get("authority"), "authority"),
        purpose=_optional(get("purpose"), "purpose"),
        place=_optional(get("place"), "place"),
        deviations=_list(get("deviations"), _deviation, "deviations"),
    )
    _check_whole(event)
    return event


def _check_whole(event: Event) -> None:
    if (event.kind == GENESIS) != (event.head is None):
        raise InputError(
            "every event but the first one of a ledger pins a head"
            if event.head is None
            else "the first event of a ledger cannot pin a head"
        )
    if event.kind == GENESIS and event.case is not None:
        raise InputError("the first event of a ledger belongs to no case")
    if (event.actor.officer == ROOT_OFFICER) != (event.actor.role == ROOT_OFFICER):
        raise InputError("`root` is the role of the agency root and of nobody else")
    both = event.fields.keys() & event.commitments.keys()
    if both:
        raise InputError(f"field `{min(both)}` is both open and a commitment")


def _case(case: object, number: object, previous: object) -> tuple[str | None, int | None, Any]:
    if case is None:
        if number is not None or previous is not None:
            raise InputError("`case_seq` and `case_prev` need a `case`")
        return None, None, None
    if not isinstance(case, str) or not is_case_id(case):
        raise InputError("`case` is not a case id")
    if type(number) is not int or number < 1:
        raise InputError("`case_seq` is not a number from 1")
    if number == 1:
        if previous is not None:
            raise InputError("the first event of a case has no `case_prev`")
        return case, 1, None
    return case, number, _match(previous, _HEX64, "case_prev")


def _references(
    value: object, case: str | None, pattern: re.Pattern[str], what: str
) -> tuple[str, ...]:
    if value is None:
        return ()
    found: tuple[str, ...] = _list(value, _any_text, what)
    if case is None:
        raise InputError(f"`{what}` needs a `case`")
    prefix = case + "/"
    for entry in found:
        if not entry.startswith(prefix) or pattern.fullmatch(entry, len(prefix)) is None:
            raise InputError(f"`{what}` holds something that is not of this case")
    if len(set(found)) != len(found):
        raise InputError(f"`{what}` names one twice")
    return found


def _subjects(value: object) -> tuple[Subject, ...]:
    subjects: tuple[Subject, ...] = _list(value, _subject, "subject")
    if not subjects:
        raise InputError("an event has at least one subject")
    if len({subject.name for subject in subjects}) != len(subjects):
        raise InputError("two subjects have the same name")
    return subjects


def _subject(value: object) -> Subject:
    entry = _object(value, {"digest", "name"}, set(), "a subject")
    digests = entry["digest"]
    if not isinstance(digests, dict) or not digests:
        raise InputError("a subject has no digest")
    for name, digest in digests.items():
        if _ALGORITHM.fullmatch(name) is None:
            raise InputError("a subject has a digest with a malformed name")
        text = _match(digest, _HEX, f"digest {name}")
        if len(text) != _DIGEST_SIZES.get(name, len(text)):
            raise InputError(f"digest `{name}` of a subject has the wrong length")
    return Subject(_text(entry["name"], "name of a subject", MAX_NAME), digests)


def _recorded(value: object) -> Recorded:
    entry = _object(value, {"offset", "source", "utc"}, set(), "`recorded`")
    return Recorded(
        _time(entry["utc"], "recorded.utc"),
        _match(entry["offset"], _OFFSET, "recorded.offset"),
        _match(entry["source"], _WORD, "recorded.source"),
    )


def _happened(value: object) -> Happened | None:
    if value is None:
        return None
    entry = _object(value, {"precision", "source", "time"}, set(), "`happened`")
    if entry["precision"] not in PRECISIONS:
        raise InputError("`happened.precision` is not one of its words")
    return Happened(
        _time(entry["time"], "happened.time"),
        entry["precision"],
        _text(entry["source"], "happened.source", MAX_NAME),
    )


def _actor(value: object) -> Actor:
    entry = _object(value, {"certificate", "name", "officer", "role"}, {"badge", "rank"}, "`actor`")
    officer, role = entry["officer"], entry["role"]
    if not isinstance(officer, str) or not (officer == ROOT_OFFICER or is_slug(officer)):
        raise InputError("`actor.officer` is not the short name of an officer")
    if not isinstance(role, str) or not is_role(role):
        raise InputError("`actor.role` is not a role")
    return Actor(
        officer=officer,
        name=_text(entry["name"], "actor.name", MAX_NAME),
        role=role,
        certificate=_match(entry["certificate"], _HEX64, "actor.certificate"),
        rank=_optional(entry.get("rank"), "actor.rank"),
        badge=_optional(entry.get("badge"), "actor.badge"),
    )


def _head(value: object) -> Head | None:
    if value is None:
        return None
    entry = _object(value, {"origin", "root", "size"}, set(), "`head`")
    origin, size = entry["origin"], entry["size"]
    if not isinstance(origin, str) or not is_key_name(origin):
        raise InputError("`head.origin` is not an origin")
    if type(size) is not int or size < 1:
        raise InputError("`head.size` is not a number from 1")
    return Head(origin, size, _match(entry["root"], _HEX64, "head.root"))


def _tool(value: object) -> Tool:
    entry = _object(value, {"name", "version"}, set(), "`tool`")
    return Tool(_text(entry["name"], "tool.name", 64), _text(entry["version"], "tool.version", 64))


def _fields(value: object) -> dict[str, Any]:
    return _named(value, _FIELD, "fields")


def _commitments(value: object) -> dict[str, str]:
    found = _named(value, _SENSITIVE, "commitments")
    for name, commitment in found.items():
        _match(commitment, _HEX64, f"commitment {name}")
    return found


def _named(value: object, pattern: re.Pattern[str], what: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not value:
        raise InputError(f"`{what}` is empty or not an object")
    for name in value:
        if pattern.fullmatch(name) is None:
            raise InputError(f"`{what}` holds a malformed name")
    return value


def _deviation(value: object) -> Deviation:
    entry = _object(value, {"code", "text"}, {"reason"}, "a deviation")
    return Deviation(
        _match(entry["code"], _WORD, "code of a deviation"),
        _text(entry["text"], "text of a deviation", MAX_TEXT),
        _optional(entry.get("reason"), "reason of a deviation"),
    )


def _object(value: object, required: set[str], optional: set[str], what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{what} is not an object")
    keys = value.keys()
    if not required <= keys:
        raise InputError(f"{what} lacks `{min(required - keys)}`")
    if not keys <= required | optional:
        raise InputError(f"{what} has the unknown field `{min(keys - required - optional)[:64]}`")
    return value


def _list(value: object, read: Callable[[object], Any], what: str) -> tuple[Any, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ITEMS:
        raise InputError(f"`{what}` is not a list of 1 to {MAX_ITEMS}")
    return tuple([read(entry) for entry in value])


def _text(value: object, what: str, limit: int) -> str:
    if not isinstance(value, str) or not value or len(value) > limit:
        raise InputError(f"`{what}` is empty, too long or not text")
    return value


def _any_text(value: object) -> str:
    return _text(value, "a reference", MAX_NAME)


def _optional(value: object, what: str) -> str | None:
    return None if value is None else _text(value, what, MAX_TEXT)


def _match(value: object, pattern: re.Pattern[str], what: str) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise InputError(f"`{what}` is malformed")
    return value


def _time(value: object, what: str) -> str:
    text = _match(value, _UTC, what)
    clock.parse(text)
    return text


def _has_null(document: object) -> bool:
    stack: list[object] = [document]
    while stack:
        item = stack.pop()
        if item is None:
            return True
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return False
