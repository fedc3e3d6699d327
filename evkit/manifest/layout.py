"""Where everything lies in a bundle. The list is closed: any other name is a finding.

See `docs/spec/bundle.md`.
"""

from __future__ import annotations

import re
from typing import Final

from evkit.core.refs import is_ref

SIGNATURE: Final = "bag.sig"
MANIFEST: Final = "manifest.json"
PAGE: Final = "manifest.html"
README: Final = "README.txt"
TAGS: Final = ("bagit.txt", "bag-info.txt", "manifest-sha256.txt", README, MANIFEST, PAGE)

EVENTS: Final = "data/events/"
OPENINGS: Final = "data/openings/"
LEDGER: Final = "data/ledger/"
CHECKPOINT: Final = "data/ledger/checkpoint"
TRUST: Final = "data/trust/"
ROOT: Final = "data/trust/root.crt"
CRL: Final = "data/trust/root.crl"
STATEMENT: Final = "data/trust/station-statement.json"
OFFICERS: Final = "data/trust/officers/"
INVENTORIES: Final = "data/inventories/"
INVENTORY_FILE: Final = "inventory.jsonl"
EXHIBITS: Final = "data/exhibits/"

_EVENT = re.compile(r"data/events/(0|[1-9][0-9]{0,15})\.(json|tlog-proof)", re.ASCII)
_OPENING = re.compile(r"data/openings/(0|[1-9][0-9]{0,15})\.json", re.ASCII)
_OFFICER = re.compile(r"data/trust/officers/([0-9a-f]{64})\.crt", re.ASCII)
_TILE = re.compile(r"data/ledger/tile/[0-9]{1,2}/[x0-9/]+(\.p/[0-9]{1,3})?", re.ASCII)
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_REF_PARTS = 3


def event_path(index: int) -> str:
    """Return the place of an envelope."""
    return f"{EVENTS}{index}.json"


def proof_path(index: int) -> str:
    """Return the place of the inclusion proof of an entry."""
    return f"{EVENTS}{index}.tlog-proof"


def opening_path(index: int) -> str:
    """Return the place of the openings of an entry's personal fields."""
    return f"{OPENINGS}{index}.json"


def tile_path(path: str) -> str:
    """Return the place of a hash tile, given its path in the log."""
    return LEDGER + path


def officer_path(fingerprint: str) -> str:
    """Return the place of an officer's certificate."""
    return f"{OFFICERS}{fingerprint}.crt"


def inventory_path(acquisition: str) -> str:
    """Return the place of the rows of an acquisition's inventory."""
    return f"{INVENTORIES}{acquisition}/{INVENTORY_FILE}"


def exhibit_path(acquisition: str, name: str) -> str:
    """Return the place of a file of an acquisition."""
    return f"{EXHIBITS}{acquisition}/{name}"


def event_index(name: str) -> int | None:
    """Return the index of `data/events/<index>.json`, None for any other name."""
    match = _EVENT.fullmatch(name)
    return int(match[1]) if match and match[2] == "json" else None


def split_exhibit(name: str) -> tuple[str, str] | None:
    """Return acquisition and file name of a file below `data/exhibits/`, None when malformed."""
    return _below(name, EXHIBITS)


def is_known(name: str) -> bool:
    """Say whether a bundle may hold a payload file of this name."""
    if name in {CHECKPOINT, ROOT, CRL, STATEMENT}:
        return True
    if name.startswith(INVENTORIES):
        found = _below(name, INVENTORIES)
        return found is not None and found[1] == INVENTORY_FILE
    if name.startswith(EXHIBITS):
        return split_exhibit(name) is not None
    return any(form.fullmatch(name) for form in (_EVENT, _OPENING, _OFFICER, _TILE))


def _below(name: str, folder: str) -> tuple[str, str] | None:
    parts = name.removeprefix(folder).split("/")
    acquisition = "/".join(parts[:_REF_PARTS])
    rest = parts[_REF_PARTS:]
    if not rest or not is_ref(acquisition) or acquisition.count("/") != _REF_PARTS - 1:
        return None
    if not all(_PART.fullmatch(part) for part in rest):
        return None
    return acquisition, "/".join(rest)
