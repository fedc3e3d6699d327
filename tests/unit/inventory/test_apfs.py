"""APFS: the published tree, and containers with several, encrypted or damaged volumes."""

from __future__ import annotations

import os
import random
import sys

import apfskit
import inventorykit as kit
import pytest

from evkit.actions.inventory_said import first_problems
from evkit.core.errors import InputError
from evkit.inventory.coverage import problems
from evkit.inventory.foreign import apfsobjects
from evkit.inventory.runner import Limits
from evkit.inventory.scan import Options

PLAIN = Options(types=False)


@pytest.fixture(scope="module")
def container(vectors, tmp_path_factory):
    folder = tmp_path_factory.mktemp("apfs")
    return kit.unpack(vectors / "images", "apfs.raw", folder).read_bytes()


@pytest.fixture
def inventory_of(tmp_path):
    made = []

    def get(data: bytes, options: Options = PLAIN):
        path = tmp_path / f"{len(made)}.raw"
        path.write_bytes(data)
        made.append(kit.scan(path, tmp_path / f"{len(made)}.db", options))
        assert problems(made[-1].coverage()) == []
        return made[-1]

    yield get
    for inventory in made:
        inventory.close()


def _read(data: bytes):
    return lambda offset, size: data[offset : offset + size]


def test_the_published_tree(container, vectors, inventory_of):
    entry = kit.expected(vectors / "images")["apfs.raw.gz"]
    inventory = inventory_of(container, Options())
    names = {row["path"]: row for row in kit.of_kind(inventory, "name")}
    volume = kit.of_kind(inventory, "filesystem")[0]
    (published,) = kit.fact(entry, "volumes of the container")
    assert (volume["type"], volume["state"], volume["member"]) == ("apfs", "ok", 1)
    assert volume["label"] == published["name"]
    assert volume["identifier"] == published["identifier"]
    in_root = sorted(path[1:] for path in names if path.count("/") == 1 and path != "/")
    assert in_root == kit.fact(entry, "entries of the root directory")
    assert sum(path.startswith("/a_directory/") for path in names) == kit.fact(
        entry, "number of entries of /a_directory"
    )
    for path, inode in kit.fact(entry, "identifiers").items():
        assert names[path]["inode"] == inode
    tree = kit.expected(vectors / "images")["common_tree"]
    found = kit.by_path(inventory)
    for path, facts in tree.items():
        assert found[path]["digests"]["sha256"] == facts["sha256"]
    facts = kit.fact(entry, "/a_directory/another_file")
    name, stream = names["/a_directory/another_file"], found["/a_directory/another_file"]
    assert (name["mode"], name["uid"], name["gid"], name["links"]) == (0o644, 99, 99, 1)
    assert stream["size"] == facts["size"]
    assert stream["extents"] == [[facts["data_extent"]["offset"], facts["size"]]]
    assert names["/a_link"]["target"] == "a_directory/another_file"
    assert inventory.coverage()["result"] == "complete"
    assert inventory.meta["libraries"].startswith("libfsapfs 20")
    assert "network" in inventory.meta["limits"]  # applied or not, it is said


def test_it_is_the_same_while_an_image_is_read_back(container, tmp_path):
    path = tmp_path / "a.raw"
    path.write_bytes(apfskit.with_volumes(container, 2))
    kit.same_both_ways(path, tmp_path / "both", PLAIN)


def test_extended_attributes_and_resource_forks_are_streams(container, inventory_of):
    found = kit.by_path(inventory_of(container))
    attribute = found["/a_directory/a_file:myxattr"]
    assert (attribute["attr"], attribute["flags"]) == (4354, ["resident"])
    import hashlib

    assert attribute["digests"]["md5"] == hashlib.md5(b"My extended attribute").hexdigest()
    fork = found["/a_directory/a_resourcefork:com.apple.ResourceFork"]
    assert (fork["attr"], fork["size"]) == (4353, 17)
    assert "/a_link:com.apple.fs.symlink" not in found


def test_times_are_those_of_the_record_and_not_exchanged(container, inventory_of):
    """The file was made, then written, then given an attribute; libfsapfs exchanges two of them."""
    names = {row["path"]: row for row in kit.of_kind(inventory_of(container), "name")}
    opened = apfsobjects.open_container(_read(container))
    for path in ("/", "/a_directory/a_file", "/passwords.txt", "/.fseventsd"):
        row = names[path]
        stored = apfsobjects.stored_times(_read(container), opened, 0, row["inode"])
        assert [row["times"][key] for key in "bmca"] == [str(value) for value in stored]
    times = names["/a_directory/a_file"]["times"]
    assert int(times["b"]) < int(times["m"]) < int(times["c"])
    assert names["/"]["resolution"] == {"a": 1, "b": 1, "c": 1, "m": 1}


def test_counts_of_the_volume_itself_agree(container, inventory_of):
    names = kit.of_kind(inventory_of(container), "name")
    opened = apfsobjects.open_container(_read(container))
    volume = apfsobjects.open_volume(_read(container), opened, 0)
    kinds = [row["type"] for row in names if row["path"] != "/"]
    assert kinds.count("file") == volume.files
    assert kinds.count("directory") == volume.directories
    assert kinds.count("symlink") == volume.links


def test_each_volume_of_a_container_is_a_file_system_of_its_own(container, inventory_of):
    inventory = inventory_of(apfskit.with_volumes(container, 3))
    volumes = kit.of_kind(inventory, "filesystem")
    assert [(row["fs"], row["member"], row["partition"]) for row in volumes] == [
        (1, 1, 1), (2, 2, 1), (3, 3, 1),
    ]  # fmt: skip
    assert {row["state"] for row in volumes} == {"ok"}
    assert inventory.coverage()["filesystems"] == {"found": 3, "listed": 3, "failed": 0}
    assert inventory.coverage()["names"]["listed"] == 33
    assert inventory.coverage()["bytes"]["partitions"] == len(container)


def test_an_encrypted_volume_is_named_and_never_listed(container, inventory_of):
    data = apfskit.with_volume_fields(container, {264: bytes(8)})
    inventory = inventory_of(data)
    volume = kit.of_kind(inventory, "filesystem")[0]
    assert (volume["type"], volume["state"], volume["reason"]) == (
        "apfs", "encrypted", "apfs-volume",
    )  # fmt: skip
    assert volume["label"] == "apfs_test"
    assert not kit.of_kind(inventory, "name", "stream")
    assert inventory.coverage()["result"] == "with-gaps"
    assert "FileVault" in "\n".join(first_problems(inventory)[0])


def test_slack_and_that_free_space_is_not_known(container, inventory_of):
    inventory = inventory_of(container, Options(types=False, slack=True, unallocated=True))
    rows = kit.of_kind(inventory, "space")
    slack = {row["inode"]: row for row in rows if row["what"] == "slack"}
    assert slack[19]["extents"] == [[393216 + 22, 4096 - 22]]
    (free,) = [row for row in rows if row["what"] == "unallocated"]
    assert (free["state"], free["reason"]) == ("unsupported", "no-map-of-free-space")
    assert inventory.coverage()["spaces"] == {
        "listed": 8, "digested": 7, "skipped": 0, "failed": 1,
    }  # fmt: skip


def test_snapshots_are_named_and_count_as_not_read(container, inventory_of):
    names = [b"com.apple.TimeMachine.2024-01-02-030405.local", "نام\x1b".encode()]
    inventory = inventory_of(apfskit.with_snapshots(container, names))
    rows = kit.of_kind(inventory, "error")
    assert [row["reason"] for row in rows] == ["snapshot-not-read"] * 2
    assert "com.apple.TimeMachine.2024-01-02-030405.local" in rows[0]["detail"]
    assert "\x1b" not in rows[1]["detail"]
    assert inventory.coverage()["result"] == "with-gaps"
    assert inventory.coverage()["names"]["listed"] == 11
    many = inventory_of(apfskit.with_snapshots(container, names, counted=500))
    assert kit.of_kind(many, "error")[-1]["detail"] == "498 more snapshots"


def test_a_container_without_volumes_holds_no_files(container, inventory_of):
    data = bytearray(container)
    for at in apfskit.blocks(container, b"NXSB"):
        apfskit.patch(data, at, {184: bytes(800)})
    volume = kit.of_kind(inventory_of(bytes(data)), "filesystem")[0]
    assert (volume["state"], volume["reason"]) == ("ok", "holds-no-files")


def test_without_the_library_it_is_said_what_to_install(container, inventory_of):
    code = (
        "import sys; sys.modules['pyfsapfs'] = None\n"
        "from evkit.inventory.child import main\n"
        "raise SystemExit(main())"
    )
    options = Options(types=False, command=[sys.executable, "-c", code])
    inventory = inventory_of(container, options)
    volume = kit.of_kind(inventory, "filesystem")[0]
    assert (volume["state"], volume["reason"]) == ("unsupported", "library-not-installed")
    assert "pip install 'evkit[containers]'" in volume["detail"]
    assert inventory.coverage()["result"] == "with-gaps"


def test_truncated_containers(container, inventory_of):
    inventory = inventory_of(container[:390_000])
    volume = kit.of_kind(inventory, "filesystem")[0]
    assert volume["state"] == "damaged"
    assert inventory.coverage()["result"] == "with-gaps"
    for size in (0, 32, 512, 4096, 5000):
        if size:
            assert inventory_of(container[:size]).coverage()["result"] == "with-gaps"


def test_a_container_that_claims_exabytes(container, inventory_of):
    for blocks, reason in ((2**52, "not-readable"), (2**64 - 1, "not-readable"),
                           (1400, "beyond-end-of-image")):  # fmt: skip
        data = bytearray(container)
        for at in apfskit.blocks(container, b"NXSB"):
            apfskit.patch(data, at, {40: blocks.to_bytes(8, "little")})
        inventory = inventory_of(bytes(data))
        volume = kit.of_kind(inventory, "filesystem")[0]
        assert (volume["state"], volume["reason"]) == ("damaged", reason)
        assert inventory.coverage()["result"] == "with-gaps"


ROUNDS = int(os.environ.get("EVKIT_MUTATIONS", "8"))


def test_mutated_containers(container, inventory_of):
    used = [at for at in range(0, len(container), 512) if any(container[at : at + 512])]
    for seed in range(ROUNDS):
        chance = random.Random(f"apfs {seed}")
        data = bytearray(container)
        touched = set()
        for _ in range(chance.choice((1, 4, 32))):
            place = min(chance.choice(used) + chance.randrange(512), len(data) - 9)
            size = chance.choice((1, 2, 8))
            data[place : place + size] = chance.choice((chance.randbytes(size), b"\xff" * size))
            touched.add(place // apfskit.BLOCK * apfskit.BLOCK)
        if chance.random() < 0.7:  # with checksums that are right
            for at in touched:
                if at:
                    apfskit.patch(data, at, {})
        options = Options(types=False, limits=Limits(silence=30, cpu=30, memory=1 << 30))
        try:
            inventory = inventory_of(bytes(data), options)
        except InputError:
            continue
        for row in kit.of_kind(inventory, "stream"):
            assert ("digests" in row) == (row["state"] == "ok")


def test_any_damage_of_the_structures_is_an_input_error(container):
    for seed in range(200):
        chance = random.Random(seed)
        data = bytearray(apfskit.with_snapshots(container, [b"one", b"two"]))
        marks = apfskit.blocks(bytes(data), b"NXSB") + apfskit.blocks(bytes(data), b"APSB")
        trees = [at for at in range(0, len(data), 4096) if data[at + 24] in {2, 3, 0xB}]
        for at in chance.sample(marks + trees, 3):
            place = chance.randrange(8, 1000)
            apfskit.patch(data, at, {place: chance.randbytes(chance.choice((1, 2, 8)))})
        try:
            opened = apfsobjects.open_container(_read(bytes(data)))
            for number in range(len(opened.volumes)):
                volume = apfsobjects.open_volume(_read(bytes(data)), opened, number)
                apfsobjects.snapshots(_read(bytes(data)), opened, volume)
                apfsobjects.stored_times(_read(bytes(data)), opened, number, 2)
        except InputError:
            continue


def test_a_tree_that_leads_to_itself_ends(container):
    data = bytearray(container)
    opened = apfsobjects.open_container(_read(container))
    (tree,) = [int.from_bytes(container[opened.omap * 4096 + 48 :][:8], "little")]
    at = tree * 4096
    end = 4096 - 40
    value = tree.to_bytes(8, "little")
    apfskit.patch(data, at, {32: b"\x05\x00\x01\x00", end - 16: value + value, end - 8: value})
    with pytest.raises(InputError):
        apfsobjects.open_volume(_read(bytes(data)), opened, 0)
