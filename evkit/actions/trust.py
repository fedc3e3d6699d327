"""`evkit trust add|list|remove`: the roots of other agencies that this station keeps.

They are a list for the officer. `verify` trusts only what the verifier supplies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.core.limits import read_file
from evkit.core.text import escape

if TYPE_CHECKING:
    from evkit.identity.certificate import Certificate
    from evkit.station import Station


@dataclass(frozen=True, kw_only=True)
class Roots:
    """Root certificates: the station's own first, or the one that was added or removed."""

    roots: tuple[Certificate, ...]
    own: str
    did: str | None = None
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        document: dict[str, Any] = {
            "schema": "evkit/trust/1",
            "roots": [
                {
                    "agency": root.agency,
                    "name": root.common_name,
                    "own": root.fingerprint == self.own,
                    "fingerprint": root.fingerprint,
                    "not_after": f"{root.not_after:%Y-%m-%d}",
                }
                for root in self.roots
            ],
        }
        return document if self.did is None else document | {"done": self.did}

    def lines(self) -> list[str]:
        """Return the lines for people."""
        lines = [f"{self.did} the root below"] if self.did else []
        for root in self.roots:
            own = " (this station's own)" if root.fingerprint == self.own else ""
            lines += [
                f"{escape(root.agency or '')}, {escape(root.common_name)}{own}",
                f"  sha256:{root.fingerprint}, until {root.not_after:%Y-%m-%d}",
            ]
        if self.did == "added":
            lines.append("compare the fingerprint with the agency by telephone or on paper")
        return lines


def add(station: Station, path: str) -> Roots:
    """Add the root of another agency from a certificate file.

    Raises:
        InputError: the file is not a root certificate.
        RefusedError: it is there already.
    """
    added = station.trust.add_root(read_file(path))
    return Roots(roots=(added,), own=station.trust.root().fingerprint, did="added")


def list_roots(station: Station) -> Roots:
    """Return the station's own root and those of other agencies."""
    own = station.trust.root()
    return Roots(roots=(own, *station.trust.other_roots()), own=own.fingerprint)


def remove(station: Station, fingerprint: str) -> Roots:
    """Remove the root of another agency, named by the start of its fingerprint.

    Raises:
        UsageError: it does not name one root.
        CaseError: there is none.
    """
    removed = station.trust.remove_root(fingerprint)
    return Roots(roots=(removed,), own=station.trust.root().fingerprint, did="removed")
