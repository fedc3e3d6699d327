"""The examples of the format pages are what evkit writes."""

from __future__ import annotations

import hashlib
import re

from evkit.core import ejson, paths
from evkit.hashing import piecefile, pieces
from evkit.hashing.lists import formats
from evkit.hashing.rows import Row


def _page(repository, name):
    return (repository / "docs" / "spec" / name).read_text("utf-8")


def test_pieces(repository):
    page = _page(repository, "pieces.md")
    hasher = pieces.PieceHasher()
    hasher.update(b"abc")
    tree = hasher.finish()
    assert ejson.dumps(tree.fields()).decode() in page
    assert piecefile.encode(tree).hex() == "".join(re.findall(r"^[0-9a-f]+$", page, re.MULTILINE))


def test_evkit_json(repository):
    page = _page(repository, "evkit-json.md")
    data = ejson.dumps({"b": [1, "é"], "a": None})
    assert f"```\n{data.decode()}\n```" in page
    assert f"the {len(data)} bytes" in page
    assert hashlib.sha256(data).hexdigest() in page


def test_paths(repository):
    data = ejson.dumps(paths.to_fields(b"a\xff\n"))
    assert data.decode() in _page(repository, "paths.md")


def test_lists(repository):
    page = _page(repository, "list-formats.md")
    names = ("md5", "sha256")
    digests = {name: hashlib.new(name, b"abc").hexdigest() for name in names}
    for form, path in (("jsonl", b"a"), ("hashdeep", b"/e/a,b.txt")):
        encode = formats.ListEncoder(form=form, algorithms=names)
        said = ["Made by evkit 0.1.0 at 2026-11-22T14:05:00+05:00"]
        text = formats.header(form, names, said) + encode(Row(path, size=3, digests=digests))
        assert f"```\n{text.decode()}```" in page
