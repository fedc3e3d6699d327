"""Keys, certificates and revocation lists; signing and checking bytes with `cryptography`."""

from __future__ import annotations
