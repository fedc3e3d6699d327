"""libmagic asked with a part of its rules gives the answer of all of them."""

from __future__ import annotations

import codecs
import random

import magic
import pytest
from magicfile import WORDS, inputs

from evkit.core.errors import InputError
from evkit.inventory.types import narrow
from evkit.inventory.types.filetype import FileTypes
from evkit.inventory.types.narrow import Narrow

FLAGS = magic.MAGIC_MIME_TYPE


@pytest.fixture(scope="module")
def whole():
    cookie = magic.magic_open(FLAGS)
    magic.magic_load(cookie, None)
    return lambda head: _answer(lambda: magic.magic_buffer(cookie, head))


@pytest.fixture
def parts(monkeypatch):
    monkeypatch.setattr(narrow, "_WORTH", 1)
    monkeypatch.setattr(narrow, "_WORTH_TEXT", 1)
    made = Narrow(magic, FLAGS, narrow.default(magic))
    return made, lambda head: _answer(lambda: made.ask(head))


def _answer(ask):
    try:
        return ask()
    except magic.MagicException as error:
        return str(error)


def _agree(heads, ask, whole):
    """Return how many heads were answered by a part of the rules; each as by all of them."""
    answered = 0
    for head in heads:
        part = ask(head)
        if part is not None:
            answered += 1
            assert part == whole(head), head[:64]
    return answered


@pytest.mark.parametrize("first", range(3))
def test_inputs_made_for_rules_get_the_same_answer(first, parts, whole):
    made, ask = parts
    chance = random.Random(first)
    rules = chance.sample(made.database.rules, 150)
    heads = [head for rule in rules for head in inputs(made.database.steps(rule), chance)]
    assert _agree(heads, ask, whole) > 0.9 * len(heads)


def test_texts_in_every_encoding_get_the_same_answer(parts, whole):
    _, ask = parts
    texts = [WORDS * 3, b"<html><title>x</title>", b"#!/bin/sh\necho\n", b"import os\ndef f():\n"]
    texts += [b"{\\rtf1 x}", b"%PDF-1.4\n", b'{"a": [1, 2]}', b"a,b\n1,2\n3,4\n", b"=pod\n\nx\n"]
    heads = []
    for text in texts:
        words = text.decode()
        for name in ("utf-8", "utf-16", "utf-16-be", "utf-32", "cp500", "utf-7"):
            heads.append(words.encode(name))
        heads += [codecs.BOM_UTF8 + text, codecs.BOM_UTF16_LE + words.encode("utf-16-le")]
        heads += ["ähnlich ".encode("latin-1") + text, "اردو ".encode() + text, b"+/v8" + text]
        heads += [
            text + bytes(9),
            text + b"\0x",
            bytes(1) + text,
            text + b"\x85\x95",
            text + b"\x01",
        ]
    assert _agree(heads, ask, whole) > 0.9 * len(heads)


def test_files_of_this_machine_and_damaged_ones_get_the_same_answer(parts, whole, repository):
    _, ask = parts
    chance = random.Random(3)
    files = sorted(p for p in (repository / "evkit").rglob("*") if p.is_file())[:150]
    files += sorted(p for p in (repository / "sample_images").rglob("*") if p.is_file())
    heads = [path.read_bytes()[: 64 << 10] for path in files]
    for head in list(heads):
        data = bytearray(head or b"x")
        for _ in range(6):
            data[chance.randrange(min(len(data), 600))] = chance.randrange(256)
        heads += [bytes(data), head[: chance.randrange(len(data))]]
    assert _agree(heads, ask, whole) > 0.8 * len(heads)


def test_many_kinds_of_input_do_not_fill_the_memory(parts, whole, monkeypatch):
    made, ask = parts
    monkeypatch.setattr(narrow, "_KEPT", 4 << 20)
    monkeypatch.setattr(narrow, "_SEEN", 16)
    chance = random.Random(9)
    rules = chance.sample(made.database.rules, 60)
    heads = [head for rule in rules for head in inputs(made.database.steps(rule), chance)]
    assert _agree(heads, ask, whole) > 0.8 * len(heads)
    assert made.kept <= (4 << 20) + (2 << 20)


def test_a_kind_of_input_is_worth_a_database_from_the_sixth_on():
    made = Narrow(magic, FLAGS, narrow.default(magic))
    answers = [made.ask(b"GIF89a" + b"\1" * (40 + n)) for n in range(8)]
    assert answers == [None] * 5 + [b"image/gif"] * 3


def test_what_is_no_database_is_refused():
    with pytest.raises(InputError):
        Narrow(magic, FLAGS, b"not a database")


class _Magic:
    def __init__(self, paths):
        self.libmagic = self
        self.paths = paths

    @property
    def magic_getpath(self):
        def ask(_file, _action):
            return ":".join(map(str, self.paths)).encode()

        return ask


def test_rules_beside_the_compiled_ones_are_noticed(tmp_path):
    (tmp_path / "a.mgc").write_bytes(b"one")
    (tmp_path / "b.mgc").write_bytes(b"two")
    (tmp_path / "comments").write_text("# nothing\n\n  \n")
    (tmp_path / "rules").write_text("0 string x y\n")
    (tmp_path / "folder").mkdir()
    assert narrow.default(_Magic([tmp_path / "comments", tmp_path / "a"])) == b"one"
    assert narrow.default(_Magic([tmp_path / "a.mgc", tmp_path / "absent", ""])) == b"one"
    for paths in (["a", "b"], ["rules", "a"], ["folder", "a"], ["absent"], []):
        with pytest.raises(InputError):
            narrow.default(_Magic([tmp_path / path for path in paths]))


def test_file_types_stay_the_same_when_there_are_many():
    chance = random.Random(2)
    starts = (
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"%PDF-1.5\n",
        b"\x7fELF",
        b"PK\x03\x04",
        b"",
        b"text ",
    )
    heads = [chance.choice(starts) + chance.randbytes(chance.randrange(200)) for _ in range(1200)]
    types, plain = FileTypes(), FileTypes()
    plain._database = b""
    assert [types.of(head) for head in heads] == [plain.of(head) for head in heads]
    assert types.narrowed
    assert not plain.narrowed
