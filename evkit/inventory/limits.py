"""Limits that the engine process sets on itself before it touches evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.inventory import seal

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = ("memory", "cpu", "files")


def apply(asked: Mapping[str, int]) -> str:
    """Apply the limits that this system knows.

    Args:
        asked: `memory` bytes of address space, `cpu` seconds, `files` open descriptors; 0 for none.

    Returns:
        What was applied and what was not, as text for the record.
    """
    return ", ".join([*_resources(asked), *seal.apply()])


def _resources(asked: Mapping[str, int]) -> list[str]:
    try:
        import resource
    except ImportError:
        return ["memory, cpu, files and file size not applied"]
    places = {
        "memory": resource.RLIMIT_AS,
        "cpu": resource.RLIMIT_CPU,
        "files": resource.RLIMIT_NOFILE,
    }
    told: list[str] = []
    wanted = [(name, places[name], asked[name]) for name in NAMES if asked[name]]
    wanted += [("file size", resource.RLIMIT_FSIZE, 0), ("core", resource.RLIMIT_CORE, 0)]
    for name, place, value in wanted:
        _, hard = resource.getrlimit(place)
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(place, (allowed, allowed))
        except (OSError, ValueError):
            told.append(f"{name} not applied")
        else:
            told.append(f"{name} {allowed}")
    return told
