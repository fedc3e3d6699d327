"""Entries as people read them: one sentence each, with everything behind it.

The texts hold values as recorded; whoever prints them escapes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.core import clock
from evkit.custody.facts import Fact, fact_of
from evkit.custody.validate import NOT_STATED, age, people_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.custody.state import State


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of the log.

    Attributes:
        happened, recorded: RFC 3339 UTC; `precision` belongs to `happened`.
        when: the time of the happening for people, in the station's zone, as signed.
        summary: one sentence, as signed.
        fields: as signed; `current` holds those that a correction replaced, with their new value.
        withheld: names of personal values, which stand as commitments.
        deviations: `code`, `text`, `reason` of each.
    """

    index: int
    event_id: str
    kind: str
    case: str | None
    exhibits: tuple[str, ...]
    acquisitions: tuple[str, ...]
    officer: str
    actor: str
    role: str | None
    happened: str | None
    precision: str | None
    recorded: str
    offset: str
    when: str
    summary: str
    heads: Mapping[str, str]
    fields: Mapping[str, Any]
    current: Mapping[str, Any]
    withheld: tuple[str, ...]
    deviations: tuple[Mapping[str, str], ...]
    corrected_by: tuple[int, ...]

    def document(self) -> dict[str, Any]:
        """Return the JSON form, without absent values."""
        document = {name: value for name, value in vars(self).items() if value not in (None, ())}
        document["entry"] = document.pop("index")
        return document


def entry_of(fact: Fact, state: State) -> Entry:
    """Return the log entry of a fact; `state` gives what the sentence refers to."""
    event = fact.event
    signed = fact_of(fact.index, event, fact.event_id) if fact.overlaid else fact
    current: dict[str, Any] = {
        name: fact.heads.get(name) if name in fact.heads else fact.fields.get(name)
        for name in sorted(fact.overlaid)
        if name != "happened"
    }
    if "happened" in fact.overlaid:
        current["happened"] = clock.format_utc(fact.start)
    return Entry(
        index=fact.index,
        event_id=fact.event_id,
        kind=fact.kind,
        case=fact.case,
        exhibits=fact.exhibits,
        acquisitions=fact.acquisitions,
        officer=fact.who.officer,
        actor=str(fact.who),
        role=fact.who.role,
        happened=event.happened.time if event.happened else None,
        precision=event.happened.precision if event.happened else None,
        recorded=clock.format_utc(fact.recorded),
        offset=fact.offset,
        when=signed.when(),
        summary=sentence(signed, state),
        heads={
            name: str(getattr(event, name))
            for name in ("authority", "purpose", "place")
            if getattr(event, name)
        },
        fields=dict(event.fields),
        current=current,
        withheld=fact.personal,
        deviations=tuple(
            {"code": entry.code, "text": entry.text, "reason": entry.reason or NOT_STATED}
            for entry in event.deviations
        ),
        corrected_by=tuple(fact.corrected_by),
    )


def sentence(fact: Fact, state: State) -> str:
    """Return one line that says what happened, without names of exhibits, times and officer."""
    maker = _SENTENCES.get(fact.kind)
    text = maker(fact, state) if maker else fact.kind
    purpose = fact.heads.get("purpose")
    return text + (f", purpose: {purpose}" if purpose else "")


def shown(value: object) -> str:
    """Return a field's value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(item) for item in value)
    if isinstance(value, Mapping):
        if set(value) == {"time", "precision"}:
            return f"{value['time']} (to the {value['precision']})"
        return ", ".join(f"{key} {shown(item)}" for key, item in value.items())
    return str(value)


def _with(text: str, fact: Fact, *parts: tuple[str, str]) -> str:
    """Append ` word value` for each field that is there."""
    for word, name in parts:
        values = fact.words(name)
        if values:
            text += f"{word}{', '.join(values)}"
    return text


def _seals(fact: Fact) -> str:
    text = _with("", fact, (", seal ", "seal"), (", seal ", "seal_condition"))
    return text + _with("", fact, (", condition: ", "condition"))


def _register(fact: Fact, _: State) -> str:
    text = _with("registered", fact, (": ", "what"), (", ", "make"), (" ", "model"))
    text = _with(text, fact, (", serial ", "serial"), (", IMEI ", "imei"))
    text = _with(text, fact, (", part of ", "part_of"), (", derived from ", "derived_from"))
    count = people_count(fact.personal, "witnesses")
    word = "witness" if count == 1 else "witnesses"
    return text + _seals(fact) + (f", {count} {word}" if count else "")


def _transport(fact: Fact) -> str:
    return _with(
        "", fact, (", by ", "transport"), (", road certificate ", "road_certificate_no"),
        (", consignment ", "consignment_no"),
    )  # fmt: skip


def _store(fact: Fact, _: State) -> str:
    word = "stored" if fact.kind == "store" else "checked in"
    text = _with(word, fact, (" in ", "location"), (", received from ", "received_from"))
    return _with(text, fact, (", store entry ", "store_entry_no")) + _seals(fact) + _transport(fact)


def _check_out(fact: Fact, _: State) -> str:
    text = _with("checked out", fact, (" to ", "to"), (", going to ", "destination"))
    return _with(text, fact, (", due back ", "due_back")) + _seals(fact) + _transport(fact)


def _copy_out(fact: Fact, _: State) -> str:
    text = _with("copy given", fact, (" (", "copy"))
    text += ")" if fact.text("copy") else ""
    text = _with(text, fact, (" to ", "to"), (", medium ", "medium"), (" ", "medium_serial"))
    return text + (", read back and compared" if fact.flag("verified") else "")


def _produce(fact: Fact, state: State) -> str:
    text = _with("shown in court", fact, (": ", "court"), (", marked ", "mark"))
    text += ", kept by the court" if fact.flag("kept") else ""
    for name in fact.exhibits[:1]:
        exhibit = state.exhibit(name)
        if exhibit and exhibit.registered:
            delay = age(fact.start - clock.parse(exhibit.registered))
            text += f", {delay} after it was registered"
    return text + _seals(fact)


def _start(fact: Fact, _: State) -> str:
    text = "imaging began" if fact.kind == "acquire-start" else "intake began"
    text = _with(text, fact, (" (", "kind"))
    text += ")" if fact.text("kind") else ""
    if fact.kind == "acquire-start" and fact.words("derived_from"):
        return _with(text, fact, (" from the image ", "derived_from"))
    path = fact.part("source").get("path")
    text += f" from {path}" if isinstance(path, str) else ""
    kind = fact.text("type")
    return text if kind in (None, "full") else f"{text}, type {kind}"


def _end(fact: Fact, state: State) -> str:
    text = "imaging ended" if fact.kind == "acquire-end" else "intake ended"
    text = _with(text, fact, (": ", "result"))
    media = fact.part("media")
    size, files, count = media.get("size"), fact.fields.get("files"), fact.fields.get("bytes")
    if isinstance(size, int):
        text += f", {size:,} bytes"
    elif isinstance(files, int):
        text += f", {files:,} files" + (f", {count:,} bytes" if isinstance(count, int) else "")
    digest = media.get("sha256")
    if isinstance(digest, str):
        text += f", sha256 {digest}"
    if fact.text("made_by") == "other-tool":
        text += ", made by another tool, first digested here"
    for ref in fact.acquisitions:
        known = state.acquisition(ref)
        if known is not None and known.ended_entry == fact.index:
            text += "".join(f", {decision.words}" for decision in known.decisions)
    return _with(text, fact, (", ", "error"))


def _inventory(fact: Fact, _: State) -> str:
    rows = fact.fields.get("rows")
    text = "inventory made" + (f": {rows:,} rows" if isinstance(rows, int) else "")
    return _with(text, fact, (", ", "result"), (", ", "error"))


def _marks(fact: Fact, _: State) -> str:
    counts, sets = fact.part("counts"), fact.fields.get("sets")
    text = "looked up in hash sets"
    if isinstance(sets, (list, tuple)):
        names = [str(item.get("name")) for item in sets if isinstance(item, Mapping)]
        text += f" {', '.join(names)}" if names else ""
    words = [
        f"{counts[word]:,} {word}" for word in ("known", "notable")
        if isinstance(counts.get(word), int)
    ]  # fmt: skip
    return text + (f": streams {', '.join(words)}" if words else "")


def _sensitive(fact: Fact, _: State) -> str:
    said = (
        "holds sensitive material"
        if fact.flag("sensitive_material")
        else "holds no sensitive material"
    )
    return _with(said, fact, (": ", "why"))


def _note(fact: Fact, _: State) -> str:
    return _with("note", fact, (" (", "about")) + (
        (")" if fact.text("about") else "")
        + _with("", fact, (": ", "text"), (", reference ", "reference"))
        + _with("", fact, (", starts deadline ", "starts"), (", meets deadline ", "meets"))
    )


def _correct(fact: Fact, state: State) -> str:
    text = state.corrections.get(fact.event_id, "correction of an entry that is not here")
    return _with(text, fact, (", ", "text"))


def _plain(word: str, *parts: tuple[str, str]) -> Callable[[Fact, State], str]:
    def make(fact: Fact, _: State) -> str:
        return _with(word, fact, *parts) + _seals(fact)

    return make


_SENTENCES: dict[str, Callable[[Fact, State], str]] = {
    "station": _plain("the ledger begins", (": ", "name"), (", ", "agency")),
    "enrol": _plain("officer enrolled", (": ", "name"), (", roles ", "roles")),
    "revoke": _plain("key revoked", (": ", "officer"), (", ", "reason")),
    "recover": _plain("station rebuilt", (": ", "reason")),
    "memo": _plain("head put on paper", (", memo ", "memo_no"), (", given to ", "given_to")),
    "equipment": _plain(
        "equipment", (" ", "name"), (", ", "what"), (", ", "make"), (" ", "model"),
        (", serial ", "serial"), (", tested ", "tested"), (", test ", "test_result"),
        (", retired: ", "retired"),
    ),
    "medium": _plain(
        "medium", (" ", "label"), (", ", "make"), (" ", "model"), (", serial ", "serial"),
        (", for ", "use"), (", retired: ", "retired"),
    ),
    "hashset": _plain(
        "hash set imported", (": ", "name"), (", ", "category"), (", release ", "release"),
    ),
    "hashset-remove": _plain("hash set removed", (": ", "name"), (", ", "why")),
    "case-open": _plain("case opened", (": ", "title"), (", FIR ", "fir_no"), (", ", "offence")),
    "case-close": _plain("case closed", (": ", "outcome")),
    "register": _register,
    "mark": _plain("marked", (" ", "mark"), (" by ", "given_by")),
    "sensitive": _sensitive,
    "seal": _plain("sealed", (", parcel ", "parcel_no")),
    "unseal": _plain("seal opened"),
    "store": _store,
    "check-in": _store,
    "check-out": _check_out,
    "copy-out": _copy_out,
    "produce": _produce,
    "return": _plain("given back, custody ends", (", identified by ", "identified_by")),
    "dispose": _plain("disposed of, custody ends", (": ", "method"), (", ", "details")),
    "acquire-start": _start,
    "intake-start": _start,
    "acquire-end": _end,
    "intake-end": _end,
    "inventory": _inventory,
    "marks": _marks,
    "verify": _plain("digests compared again", (": ", "result"), (", at ", "where")),
    "note": _note,
    "correct": _correct,
    "incident": _plain("incident", (", ", "outcome"), (": ", "text")),
    "bundle": _plain("bundle made", (" for ", "recipient"), (", ", "bundle_id")),
}  # fmt: skip
