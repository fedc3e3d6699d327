"""The examples of these tests: the same in every run, and more of them when more are asked for."""

from __future__ import annotations

import examples
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule


def made():
    """Return a list of what is drawn, a property test and the class of a state machine."""
    drawn = []

    @settings(max_examples=7)
    @given(st.integers())
    def function(number):
        drawn.append(number)

    class Machine(RuleBasedStateMachine):
        @rule(number=st.integers())
        def step(self, number):
            drawn.append(number)

    Machine.TestCase.settings = settings(max_examples=7, stateful_step_count=1)
    return drawn, function, Machine.TestCase


def run(drawn, test):
    drawn.clear()
    test().runTest() if isinstance(test, type) else test()
    return list(drawn)


@pytest.mark.skipif(bool(examples.TIMES), reason="new examples are asked for")
@pytest.mark.parametrize("machine", [False, True])
def test_every_run_takes_the_same(machine):
    one, *tests = made()
    first = run(one, tests[machine])
    other, *tests = made()
    assert first == run(other, tests[machine])
    assert len(set(first)) > 4


@pytest.mark.parametrize("machine", [False, True])
def test_as_many_more_as_were_asked_for(monkeypatch, machine):
    drawn, *tests = made()
    monkeypatch.setattr(examples, "TIMES", 10)
    examples.more_of(tests[machine])
    assert len(run(drawn, tests[machine])) >= 70


def test_others_stay_as_they_are(monkeypatch):
    monkeypatch.setattr(examples, "TIMES", 10)
    for other in (None, made, type("Plain", (), {"settings": 3})):
        examples.more_of(other)
