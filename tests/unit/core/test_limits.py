from __future__ import annotations

import io

import pytest

from evkit.core.errors import InputError, UsageError
from evkit.core.limits import parse_size, read_file, read_lines


def test_read_file_keeps_the_cap(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"x" * 10)
    assert read_file(path, 10) == b"x" * 10
    with pytest.raises(InputError, match="over the limit of 9 bytes"):
        read_file(path, 9)


def test_read_file_of_nothing_is_an_input_error_with_an_escaped_name(tmp_path):
    with pytest.raises(InputError, match=r"gone\\x0ahere"):
        read_file(tmp_path / "gone\nhere")


def test_lines_are_numbered_and_capped():
    assert list(read_lines(io.BytesIO(b"a\nb\r\n\nc"))) == [
        (1, b"a\n"), (2, b"b\r\n"), (3, b"\n"), (4, b"c"),
    ]  # fmt: skip
    assert len(list(read_lines(io.BytesIO(b"12345\n12345"), 5))) == 2
    for text in (b"123456\n", b"123456", b"1\n" + b"x" * 100):
        with pytest.raises(InputError, match="over the limit of 5"):
            list(read_lines(io.BytesIO(text), 5))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("4096", 4096), ("640MB", 640_000_000), ("2GiB", 2 << 30), ("700Mi", 700 << 20),
     ("1k", 1000), ("2 gib", 2 << 30), ("3T", 3 * 10**12)],
)  # fmt: skip
def test_sizes(text, expected):
    assert parse_size(text) == expected


@pytest.mark.parametrize("text", ["", "-1", "1.5G", "G", "1X", "٣", "1e9", "0x10", "1" * 16])
def test_not_sizes(text):
    with pytest.raises(UsageError, match="is not a size"):
        parse_size(text)
