"""The rule by which an in-order reading gives up its order."""

from __future__ import annotations

import pytest

from evkit.acquire.storm import Rule, Stretch, Watch, storm

RULE = Rule(window=100, bad=5, seconds=10)


def run(*items):
    return [Stretch(length=n, bad=bad, seconds=s) for n, bad, s in items]


@pytest.mark.parametrize(
    ("items", "answer"),
    [
        ([], False),
        ([(50, 0, 1)] * 10, False),
        ([(50, 0, 1000)] * 10, False),  # slow, but nothing is bad
        ([(10, 4, 1)], False),
        ([(10, 5, 1)], True),
        ([(50, 3, 1), (50, 2, 1)], True),
        ([(50, 3, 1), (50, 0, 1), (50, 2, 1)], False),  # the first lies before the window
        ([(60, 3, 1), (60, 2, 1)], True),  # the window begins in it
        ([(50, 1, 9), (50, 0, 1)], True),
        ([(50, 1, 9), (50, 0, 0.5)], False),
        ([(0, 5, 0)], True),  # no way forward at all
        ([(10, 5, 1), (100, 0, 1)], False),
    ],
)
def test_the_rule(items, answer):
    assert storm(run(*items), RULE) is answer
    watch = Watch(RULE)
    assert [watch.add(item) for item in run(*items)][-1:] in ([answer], [])


def test_the_watch_keeps_no_more_than_it_needs():
    watch = Watch(RULE)
    for item in run(*[(10, 1, 0.1)] * 4, *[(10, 0, 0.1)] * 1000):
        assert not watch.add(item)
    assert len(watch._history) == 10


def test_a_few_bad_sectors_of_a_large_disk_are_no_storm():
    watch = Watch()
    for number in range(1000):
        assert not watch.add(Stretch(length=4 << 20, bad=number % 4 == 0, seconds=3))
    assert any(watch.add(Stretch(length=4 << 20, bad=8, seconds=40)) for _ in range(20))
