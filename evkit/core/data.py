"""Folders and files that ship with evkit, found in a wheel and in an editable install alike.

`sample_images` and `playbooks` lie beside the package in a checkout and under `evkit/_data` in a
wheel (hatchling's forced include does not reach editable installs).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from evkit.core.errors import InputError, UsageError
from evkit.core.limits import read_file
from evkit.core.text import escape, escape_bytes

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

    A key that appears twice in a mapping is refused, because readers disagree about it, and so are
    anchors with aliases, because a short text can stand for a huge value.

    Raises:
        InputError: the file cannot be read, is too large or not such YAML.
    """
    raw = read_file(path, max_bytes)
    try:
        return _parse_yaml(raw)
    except Exception as error:  # the library leaks ValueError, KeyError, RecursionError and others
        reason = (
            "it is nested too deeply"
            if isinstance(error, RecursionError)
            else " ".join(str(error).split())
        )
        shown = escape_bytes(os.fsencode(path))
        raise InputError(f"`{shown}` is not valid YAML: {escape(reason)}") from error


def _parse_yaml(raw: bytes) -> Any:  # noqa: ANN401 - callers narrow it with readers of their own
    """Return the value of one YAML document."""
    import yaml

    class Loader(yaml.SafeLoader):
        """The safe loader without aliases and without repeated keys."""

        def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401 - as in the library
            if self.check_event(yaml.AliasEvent):
                mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
                raise yaml.constructor.ConstructorError(None, None, "an alias is not read", mark)
            return super().compose_node(parent, index)

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - as in the library
            keys: set[Any] = set()
            pairs = node.value if node.id == "mapping" else []
            for key_node, _ in pairs:
                key = self.construct_object(key_node, deep=True)
                if key in keys:
                    text = f"the key {key!r} appears twice"
                    raise yaml.constructor.ConstructorError(None, None, text, key_node.start_mark)
                keys.add(key)
            return super().construct_mapping(node, deep=deep)

    return yaml.load(raw, Loader=Loader)  # noqa: S506 - a SafeLoader
