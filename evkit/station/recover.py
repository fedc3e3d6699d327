"""Going on after a loss: a new ledger under a new name that says what came before.

The entries of the backup are taken over with their exact bytes; the first entry names the last head
that somebody outside held. Step by step: `docs/spec/backup-and-recover.md`.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from evkit.core import durable, ejson
from evkit.core.errors import CheckFailedError, IdentityError
from evkit.core.text import escape
from evkit.merkle import tree
from evkit.station import append, config, highwater, layout, rootkey
from evkit.station.create import building, furnish, write_first
from evkit.station.layout import Layout
from evkit.station.reading import check_head, event_of
from evkit.station.restore import unpack
from evkit.station.sqlite_store import SqliteStore
from evkit.station.strays import unknown_files
from evkit.station.trust import Trust

if TYPE_CHECKING:
    from evkit.core.ejson import Json
    from evkit.identity.signer import FileSigner
    from evkit.station.config import Config
    from evkit.station.store import Entry, Head, Secret

PREVIOUS = b"previous"
_SUFFIX = re.compile(r"-r([1-9][0-9]{0,8})(-[0-9a-f]{8})?\Z", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """What `station recover` was asked for.

    Attributes:
        backup: tar file or folder.
        target: folder of the new station.
        size, root: the last head of the lost ledger that is held outside.
        reason: what was lost and how.
        root_dir: folder of the agency root; None when it is in the backup.
        root_passphrase: opens it.
    """

    backup: bytes
    target: bytes
    size: int
    root: bytes
    reason: str
    root_dir: bytes | None
    root_passphrase: bytes


class Recovered(NamedTuple):
    """What came of it.

    Attributes:
        place: the new station.
        origin, previous_origin: the new and the lost ledger.
        entries: taken over.
        lost: entries that the head held outside covers and the backup does not hold.
        unknown: files that came with the backup and that no entry names, relative to `place`.
    """

    place: Layout
    origin: str
    previous_origin: str
    entries: int
    lost: int
    unknown: tuple[bytes, ...] = ()


class _Old(NamedTuple):
    """The lost ledger as the backup holds it."""

    settings: Config
    since: str
    entries: list[Entry]
    secrets: list[Secret]


def recover(request: Recovery) -> Recovered:
    """Make a new station from a backup.

    Raises:
        CheckFailedError: the backup is damaged, or contradicts the head held outside.
        InputError: it is not a backup of a station.
        IdentityError: the agency root is missing or another one.
        RefusedError: the target is in use.
    """
    with building(request.target) as place:
        unpack(request.backup, place.home)
        old = _read_old(place)
        lost = _compare(old, request)
        folder = request.root_dir or place.path(layout.ROOT_HOME)
        root = rootkey.unlock(folder, request.root_passphrase)
        if root.certificate != Trust(place).root():
            raise IdentityError("that is not the agency root of the lost station")
        _set_aside(place)
        made = replace(
            old.settings, origin=_next_origin(old.settings.origin), created=config.created_now()
        )
        furnish(place, made, root, folder, old.since)
        before: dict[str, Json] = {
            "previous_origin": old.settings.origin,
            "previous": _previous(old, request),
        }
        write_first(place, made, root, before)
        unknown = _take_over(place, old, request.reason, before, root)
        mark = highwater.Mark(request.size, request.root)
        highwater.retire(old.settings.origin, mark, made.origin)
    return Recovered(
        Layout.of(request.target), made.origin, old.settings.origin, len(old.entries), lost, unknown
    )


def _previous(old: _Old, request: Recovery) -> dict[str, Json]:
    """Return what the first entry says about the lost ledger and those before it.

    Only leaf 0 differs between the old ledger and the restored entries, so its hash is all that is
    needed to compute every head of the old one again.
    """
    first = old.entries[0]
    before = event_of(first).fields
    earlier: list[Json] = []
    if isinstance(before.get("previous"), dict):
        known = ejson.as_object(before["previous"], "`previous`")
        earlier = [
            {"origin": before["previous_origin"], "first": known["first"],
             "entries": known["entries"]},
            *known.get("earlier", []),
        ]  # fmt: skip
    found: dict[str, Json] = {
        "size": request.size,
        "root": request.root.hex(),
        "first": tree.leaf_hash(first.envelope).hex(),
        "entries": len(old.entries),
    }
    return found | {"earlier": earlier} if earlier else found


def _read_old(place: Layout) -> _Old:
    """Read the lost ledger and check it against its own signed checkpoint."""
    settings = config.read(place.home)
    statement = Trust(place).statement()
    store = SqliteStore.open(place.path(layout.LEDGER))
    try:
        head = store.head()
        entries = [*store.entries(0, head.size)]
        secrets = [one for entry in entries for one in store.openings(entry.event_id)]
    finally:
        store.close()
    found = tree.root([tree.leaf_hash(entry.envelope) for entry in entries])
    if len(entries) != head.size or found != head.root:
        raise CheckFailedError(
            "the entries in the backup are not those of its head",
            hint="use another backup; this one was changed",
            details={"entries": f"{len(entries)}:{found.hex()}", "head": _shown(head)},
        )
    check_head(head, settings.origin, statement.vkey())
    return _Old(settings, statement.not_before, entries, secrets)


def _compare(old: _Old, request: Recovery) -> int:
    """Compare the backup with the head held outside; return how many entries are lost."""
    if request.size > len(old.entries):
        return request.size - len(old.entries)
    leaves = [tree.leaf_hash(entry.envelope) for entry in old.entries[: request.size]]
    found = tree.root(leaves)
    if found != request.root:
        raise CheckFailedError(
            f"the backup contradicts the head held outside for `{escape(old.settings.origin)}`",
            hint="is the head copied rightly? If it is, this backup is of another history",
            details={
                "held outside": f"{request.size}:{request.root.hex()}",
                "backup at that size": f"{request.size}:{found.hex()}",
            },
        )
    return 0


def _set_aside(place: Layout) -> None:
    """Keep the old ledger, statement and configuration under `previous/<n>`."""
    top = place.path(PREVIOUS)
    durable.make_dir(top)
    number = len(os.listdir(top)) + 1
    aside = os.path.join(top, b"%d" % number)
    durable.make_dir(aside)
    for name in (layout.LEDGER, layout.STATEMENT, layout.CONFIG):
        durable.rename_new(place.path(name), os.path.join(aside, os.path.basename(name)))


def _next_origin(origin: str) -> str:
    """Return the origin with `-r1` or the next number, and a random end.

    The end keeps two recoveries of one backup apart that know nothing of each other.
    """
    match = _SUFFIX.search(origin)
    stem = origin[: match.start()] if match else origin
    number = int(match[1]) + 1 if match else 1
    end = f"-r{number}-{secrets.token_hex(4)}"
    return stem[: config.MAX_ORIGIN - len(end)].rstrip("/") + end


def _take_over(
    place: Layout, old: _Old, reason: str, before: dict[str, Json], root: FileSigner
) -> tuple[bytes, ...]:
    """Append the old entries but the first (the new first one stands for it), then `recover`.

    Returns:
        Files that no entry names.
    """
    from evkit.ledger.event import Draft
    from evkit.station.station import Station

    with Station.open(place.home) as station:
        append.adopt(station.book, old.entries[1:], old.secrets)
        fields: dict[str, Json] = {**before, "reason": reason, "entries": len(old.entries)}
        station.record(Draft(kind="recover", case=None, fields=fields), root)
        return tuple(unknown_files(station))


def _shown(head: Head) -> str:
    return f"{head.size}:{head.root.hex()}"
