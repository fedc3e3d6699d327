"""The ledger at 10,000 events: append in a batch and one by one, check, prove, open."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from harness import Row

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

EVENTS = 10_000
SINGLE = 100
PROOFS = 200


def rows() -> list[Row]:
    """Append rate, checking rate, time of one proof and of opening, in one process."""
    with tempfile.TemporaryDirectory(prefix="evkit-bench-") as folder:
        before = os.environ.get("XDG_STATE_HOME")
        os.environ["XDG_STATE_HOME"] = os.path.join(folder, "state")
        try:
            return _rows(Path(folder))
        finally:
            if before is None:
                del os.environ["XDG_STATE_HOME"]
            else:
                os.environ["XDG_STATE_HOME"] = before


def _rows(folder: Path) -> list[Row]:
    import stations

    made = stations.ready(folder / "station")
    with made.open() as station:
        drafts = [stations.note("C1", f"note number {n}") for n in range(EVENTS)]
        batch = _timed(lambda: station.record_many(drafts, made.officer))
        single = [
            _timed(lambda: station.record(stations.note("C1", "one more"), made.officer))
            for _ in range(SINGLE)
        ]
        size = station.head().size
        proofs = [_proof(station, index) for index in range(0, size, size // PROOFS)]
        check, checked = _check(station)
        replay = _timed(station.state)
        path = station.place.home
    opening = statistics.median(_timed(lambda: _open(path)) for _ in range(5))
    return [
        _rate(f"append {EVENTS:,} events in a batch", EVENTS / batch, "events/s", 400),
        Row(job="append one event", ours=statistics.median(single) * 1e3, unit="ms"),
        _rate(f"check {checked:,} events, one core", checked / check, "events/s", 3000),
        Row(
            job=f"one proof in a ledger of {size:,}",
            ours=statistics.median(proofs) * 1e3,
            unit="ms",
            floor="milliseconds",
            ok=max(proofs) < 0.1,
            note=f"slowest of {len(proofs)}: {max(proofs) * 1e3:.2f} ms",
        ),
        Row(job=f"open a station of {size:,} events", ours=opening * 1e3, unit="ms"),
        Row(job=f"replay {size:,} events", ours=replay, unit="s"),
    ]


def _rate(job: str, rate: float, unit: str, floor: float) -> Row:
    wanted = f"at least {floor:,.0f} {unit}"
    return Row(job=job, ours=rate, unit=unit, floor=wanted, ok=rate >= floor)


def _timed(action) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _proof(station, index: int) -> float:
    from evkit.merkle.proof import inclusion_proof

    size = station.head().size
    return _timed(lambda: inclusion_proof(index, size, station.reader()))


def _check(station) -> tuple[float, int]:
    """Read, check the signature of, and hash every entry; rebuild the root."""
    from evkit.ledger import dsse
    from evkit.ledger.event import read_entry
    from evkit.merkle.tree import leaf_hash, root

    certificates = {entry.fingerprint: entry for entry in station.officers()}
    certificates[station.trust.root().fingerprint] = station.trust.root()
    envelopes = [entry.envelope for entry in station.entries()]
    start = time.perf_counter()
    leaves = []
    for data in envelopes:
        entry = read_entry(data)
        if not dsse.verify(entry.envelope, certificates[entry.envelope.keyid]):
            raise RuntimeError(f"entry {len(leaves)} is not signed")
        leaves.append(leaf_hash(data))
    if root(leaves) != station.head().root:
        raise RuntimeError("the root is another one")
    return time.perf_counter() - start, len(envelopes)


def _open(path: bytes) -> None:
    from evkit.station import Station

    with Station.open(path) as station:
        station.head()
