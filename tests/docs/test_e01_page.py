"""The page about E01 says what the writer does."""

from __future__ import annotations

import re

import e01kit
import pytest

from evkit.images.e01 import header, layout, plan


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs/spec/e01.md").read_text()


def rows(page, heading):
    """Rows `| offset | bytes | content |` of the first table under a heading."""
    part = page.split(heading, 1)[1]
    found = re.findall(r"^\| (\d+) \| (\d+) \| (.+?) \|$", part.split("\n\n## ")[0], re.MULTILINE)
    return [(int(at), int(size), text) for at, size, text in found]


def test_the_volume(page):
    made = e01kit.plan(
        70_000 * 4096, sector_size=4096, media_type="memory", physical=True,
        write_blocker="fastbloc", error_granularity=3, compression="best",
    ).volume  # fmt: skip
    expected = {
        "media type": 16, "chunks": 8750, "sectors in": 8, "sector size": 4096, "sectors": 70_000,
        "flags": 7, "compression": 2, "error granularity": 3,
        "identifier": int.from_bytes(e01kit.GUID, "little"),
    }  # fmt: skip
    told = bytearray(1052)
    for at, size, text in rows(page, "## volume and data"):
        told[at : at + size] = made[at : at + size]
        if text == "Adler-32":
            continue
        name = max((key for key in expected if text.startswith(key)), key=len)
        assert int.from_bytes(made[at : at + size], "little") == expected.pop(name)
    assert expected == {}
    assert bytes(told) == made


def test_the_parts_of_a_segment_and_of_a_descriptor(page):
    told = rows(page, "## Segment files")
    assert [(at, size) for at, size, _ in told] == [
        (0, 8), (8, 1), (9, 2), (11, 2), (0, 16), (16, 8), (24, 8), (32, 40), (72, 4),
    ]  # fmt: skip
    assert bytes.fromhex(told[0][2].strip("`")) == layout.MAGIC
    assert layout.FILE_HEADER.size == 13
    assert layout.DESCRIPTOR.size == 76


def test_the_order_of_the_sections(page, tmp_path):
    data = bytes(range(256)) * 128 * 5
    paths = e01kit.write_e01(
        tmp_path, data, segment_size=70_000, compression="none", unread=[(0, 1)]
    )
    parts = dict(re.findall(r"^\| ([a-z ]+) \| (.*`.*) \|$", page, re.MULTILINE))
    named = {key: re.findall(r"`(\w+)`", text) for key, text in parts.items()}
    group = re.search(r"A \*group\* is (.*)\.", page)[1]
    groups = re.findall(r"`(\w+)`", group)
    found = [
        [part.kind for part in e01kit.sections(path.read_bytes(), number)]
        for number, path in enumerate(paths, 1)
    ]
    assert len(found) > 2
    assert found[0] == named["first"] + groups + named["all but the last end with"]
    end = named["the last ends with"]
    assert end[0] == "data"
    assert found[-1] == named["others"] + groups + end[1:]
    (tmp_path / "one").mkdir()
    single = e01kit.write_e01(tmp_path / "one", data, unread=[(0, 1)])[0]
    kinds = [part.kind for part in e01kit.sections(single.read_bytes(), 1)]
    assert kinds == named["first"] + groups + end


def test_the_names_of_the_case_details(page):
    text = page.split("## header2 and header", 1)[1]
    assert "⇥".join(header._NAMES2) in text
    assert f"header    1\n          main\n          {'⇥'.join(header._NAMES)}\n" in text
    sources = header._SOURCES2.replace("\t", "⇥").split("\n")[:-1]
    told = [line or "(empty line)" for line in sources]
    assert "\n".join(f"          {line}" for line in told) in text


def test_the_limits(page):
    assert f"{layout.LAST_SEGMENT:,} names" in page
    assert f"{header.MAX_UNITS:,} UTF-16 units" in page
    assert f"{plan.MAX_ERRORS:,}" in page
    assert f"{plan.GROUP:,} by default, at most {layout.MAX_ENTRIES:,}" in page
    assert f"{plan.SEGMENT_SIZE >> 20:,} MiB by default" in page
    sizes = re.search(r"sector size: ([\d, or]+)", page)[1]
    assert [int(size) for size in re.findall(r"\d+", sizes)] == list(plan.SECTOR_SIZES)


def test_the_table(page):
    text = page.split("`sectors` holds the chunks", 1)[1]
    told = [(at, size) for at, size, _ in rows("## x" + text, "## x")]
    assert told == [(0, 4), (4, 4), (8, 8), (16, 4), (20, 4)]
    assert layout.TABLE_HEADER.size == 24
