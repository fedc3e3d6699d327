"""The `ledger` fixture: events without keys."""

from __future__ import annotations

import custodykit
import pytest


@pytest.fixture
def ledger():
    """An empty list of events with helpers."""
    return custodykit.Ledger()
