"""Events, envelopes, notes, checkpoints, proofs and witness rules; no database, no network."""

from __future__ import annotations
