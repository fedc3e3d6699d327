"""Any bytes as a name, a stream and a target: through every export and back."""

from __future__ import annotations

import tempfile
from pathlib import Path

import exportkit as kit
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from evkit.core.paths import to_fields

NAME = st.one_of(
    st.binary(min_size=1, max_size=24),
    st.text(min_size=1, max_size=12).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(
        st.sampled_from([b"=", b"|", b";", b",", b'"', b"'", b"\\", b" ", b"\n", b"\r", b"\t",
                         b"%41", b"(deleted)", b" -> ", b"($FILE_NAME)", b"+", b"-", b"@", b":",
                         b"\xef\xbc\x9d", b"x3d", b"\\x3d", b"&", b"<", b"]]>", b"\x1b", b"\x00",
                         b"\xef\xbf\xbe", b"\xff", b"u{202e}", b"\xe2\x80\xae", b"#"]),
        min_size=1, max_size=8,
    ).map(b"".join),
).filter(lambda name: b"/" not in name)  # fmt: skip


def _read_back(names: list[bytes]) -> None:
    rows = [kit.source(), kit.filesystem()]
    for number, text in enumerate(names, 10):
        rows += [
            kit.name(b"/" + text, number, **to_fields(text, "target")),
            kit.stream(number),
            kit.stream(number, attr=2, **to_fields(text, "name")),
        ]
    with (
        tempfile.TemporaryDirectory() as folder,
        kit.made(Path(folder) / "i.db", rows) as inventory,
    ):
        made = {kind: kit.data(inventory, kind) for kind in ("csv", "dfxml", "bodyfile")}
        table, _ = kit.frame(kit.data(inventory, "parquet"))
    whole = [b"/" + text for text in names]
    lines = [line for line in kit.table(made["csv"]) if line["row"] == "entry"]
    assert [kit.unescape(line["path"]) for line in lines[::2]] == whole
    assert [kit.unescape(line["stream"]) for line in lines[1::2]] == names
    assert [kit.unescape(line["target"]) for line in lines[::2]] == names
    etree.fromstring(made["dfxml"])
    found = [kit.exact(item) for item in kit.files(made["dfxml"])]
    assert found[::2] == names
    assert found[1::2] == [text + b":" + text for text in names]
    fields = kit.body(made["bodyfile"])
    assert {len(line) for line in fields} == {11}
    assert [kit.unescape(line[1]) for line in fields[::2]] == whole
    entries = [row for row in table.to_pylist() if row["row"] == "entry"]
    assert [row["path_raw"] for row in entries[::2]] == whole
    assert [row["stream_raw"] for row in entries[1::2]] == names


@given(st.lists(NAME, min_size=1, max_size=6, unique=True))
@example([b"a", b"\\x61", b"a (deleted)", b"a\\x20(deleted)"])
@settings(max_examples=60, deadline=None)
def test_every_name_comes_back_from_every_export(names):
    _read_back(names)
