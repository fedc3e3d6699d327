"""Stopped at any durable step, an import leaves a set that is on record and whole, or none."""

from __future__ import annotations

import os

import hashsetkit
import stations

from evkit.actions import hashset_import, hashsets
from evkit.core import durable
from evkit.core.errors import EvkitError
from evkit.inventory.hashsets.reader import HashSet
from evkit.station import Station


class Stopped(BaseException):
    """Where a process would have died."""


def test_stopped_at_every_step(tmp_path):
    made = stations.ready(tmp_path / "station")
    source = tmp_path / "list"
    source.write_text("".join(f"{hashsetkit.digests(n)[0].hex()}\n" for n in range(9)))
    steps = 0
    for number in range(1, 200):
        name = f"set-{number}"
        if _run(made, source, name, number):
            steps = number
            break
        with Station.open(made.path) as station:
            listed = hashsets.listed_sets(station).get(name)
            path = station.place.hash_set(name)
            if listed is not None:
                with HashSet(path) as found:
                    assert found.check() == listed.sha256
            else:
                assert _run(made, source, name, 0)  # what was left is no obstacle
    assert steps > 5
    left = {file for file in os.listdir(made.path / "hashsets") if not file.endswith(".hashset")}
    assert not left


def _run(made, source, name, stop_at) -> bool:
    """Import; stop before the step of that number. True when it came to its end."""
    seen = 0

    def observe(kind, path):
        nonlocal seen
        seen += 1
        if seen == stop_at:
            raise Stopped

    request = hashset_import.Request(path=os.fsencode(source), name=name, category="known")
    with Station.open(made.path) as station:
        durable.observe(observe if stop_at else None)
        try:
            hashset_import.run(request, station=station, signer=made.officer)
        except (Stopped, EvkitError):
            return False
        finally:
            durable.observe(None)
    return True
