"""Millions of made-up rows into an inventory file, and what that costs.

`python manyrows.py FILE ROWS` prints one JSON object: seconds of each tenth and of the end, by the
clock and of the processor, and the peak memory.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator

import usage

from evkit.inventory.coverage import Coverage
from evkit.inventory.database.store import Writer
from evkit.manifest.rowaccept import accept

FOLDER = 1000  # files of a folder
_NAME = (
    '{"allocated":true,"fs":1,"gid":1000,"inode":%d,"links":1,"mode":420,"name":"file %07d.jpg",'
    '"parent":%d,"path":"/home/user/folder %d/file %07d.jpg",'
    '"resolution":{"a":1,"b":1,"c":1,"m":1},"row":"name","seq":0,"state":"ok","times":'
    '{"a":"1795663947000000000","b":"1795663967000000000","c":"1795663947000000000",'
    '"m":"%d000000000"},"type":"file","uid":1000,"zone":"utc"}'
)
_STREAM = (
    '{"attr":1,"attr_id":0,"basis":"allocated","bytes_digested":%d,"digests":{"md5":"%032x",'
    '"sha256":"%064x"},"extents":[[%d,%d]],"fs":1,"inode":%d,"row":"stream","seq":0,"size":%d,'
    '"state":"ok"}'
)
_SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC8341082276BF3A27251F86C6A11D0C18E95


def rows(count: int) -> Iterator[bytes]:
    """Yield rows: of each folder the names, then the streams in the order of another disk."""
    for first in range(0, count // 2, FOLDER):
        for number in range(first, first + FOLDER):
            folder = number // FOLDER
            values = (number + 12, number, 2 + folder, folder, number, 1600000000 + number)
            yield (_NAME % values).encode("ascii")
        for turn in range(FOLDER):
            number = first + turn * 7919 % FOLDER
            size = number * 2654435761 % 100000
            digest = number * _SPREAD % (1 << 256)
            values = (size, digest >> 128, digest, number << 17, size or 1, number + 12, size)
            yield (_STREAM % values).encode("ascii")


def fill(path: bytes, count: int) -> dict[str, object]:
    """Write an inventory; returns the seconds of each tenth without those of making the rows up."""
    walls, cpus, coverage = [], [], Coverage()
    with Writer(path, {"name": "made up"}) as writer:
        source = rows(count)
        for _ in range(10):
            wall = cpu = 0.0
            for _ in range(count // 10 // 1000):
                block = [next(source) for _ in range(1000)]
                begun, used = time.perf_counter(), time.process_time()
                for data in block:
                    facts = accept(data)
                    coverage.take(facts)
                    number = writer.add_bytes(data, facts)
                    if number % 4 == 3:
                        writer.add_type(number, "image/jpeg")
                writer.checkpoint()
                wall += time.perf_counter() - begun
                cpu += time.process_time() - used
            walls.append(wall)
            cpus.append(cpu)
        begun, used = time.perf_counter(), time.process_time()
        writer.add(coverage.row())
        writer.finish({"hashes": "md5,sha256"})
        end = time.perf_counter() - begun, time.process_time() - used
    return {
        "wall": walls,
        "cpu": cpus,
        "end_wall": end[0],
        "end_cpu": end[1],
        "rss": usage.peak(),
        "size": os.path.getsize(path),
    }


if __name__ == "__main__":
    print(json.dumps(fill(os.fsencode(sys.argv[1]), int(sys.argv[2]))))
