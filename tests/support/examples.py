"""Which examples property tests take: the same ones in every run, or new and more of them.

`EVKIT_TESTS_EXPLORE=N` draws new examples, N times as many as a test asks for.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

import evkit

TIMES = int(os.environ.get("EVKIT_TESTS_EXPLORE", "0"))
_OF_A_TEST = "_hypothesis_internal_use_settings"


def choose() -> None:
    """Load the profile of these tests. A busy machine is no failure; the gate draws no lots."""
    settings.register_profile(
        "evkit",
        deadline=None,
        derandomize=not TIMES,
        suppress_health_check=[HealthCheck.too_slow],
        print_blob=True,
    )
    settings.load_profile("evkit")
    # Hypothesis draws from the constants of the modules that are loaded, and which these are
    # depends on the tests that ran before: none are taken, or those of all modules.
    if TIMES:
        for module in pkgutil.walk_packages(evkit.__path__, "evkit."):
            with contextlib.suppress(ImportError):  # some load in a child only
                importlib.import_module(module.name)
    else:
        vars(providers)["is_local_module_file"] = lambda _path: False


def more_of(test: Any) -> None:
    """Give a test as many examples more as were asked for; does nothing to others.

    Args:
        test: a function, or a class: that of a state machine keeps how many it takes.
    """
    if TIMES and isinstance(getattr(test, "settings", None), settings):
        test.settings = _more(test.settings)
    elif TIMES and getattr(test, "is_hypothesis_test", False):
        setattr(test, _OF_A_TEST, _more(getattr(test, _OF_A_TEST, settings())))


def _more(own: settings) -> settings:
    return settings(own, max_examples=own.max_examples * TIMES)
