"""What must hold of the inventory of a damaged image; run as a program it tries seeds."""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from pathlib import Path

import imagemutants
from imagemutants import Found, Mutant, Subject

from evkit.core.errors import InputError
from evkit.inventory.coverage import problems
from evkit.inventory.scan import Options
from evkit.manifest import rows

_FAILED = {"damaged", "unreadable", "unsupported", "encrypted"}


def tried(subject: Subject, seed: int, longest: float) -> str:
    """Inventory one mutant and check it; returns `complete`, `with-gaps` or `refused`."""
    mutant, options = subject.mutant(seed), subject.options(seed)
    subject.apply(mutant)
    begun = time.monotonic()
    try:
        found = subject.scan("mutant.db", options)
        wrong = check(subject, mutant, found, options)
    except InputError as error:
        wrong = [] if error.exit_code == 14 else [error]
        assert not (subject.folder / "mutant.db").exists()
        found = None
    finally:
        subject.restore(mutant)
    assert not wrong, f"{subject.name} {seed}: {wrong[:3]}"
    took = time.monotonic() - begun
    assert took < longest, f"{subject.name} {seed}: {took:.1f} seconds"
    return found.all[-1]["result"] if found else "refused"


def check(subject: Subject, mutant: Mutant, found: Found, options: Options) -> list[str]:
    """Return what does not hold of the inventory of a mutant."""
    wrong = list(problems(found.all[-1]))
    for row in found.all:
        try:
            rows.check(row)
        except Exception as error:  # any is a failure of the row
            wrong.append(f"{row}: {error}")
    bad = [row for row in found.all if _fails(row)]
    if bool(bad) == found.complete:
        wrong.append(f"result {found.all[-1]['result']} with {bad[:2]}")
    if subject.raw and subject.name != "ext2.splitraw.000":
        wrong += _digests(subject, mutant, found)
        wrong += _others(subject, mutant, found, options)
        wrong += _content(subject, mutant, found, options)
    if subject.raw and mutant.cut is not None:
        wrong += _cut(subject, mutant, found)
    return wrong


def _fails(row: dict) -> bool:
    state = row.get("state") in _FAILED and "virtual" not in row.get("flags", ())
    return row["row"] == "error" or state


def _digests(subject: Subject, mutant: Mutant, found: Found) -> list[str]:
    """Every digest is that of the bytes of the extents."""
    wrong = []
    kinds = {row["fs"]: row["type"] for row in found.of("filesystem")}
    with open(subject.path, "rb") as handle:
        for row in found.of("stream", "space"):
            stored = {"compressed", "encrypted", "resident"} & set(row.get("flags", ()))
            if row["state"] != "ok" or stored or "extents" not in row or row["size"] > 1 << 28:
                continue
            digest = hashlib.md5()
            left = row["size"]
            for at, size in row["extents"]:
                part = min(size, left)
                if at < 0:
                    digest.update(bytes(part))
                else:
                    handle.seek(at)
                    digest.update(handle.read(part))
                left -= part
            if not left and digest.hexdigest() != row["digests"]["md5"] and not _excused(
                subject, mutant, row, kinds
            ):  # fmt: skip
                wrong.append(f"not the digest of its extents: {row}")
    return wrong


def _excused(subject: Subject, mutant: Mutant, row: dict, kinds: dict) -> bool:
    """NTFS gives zeros behind the length to which a stream was written, whatever lies there."""
    return row["row"] == "stream" and kinds.get(row["fs"]) == "ntfs" and bool(mutant.changes) and (
        mutant.touches(*_record(subject, row))
    )  # fmt: skip


def _record(subject: Subject, row: dict) -> tuple[int, int]:
    size, extents = subject.records.get(row["fs"], (0, []))
    at = row["inode"] * size
    for place, length in extents:
        if at < length:
            return place + at, place + at + size
        at -= length
    return 0, len(subject.data)


def _others(subject: Subject, mutant: Mutant, found: Found, options: Options) -> list[str]:
    """Volumes that are not touched have the rows that they had."""
    if options.slack or options.unallocated:
        return []
    base = subject.base if options.orphans else subject.plain
    before, after = base.volumes(), found.volumes()
    wrong = []
    for key, lines in before.items():
        offset, size, _ = key
        claimed = max(size, *(
            row["size"] for row in base.of("partition") if row["offset"] == offset
        ))  # fmt: skip
        if not mutant.touches(offset, offset + claimed) and key in after and after[key] != lines:
            odd = set(after[key]) ^ set(lines)
            wrong.append(f"an untouched volume changed: {sorted(odd)[:3]}")
    table = [row for row in base.of("partition") if row["kind"] in {"partition", "whole"}]
    inside = any(
        all(
            row["offset"] + 8192 <= at and at + len(data) <= row["offset"] + row["size"]
            for at, data in mutant.changes
        )
        for row in table
    )
    if inside and mutant.cut is None and found.of("partition") != base.of("partition"):
        wrong.append(f"other partitions: {found.of('partition')}")
    return wrong


def _content(subject: Subject, mutant: Mutant, found: Found, options: Options) -> list[str]:
    """Where only content changed, all is there and only digests of what was touched differ."""
    if not mutant.only_content or options.slack or options.unallocated:
        return []
    base = subject.base if options.orphans else subject.plain
    wrong = []
    if len(base.all) != len(found.all):
        return [f"{len(base.all)} rows became {len(found.all)}"]
    for old, new in zip(base.all, found.all, strict=True):
        hit = any(at >= 0 and mutant.touches(at, at + size) for at, size in old.get("extents", ()))
        if old != new and not hit:
            wrong.append(f"{old} became {new}")
    return wrong


def _cut(subject: Subject, mutant: Mutant, found: Found) -> list[str]:
    """What is cut off is said to be missing."""
    last = max(
        row["offset"] + min(row["blocks"] * row["block_size"], row["size"])
        for row in subject.base.of("filesystem") if "blocks" in row
    ) if any("blocks" in row for row in subject.base.of("filesystem")) else 0  # fmt: skip
    if mutant.cut < last and found.complete and subject.name != "ext2.splitraw.000":
        return [f"complete although cut at {mutant.cut} of {last}"]
    return []


def main(names: list[str], first: int, last: int) -> None:
    """Try seeds of some images with forked children and say what came of them."""
    import forkserver

    from evkit.inventory import runner, worker

    vectors = Path(imagemutants.kit.SAMPLES).parent.parent / "shared" / "vectors"
    images = Path(__import__("os").environ.get("EVKIT_VECTORS", vectors)) / "images"
    with tempfile.TemporaryDirectory() as folder:
        server = forkserver.Server(Path(folder) / "stderr")
        runner.start = worker.start = server.start
        for subject in imagemutants.subjects(names, images, Path(folder)):
            begun, outcomes = time.monotonic(), {}
            for seed in range(first, last):
                try:
                    outcome = tried(subject, seed, 120.0)
                except AssertionError as error:
                    outcome = "WRONG"
                    print(error, flush=True)
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
            print(subject.name, outcomes, f"{time.monotonic() - begun:.1f} s", flush=True)
        print((Path(folder) / "stderr").read_text())
        server.close()


if __name__ == "__main__":
    every = [*imagemutants.SAMPLE_IMAGES, *imagemutants.VECTOR_IMAGES]
    chosen = every if sys.argv[1] == "all" else sys.argv[1].split(",")
    main(chosen, int(sys.argv[2]), int(sys.argv[3]))
