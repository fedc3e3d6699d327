"""Maps of evkit in the tools of GNU ddrescue, and the other way round, without a failing disk."""

from __future__ import annotations

import os
import subprocess

import pytest

from evkit.acquire import mapfile
from evkit.acquire.mapfile import RescueMap

SIZE = 1 << 20


def chart_of_all():
    chart = RescueMap(SIZE + 188)
    for number, status in enumerate("+*/-+?-+"):
        chart.mark(number * 65536, 512 * (number + 1), status)
    chart.position, chart.phase, chart.number = 65536, "*", 1
    return chart


def tool(program, *arguments, data=None):
    done = subprocess.run(
        [program("ddrescuelog"), *arguments], check=False, capture_output=True, input=data
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("phase", "+?*/-")
@pytest.mark.parametrize("number", [1, 2, 3])
def test_every_state_is_understood(program, tmp_path, phase, number):
    chart = chart_of_all()
    chart.phase, chart.number = phase, number
    (tmp_path / "map").write_bytes(mapfile.encode(chart))
    shown = tool(program, "--show-status", tmp_path / "map").decode()
    words = {"non-tried": "?", "rescued": "+", "non-trimmed": "*", "non-scraped": "/",
             "bad-sector": "-"}  # fmt: skip
    for line in shown.splitlines():
        name, _, rest = line.strip().partition(":")
        if name in words:
            assert f" in {len(list(chart.ranges(words[name]))):6} area" in rest, line


def test_sectors_of_a_status(program, tmp_path):
    chart = chart_of_all()
    (tmp_path / "map").write_bytes(mapfile.encode(chart))
    for status in "+*/-?":
        listed = tool(program, f"--list-blocks={status}", tmp_path / "map").split()
        wanted = [
            str(sector)
            for offset, length in chart.ranges(status)
            for sector in range(offset // 512, (offset + length + 511) // 512)
        ]
        assert [word.decode() for word in listed] == wanted


def test_maps_that_the_tool_changes_come_back(program, tmp_path):
    chart = chart_of_all()
    path = tmp_path / "map"
    path.write_bytes(mapfile.encode(chart))
    changed = tool(program, "--invert-mapfile", path)
    found = mapfile.parse(changed, chart.size)
    assert list(found.ranges("-")) == list(chart.ranges("+"))
    noted = tool(program, "--annotate-mapfile", path)
    assert list(mapfile.parse(noted).blocks()) == list(chart.blocks())
    assert tool(program, "--compare-mapfile", path, path) is not None


def test_a_finished_map_is_done(program, tmp_path):
    (tmp_path / "map").write_bytes(mapfile.encode(mapfile.of_gaps([], SIZE)))
    tool(program, "--done-status", tmp_path / "map")


def test_ddrescue_reads_what_a_map_lacks_and_nothing_else(program, tmp_path):
    """Of a file without errors; what stands in the image already must stay as it is."""
    content = os.urandom(SIZE + 188)
    source, image, path = tmp_path / "source", tmp_path / "image", tmp_path / "map"
    source.write_bytes(content)
    chart = chart_of_all()
    path.write_bytes(mapfile.encode(chart))
    image.write_bytes(bytes(chart.size))
    subprocess.run(
        [program("ddrescue"), "--quiet", "--retry-passes=1", source, image, path], check=True
    )
    wanted = bytearray(content)
    for offset, length in chart.ranges("+"):
        wanted[offset : offset + length] = bytes(length)
    assert image.read_bytes() == bytes(wanted)
    assert mapfile.read(os.fsencode(path), chart.size).total("+") == chart.size
