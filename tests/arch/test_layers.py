"""A package imports only packages in lines above its own; outside libraries are fenced."""

from __future__ import annotations

import sys

import layers

BASE = {"click", "rich", "cryptography", "isal", "pytsk3", "pyewf", "magic", "pylibmagic", "yaml"}
BASE |= {"jinja2", "segno"}
# imported when used, with a word when they are missing
EXTRAS = {"py7zr", "pyarrow", "pyfsapfs", "pyfsntfs", "pyvmdk", "pyvhdi"}


def test_every_package_has_a_layer():
    found = {layers.package_of(name) for name, _ in layers.modules() if name}
    assert found - {"__main__"} <= set(layers.LAYER)


def test_imports_go_upwards_only():
    wrong = []
    for module, path in layers.modules():
        here = layers.package_of(module)
        if here in {"", "__main__"}:
            continue
        for target, line, _typing in layers.imports(path):
            if not target.startswith("evkit."):
                continue
            package = target.split(".")[1]
            if package == "__version__" or package == here:
                continue
            if layers.LAYER[package] >= layers.LAYER[here]:
                wrong.append(f"{path.name}:{line} {here} imports {package}")
    assert wrong == []


def test_outside_libraries_stay_behind_their_fences():
    fences = layers.FENCED | layers.STANDARD_FENCED
    wrong = []
    for module, path in layers.modules():
        for target, line, typing_only in layers.imports(path):
            top = target.split(".")[0]
            if top not in fences or typing_only:
                continue
            allowed = fences[top]
            if not any(module == place or module.startswith(place + ".") for place in allowed):
                wrong.append(f"evkit/{module}:{line} imports {top}; allowed: {sorted(allowed)}")
    assert wrong == []


def test_no_library_outside_the_declared_ones():
    wrong = []
    for module, path in layers.modules():
        for target, line, _ in layers.imports(path):
            top = target.split(".")[0]
            if top in {"evkit", "__future__"} | BASE | EXTRAS or top in sys.stdlib_module_names:
                continue
            wrong.append(f"evkit/{module}:{line} imports {top}")
    assert wrong == []
