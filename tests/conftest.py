"""Fixtures shared by all tests: outside programs, outside vectors, an isolated home."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import examples
import leftovers
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
VECTORS = Path(os.environ.get("EVKIT_VECTORS", ROOT.parent / "shared" / "vectors"))
REQUIRED = bool(os.environ.get("EVKIT_TESTS_REQUIRE"))

examples.choose()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give property tests the examples that were asked for."""
    for test in {getattr(item, name, None) for item in items for name in ("function", "cls")}:
        examples.more_of(test)


def _absent(what: str) -> None:
    if REQUIRED:
        pytest.fail(f"{what} is missing and EVKIT_TESTS_REQUIRE is set")
    pytest.skip(f"{what} is not here")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Test data from outside; skips (or fails when required) where it is absent."""
    if not VECTORS.is_dir():
        _absent("the folder of outside test vectors")
    return VECTORS


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Find an outside program or skip (fail when required)."""

    def find(name: str) -> str:
        path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if path is None:
            _absent(f"the program `{name}`")
        return str(path)

    return find


@pytest.fixture(autouse=True)
def nothing_runs_on():
    """Fail a test that leaves a thread or a child: those after it share the process."""
    before = leftovers.running()
    yield
    assert leftovers.stay(before) == set()


@pytest.fixture(autouse=True)
def isolated_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Give every test its own HOME and state folder, and none of the user's EVKIT settings."""
    return _isolate(tmp_path_factory.mktemp("home"), monkeypatch)


@pytest.fixture(scope="session", autouse=True)
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give what is made once for many tests another HOME than the user's."""
    with pytest.MonkeyPatch.context() as patch:
        yield _isolate(tmp_path_factory.mktemp("shared-home"), patch)


def _isolate(home: Path, patch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("EVKIT_") and name not in {"EVKIT_TESTS_REQUIRE", "EVKIT_VECTORS"}:
            patch.delenv(name)
    patch.setenv("HOME", str(home))
    patch.setenv("XDG_STATE_HOME", str(home / "state"))
    patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    return home
