"""docs/spec/e01-reading.md lists exactly the findings that the E01 reader makes."""

from __future__ import annotations

import re

from evkit.images.e01 import facts
from evkit.images.e01.finding import AMBIGUOUS

CALL = re.compile(r'(?:\.add|_note)\(\s*"([a-z0-9-]+)"')


def test_every_finding_is_listed_and_no_other(repository):
    page = (repository / "docs" / "spec" / "e01-reading.md").read_text()
    table = page.split("| code | means |")[1].split("\n\n")[0]
    rows = [row.split(" | ")[0] for row in table.split("\n")[2:]]
    listed = {code for row in rows for code in re.findall(r"`([a-z0-9-]+)`", row)}
    used = {f"{kind}-damaged" for kind in facts._READERS if kind not in {"incomplete", "ltree"}}
    for path in (repository / "evkit" / "images" / "e01").glob("*.py"):
        used |= set(CALL.findall(path.read_text()))
    used.add("more")
    assert listed == used
    marked = {code for row in rows if "(!)" in row for code in re.findall(r"`([a-z-]+)`", row)}
    assert marked == AMBIGUOUS
