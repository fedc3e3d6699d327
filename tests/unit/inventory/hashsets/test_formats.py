"""Every form of a source is recognised and read; what is not taken is counted, never dropped."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sqlite3

import hashsetkit as kit
import pytest

from evkit.core.errors import InputError, UsageError
from evkit.core.progress import SILENT
from evkit.inventory.hashsets import formats, vics

SHA256, SHA1, MD5 = (digest.hex() for digest in kit.digests(1))


def written(tmp_path, data):
    path = tmp_path / "source"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def form(path) -> str:
    return formats.recognise(os.fsencode(path))


def hexes(found) -> list[list[str]]:
    return [[digest.hex() for digest in entry] for entry in found.entries]


LISTS = {
    "plain": f"{MD5}\n{SHA1.upper()}  \n\n# note\n{SHA256}\r\nxyz\n{'0' * 128}\n",
    "sum": f"{MD5}  a.txt\n\\{SHA1} *b\\nc\nSHA256 (d) = {SHA256}\nnot one\n{MD5}\n",
    "hashdeep": f"""%%%% HASHDEEP-1.0
%%%% size,md5,sha1,sha256,filename
## x
5,{MD5},{SHA1},{SHA256},/a, b
short
5,{"z" * 32},,,x
""",
    "csv": f""""Name","MD5","SHA-1","SHA 256"
"a, b",{MD5},{SHA1},{SHA256}
"open,{MD5},{SHA1},{SHA256}
c,,,
,x,{SHA1},
""",
}


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        ("plain", LISTS["plain"], {"malformed": 1, "other-algorithm": 1}),
        ("sum", LISTS["sum"], {"malformed": 2}),
        ("hashdeep", LISTS["hashdeep"], {"malformed": 2}),
        ("csv", LISTS["csv"], {"malformed": 1, "no-digest": 1}),
        ("csv", f"name;hash\nx;{SHA256}\n", {}),
        ("csv", f"hash value\tname\n{MD5}\tx\n", {}),
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_text_forms(tmp_path, name, text, left, mark):
    path = written(tmp_path, mark + text.encode())
    assert form(path) == name
    found = kit.taken(path)
    assert {digest for entry in hexes(found) for digest in entry} <= {MD5, SHA1, SHA256}
    assert found.entries
    assert found.left == left


def test_all_digests_of_a_row_are_one_entry(tmp_path):
    text = f"%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n5,{MD5},{SHA256},x\n"
    assert hexes(kit.taken(written(tmp_path, text))) == [[MD5, SHA256]]
    text = f"sha256,x,md5\n{SHA256},1,{MD5}\n"
    assert hexes(kit.taken(written(tmp_path, text))) == [[SHA256, MD5]]


def test_rdsv2_is_csv(tmp_path):
    text = (
        '"SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"\n'
        f'"{SHA1.upper()}","{MD5.upper()}","DEADBEEF","a.dll",5,1,"WIN",""\n'
    )
    assert hexes(kit.taken(written(tmp_path, text))) == [[SHA1, MD5]]


@pytest.mark.parametrize("table", ["FILE", "METADATA", "file"])
def test_nsrl(tmp_path, table):
    rows = [kit.nsrl_row(number) for number in range(50)]
    rows.append(("", "", "", "no digest"))
    rows.append(("x" * 64, "", "a" * 31, "malformed"))
    rows.append((" " * 2 + "A" * 62, "", "", "white space"))
    path = kit.nsrl(tmp_path / "RDS.db", rows, table=table)
    assert form(path) == "nsrl"
    found = kit.taken(path)
    assert found.entries == [tuple(kit.digests(number)) for number in range(50)]
    assert found.left == {"no-digest": 1, "malformed": 2}
    raw, sink = os.fsencode(path), kit.Taken()
    assert formats.take(raw, "nsrl", sink, SILENT) == "2026.09.1 modern 2026-09-15"
    assert os.listdir(tmp_path) == ["RDS.db"]


def test_nsrl_without_a_release(tmp_path):
    path = kit.nsrl(tmp_path / "x", [kit.nsrl_row(1)], version=False)
    assert formats.take(os.fsencode(path), "nsrl", kit.Taken(), SILENT) is None


ENDLESS = "WITH RECURSIVE r(sha1) AS (SELECT 1 UNION ALL SELECT 1 FROM r) SELECT * FROM r"
HOSTILE = (
    "CREATE TABLE other (sha256 TEXT)",
    "CREATE TABLE FILE (name TEXT)",
    f"CREATE VIEW FILE AS {ENDLESS}",
    "CREATE VIRTUAL TABLE FILE USING fts4(sha256)",
    "CREATE TABLE FILE (n, sha256 GENERATED ALWAYS AS (hex(zeroblob(1000000000))))",
)


@pytest.mark.parametrize("sql", HOSTILE)
def test_hostile_databases(tmp_path, sql):
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as base:
        try:
            base.execute(sql)
        except sqlite3.OperationalError:
            pytest.skip("this SQLite cannot make it")
    base.close()
    with pytest.raises(InputError, match="not one of NSRL RDSv3"):
        kit.taken(path)


def test_a_value_that_is_very_long(tmp_path):
    path = kit.nsrl(tmp_path / "x", [("a" * (1 << 20), "", "", "x")])
    with pytest.raises(InputError, match="is damaged"):
        kit.taken(path)


def test_damaged_databases(tmp_path):
    path = kit.nsrl(tmp_path / "x", [kit.nsrl_row(number) for number in range(500)])
    whole = path.read_bytes()
    import random

    chance = random.Random(2)
    for _ in range(120):
        data = bytearray(whole)
        for _ in range(20):
            data[chance.randrange(16, len(data))] = chance.randrange(256)
        path.write_bytes(data[: chance.randrange(100, len(data) + 1)])
        found = kit.Taken()
        try:
            formats.take(os.fsencode(path), "nsrl", found, SILENT)
        except InputError:
            continue
        assert all(len(digest) in {16, 20, 32} for entry in found.entries for digest in entry)


@pytest.mark.parametrize("version", ["1.3", "2.0"])
@pytest.mark.parametrize("coded", [False, True])
@pytest.mark.parametrize("cases", [False, True])
def test_project_vic(tmp_path, version, coded, cases):
    path = kit.vics(tmp_path / "x.json", range(40), version=version, coded=coded, cases=cases)
    assert form(path) == "vics"
    wanted = {tuple(sorted(kit.digests(number)[1:])) for number in range(40)}
    assert {tuple(sorted(entry)) for entry in kit.taken(path).entries} == wanted
    some = kit.taken(path, categories=(1, 2))
    assert len(some.entries) == 26
    assert some.left == {"other-category": 14}


@pytest.mark.parametrize("whole", [1, 60, 500])
@pytest.mark.parametrize("piece", [1, 7, 64])
def test_project_vic_in_small_pieces(tmp_path, monkeypatch, whole, piece):
    monkeypatch.setattr(vics, "_PIECE", piece)
    monkeypatch.setattr(vics, "_WHOLE", max(whole, 250))
    path = kit.vics(tmp_path / "x.json", range(9), cases=True)
    assert len(kit.taken(path).entries) == 9


def test_project_vic_of_many_forms(tmp_path):
    md5, sha256 = base64.b64encode(bytes.fromhex(MD5)).decode(), SHA256
    media = [
        {"MediaID": 1, "MD5": md5, "Hashes": [{"HashName": "sha256", "HashValue": sha256}]},
        {"MediaID": 2},
        {"MediaID": 3, "MD5": None},
        {"MediaID": 4, "MD5": "xyz", "SHA1": 5},
        {"MediaID": "5", "MD5": MD5 + "\n", "Category": "1"},
    ]
    path = written(tmp_path, "\n " + json.dumps({"n": 1.5, "value": media, "later": [[]]}))
    found = kit.taken(path)
    assert hexes(found) == [[MD5, SHA256], [MD5]]
    assert found.left == {"no-digest": 2, "malformed": 1}
    path = written(tmp_path, json.dumps(media))
    assert len(kit.taken(path).entries) == 2
    assert len(kit.taken(path, categories=(1,)).entries) == 1


@pytest.mark.parametrize("text", [
    "{", "[", '{"value":', '{"value":[{"MD5":"x"}', "{}", "[]", '{"value":[]}', '{"value":[1,2]}',
    '{"value" [', '{"a":1,}', "[1 2]", '{1:2}', '{"value":[{"MD5":"x"}]} more', "[[[[", "[" * 5000,
    '{"value":' + "[" * 100_000, '[{"a":' * 200 + "1", "[" + "9" * 5000 + "]", '{"\\ud800":1}',
    '[{"MD5":"' + "a" * 3000,
])  # fmt: skip
def test_json_that_is_no_list(tmp_path, text):
    with pytest.raises(InputError):
        kit.taken(written(tmp_path, text), "vics")


def test_a_media_object_that_is_too_large_is_refused_and_not_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(vics, "_WHOLE", 1000)
    monkeypatch.setattr(vics, "_PIECE", 100)
    large = {"Thumbnail": ["x" * 500] * 10, "MD5": MD5}
    path = written(tmp_path, json.dumps({"value": [{"MD5": MD5}, large]}))
    with pytest.raises(InputError, match="over the limit"):
        kit.taken(path)


def test_a_name_that_stands_twice_is_refused_and_not_lost(tmp_path):
    media = f'{{"MediaID":1,"MD5":"{MD5}","MD5":"{"e" * 32}"}}'
    path = written(tmp_path, f'{{"value":[{media}]}}')
    with pytest.raises(InputError, match="stands twice"):
        formats.take(os.fsencode(path), "vics", kit.Taken(), SILENT)


def test_rows_of_a_csv_that_begin_like_a_comment_are_counted(tmp_path):
    path = written(tmp_path, f"# made today\nname,sha256\n#1.jpg,{SHA256}\nb,{SHA256}\n")
    found = kit.Taken()
    formats.take(os.fsencode(path), form(path), found, SILENT)
    assert hexes(found) == [[SHA256]]
    assert found.left == {"malformed": 1}


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_a_database_with_rows_beside_it_is_refused(tmp_path, suffix):
    path = tmp_path / "source"
    writer = sqlite3.connect(path)
    writer.executescript("PRAGMA journal_mode=wal; CREATE TABLE FILE (sha256 TEXT);")
    writer.execute("INSERT INTO FILE VALUES (?)", (SHA256,))
    writer.commit()
    if suffix == "-wal":
        with pytest.raises(InputError, match="is not whole"):
            formats.take(os.fsencode(path), "nsrl", kit.Taken(), SILENT)
    writer.close()
    found = kit.Taken()
    formats.take(os.fsencode(path), "nsrl", found, SILENT)
    assert found.entries
    (tmp_path / f"source{suffix}").write_bytes(b"x")
    with pytest.raises(InputError, match="is not whole"):
        formats.take(os.fsencode(path), "nsrl", kit.Taken(), SILENT)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="it is not a file"):
        formats.recognise(os.fsencode(tmp_path / "pipe"))


def test_what_has_no_form(tmp_path):
    for data in (b"", b"hello\n", bytes(100), b"a,b,c\n1,2,3\n", b"# only\n"):
        with pytest.raises(InputError, match="no form that evkit can make a hash set from"):
            form(written(tmp_path, data))
    with pytest.raises(InputError, match="UTF-16"):
        form(written(tmp_path, f"{MD5}\n".encode("utf-16")))
    mine = b'{"algorithms":["md5"],"schema":"evkit/hash-list/1"}\n'
    with pytest.raises(InputError, match="a list of evkit"):
        form(written(tmp_path, mine))
    with pytest.raises(InputError, match="cannot read"):
        formats.recognise(os.fsencode(tmp_path / "absent"))
    with pytest.raises(InputError, match="cannot read"):
        formats.recognise(os.fsencode(tmp_path))
    with pytest.raises(InputError, match="cannot read"):
        kit.taken(tmp_path / "absent", "plain")


def test_forms_that_were_told_and_are_not_so(tmp_path):
    path = written(tmp_path, f"{MD5}\n")
    for name in ("nsrl", "hashdeep", "csv", "vics"):
        with pytest.raises(InputError):
            kit.taken(path, name)
    with pytest.raises(UsageError, match="no format"):
        kit.taken(path, "xml")
    with pytest.raises(UsageError, match="has categories"):
        kit.taken(path, "plain", categories=(1,))


def test_lines_over_the_limit(tmp_path):
    path = written(tmp_path, MD5 + "\n" + "a" * (1 << 20 | 5) + "\n")
    with pytest.raises(InputError, match="line 2 is over the limit"):
        kit.taken(path)
    path = written(tmp_path, MD5 + "\n" + "a" * (1 << 20) + "\n")
    assert kit.taken(path).left == {"malformed": 1}


def test_hashdeep_and_sha256sum_themselves(tmp_path, program):
    import subprocess

    data = tmp_path / "data"
    data.write_bytes(b"1")
    for command in (["hashdeep", "-c", "md5,sha256"], ["sha256sum"], ["md5sum", "--tag"]):
        out = subprocess.run(
            [program(command[0]), *command[1:], os.fspath(data)], check=True, capture_output=True
        ).stdout
        found = hexes(kit.taken(written(tmp_path, out)))
        assert len(found) == 1
        assert set(found[0]) <= {hashlib.md5(b"1").hexdigest(), hashlib.sha256(b"1").hexdigest()}
