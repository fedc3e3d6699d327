"""The trusted base in practice: verifying a bundle needs click, cryptography and isal, no more."""

from __future__ import annotations

import os
import subprocess
import sys

import bundlekit
import proofkit
import pytest

CHILD = """
import sys

before = set(sys.modules)
KNOWN = {"evkit", "click", "cryptography", "_cffi_backend", "cffi", "_openssl", "isal"}

class Fence:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in KNOWN and top not in sys.stdlib_module_names:
            raise ImportError("refused: " + name)

sys.meta_path.insert(0, Fence())
for known in ("rich", "pytsk3", "yaml", "jinja2", "segno"):
    try:
        __import__(known)
    except ImportError as error:
        assert "refused" in str(error)
    else:
        raise SystemExit("the fence lets through " + known)
from evkit.cli.main import run

code = run(sys.argv[1:])
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print("outside:", sorted(loaded - KNOWN - set(sys.stdlib_module_names)), file=sys.stderr)
raise SystemExit(code)
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A bundle with an image, taken-in files and an inventory, and its memo."""
    home = tmp_path_factory.mktemp("bundle")
    ledger, data = bundlekit.full()
    for name, content in ledger.bundle(**data).items():
        path = home / "bundle" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (home / "memo.txt").write_text(bundlekit.memos.qr_text(ledger.memo()), encoding="utf-8")
    return home


@pytest.mark.parametrize("more", [(), ("--json",), ("--all",)])
def test_verify_imports_nothing_else(bundle, more):
    command = [sys.executable, "-c", CHILD, "verify", str(bundle / "bundle"), "--memo",
               str(bundle / "memo.txt"), *more]  # fmt: skip
    env = {name: value for name, value in os.environ.items() if not name.startswith("EVKIT_")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"word": "PASS"' in done.stdout or done.stdout.startswith("PASS  bundle")
    assert "outside: []" in done.stderr


def test_a_proof_of_origin_needs_no_more(tmp_path):
    station = proofkit.Station()
    (tmp_path / "p.evproof").write_bytes(proofkit.file_of(station.prove(11)))
    (tmp_path / "memo.txt").write_text(
        bundlekit.memos.qr_text(station.ledger.memo()), encoding="utf-8"
    )
    command = [sys.executable, "-c", CHILD, "verify", str(tmp_path / "p.evproof"), "--memo",
               str(tmp_path / "memo.txt"), "--extract", str(tmp_path / "out")]  # fmt: skip
    env = {name: value for name, value in os.environ.items() if not name.startswith("EVKIT_")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("PASS  proof-of-origin")
    assert "outside: []" in done.stderr
    assert (tmp_path / "out").stat().st_size == station.rows[5]["size"]
