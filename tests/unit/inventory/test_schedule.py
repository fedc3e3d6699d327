from __future__ import annotations

import gc

import pytest

from evkit.inventory import schedule


@pytest.fixture
def threshold():
    before = gc.get_threshold()
    gc.set_threshold(701, 11, 12)
    yield (701, 11, 12)
    gc.set_threshold(*before)


def test_how_often_cycles_are_looked_for_is_put_back_whatever_ends_first(threshold):
    few = schedule._few_collections
    few.__enter__()
    assert gc.get_threshold()[0] == schedule._COLLECT
    few.__enter__()
    few.__exit__()  # of the one that began first
    assert gc.get_threshold()[0] == schedule._COLLECT
    few.__exit__()
    assert gc.get_threshold() == threshold


def test_a_process_that_looks_less_often_by_itself_is_left_alone(threshold):
    gc.set_threshold(1_000_000)
    with schedule._few_collections:
        assert gc.get_threshold()[0] == 1_000_000
    assert gc.get_threshold()[0] == 1_000_000
