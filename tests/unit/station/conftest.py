"""A station of one's own for each test."""

from __future__ import annotations

import pytest
import stations


@pytest.fixture
def made(tmp_path):
    return stations.ready(tmp_path / "station")


@pytest.fixture
def station(made):
    with made.open() as opened:
        yield opened
