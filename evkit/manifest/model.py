"""The manifest: what a bundle encloses and what not, signed by the issuing officer.

An in-toto Statement v1 with predicate type `urn:evkit:manifest:v1` in a DSSE envelope, evkit JSON.
It repeats facts from the events (`facts`), so that it can be compared with them, and adds what only
the issuer says: what is enclosed, withheld and why. Byte for byte: `docs/spec/manifest.md`.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.core.refs import is_case_id, is_ref
from evkit.ledger import dsse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.identity.signer import Signer

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:evkit:manifest:v1"
MAX_MANIFEST: Final = 32 << 20  # bytes of the envelope
MAX_DEPTH: Final = 16
NOT_PROVEN: Final = (
    "that what the entries say is true; only that the signing officers said it",
    "that everything that happened was recorded",
    "anything about the data before the first digest was taken",
    "that no entry of the station, such as a revocation, is left out beside those of the case",
    "that an entry newer than the last head held outside was not replaced before it left",
    "that the sentences of manifest.html say the same as manifest.json",
)
_HEX64 = re.compile("[0-9a-f]{64}")
_STATEMENT = {"_type", "predicate", "predicateType", "subject"}
_ENCLOSED = {"what", "acquisition", "name", "size"}
_WHATS = {"artifact", "files", "inventory"}


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is enclosed, or not enclosed and why.

    Attributes:
        what: `artifact` (a file of an acquisition), `files` (the taken-in files of a list), or
            `inventory` (the rows).
        acquisition: `CASE/E1/A1`.
        name: name of the artifact, `files/`, or `inventory.jsonl`.
        size: bytes, all files together.
        sha256: of the file; None for `files`.
        count: number of files or rows; None for an artifact.
        reason: why it is not enclosed; None for what is enclosed.
    """

    what: str
    acquisition: str
    name: str
    size: int
    sha256: str | None = None
    count: int | None = None
    reason: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the JSON form without absent values."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The predicate of a manifest.

    Attributes:
        case: case id.
        made: `utc`, `offset`, `source` of the station's clock.
        issuer: `officer`, `name`, `role`, `certificate`, and `rank` and `badge` if any.
        head: `origin`, `size`, `root` of the enclosed checkpoint.
        statement: event id of the station statement.
        bundle_event: `entry` and `id` of the event that records this bundle.
        facts: what `evkit.manifest.facts` makes of the enclosed events.
        enclosed, not_enclosed: data of acquisitions and inventories.
        withheld: personal fields that are not opened here, `{"entry": n, "names": [...]}`.
        remarks: findings of the replay, as the issuing program worded them.
        not_proven: sentences of what nothing here proves.
        tool: `name` and `version`.
    """

    case: str
    made: Mapping[str, str]
    issuer: Mapping[str, str]
    head: Mapping[str, Any]
    statement: str
    bundle_event: Mapping[str, Any]
    facts: Mapping[str, Any]
    enclosed: tuple[Item, ...]
    not_enclosed: tuple[Item, ...]
    withheld: tuple[Mapping[str, Any], ...]
    remarks: tuple[Mapping[str, Any], ...]
    not_proven: tuple[str, ...]
    tool: Mapping[str, str]

    def predicate(self) -> dict[str, Any]:
        """Return the JSON form."""
        document: dict[str, Any] = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        for name in ("enclosed", "not_enclosed"):
            document[name] = [item.document() for item in document[name]]
        return document


def subjects(manifest: Manifest) -> list[Any]:
    """Return the in-toto subjects: each acquisition with its digests, else the bundle event."""
    found: dict[str, dict[str, str]] = {}
    for row in manifest.facts["acquisitions"]:
        media = row.get("media")
        digests = media if isinstance(media, dict) else {}
        kept = {name: value for name, value in digests.items() if name in {"md5", "sha1", "sha256"}}
        if kept:
            found[row["acquisition"]] = kept
    if not found:
        found[f"{manifest.case}#bundle"] = {"sha256": manifest.bundle_event["id"]}
    return [{"digest": digest, "name": name} for name, digest in found.items()]


def encode(manifest: Manifest) -> bytes:
    """Return the payload.

    Raises:
        InputError: a value that the strict reader would refuse.
    """
    payload = ejson.dumps(
        {
            "_type": STATEMENT_TYPE,
            "predicate": manifest.predicate(),
            "predicateType": PREDICATE_TYPE,
            "subject": subjects(manifest),
        }
    )
    if parse(payload) != manifest:
        raise InputError("the manifest cannot be written as it would be read")
    return payload


def sign(manifest: Manifest, signer: Signer) -> bytes:
    """Return `manifest.json`: the signed envelope."""
    envelope = dsse.sign(encode(manifest), dsse.IN_TOTO, signer, limit=MAX_MANIFEST)
    return dsse.encode(envelope, limit=MAX_MANIFEST)


def parse_envelope(data: bytes) -> dsse.Envelope:
    """Read `manifest.json` strictly; the signature is not checked here.

    Raises:
        InputError: not an envelope of a statement as evkit writes it.
    """
    envelope = dsse.parse_own(data, limit=MAX_MANIFEST)
    if envelope.payload_type != dsse.IN_TOTO:
        raise InputError("the envelope does not hold a manifest")
    return envelope


def parse(payload: bytes) -> Manifest:
    """Read the payload strictly: `encode(parse(payload)) == payload` or an error.

    Raises:
        InputError: anything that `encode` would not write.
    """
    document = ejson.loads(payload, max_bytes=MAX_MANIFEST, max_depth=MAX_DEPTH)
    if not isinstance(document, dict) or document.keys() != _STATEMENT:
        raise InputError("the manifest is not an in-toto statement with its four fields")
    if document["_type"] != STATEMENT_TYPE or document["predicateType"] != PREDICATE_TYPE:
        raise InputError("the manifest is of another statement or predicate type")
    predicate = document["predicate"]
    names = {entry.name for entry in fields(Manifest)}
    if not isinstance(predicate, dict) or predicate.keys() != names:
        raise InputError("the manifest has other fields than it should")
    manifest = _manifest(predicate)
    if subjects(manifest) != document["subject"]:
        raise InputError("the subjects of the manifest are not those of its acquisitions")
    return manifest


def _manifest(value: dict[str, Any]) -> Manifest:
    case = value["case"]
    if not isinstance(case, str) or not is_case_id(case):
        raise InputError("`case` is not a case id")
    head = _keys(value["head"], {"origin", "size", "root"}, "head")
    event = _keys(value["bundle_event"], {"entry", "id"}, "bundle_event")
    for digest in (head["root"], event["id"], value["statement"]):
        if not isinstance(digest, str) or _HEX64.fullmatch(digest) is None:
            raise InputError("a digest of the manifest is malformed")
    for number in (head["size"], event["entry"]):
        if type(number) is not int or number < 0:
            raise InputError("a number of the manifest is malformed")
    facts = _keys(value["facts"], {"entries", "exhibits", "acquisitions", "inventories"}, "facts")
    for name, rows in facts.items():
        for row in _list(rows, f"facts.{name}"):
            if not _is_row(row, name):
                raise InputError(f"a row of `facts.{name}` is malformed")
    return Manifest(
        case=case,
        made=_texts(value["made"], {"utc", "offset", "source"}, set(), "made"),
        issuer=_texts(
            value["issuer"], {"officer", "name", "role", "certificate"}, {"rank", "badge"}, "issuer"
        ),
        head=head,
        statement=value["statement"],
        bundle_event=event,
        facts=facts,
        enclosed=_items(value["enclosed"], "enclosed", reason=False),
        not_enclosed=_items(value["not_enclosed"], "not_enclosed", reason=True),
        withheld=tuple(_withheld(entry) for entry in _list(value["withheld"], "withheld")),
        remarks=tuple(_remark(entry) for entry in _list(value["remarks"], "remarks")),
        not_proven=tuple(_text(entry) for entry in _list(value["not_proven"], "not_proven")),
        tool=_texts(value["tool"], {"name", "version"}, set(), "tool"),
    )


def _is_row(row: object, name: str) -> bool:
    """Say whether a row of the facts has what every row of its list has."""
    if not isinstance(row, dict) or type(row.get("entry")) is not int:
        return False
    if name in {"acquisitions", "inventories"}:
        return all(isinstance(row.get(key), str) for key in ("acquisition", "kind"))
    names = [row.get(key, []) for key in ("exhibits", "acquisitions")]
    if not all(isinstance(part, list) and all(isinstance(n, str) for n in part) for part in names):
        return False
    if name == "exhibits":
        return isinstance(row.get("fields"), dict)
    recorded = row.get("recorded")
    texts = [row.get(key) for key in ("id", "kind", "name", "role", "officer", "certificate")]
    return (
        all(isinstance(text, str) for text in texts)
        and isinstance(recorded, dict)
        and isinstance(recorded.get("utc"), str)
    )


def _items(value: object, what: str, *, reason: bool) -> tuple[Item, ...]:
    items = tuple(_item(entry, what, reason=reason) for entry in _list(value, what))
    keys = [(item.what, item.acquisition, item.name) for item in items]
    if len(set(keys)) != len(keys):
        raise InputError(f"`{what}` names something twice")
    return items


def _item(value: object, what: str, *, reason: bool) -> Item:
    required = _ENCLOSED | ({"reason"} if reason else set())
    if not isinstance(value, dict) or not required <= value.keys() <= required | {
        "sha256",
        "count",
    }:
        raise InputError(f"an entry of `{what}` has other fields than it should")
    counts = [value["size"], *([value["count"]] if "count" in value else [])]
    texts = [value["what"], value["name"], *([value["reason"]] if reason else [])]
    digest = value.get("sha256", "0" * 64)
    good = (
        all(isinstance(text, str) and text for text in texts)
        and value["what"] in _WHATS
        and isinstance(value["acquisition"], str)
        and is_ref(value["acquisition"])
        and all(type(number) is int and number >= 0 for number in counts)
        and isinstance(digest, str)
        and _HEX64.fullmatch(digest) is not None
    )
    if not good:
        raise InputError(f"an entry of `{what}` is malformed")
    return Item(**value)


def _withheld(value: object) -> dict[str, Any]:
    entry = _keys(value, {"entry", "names"}, "withheld")
    names = _list(entry["names"], "withheld.names")
    if type(entry["entry"]) is not int or not names or names != sorted({_text(n) for n in names}):
        raise InputError("an entry of `withheld` is malformed")
    return entry


def _remark(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError("an entry of `remarks` is not an object")
    for name in ("code", "level", "text"):
        _text(value.get(name))
    if not all(type(index) is int for index in _list(value.get("entries"), "remarks.entries")):
        raise InputError("an entry of `remarks` names something else than entries")
    if not value.keys() <= {"code", "level", "text", "entries", "exhibit"}:
        raise InputError("an entry of `remarks` has other fields than it should")
    return value


def _keys(value: object, names: set[str], what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != names:
        raise InputError(f"`{what}` has other fields than it should")
    return value


def _texts(value: object, required: set[str], optional: set[str], what: str) -> dict[str, str]:
    if not isinstance(value, dict) or not required <= value.keys() <= required | optional:
        raise InputError(f"`{what}` has other fields than it should")
    return {name: _text(entry) for name, entry in value.items()}


def _list(value: object, what: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise InputError(f"`{what}` is not a list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise InputError("a text of the manifest is empty or not text")
    return value
