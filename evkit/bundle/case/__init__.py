"""CASE/UCO 1.5: a case, its exhibits, what was done with them, and chosen files, as JSON-LD.

What is said in which terms: `docs/spec/inventory-exports.md`.
"""

from __future__ import annotations
