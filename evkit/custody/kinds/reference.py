"""The reference page of all event kinds, made from the tables so that it cannot drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.custody.fields import TYPES
from evkit.custody.kinds.model import COMMON

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evkit.custody.fields import Field
    from evkit.custody.kinds.model import Kind

_INTRO = """\
# Event kinds

Generated from `evkit.custody.kinds`; a test compares this page with the code.

Every entry of a ledger is an event of one of these kinds. Its fields stand in the predicate under
`fields`; a **personal** field stands there only as a salted commitment under `commitments`, with a
dotted name (`witnesses.1.name`), and its opening lies beside the envelope. Every kind of a case or
below may also carry `authority`, `purpose`, `place` and `happened`, which stand beside `fields` in
the predicate. A field that is *needed* cannot be left out, because the event says nothing without
it. What the procedure asks for stands in the [profile](profile.md): leaving it out is a deviation,
recorded with its reason, not a refusal. A role that does not usually record a kind is a deviation
as well.

A correction names the event it corrects and the right values; nothing is edited.
"""
_SUBJECTS = """
## Subjects

| event about | subject name | digests |
|---|---|---|
| acquired data | `CASE/E1/A1` | those of the data, `sha256` among them |
| a thing without data | `CASE/E1#registration` | `sha256` = event id of its registration |
| a case, or an exhibit being registered | `CASE#opening` | `sha256` = event id of the opening |
| a case being opened, the station itself | `station#statement` | `sha256` = event id of the station statement |

An event id is the SHA-256 of the DSSE pre-authentication encoding. An event over several exhibits
has one subject for each.
"""  # noqa: E501 - a table row


def markdown(kinds: Mapping[str, Kind]) -> str:
    """Return the whole page."""
    parts = [_INTRO, _types(), _SUBJECTS, "\n## Fields that every kind of a case may carry\n\n"]
    parts.append(_table(COMMON))
    common = {field.name for field in COMMON}
    for kind in kinds.values():
        own = [field for field in kind.fields.values() if field.name not in common]
        parts.append(f"\n## `{kind.name}`\n\n{_sentence(kind)}\n")
        if own:
            parts.append("\n" + _table(own))
    return "".join(parts)


def _sentence(kind: Kind) -> str:
    text = kind.help[:1].upper() + kind.help[1:] + "."
    text += f" Level: {kind.level}."
    if kind.roles:
        text += f" Usually recorded by: {', '.join(kind.roles)}."
    if kind.recordable:
        text += f" Written with `evkit custody record {kind.name}`."
    return text


def _types() -> str:
    rows = "".join(f"| {name} | {help_} |\n" for name, help_ in TYPES.items())
    return f"\n## Types\n\n| type | what is given |\n|---|---|\n{rows}"


def _table(fields: Iterable[Field]) -> str:
    rows = []
    for field in fields:
        notes = [name for name, on in (("needed", field.required), ("personal", field.sensitive))
                 if on]  # fmt: skip
        help_ = field.help
        if field.choices:
            help_ += ": " + ", ".join(f"`{word}`" for word in field.choices)
        rows.append(f"| `{field.name}` | {field.type} | {', '.join(notes)} | {help_} |\n")
    return "| field | type | | meaning |\n|---|---|---|---|\n" + "".join(rows)
