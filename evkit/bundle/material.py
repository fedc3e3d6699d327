"""What a bundle is made of, as bytes and streams; where it comes from does not matter here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from evkit.core.clock import Instant
    from evkit.custody.replay import Replay
    from evkit.ledger.commitments import Opening

SENSITIVE_REASON = "sensitive material"  # so begins the reason why something is absent


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A long file: its size, and a function that reads it from the start."""

    size: int
    blocks: Callable[[], Iterable[bytes]]


@dataclass(frozen=True, kw_only=True)
class Material:
    """Everything that goes into a bundle of one case.

    Attributes:
        case: case id.
        entries: envelopes by index: the case, and the station's entries that it needs.
        bundle_entry: index of the event that records the bundle.
        checkpoint: signed checkpoint over all of them.
        leaf_hashes: of the whole ledger, as many as the checkpoint counts.
        statement: envelope of the station statement.
        root: root certificate, PEM.
        officers: officers' certificates in PEM, by fingerprint.
        crl: revocation list in PEM, None when nothing was ever revoked.
        openings: openings to be shipped, by index.
        inventories: lines of inventories by acquisition.
        exhibits: files of evidence by (acquisition, name).
        absent: why a file of evidence or an inventory is not enclosed, by (acquisition, name).
        reason: the same for everything not named in `absent`.
        replay: the case replayed, for remarks and the readable page.
        made: the station's clock.
        review: the line about the legal profile that every form prints.
    """

    case: str
    entries: Mapping[int, bytes]
    bundle_entry: int
    checkpoint: bytes
    leaf_hashes: Sequence[bytes]
    statement: bytes
    root: bytes
    officers: Mapping[str, bytes]
    crl: bytes | None
    replay: Replay
    made: Instant
    openings: Mapping[int, Sequence[Opening]] = field(default_factory=dict)
    inventories: Mapping[str, Stream] = field(default_factory=dict)
    exhibits: Mapping[tuple[str, str], Stream] = field(default_factory=dict)
    absent: Mapping[tuple[str, str], str] = field(default_factory=dict)
    reason: str = "not asked for"
    review: str = ""
