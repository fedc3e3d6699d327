"""Merkle trees as in RFC 6962: roots, proofs and tiles; pure functions over `hashlib`."""

from __future__ import annotations
