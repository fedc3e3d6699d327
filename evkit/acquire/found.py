"""What the pre-flight found, as items of the acquisition log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.acquire import guard, identity, mounting
from evkit.acquire.checks import UNKNOWN

if TYPE_CHECKING:
    from evkit.acquire.preflight import Report
    from evkit.core.ejson import Json

_CHECKS = {
    "source.mounted": "not-mounted",
    "source.mounted_since_attach": mounting.MOUNTED_BEFORE,
    "source.written_since_attach": mounting.WRITTEN,
    "source.guard": guard.CHECK,
    "source.read_alone": "read-alone",
    "source.hidden_areas": identity.HIDDEN,
}
# asked of the kernel with three answers, of which `unknown` is one
_THREE = {"source.mounted_since_attach"}


def items(report: Report) -> dict[str, Json]:
    """Return the items of `acquire.log.FOUND` that the checks answer; None where they could not."""
    found: dict[str, Json] = {}
    for item, name in _CHECKS.items():
        check = report.named(name)
        if check is None:
            found[item] = None
        elif check.state != UNKNOWN:
            found[item] = check.text
        else:
            found[item] = "unknown" if item in _THREE else None
    who = report.identity
    found["source.bridge"] = dict(who.bridge) or None if who is not None else None
    found["source.drive"] = dict(who.drive) or None if who is not None else None
    return found
