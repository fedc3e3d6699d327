"""Where things lie in a station's folder. All paths are bytes. See `docs/spec/station.md`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evkit.core.refs import Ref

CONFIG = b"station.toml"
LEDGER = b"ledger.db"
INDEX = b"index.db"
LOCK = b"ledger.lock"
LOG_KEY = b"keys/log.key"
OFFICER_KEYS = b"keys/officers"
ROOT_HOME = b"keys/root"  # the root's folder when no other was named
ROOT_CERTIFICATE = b"trust/root.crt"
CRL = b"trust/root.crl"
STATEMENT = b"trust/station-statement.json"
CERTIFICATES = b"trust/officers"
OTHER_ROOTS = b"trust/roots"
CASES = b"cases"
HASH_SETS = b"hashsets"

ROOT_KEY_NAME = b"root.key"
ROOT_CERTIFICATE_NAME = b"root.crt"


@dataclass(frozen=True)
class Layout:
    """The paths of one station.

    Attributes:
        home: the station's folder, absolute.
    """

    home: bytes

    @classmethod
    def of(cls, path: str | bytes | os.PathLike[str]) -> Layout:
        """Return the layout of a folder, made absolute."""
        return cls(os.path.abspath(os.fsencode(path)))

    def path(self, name: bytes) -> bytes:
        """Return the path of one of the names above."""
        return os.path.join(self.home, name)

    def officer_key(self, officer: str) -> bytes:
        """Return the path of an officer's key file."""
        return os.path.join(self.home, OFFICER_KEYS, officer.encode("ascii") + b".key")

    def officer_certificate(self, officer: str) -> bytes:
        """Return the path of an officer's certificate."""
        return os.path.join(self.home, CERTIFICATES, officer.encode("ascii") + b".crt")

    def hash_set(self, name: str) -> bytes:
        """Return the path of a hash set."""
        return os.path.join(self.home, HASH_SETS, name.encode("ascii") + b".hashset")

    def folder(self, ref: Ref) -> bytes:
        """Return the folder of a case, an exhibit or an acquisition."""
        parts = [part.encode("ascii") for part in (ref.case, ref.exhibit, ref.acquisition) if part]
        return os.path.join(self.home, CASES, *parts)
