"""The `ledger` fixture: events without keys."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location(
    "evkit_custody_builder", Path(__file__).parent / "builder.py"
)
builder = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(builder)


@pytest.fixture
def ledger():
    """An empty list of events with helpers."""
    return builder.Ledger()
