"""The station statement: the agency root says which log key keeps which ledger, and how long.

Here is the payload; the root signs it in a DSSE envelope (`evkit.ledger.dsse`) of the payload type
below. See `docs/spec/station-statement.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

from evkit.core import clock, ejson
from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.identity.ed25519 import ED25519, Vkey, parse_vkey

PAYLOAD_TYPE = "application/vnd.evkit.station-statement+json"
SCHEMA = "evkit/station-statement/1"
MAX_STATEMENT = 8192
_KEYS = {"schema", "agency", "name", "origin", "log_key", "not_before", "not_after"}
_MAX_TEXT = 256


@dataclass(frozen=True, kw_only=True)
class StationStatement:
    """What the root certifies about a station.

    Attributes:
        agency: the agency.
        name: name of the station.
        origin: origin line of its ledger; also the name of the log key.
        log_key: Ed25519 vkey (type 1).
        not_before, not_after: RFC 3339 UTC with milliseconds; first and last moment.
    """

    agency: str
    name: str
    origin: str
    log_key: str
    not_before: str
    not_after: str

    def vkey(self) -> Vkey:
        """Return the log key."""
        return parse_vkey(self.log_key)


def build_statement(statement: StationStatement) -> bytes:
    """Return the payload bytes.

    Raises:
        InputError: a field is empty or malformed.
    """
    document: dict[str, ejson.Json] = {"schema": SCHEMA}
    for key in sorted(_KEYS - {"schema"}):
        document[key] = getattr(statement, key)
    payload = ejson.dumps(document)
    parse_statement(payload)
    return payload


def parse_statement(payload: bytes) -> StationStatement:
    """Read a payload strictly.

    Raises:
        InputError: anything that `build_statement` would not write.
    """
    document = ejson.as_object(ejson.loads(payload, max_bytes=MAX_STATEMENT), "the statement")
    if set(document) != _KEYS or document["schema"] != SCHEMA:
        raise InputError("the station statement has other fields than it should")
    for key in _KEYS:
        value = document[key]
        if not isinstance(value, str) or not value.strip() or len(value) > _MAX_TEXT:
            raise InputError(f"`{key}` of the station statement is empty, too long or not text")
    times = [clock.parse(document[key]) for key in ("not_before", "not_after")]
    if [clock.format_utc(time) for time in times] != [
        document["not_before"],
        document["not_after"],
    ]:
        raise InputError("a time of the station statement is not in its one form")
    if times[0] >= times[1]:
        raise InputError("the validity of the station statement is empty")
    vkey = parse_vkey(document["log_key"])
    if vkey.algorithm != ED25519 or vkey.name != document["origin"]:
        raise InputError(
            f"the log key of the station statement is not an Ed25519 key of "
            f"`{escape(document['origin'])}`"
        )
    del document["schema"]
    return StationStatement(**document)
