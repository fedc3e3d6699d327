"""Damaged containers: an InputError or an OSError, never another exception, a crash or a hang.

The libraries are native code, so each container is read in a forked child with limits, many
mutations in one; a child that dies by a signal or runs out of time fails the test with the seed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import traceback

import containers
import pytest
import usage

from evkit.actions.image import info
from evkit.core.errors import InputError
from evkit.images.opening import open_image

ROUNDS = int(os.environ.get("EVKIT_MUTATIONS", "8")) * 15
SEED = int(os.environ.get("EVKIT_SEED", "7"))
SECONDS = max(60, ROUNDS // 2)
MEMORY = 2 << 30
READ = 1 << 20
MEDIUM = random.Random(1).randbytes(40_000) + bytes(25_536)
VALUES = (b"\xff\xff\xff\xff", bytes(4), b"\0\0\0\x80", b"\x7f\xff\xff\xff", b"\1\0\0\0")
EDGE = 65536

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def ext2(name):
    return lambda vectors, _: {"a": (vectors / "images" / name).read_bytes()}


def two_extents(_, folder):
    return {
        "a": containers.descriptor(['RW 128 VMFSSPARSE "x.bin"'], parent=("00000009", "base")),
        "x.bin": containers.cowd(65536, {0: b"A" * 512, 70: b"B" * 512}),
        "base": containers.descriptor(['RW 128 FLAT "flat.bin" 0'], cid="00000009"),
        "flat.bin": MEDIUM,
    }


SOURCES = {
    "vmdk": ext2("ext2.vmdk"),
    "vmdk-chain": two_extents,
    "vhd": ext2("ext2.vhd"),
    "qcow": ext2("ext2.qcow2"),
    "ex01": lambda *_: {"a": containers.ex01(MEDIUM, errors=((1, 2),))[0]},
    "l01": lambda *_: {"a": containers.l01({"a.txt": b"hello", "b.txt": b"x" * 9000})},
}


def mutate(rng, data, edges=(0,)):
    """Cut it, flip bits or put in extreme numbers: near the start, in its tables, at the end."""
    found = bytearray(data)
    if rng.random() < 0.2:
        return bytes(found[: rng.randrange(len(found))])
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        where = rng.random()
        if where < 0.4:
            at = rng.randrange(min(512, len(found)))
        elif where < 0.8:
            at = rng.choice(edges) + rng.randrange(EDGE)
            at = min(at, len(found) - 1)
        else:
            at = len(found) - 1 - rng.randrange(min(1024, len(found)))
        if rng.random() < 0.5:
            found[at] ^= 1 << rng.randrange(8)
        else:
            found[at : at + 4] = rng.choice(VALUES)
    return bytes(found)


def look(path):
    """Everything that evkit does with a container: name it, open it, read it."""
    info(path)
    with open_image(path) as image:
        at = 0
        while at < min(image.size, READ):
            block = image.read(at, 1 << 17)
            assert len(block) == min(1 << 17, image.size - at)
            at += len(block)
        image.read(max(0, image.size - 4096), 8192)


def serve(folder, files, seed, edges):
    import resource

    most = usage.addresses() + MEMORY  # what the test run before has taken does not count
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    rng = random.Random(seed)
    names = sorted(files)
    for number in range(ROUNDS):
        changed = rng.choice(names)
        for name in names:
            data = files[name]
            (folder / name).write_bytes(mutate(rng, data, edges) if name == changed else data)
        try:
            look(os.fsencode(folder / "a"))
        except (InputError, OSError):
            continue
        except BaseException:
            sys.stderr.write(f"mutation {number} of seed {seed}\n{traceback.format_exc()}")
            os._exit(1)


def run(folder, files, edges=(0,)):
    for name, data in files.items():
        (folder / name).write_bytes(data)
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)  # ends the child by a signal, which the parent sees
        serve(folder, files, SEED, edges)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, f"the child ended with {status}, seed {SEED}"


@pytest.mark.parametrize("name", SOURCES)
def test_mutations(vectors, tmp_path, name):
    run(tmp_path, SOURCES[name](vectors, tmp_path))


def test_mutations_of_a_vhdx(tmp_path, program):
    (tmp_path / "raw").write_bytes(MEDIUM)
    words = ["convert", "-f", "raw", "-O", "vhdx", "-o", "block_size=1M,log_size=1M"]
    subprocess.run(
        [program("qemu-img"), *words, "raw", "a"], check=True, capture_output=True, cwd=tmp_path
    )
    # its headers, region tables, block table and metadata
    run(tmp_path, {"a": (tmp_path / "a").read_bytes()}, (0, 64 << 10, 192 << 10, 2 << 20, 3 << 20))
