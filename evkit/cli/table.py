"""Which command lives where. Modules are imported when their command is used, not before."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """A top-level command: where it is defined, its one-line help, on the first help screen."""

    target: str
    help: str
    first: bool


COMMANDS: dict[str, Entry] = {
    "status": Entry("evkit.cli.status:status", "Show what is running, unfinished or due", True),
    "device": Entry("evkit.cli.device:device", "List, show and guard what is plugged in", True),
    "case": Entry("evkit.cli.case:case", "Open, list, show and close cases", True),
    "exhibit": Entry("evkit.cli.exhibit:exhibit", "Register and show what was seized", True),
    "acquire": Entry("evkit.cli.acquire:acquire", "Image a device, a file or a stream", True),
    "intake": Entry("evkit.cli.intake:intake", "Take in files, folders and foreign images", True),
    "custody": Entry("evkit.cli.custody:custody", "Record and show custody", True),
    "verify": Entry("evkit.cli.verify:verify", "Check a bundle, a case, a proof or an image", True),
    "bundle": Entry("evkit.cli.bundle:bundle", "Pack a case for the court", True),
    "demo": Entry("evkit.cli.demo:demo", "Run the whole job on a sample in one go", True),
    "hash": Entry("evkit.cli.hashing:hash_", "Digest files and folders", False),
    "audit": Entry("evkit.cli.hashing:audit", "Compare a list of digests with files", False),
    "inventory": Entry("evkit.cli.inventory:inventory", "List every file of an image", False),
    "hashset": Entry("evkit.cli.hashset:hashset", "Digests of known and notable files", False),
    "ledger": Entry("evkit.cli.ledger:ledger", "Show, prove, export the ledger; memos", False),
    "image": Entry("evkit.cli.image:image", "Show what an image file is", False),
    "officer": Entry("evkit.cli.officer:officer", "Enrol, list and revoke officers", False),
    "station": Entry("evkit.cli.station:station", "Make, show, back up a station", False),
    "equipment": Entry("evkit.cli.equipment:equipment", "Write blockers and their tests", False),
    "media": Entry("evkit.cli.media:media", "Media that copies are written to", False),
    "copy": Entry("evkit.cli.copy:copy", "Where the copies of acquisitions are", False),
    "trust": Entry("evkit.cli.trust:trust", "Roots of other agencies", False),
    "selftest": Entry("evkit.cli.selftest:selftest", "Check this installation", False),
    "completion": Entry("evkit.cli.completion:completion", "Print a completion script", False),
}
