"""Inventories made of rows that a test states, and what a browser makes of a page."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from evkit.inventory.coverage import Coverage
from evkit.inventory.database.reader import Inventory
from evkit.inventory.database.store import Writer
from evkit.manifest.rowaccept import facts_of

DIGESTS = {"md5": "0" * 32, "sha256": "0" * 64}
HOSTILE = (
    "</script><script>document.title='owned'</script>.txt",
    "<img src=x onerror=\"document.title='owned'\">.png",
    "<!--<script>.txt",
    "]]>&amp;'\"`${1}{{7*7}}{% raw %}.txt",
    "line\u2028para\u2029\r\n\x1b[31m\x00.txt",
    "invoice\u202egpj.exe",
    "\u0631\u067e\u0648\u0631\u0679.txt",
    "back\\slash.txt",
)


def name(inode: int, path: str, **more) -> dict:
    """Return a name row."""
    row = {
        "row": "name", "fs": 1, "inode": inode, "seq": 0, "path": path, "parent": 2,
        "name": path.rsplit("/", maxsplit=1)[-1], "type": "file", "allocated": True,
        "state": "ok", "zone": "utc",
        "times": {"m": str(1_740_000_000 * 10**9)},
    }  # fmt: skip
    if not more.get("allocated", True):
        row["reallocated"] = "no"
    return row | more


def stream(inode: int, size: int = 10, digest: str = "", **more) -> dict:
    """Return a stream row; without a state it was read whole."""
    row = {
        "row": "stream", "fs": 1, "inode": inode, "seq": 0, "attr": 1, "attr_id": 0, "size": size,
        "bytes_digested": size, "basis": "allocated", "state": "ok",
    }  # fmt: skip
    row |= more
    if row["state"] == "ok":
        row["digests"] = {
            "md5": (digest or "0")[:1] * 32,
            "sha256": (digest or f"{inode:x}").rjust(64, "0"),
        }
    return row


def disk(size: int = 1 << 20) -> list[dict]:
    """Return source, two partitions, a gap between them, and their file systems."""
    half = size // 2
    part = {"row": "partition", "table": "dos", "state": "ok"}
    system = {"row": "filesystem", "state": "ok"}
    return [
        {"row": "source", "kind": "image", "name": "disk.raw", "size": size, "sector_size": 512},
        {**part, "partition": 1, "kind": "gap", "offset": 0, "size": 4096},
        {**part, "partition": 2, "kind": "partition", "offset": 4096, "size": half - 4096,
         "description": "Linux <b>"},
        {**part, "partition": 3, "kind": "partition", "offset": half, "size": size - half},
        {**system, "fs": 1, "partition": 2, "type": "ext4", "offset": 4096, "size": half - 4096},
        {**system, "fs": 2, "partition": 3, "type": "bitlocker", "offset": half,
         "size": size - half, "state": "encrypted"},
    ]  # fmt: skip


def made(path: Path, listed: list[dict], types: dict[int, str] | None = None, **meta) -> Path:
    """Write an inventory of these rows; the coverage row is counted."""
    coverage = Coverage()
    source = listed[0]
    with Writer(os.fsencode(path)) as writer:
        for row in listed:
            coverage.take(facts_of(row))
            writer.add(row)
        if source["kind"] == "image":
            gaps = sum(r["size"] for r in listed if r["row"] == "partition" and r["kind"] == "gap")
            coverage.image_bytes(source["size"], source["size"] - gaps, gaps)
        writer.add(coverage.row())
        for number, mime in (types or {}).items():
            writer.add_type(number, mime)
        writer.finish({"hashes": "md5,sha256", "created": "2026-11-26T00:00:00.000Z", **meta})
    return path


def opened(path: Path) -> Inventory:
    """Open an inventory."""
    return Inventory(os.fsencode(path))


class Browser:
    """Chromium without a window, one start for each question."""

    def __init__(self, program: str, folder: Path) -> None:
        self._command = [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--disable-background-networking", "--no-first-run",
            f"--user-data-dir={folder}/profile",
        ]  # fmt: skip

    def dom(self, page: Path, fragment: str = "", width: int = 1200) -> str:
        """Return the document as it stands after its script ran."""
        done = subprocess.run(
            [*self._command, f"--window-size={width},1500", "--virtual-time-budget=3000",
             "--dump-dom", page.as_uri() + fragment],
            check=True, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        return done.stdout

    def pdf(self, page: Path, target: Path) -> Path:
        """Print a page."""
        subprocess.run(
            [*self._command, f"--print-to-pdf={target}", page.as_uri()],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        return target


def text(markup: str) -> str:
    """Return markup without its tags, entities as they are."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", markup))
