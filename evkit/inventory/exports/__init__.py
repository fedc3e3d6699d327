"""Exports of an inventory in the formats of other tools; one module a format, all of them streams.

What each format says and cannot say: `docs/spec/inventory-exports.md`.
"""

from __future__ import annotations
