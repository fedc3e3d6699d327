"""The layer table of the design, and a reader of imports; used by the tests beside it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "evkit"

LAYER = {
    "core": 1, "merkle": 2, "hashing": 3, "images": 4, "identity": 5, "ledger": 6, "custody": 7,
    "manifest": 8, "verify": 9, "acquire": 10, "inventory": 11, "station": 12, "bundle": 13,
    "actions": 14, "cli": 17,
}  # fmt: skip

# outside library -> where it may be imported: a package, or one module
FENCED = {
    "yaml": {"core.data"},
    "isal": {"images"},
    "pyewf": {"images"},
    "pyvmdk": {"images"},
    "pyvhdi": {"images"},
    "cryptography": {"identity"},
    "pytsk3": {"inventory"},
    "magic": {"inventory"},
    "pylibmagic": {"inventory"},
    "pyfsapfs": {"inventory"},
    "pyfsntfs": {"inventory"},
    "pyarrow": {"inventory.exports.parquet"},
    "py7zr": {"inventory"},
    "sqlite3": {"station", "inventory"},
    "jinja2": {"bundle"},
    "segno": {"bundle"},
    "click": {"cli"},
    "rich": {"cli"},
}
# the standard library's ways to a network or to code from outside
STANDARD_FENCED: dict[str, set[str]] = {
    "socket": {"acquire.opener", "acquire.opener_child"},  # a Unix socket pair: docs/adr/0010
    "urllib": set(),
    "http": set(),
    "ftplib": set(),
    "smtplib": set(),
    "pickle": set(),
    "marshal": set(),
    "shelve": set(),
    "random": set(),
    "time": {"core.clock"},
}


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the package as `core.errors` and its path; `` for `evkit` itself."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        yield ".".join(parts), path


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Every imported module name, its line, and whether it is for type checking only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            typing_only.update(id(child) for part in node.body for child in ast.walk(part))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node.lineno, id(node) in typing_only
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield base, node.lineno, id(node) in typing_only
            if base == "evkit":
                for name in node.names:
                    yield f"evkit.{name.name}", node.lineno, id(node) in typing_only


def package_of(module: str) -> str:
    """`core.errors` -> `core`."""
    return module.split(".", maxsplit=1)[0]


def needs(path: Path, known: Collection[str]) -> set[str]:
    """Return the modules among `known` that a file imports; of a package the module named."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names if name.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            full = {f"{node.module}.{name.name}" for name in node.names}
            found.update(full & set(known))
            if node.module in known and not full <= set(known):
                found.add(node.module)
    return found
