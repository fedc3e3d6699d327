"""Which exhibits hold sensitive material: those of which it was said, and what came out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.custody.state import Exhibit, State


def is_sensitive(state: State, ref: str) -> bool:
    """Say whether the names in an exhibit must stay out of outputs.

    What was said of the exhibit itself counts. Where nothing was said, what was said of the thing
    that it is a part of, and of what it or its data was copied or made from.
    """
    return any(exhibit is not None and exhibit.sensitive for _, exhibit in _line(state, ref))


def origins_elsewhere(state: State, ref: str) -> bool:
    """Say whether something that an exhibit comes from is of a case that is not in this state."""
    return any(name.partition("/")[0] not in state.cases for name, _ in _line(state, ref))


def _line(state: State, ref: str) -> Iterator[tuple[str, Exhibit | None]]:
    """Yield an exhibit and all that it comes from; an exhibit that was judged ends its branch."""
    seen: set[str] = set()
    waiting = [ref]
    while waiting:
        name = "/".join(waiting.pop().split("/")[:2])
        if name in seen:
            continue
        seen.add(name)
        exhibit = state.exhibit(name)
        yield name, exhibit
        if exhibit is not None and exhibit.sensitive is None:
            waiting += _origins(exhibit)


def _origins(exhibit: Exhibit) -> Iterator[str]:
    part_of = exhibit.fields.get("part_of")
    if isinstance(part_of, str):
        yield part_of
    for fields in (exhibit.fields, *(item.fields for item in exhibit.acquisitions.values())):
        sources = fields.get("derived_from")
        if isinstance(sources, (list, tuple)):
            yield from (source for source in sources if isinstance(source, str))
