"""Acquisitions that were made from another one: what they say of it is what its own record says.

The values come from entries of other people too and may be any JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from evkit.custody.findings import Findings
    from evkit.custody.state import Acquisition, State

CODE: Final = "parent-contradicted"
_NAMES: Final = ("size", "sha256", "sha512", "sha1", "md5", "pieces")
_EQUAL: Final = "equal"


def check(acquisition: Acquisition, state: State, findings: Findings) -> None:
    """Compare what an acquisition says of its parent with the parent's record.

    Args:
        acquisition: with its end.
        state: once all entries are in.
        findings: takes what contradicts.
    """
    parent = _map(acquisition.fields.get("parent"))
    name, entry = parent.get("acquisition"), acquisition.ended_entry
    if not isinstance(name, str) or entry is None:
        return
    exhibit = acquisition.ref.rpartition("/")[0]
    stated = _map(parent.get("media"))
    known = state.acquisition(name)
    if known is not None and known.ended_entry is not None:
        wrong = _differing(stated, known.media)
        if wrong:
            text = f"`{acquisition.ref}` (entry {entry}) states another {wrong} of `{name}` than "
            text += f"is recorded of it (entry {known.ended_entry})"
            findings.add(CODE, text, entry, known.ended_entry, exhibit=exhibit)
    own = acquisition.media
    same = _map(parent.get("comparison")).get("state") == _EQUAL
    if same and own and own.get("size") == stated.get("size"):
        wrong = _differing(stated, own)
        if wrong:
            text = f"`{acquisition.ref}` (entry {entry}) is said to hold what `{name}` holds, and "
            text += f"its {wrong} is another"
            findings.add(CODE, text, entry, exhibit=exhibit)


def _differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """Name the first value that both have and that differs."""
    for name in _NAMES:
        if name in first and name in second and first[name] != second[name]:
            return name
    return ""


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
