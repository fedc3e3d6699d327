"""Every event kind by name. The page `docs/spec/event-kinds.md` is generated from here."""

from __future__ import annotations

import difflib

from evkit.core.errors import UsageError
from evkit.custody.kinds import gear, movement, office, work
from evkit.custody.kinds.model import HEAD_FIELDS, LEVELS, ROLES, Kind
from evkit.custody.kinds.reference import markdown
from evkit.custody.kinds.subjects import Lookup, subjects_for

__all__ = [
    "HEAD_FIELDS", "KINDS", "LEVELS", "ROLES", "Kind", "Lookup", "kind_of", "recordable",
    "reference_markdown", "subjects_for",
]  # fmt: skip

_ORDER = (
    "station", "enrol", "revoke", "recover", "memo", "equipment", "medium", "hashset",
    "hashset-remove", "case-open", "case-close", "register", "mark", "sensitive",
    "acquire-start", "acquire-end", "intake-start", "intake-end", "inventory", "marks",
    "verify", "seal", "unseal", "store", "check-out", "check-in", "copy-out", "produce",
    "return", "dispose", "note", "correct", "incident", "bundle",
)  # fmt: skip
_ALL = {kind.name: kind for kind in (*office.KINDS, *gear.KINDS, *movement.KINDS, *work.KINDS)}
KINDS: dict[str, Kind] = {name: _ALL[name] for name in _ORDER}


def kind_of(name: str) -> Kind:
    """Return the kind called `name`.

    Raises:
        UsageError: there is none.
    """
    found = KINDS.get(name)
    if found is None:
        near = difflib.get_close_matches(name, KINDS, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"kinds: {', '.join(KINDS)}"
        raise UsageError(f"no event kind `{name}`", hint=hint)
    return found


def recordable() -> list[str]:
    """Return the names of the kinds that `custody record` writes."""
    return [kind.name for kind in KINDS.values() if kind.recordable]


def reference_markdown() -> str:
    """Return the text of `docs/spec/event-kinds.md`."""
    return markdown(KINDS)
