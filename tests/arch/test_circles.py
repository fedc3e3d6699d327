"""No modules import each other in a loop, also not for types or inside a function only.

Of two modules in a loop neither can be read, tested or moved without the other.
"""

from __future__ import annotations

import graphlib

import layers
import pytest


def graph():
    """Which module imports which; a package stands for what its `__init__` holds."""
    paths = {"evkit" + ("." + name if name else ""): path for name, path in layers.modules()}
    return {name: layers.needs(path, paths) - {name} for name, path in paths.items()}


def test_no_module_stands_in_a_loop():
    found = graph()
    assert any("evkit.core.errors" in needed for needed in found.values())
    tuple(graphlib.TopologicalSorter(found).static_order())


def test_a_loop_would_be_found():
    found = graph() | {"evkit.core.errors": {"evkit.verify.bundle"}}
    with pytest.raises(graphlib.CycleError):
        tuple(graphlib.TopologicalSorter(found).static_order())
