"""What is to be acquired, and what was found before the first read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evkit.acquire import imaging

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.acquire.preflight import Report
    from evkit.acquire.source import Opened
    from evkit.actions.longwork import Plan


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be acquired and how.

    Attributes:
        source: path, or `-` for standard input.
        exhibit: `CASE/E1`.
        names: digest algorithms; SHA-256 is always among those made.
        verify: `now`, `later` or `none`.
        block_nodes: keep the hash of each 16 KiB block.
        fields: of `--set` and `--fields`: fields of the event and items of the acquisition log.
        happened, reason: as typed.
        command: the command line, for the log.
    """

    source: bytes
    exhibit: str
    names: tuple[str, ...] = ("md5", "sha256")
    verify: str = imaging.NOW
    block_nodes: bool = False
    fields: Mapping[str, object] = field(default_factory=dict)
    happened: str | None = None
    reason: str | None = None
    command: str = ""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A request with what was found before the first read."""

    request: Request
    opened: Opened
    report: Report
    plan: Plan
    typed: Mapping[str, str]
