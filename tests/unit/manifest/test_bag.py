"""The strict bag reader: what it accepts, what it reports."""

from __future__ import annotations

import hashlib
import os

import pytest

from evkit.core.errors import InputError
from evkit.manifest import bag
from evkit.manifest.tree import FolderTree, MemoryTree, Unreadable, read


def make(payload=None, **changes):
    """Return the files of a small valid bag; a change to None removes a file."""
    files = {"data/a.txt": b"alpha", "data/b/c.txt": b"gamma"} if payload is None else dict(payload)
    listed = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    files["bagit.txt"] = bag.DECLARATION
    oxum = f"{sum(map(len, files.values())) - len(bag.DECLARATION)}.{len(listed)}"
    files["bag-info.txt"] = bag.format_info({"Payload-Oxum": oxum})
    files["manifest-sha256.txt"] = bag.format_list(listed)
    tags = {n: hashlib.sha256(d).hexdigest() for n, d in files.items() if n not in listed}
    files["tagmanifest-sha256.txt"] = bag.format_list(tags)
    for name, data in changes.items():
        if data is None:
            del files[name]
        else:
            files[name] = data
    return files


def codes(files, **options):
    return {problem.code for problem in bag.read_bag(MemoryTree(files), **options).problems}


def test_a_good_bag():
    found = bag.read_bag(MemoryTree(make()))
    assert found.problems == ()
    assert set(found.payload) == {"data/a.txt", "data/b/c.txt"}
    assert set(found.tags) == {"bagit.txt", "bag-info.txt", "manifest-sha256.txt"}


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("data/extra", b"", "unlisted"),
        ("extra.txt", b"", "unlisted"),
        ("bag.sig", b"", "unlisted"),
        ("fetch.txt", b"http://x 1 data/x\n", "fetch"),
        ("data/a.txt", None, "missing"),
        ("bagit.txt", None, "missing"),
        ("bagit.txt", b"\xef\xbb\xbf" + bag.DECLARATION, "declaration"),
        ("bagit.txt", bag.DECLARATION.replace(b"1.0", b"0.97"), "declaration"),
        ("bagit.txt", bag.DECLARATION.replace(b": 1", b" : 1"), "declaration"),
        ("bag-info.txt", b"Payload-Oxum: 11.2\n", "oxum"),
        ("bag-info.txt", b"no colon\n", "info"),
        ("bag-info.txt", b"A: 1\nA: 2\n", "info"),
        ("manifest-sha256.txt", None, "tag-file"),
        ("tagmanifest-sha256.txt", None, "tag-file"),
        ("manifest-sha256.txt", b"junk\n", "list"),
        ("data/A.txt", b"", "collision"),
        ("data/x\\y", b"", "name"),
        ("data/run me .", b"", "name"),
    ],
)
def test_what_is_reported(name, data, code):
    assert code in codes(make(**{name: data}))


def test_a_tag_file_that_cannot_be_listed():
    assert codes(make(**{"bag.sig": b"x"}), unlisted_tags=["bag.sig"]) == set()


DIGEST = "0" * 64


@pytest.mark.parametrize(
    "text",
    [
        f"{DIGEST}  data/a",
        f"{DIGEST} data/a\n",
        f"{DIGEST} *data/a\n",
        f"{DIGEST}  data/a\r\n",
        f"{DIGEST}  a\n",
        f"{DIGEST}  data/../a\n",
        f"{DIGEST}  data/a%0Ab\n",
        f"{DIGEST}  /data/a\n",
        f"{DIGEST}  data/b\n{DIGEST}  data/a\n",
        f"{DIGEST}  data/a\n{DIGEST}  data/a\n",
        f"{DIGEST}  data/a\n{'1' * 64}  data/a\n",
        f"{DIGEST}  data/a\n\n",
        f"{'A' * 64}  data/a\n",
        f"{'0' * 63}  data/a\n",
        "\ufeff" + f"{DIGEST}  data/a\n",
        f"{DIGEST}  data/a\u2028b\n",
        f"{DIGEST}  ~/x\n",
    ],
)
def test_lists_that_are_refused(text):
    with pytest.raises(InputError):
        bag.parse_list(text.encode(), payload=True)


def test_a_list_that_is_not_utf8():
    with pytest.raises(InputError, match="UTF-8"):
        bag.parse_list(b"\xff\n", payload=True)


def test_names_of_the_payload_do_not_belong_to_the_tag_list():
    with pytest.raises(InputError):
        bag.parse_list(f"{DIGEST}  data/a\n".encode(), payload=False)


def test_values_that_do_not_fit_on_a_line():
    for value in ("two\nlines", "a\rb"):
        with pytest.raises(InputError):
            bag.format_info({"A": value})


def test_a_folder(tmp_path):
    for name, data in make().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert bag.read_bag(FolderTree(str(tmp_path))).problems == ()
    (tmp_path / "data" / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "data" / "pipe")
    with open(os.fsencode(tmp_path) + b"/data/\xff", "wb"):
        pass
    (tmp_path / "folder").symlink_to(tmp_path / "data")
    tree = FolderTree(str(tmp_path))
    assert set(tree.odd) == {"data/link", "data/pipe", "data/\\xff", "folder"}
    assert [p.code for p in bag.read_bag(tree).problems] == ["odd-file"] * 4


def test_a_link_put_in_place_later_is_not_followed(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    tree = FolderTree(str(tmp_path))
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to("/etc/passwd")
    with pytest.raises(Unreadable):
        tree.open("a")
    (tmp_path / "a").unlink()
    os.mkfifo(tmp_path / "a")
    with pytest.raises(Unreadable):
        tree.open("a")


def test_reading_is_capped():
    tree = MemoryTree({"a": b"12345"})
    assert read(tree, "a", 5) == b"12345"
    with pytest.raises(InputError):
        read(tree, "a", 4)
    tree.sizes["a"] = 1
    with pytest.raises(InputError, match="grew"):
        read(tree, "a", 4)
    with pytest.raises(InputError, match="missing"):
        read(tree, "b", 4)


def test_outside_bags_that_must_fail_do(vectors):
    """Every bag that BagIt calls invalid, or unsafe on some system, is refused; so is a warning."""
    folders = [*vectors.glob("bagit/*/invalid/*"), *vectors.glob("bagit/*/*-only/*")]
    folders += vectors.glob("bagit/*/warning/*")
    assert len(folders) == 33
    for folder in folders:
        assert bag.read_bag(FolderTree(str(folder))).problems, folder.name
