"""Folders and files that ship with evkit, found in a wheel and in an editable install alike.

`sample_images` and `playbooks` lie beside the package in a checkout and under `evkit/_data` in a
wheel (hatchling's forced include does not reach editable installs).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from evkit.core.errors import InputError, UsageError

_PACKAGE = Path(__file__).resolve().parent.parent


def folder(name: str) -> Path:
    """Return the folder `name` (`sample_images`, `playbooks`).

    Raises:
        UsageError: the installation does not hold it.
    """
    for candidate in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise UsageError(f"this installation does not hold `{name}`", hint="install evkit again")


def package_file(package: str, name: str) -> Path:
    """Return a data file inside a package: `package_file("custody", "profiles/pk.yaml")`."""
    path = _PACKAGE / package / name
    if not path.is_file():
        raise UsageError(f"this installation does not hold `{package}/{name}`")
    return path


def load_yaml(path: str | os.PathLike[str], *, max_bytes: int = 1 << 20) -> Any:  # noqa: ANN401
    """Read YAML of at most `max_bytes` with the safe loader.

    Raises:
        InputError: the file is too large or not valid YAML.
    """
    import yaml

    with open(path, "rb") as handle:
        raw = handle.read(max_bytes + 1)
    if len(raw) > max_bytes:
        raise InputError(f"`{os.fspath(path)}` is over {max_bytes} bytes")
    try:
        return yaml.safe_load(raw)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"`{os.fspath(path)}` is not valid YAML: {error}") from error
