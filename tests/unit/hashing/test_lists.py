from __future__ import annotations

import hashlib

import pytest

from evkit.core.errors import InputError, UsageError
from evkit.hashing.lists import bagit, formats
from evkit.hashing.rows import CHANGED, FOLDER, SPECIAL, SYMLINK, UNREADABLE, Row

BOTH = ("md5", "sha256")
HOSTILE = [
    b"plain", b"with space", b" lead", b"\ttab lead", b"trail ", b"a,b,c", b"new\nline", b"\n",
    b"cr\rin", b"endcr\r", b"crlf\r\n", b"back\\slash", b"\\n", b"inv\xff\xfe", "اردو.txt".encode(),
    "bidi\u202egnp.exe".encode(), b"%0A", b"%25", b"%", b"%FF", b"%20x", b"#hash", b"*star",
    b"##evkit {}", b"1,d41d8cd98f00b204e9800998ecf8427e,x", b"{", b'"', b"x\n##evkit {}",
    b"a\n1,d41d8cd98f00b204e9800998ecf8427e,e", "nb\u00a0sp\u2028".encode(), b"\x1b[31m",
]  # fmt: skip


def digests(data, names=BOTH):
    return {name: hashlib.new(name, data).hexdigest() for name in names}


def row(path, names=BOTH, data=None):
    content = path if data is None else data
    return Row(path, size=len(content), digests=digests(content, names))


def written(form, rows, names):
    encode = formats.ListEncoder(form=form, algorithms=names)
    return formats.header(form, names, ["said"]) + b"".join(map(encode, rows))


def read(tmp_path, data, name="list", form=None):
    path = tmp_path / name
    path.write_bytes(data)
    return formats.read_list(str(path).encode(), form)


@pytest.mark.parametrize("form", formats.WRITABLE)
def test_hostile_names_survive_in_every_format(tmp_path, form):
    names = ("sha256",) if form in formats.ONE_DIGEST else BOTH
    rows = [row(path, names) for path in HOSTILE]
    name = "manifest-sha256.txt" if form == "bagit" else "list"
    known = read(tmp_path, written(form, rows, names), name)
    assert list(known.rows) == HOSTILE
    assert known.algorithms == names
    for path in HOSTILE:
        assert known.rows[path].digests == digests(path, names)


@pytest.mark.parametrize("form", ["hashdeep", "sha256sum", "jsonl"])
def test_rows_without_digests_survive(tmp_path, form):
    names = ("sha256",) if form in formats.ONE_DIGEST else BOTH
    rows = [
        row(b"f", names),
        Row(b"link\n", SYMLINK, target=b"to\xff\n"),
        Row(b"fifo", SPECIAL),
        Row(b"shut", FOLDER, UNREADABLE, error="Permission denied"),
        Row(b"gone", state=UNREADABLE, error="Input/output error"),
        Row(b"moving", state=CHANGED, size=3, digests=digests(b"abc", names)),
    ]
    known = read(tmp_path, written(form, rows, names))
    assert known.typed
    assert {path: known.rows[path] for path in known.rows if path != b"f"} == {
        row.path: row for row in rows[1:]
    }


def test_bagit_leaves_out_what_it_cannot_say(tmp_path):
    data = written("bagit", [row(b"f", ("md5",)), Row(b"l", SYMLINK, target=b"t")], ("md5",))
    assert data.count(b"\n") == 1


def test_formats_of_one_digest_refuse_two():
    for form in formats.ONE_DIGEST:
        formats.check_algorithms(form, ("sha512",))
        with pytest.raises(UsageError, match="one digest per name"):
            formats.check_algorithms(form, BOTH)


# --- hashdeep ------------------------------------------------------------------------------------

HEAD = b"%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## Invoked from: /x\n## \n"
MD5, SHA = hashlib.md5(b"").hexdigest().encode(), hashlib.sha256(b"").hexdigest().encode()


def test_hashdeep_as_the_program_writes_it(tmp_path):
    known = read(tmp_path, HEAD + b"0," + MD5 + b"," + SHA + b",./a,b\n")
    assert known.format == "hashdeep"
    assert not known.typed
    assert known.rows[b"./a,b"] == Row(b"./a,b", size=0, digests=digests(b""))


def test_hashdeep_names_over_two_lines_are_joined_and_told(tmp_path):
    known = read(
        tmp_path, HEAD + b"0," + MD5 + b"," + SHA + b",a\nb\n0," + MD5 + b"," + SHA + b",c\n"
    )
    assert list(known.rows) == [b"a\nb", b"c"]
    assert known.notes == ("line 6 was read as part of the name before it",)


def test_hashdeep_with_windows_line_ends(tmp_path):
    text = (HEAD + b"0," + MD5 + b"," + SHA.upper() + b",C:\\a\\b.txt\n").replace(b"\n", b"\r\n")
    assert list(read(tmp_path, text).rows) == [b"C:\\a\\b.txt"]


def test_hashdeep_with_digests_that_evkit_does_not_make(tmp_path):
    head = b"%%%% HASHDEEP-1.0\n%%%% size,md5,tiger,filename\n"
    known = read(tmp_path, head + b"0," + MD5 + b"," + b"ab" * 24 + b",a\n")
    assert known.algorithms == ("md5",)
    assert known.notes == ("digests not compared: tiger",)
    with pytest.raises(InputError, match="no digest that evkit makes"):
        read(tmp_path, b"%%%% HASHDEEP-1.0\n%%%% size,tiger,filename\n0,ab,a\n")


@pytest.mark.parametrize(
    "text",
    [
        b"%%%% HASHDEEP-1.0\n",
        b"%%%% HASHDEEP-1.0\n%%%% size,md5\n",
        b"%%%% HASHDEEP-1.0\n%%%% size,md5,md5,filename\n",
        b"%%%% HASHDEEP-1.0\n%%%% size,MD5,filename\n",
        HEAD,
        HEAD + b"no row\n",
        HEAD + b"0," + MD5 + b"," + SHA[:-1] + b",short\n",
        HEAD + b"0," + MD5 + b"," + SHA + b",\n",
        HEAD + b"-1," + MD5 + b"," + SHA + b",a\n",
        HEAD + b"##evkit {}\n",
        HEAD + b"##evkit [1]\n",
        HEAD + b'##evkit {"schema":"evkit/other/1"}\n',
        HEAD + b"0," + MD5 + b"," + SHA + b",a\n1," + MD5 + b"," + SHA + b",a\n",
    ],
)
def test_malformed_hashdeep(tmp_path, text):
    with pytest.raises(InputError):
        read(tmp_path, text)


def test_every_cut_of_a_list_is_an_error_or_fewer_rows(tmp_path):
    text = written("hashdeep", [row(path) for path in HOSTILE], BOTH)
    whole = read(tmp_path, text).rows
    for length in range(0, len(text) - 1, 7):
        try:
            rows = read(tmp_path, text[:length]).rows
        except InputError:
            continue
        assert rows != whole


# --- sums ----------------------------------------------------------------------------------------


def test_sums_of_coreutils_and_bsd(tmp_path):
    text = (
        b"\xef\xbb\xbf" + SHA + b"  a\n" + SHA + b" *b\n" + MD5 + b"  a\n"
        b"\\" + SHA + b"  new\\nline\\\\x\\r\n\n# note\n"
        b"SHA256 (tag (x)) = " + SHA + b"\n\\MD5 (t\\n) = " + MD5 + b"\nSHA2-256 (x) = " + SHA
    )
    with pytest.raises(InputError, match="line 9 holds a digest that evkit does not make"):
        read(tmp_path, text)
    known = read(tmp_path, text[: text.rindex(b"SHA2")])
    assert list(known.rows) == [b"a", b"b", b"new\nline\\x\r", b"tag (x)", b"t\n"]
    assert known.rows[b"a"].digests == digests(b"")
    assert known.algorithms == BOTH
    assert not known.typed


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n\n",
        b"hello\n",
        SHA + b" a\n",
        SHA + b"\n",
        SHA[:-2] + b"  a\n",
        b"\\" + SHA + b"  bad\\escape\n",
        b"\\" + SHA + b"  end\\\n",
        SHA + b"  a\n" + b"0" * 64 + b"  a\n",
        b"\xff\xfe" + (SHA + b"  a\n").decode().encode("utf-16-le"),
        b"#evkit {\n",
        b"\x00" * 4096,
    ],
)
def test_malformed_sums(tmp_path, text):
    with pytest.raises(InputError):
        read(tmp_path, text)


def test_an_endless_line_is_refused(tmp_path):
    with pytest.raises(InputError, match="over the limit"):
        read(tmp_path, SHA + b"  " + b"a" * (2 << 20))


# --- BagIt ---------------------------------------------------------------------------------------


def test_bagit_line_forms(tmp_path):
    text = SHA + b" data/a b\n" + SHA.upper() + b"\t\tdata/c%0Ad%0de\r\n" + SHA + b" *data/f%2520\n"
    known = read(tmp_path, text, "manifest-sha256.txt")
    assert known.format == "bagit"
    assert list(known.rows) == [b"data/a b", b"data/c\nd\re", b"data/f%20"]


def test_bagit_of_another_algorithm(tmp_path):
    with pytest.raises(InputError, match="line 1"):
        read(tmp_path, MD5 + b" data/a\n", "manifest-sha256.txt")
    with pytest.raises(InputError, match="which evkit does not make"):
        read(tmp_path, MD5 + b" data/a\n", "manifest-sha3.txt")


def test_bagit_names_keep_other_percent_signs():
    assert bagit.decode_name(b"data/100%/a%2f%7E") == b"data/100%/a%2f%7E"


# --- JSON lines ----------------------------------------------------------------------------------


def test_jsonl_reads_the_rows_of_an_acquisition(tmp_path):
    text = (
        b'{"atime_ns":1,"mode":420,"n":1,"name":"files/000001","path":"a","sha256":"%b","size":0,'
        b'"state":"ok","type":"file"}\n' % SHA
    )
    assert read(tmp_path, text).rows[b"a"].digests == {"sha256": SHA.decode()}


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b'{"path":"a"}',
        b'{"path":"a","sha256":"00"}',
        b'{"path":1,"sha256":"%b"}' % SHA,
        b'{"path":"a","sha256":"%b","size":-1}' % SHA,
        b'{"path":"a","sha256":"%b","size":true}' % SHA,
        b'{"path":"a","sha256":"%b","state":"good"}' % SHA,
        b'{"path":"a","path_b64":"Yg==","sha256":"%b"}' % SHA,
        b'{"path":"a", "sha256":"%b"}' % SHA,
        b'{"path":"a","path":"b","sha256":"%b"}' % SHA,
        b'{"schema":"evkit/hash-list/2"}',
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
)
def test_malformed_jsonl(tmp_path, line):
    with pytest.raises(InputError, match="line 1"):
        read(tmp_path, line + b"\n")


def test_the_error_names_the_list_escaped(tmp_path):
    with pytest.raises(InputError, match=r"l\\x0ast"):
        read(tmp_path, b"x\n", "l\nst")
    with pytest.raises(InputError, match="cannot read the list"):
        formats.read_list(b"/nowhere/list")
