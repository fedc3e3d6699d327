"""What a ledger's store offers, whatever keeps it. One test suite runs against every store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One committed entry.

    Attributes:
        index: place in the ledger, from 0.
        event_id: SHA-256 of the DSSE pre-authentication encoding, hex.
        envelope: the exact bytes that the tree covers.
        kind: event kind.
        case: case id as written in the event, None at station level.
        case_seq: number within the case from 1, None at station level.
        signer: fingerprint of the certificate, hex.
    """

    index: int
    event_id: str
    envelope: bytes
    kind: str
    case: str | None
    case_seq: int | None
    signer: str


class Secret(NamedTuple):
    """The opening of one commitment of one event; `salt` in base64."""

    event_id: str
    name: str
    value: str
    salt: str


class Head(NamedTuple):
    """A committed head and its checkpoint, which is None until the log key has signed."""

    size: int
    root: bytes
    note: bytes | None


class CaseTip(NamedTuple):
    """The last event of a case."""

    seq: int
    event_id: str
    case: str


class Store(Protocol):
    """Keeps entries, heads, openings and subtree hashes; appends in one durable transaction."""

    def head(self) -> Head:
        """Return the last committed head; size 0 when nothing is committed."""
        ...

    def count(self) -> int:
        """Return the number of entries that are stored; that of the head unless damaged."""
        ...

    def head_at(self, size: int) -> Head | None:
        """Return a committed head, None when no append ended there."""
        ...

    def append(self, entries: Sequence[Entry], secrets: Sequence[Secret]) -> Head:
        """Commit entries and the new head row together; the first index is the present size.

        Raises:
            StorageError: nothing was committed.
            RefusedError: another append came first, or an event is in the ledger already.
        """
        ...

    def set_note(self, size: int, note: bytes) -> None:
        """Store the signed checkpoint of a head that has none."""
        ...

    def entries(self, start: int, stop: int) -> Iterator[Entry]:
        """Yield the entries `start` to `stop` (not included) in order."""
        ...

    def case_entries(self, case: str) -> Iterator[Entry]:
        """Yield the entries of a case (ignoring letter case) in order."""
        ...

    def of_kinds(self, kinds: Sequence[str], case: str | None = None) -> Iterator[Entry]:
        """Yield the entries of some kinds, of one case or of all, in order."""
        ...

    def find(self, event_id: str) -> Entry | None:
        """Return the entry with this event id."""
        ...

    def starting(self, event_id: str) -> list[Entry]:
        """Return at most two entries whose event id begins like this."""
        ...

    def case_tip(self, case: str) -> CaseTip | None:
        """Return the last event of a case (ignoring letter case)."""
        ...

    def last_by(self, signer: str) -> Entry | None:
        """Return the last entry that this certificate signed."""
        ...

    def openings(self, event_id: str) -> list[Secret]:
        """Return the openings of an event's commitments, by name."""
        ...

    def node(self, level: int, index: int, /) -> bytes:
        """Return the hash of a complete subtree; usable as a Merkle `Reader`."""
        ...

    def leaf_hashes(self, size: int | None = None) -> list[bytes]:
        """Return the leaf hashes of the first `size` entries, or of all."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...
