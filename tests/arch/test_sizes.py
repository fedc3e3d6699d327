"""Small modules and small functions: the size budget of the design."""

from __future__ import annotations

import ast
import statistics

import layers

WALL = 400
MEDIAN = 150
FUNCTION_WALL = 80


def test_modules():
    sizes = {name: path.read_text().count("\n") for name, path in layers.modules()}
    assert {name: size for name, size in sizes.items() if size > WALL} == {}
    filled = [size for size in sizes.values() if size > 5]
    assert statistics.median(filled) <= MEDIAN


def test_functions():
    wrong = []
    for name, path in layers.modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = node.end_lineno - node.lineno + 1
                if size > FUNCTION_WALL:
                    wrong.append(f"{name}.{node.name}: {size} lines")
    assert wrong == []


def test_tests_mirror_the_package():
    """Every package has its folder of unit tests."""
    unit = layers.ROOT / "tests" / "unit"
    packages = {layers.package_of(name) for name, _ in layers.modules() if "." in name}
    missing = sorted(p for p in packages - {"actions", "cli"} if not (unit / p).is_dir())
    assert missing == []
