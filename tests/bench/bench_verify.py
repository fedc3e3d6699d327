"""How long the demo takes, and how long a verifier waits for its bundle."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from harness import Row, median_wall, run


def rows() -> list[Row]:
    """Two rows: the demo, the verification of its bundle."""
    evkit = str(Path(sys.executable).parent / "evkit")
    with tempfile.TemporaryDirectory() as name:
        home = {"HOME": name, "XDG_STATE_HOME": f"{name}/state"}
        for setting in [key for key in os.environ if key.startswith("EVKIT_")]:
            home[setting] = ""
        demo = run([evkit, "demo", "--dir", f"{name}/demo"], env=home)
        command = [evkit, "verify", f"{name}/demo/bundle", "--memo", f"{name}/demo/memo.txt"]
        runs = [run(command, env=home) for _ in range(6)][1:]
    verify = median_wall(runs)
    return [
        Row(job="`evkit demo`", ours=demo.wall, floor="under 20 s", ok=demo.wall < 20),
        Row(
            job="`evkit verify` of the demo's bundle",
            ours=verify,
            floor="under 1 s",
            ok=verify < 1,
            rss=max(one.rss for one in runs),
        ),
    ]
