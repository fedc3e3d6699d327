from __future__ import annotations

import errno
import fcntl
import os

import pytest

from evkit.core.locks import lock


@pytest.fixture
def both(tmp_path):
    """The same folder, opened twice: two holders as far as such locks are concerned."""
    opened = [os.open(tmp_path, os.O_RDONLY) for _ in range(2)]
    yield opened
    for descriptor in opened:
        os.close(descriptor)


def test_one_holder_at_a_time_or_many_that_share(both):
    first, second = both
    assert lock(first) is True
    assert lock(second) is False
    assert lock(second, shared=True) is False
    assert lock(first, shared=True) is True
    assert lock(second, shared=True) is True
    assert lock(second) is False


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.ENOLCK, errno.ENOSYS])
def test_no_such_locks_are_nobody_elses_lock(both, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert lock(both[0]) is None
