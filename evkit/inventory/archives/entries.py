"""What the readers of archives say of one member."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evkit.inventory.archives.caps import ReadError
    from evkit.inventory.archives.content import Reader


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What an archive says of a member.

    Attributes:
        path: name as stored.
        type: as in a `name` row.
        size: bytes that it states, None when it states none.
        times: ns since 1970 by letter; `zone` and `step` (ns) hold for all.
        mode, uid, gid, target: as in a `name` row.
        problem: what is wrong with the member as an entry.
        note: (reason, text) for what is odd and not wrong.
        parent: number of the member that this one belongs to.
    """

    path: bytes
    type: str = "file"
    size: int | None = None
    times: Mapping[str, int] = field(default_factory=dict)
    zone: str = "utc"
    step: int = 1_000_000_000
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    target: bytes | None = None
    problem: ReadError | None = None
    note: tuple[str, str] | None = None
    parent: int = 0


@dataclass(frozen=True)
class Source:
    """Where a member's content comes from.

    Attributes:
        open: returns a new reader of the content.
        once: it returns the same reader again; there is no second pass.
        place: returns a reader of it that can seek, where it lies as it is.
        problem: why it is not read at all.
        plain: it is never looked into.
    """

    open: Callable[[], Reader] | None = None
    once: bool = False
    place: Callable[[], Reader] | None = None
    problem: ReadError | None = None
    plain: bool = False
