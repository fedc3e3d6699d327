"""NTFS with clusters over 64 KiB, made by mkntfs and written by ntfs-3g: libtsk cannot read it."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys

import filesystems
import inventorykit as kit
import pytest

from evkit.core.errors import InputError
from evkit.core.paths import from_fields
from evkit.inventory.coverage import problems
from evkit.inventory.runner import Limits
from evkit.inventory.scan import Options

ROUNDS = int(os.environ.get("EVKIT_MUTATIONS", "4"))
SIZE = 64 << 20
BIG = random.Random(1).randbytes(300_000)
GONE = random.Random(2).randbytes(200_000)
PLAIN = Options(types=False, orphans=100)


def _make(program, folder, cluster: int):
    image = folder / f"c{cluster}.ntfs"
    with open(image, "wb") as handle:
        handle.truncate(SIZE)
    subprocess.run(
        [program("mkntfs"), "-q", "-Q", "-F", "-s", "512", "-c", str(cluster), "-p", "0",
         "-H", "255", "-S", "63", str(image)],
        check=True, capture_output=True,
    )  # fmt: skip
    return image


def _fill(program, image, folder):
    filesystems.need_root()
    place = folder / "mounted"
    place.mkdir()
    done = subprocess.run(
        [program("ntfs-3g"), "-o", "streams_interface=windows", image, place],
        capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"ntfs-3g cannot mount here: {done.stderr.decode(errors='replace').strip()}")
    try:
        (place / "folder").mkdir()
        (place / "folder" / "big.bin").write_bytes(BIG)
        (place / "folder" / "small.txt").write_bytes(b"small\n")
        (place / "folder" / "small.txt:stream").write_bytes(b"in a stream\n")
        (place / "large.txt").write_bytes(b"with a large stream\n")
        (place / "large.txt:data").write_bytes(BIG[:150_000])
        os.link(place / "folder" / "small.txt", place / "hard.txt")
        os.symlink("folder/small.txt", place / "link")
        with open(place / "sparse.bin", "wb") as handle:
            handle.seek(10 << 20)
            handle.write(b"end")
        (place / "نام.txt").write_bytes(b"")
        (place / "gone.bin").write_bytes(GONE)
        (place / "gone.txt").write_bytes(b"tiny\n")
        (place / "old").mkdir()
        (place / "old" / "inside.txt").write_bytes(b"inside a deleted folder\n")
        os.sync()
        (place / "gone.bin").unlink()
        (place / "gone.txt").unlink()
        (place / "old" / "inside.txt").unlink()
        (place / "old").rmdir()
    finally:
        subprocess.run(["umount", place], check=True, capture_output=True)


@pytest.fixture(scope="module", params=[131072, 1048576])
def made(request, program, tmp_path_factory):
    """(path of the image, its inventory)."""
    folder = tmp_path_factory.mktemp("clusters")
    image = _make(program, folder, request.param)
    _fill(program, image, folder)
    inventory = kit.scan(image, folder / "i.db", PLAIN)
    yield image, inventory
    inventory.close()


def test_everything_in_use_is_listed(made):
    _, inventory = made
    volume = kit.of_kind(inventory, "filesystem")[0]
    assert (volume["type"], volume["state"]) == ("ntfs", "ok")
    assert volume["block_size"] > 65536
    names = {from_fields(row).decode(): row for row in kit.of_kind(inventory, "name")}
    for path in ("/folder/big.bin", "/hard.txt", "/link", "/sparse.bin", "/نام.txt", "/$MFT"):
        assert names[path]["allocated"], path
    assert names["/hard.txt"]["inode"] == names["/folder/small.txt"]["inode"]
    assert names["/link"]["type"] in {"symlink", "file"}
    assert names["/folder/big.bin"]["parent"] == names["/folder"]["inode"]
    coverage = inventory.coverage()
    assert (coverage["result"], coverage["bytes"]["image"]) == ("complete", SIZE)
    assert problems(coverage) == []


def test_contents_are_those_written(made):
    image, inventory = made
    found = kit.by_path(inventory)
    raw = image.read_bytes()
    for path, content in {
        "/folder/big.bin": BIG,
        "/folder/small.txt": b"small\n",
        "/folder/small.txt:stream": b"in a stream\n",
        "/large.txt:data": BIG[:150_000],
        "/sparse.bin": bytes(10 << 20) + b"end",
        "/نام.txt": b"",
    }.items():
        row = found[path]
        assert row["digests"]["sha256"] == hashlib.sha256(content).hexdigest(), path
        assert row["basis"] == "allocated"
        if "resident" in row.get("flags", ()):
            continue
        placed = b"".join(
            bytes(length) if at < 0 else raw[at : at + length] for at, length in row["extents"]
        ) if content else b""  # fmt: skip
        assert placed == content, path
    assert "sparse" in found["/sparse.bin"]["flags"]
    assert "resident" in found["/folder/small.txt"]["flags"]


def test_a_hard_link_is_digested_once(made):
    _, inventory = made
    inode = next(r["inode"] for r in kit.of_kind(inventory, "name") if r["name"] == "hard.txt")
    rows = [r for r in kit.of_kind(inventory, "stream") if r["inode"] == inode and "name" not in r]
    assert len(rows) == 1


def test_deleted_records_have_their_names_and_the_basis(made):
    _, inventory = made
    names = {row["path"]: row for row in kit.of_kind(inventory, "name")}
    found = kit.by_path(inventory)
    for path, content in {"/gone.bin": GONE, "/gone.txt": b"tiny\n",
                          "/old/inside.txt": b"inside a deleted folder\n"}.items():  # fmt: skip
        assert (names[path]["allocated"], names[path]["reallocated"]) == (False, "no")
        assert found[path]["basis"] == "deleted-runs-recorded"
        assert found[path]["digests"]["md5"] == hashlib.md5(content).hexdigest(), path
    assert names["/old"]["type"] == "directory"
    assert not names["/old"]["allocated"]


def test_times_agree_with_ntfsinfo(made, program):
    image, inventory = made
    rows = {row["path"]: row for row in kit.of_kind(inventory, "name")}
    row = rows["/folder/big.bin"]
    done = subprocess.run(
        [program("ntfsinfo"), "-F", "folder/big.bin", "-f", image],
        capture_output=True, check=True, text=True, env={**os.environ, "TZ": "UTC"},
    )  # fmt: skip
    from evkit.inventory.search.find import show_time

    for key, title in (("b", "File Creation Time"), ("m", "File Altered Time"),
                       ("c", "MFT Changed Time"), ("a", "Last Accessed Time")):  # fmt: skip
        line = next(line for line in done.stdout.splitlines() if title in line)
        clock = show_time(row["times"][key], "utc")[11:19]
        assert clock in line, (line, clock)
    assert set(row["name_times"]) == set("abcm")


def test_names_agree_with_ntfs_3g(made, tmp_path, program):
    image, inventory = made
    place = tmp_path / "again"
    place.mkdir()
    subprocess.run([program("ntfs-3g"), "-o", "ro,show_sys_files", image, place], check=True,
                   capture_output=True)  # fmt: skip
    try:
        theirs = {
            os.path.join(folder, name)[len(os.fsencode(place)) :]
            for folder, folders, files in os.walk(os.fsencode(place))
            for name in folders + files
        }
    finally:
        subprocess.run(["umount", place], check=True, capture_output=True)
    ours = {
        from_fields(row)
        for row in kit.of_kind(inventory, "name")
        if row["allocated"] and row["path"] not in {"/", "/$OrphanFiles"}
    }
    assert {name for name in ours if not name.startswith(b"/$")} == {
        name for name in theirs if not name.startswith(b"/$")
    }
    assert theirs <= ours


def test_free_clusters_and_slack(made, tmp_path):
    image, _ = made
    raw = image.read_bytes()
    options = Options(types=False, slack=True, unallocated=True)
    with kit.scan(image, tmp_path / "i.db", options) as inventory:
        rows = kit.of_kind(inventory, "space")
        volume = kit.of_kind(inventory, "filesystem")[0]
        streams = [r for r in kit.of_kind(inventory, "stream") if r["basis"] == "allocated"]
        assert inventory.coverage()["spaces"]["failed"] == 0
    free = [r["extents"][0] for r in rows if r["what"] == "unallocated"]
    assert any(GONE[:4096] in raw[at : at + size] for at, size in free)
    assert sum(size for _, size in free) % volume["block_size"] == 0
    for stream in streams:
        for at, size in stream.get("extents", ()):
            assert at < 0 or not any(s <= at < s + n or at <= s < at + size for s, n in free)
    (big,) = [r for r in streams if r["size"] == len(BIG)]
    (slack,) = [r for r in rows if r.get("inode") == big["inode"]]
    assert slack["extents"][0][0] == sum(big["extents"][-1])
    assert (len(BIG) + slack["size"]) % volume["block_size"] == 0


def test_without_the_library_it_is_said_what_to_install(made, tmp_path):
    image, _ = made
    code = (
        "import sys; sys.modules['pyfsntfs'] = None\n"
        "from evkit.inventory.child import main\n"
        "raise SystemExit(main())"
    )
    options = Options(types=False, command=[sys.executable, "-c", code])
    with kit.scan(image, tmp_path / "i.db", options) as inventory:
        volume = kit.of_kind(inventory, "filesystem")[0]
    assert (volume["state"], volume["reason"]) == ("unsupported", "library-not-installed")
    assert "clusters of" in volume["detail"]
    assert "pip install 'evkit[containers]'" in volume["detail"]


def test_truncated_and_mutated_volumes(made, tmp_path):
    image, _ = made
    original = image.read_bytes()
    used = [at for at in range(0, len(original), 512) if any(original[at : at + 512])][:4000]
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        data = bytearray(original)
        for _ in range(chance.choice((1, 8, 64))):
            place = chance.choice(used[:600]) + chance.randrange(512)
            size = chance.choice((1, 2, 8))
            data[place : place + size] = chance.choice((chance.randbytes(size), b"\xff" * size))
        if seed % 4 == 0:
            del data[chance.choice((1000, 300_000, 34 << 20)) :]
        path = tmp_path / f"{seed}.ntfs"
        path.write_bytes(data)
        options = Options(types=False, limits=Limits(silence=30, cpu=30, memory=1 << 30))
        try:
            with kit.scan(path, tmp_path / f"{seed}.db", options) as inventory:
                assert problems(inventory.coverage()) == []
        except InputError:
            continue
        finally:
            path.unlink()
