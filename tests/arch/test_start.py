"""What is loaded at start, and what the verifier may load."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = {
    "click", "rich", "cryptography", "isal", "pytsk3", "pyewf", "magic", "yaml", "jinja2", "segno",
    "sqlite3", "json", "dataclasses", "subprocess", "multiprocessing", "typing", "re",
}  # fmt: skip


def test_version_loads_nothing_heavy():
    code = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "sys.argv = ['evkit', '--version']\n"
        "from evkit.cli.main import entry\n"
        "try:\n    entry()\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "import json\n"
        "print(json.dumps(sorted(set(sys.modules) - before - {'json'})), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("evkit ")
    loaded = {name.split(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}
    assert loaded & (HEAVY - {"json", "re", "typing"}) == set()


def test_help_loads_no_library_but_click():
    code = (
        "import sys\n"
        "from evkit.cli.main import run\n"
        "run(['--help'])\n"
        "print(','.join(sorted({m.split('.')[0] for m in sys.modules})), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.splitlines()[-1].split(","))
    assert "click" in loaded
    assert (
        loaded & {"rich", "cryptography", "pytsk3", "yaml", "jinja2", "segno", "sqlite3"} == set()
    )
