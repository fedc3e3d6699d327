"""What the tests of stops and failures share."""

from __future__ import annotations

import pytest
import resumekit


@pytest.fixture
def memory():
    """A folder in memory where there is one: these tests make thousands of durable steps."""
    with resumekit.memory() as folder:
        yield folder
