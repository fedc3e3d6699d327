"""Exit codes: the enum, the help texts and the specification page agree, in both directions."""

from __future__ import annotations

import inspect
import re

from evkit.cli.frame import EXIT_TEXT
from evkit.core import errors
from evkit.core.errors import EvkitError, ExitCode


def test_every_code_has_a_text():
    assert set(EXIT_TEXT) == set(ExitCode)


def test_the_specification_lists_exactly_the_codes(repository):
    page = (repository / "docs" / "spec" / "exit-codes.md").read_text()
    rows = re.findall(r"^\| (\d+) \| ([a-z-]+) \|", page, re.MULTILINE)
    documented = {int(code): name for code, name in rows}
    assert documented == {int(code): code.name.lower().replace("_", "-") for code in ExitCode}


def test_every_error_class_has_a_code_of_its_own():
    classes = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, EvkitError)
    ]
    codes = [kind.exit_code for kind in classes]
    assert len(codes) == len(set(codes))
    assert set(codes) | {ExitCode.OK} == set(ExitCode)


def test_the_worst_code_wins():
    assert errors.worst(0, 3) == 3
    assert errors.worst(3, 5, 4) == 4
    assert errors.worst(4, 130) == 130
    assert errors.worst(130, 1) == 1
    assert errors.worst() == 0
    assert errors.worst(0, 16) == 16
