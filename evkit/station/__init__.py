"""A station: one folder with one ledger. `Station.record` is the only way to append."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evkit.station.station import Station as Station


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    """Load `Station` when it is asked for."""
    if name == "Station":
        from evkit.station.station import Station

        return Station
    raise AttributeError(name)
