"""`evkit inventory prove` on real images, and `evkit verify` of the proof without them."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import struct

import inventorykit as kit
import pytest
import stations

from evkit.cli import main
from evkit.cli.session import Session
from evkit.core.refs import parse_ref
from evkit.hashing.digests import digest_file
from evkit.hashing.piecefile import write_pieces
from evkit.hashing.pieces import BLOCK, PieceHasher
from evkit.ledger.event import Draft, Subject
from evkit.manifest.proof import read_proof
from evkit.station import Station
from evkit.verify.proof import verify_origin
from evkit.verify.report import PASS
from evkit.verify.supplied import Anchor, Supplied

LAPTOP, STICK = kit.SAMPLES / "laptop-ntfs.raw", kit.SAMPLES / "usb-fat16.raw"
PHOTO = "/DCIM/IMG_0002.JPG"
PHONE = kit.SAMPLES / "phone-gpt-ext4.raw"
pytestmark = pytest.mark.skipif(not STICK.exists(), reason="the sample images are not here")


class Desk:
    """A station on the command line, with one acquired and inventoried image `C1/E1/A1`."""

    def __init__(self, folder, capsys):
        self.made = stations.ready(folder / "station")
        self.folder = folder
        self._capsys = capsys

    def run(self, *arguments, expect=0):
        """Run one command line; return stdout, or stderr where it failed."""
        code = main.run([str(argument) for argument in arguments])
        streams = self._capsys.readouterr()
        assert code == expect, streams
        self.said = streams.err
        return streams.out if expect in {0, 3, 4, 5} and streams.out else streams.err

    def acquire(self, source, name="image.raw", *, pieces=True, tree=True, **fields):
        with self.made.open() as station:
            self.home = os.fsdecode(station.folder(parse_ref("C1/E1/A1")))
            os.makedirs(self.home)
            self.image = os.path.join(self.home, name)
            shutil.copyfile(source, self.image)
            size, digests = digest_file(source)
            media = {"size": size, **digests}
            artifacts = [{"name": name, "role": "image", "size": size, **digests}]
            if tree:
                hasher = PieceHasher()
                digest_file(source, (), pieces=hasher)
                media["pieces"] = hasher.finish().fields()
                if pieces:
                    data = write_pieces(self.image + ".pieces", hasher.finish())
                    sha256 = hashlib.sha256(data).hexdigest()
                    artifacts.append(
                        {"name": name + ".pieces", "role": "pieces", "size": len(data),
                         "sha256": sha256}
                    )  # fmt: skip
            self.record(media, artifacts, digests, **fields)

    def record(self, media, artifacts, digests, **fields):
        common = {"case": "C1", "exhibits": ("C1/E1",), "acquisitions": ("C1/E1/A1",)}
        start = Draft(kind="acquire-start", **common)
        end = Draft(
            kind="acquire-end",
            fields={"result": "complete", "made_by": "evkit", "media": media,
                    "artifacts": artifacts, **fields},
            subjects=(Subject("C1/E1/A1", digests),),
            **common,
        )  # fmt: skip
        with self.made.open() as station:
            station.record_many([start, end], self.made.officer)

    def inventory(self):
        code = main.run(["inventory", "run", "C1/E1"])
        self._capsys.readouterr()
        assert code in {0, 3}
        return kit.Inventory(os.fsencode(os.path.join(self.home, "inventory.db")))

    def brought(self):
        """What a verifier has on paper."""
        with self.made.open() as station:
            head, root = station.head(), station.trust.root()
        anchor = f"{head.size}:{head.root.hex()}"
        return ("--trust", f"sha256:{root.fingerprint}", "--anchor", anchor)

    def away(self):
        """Take the whole station away; return what the verifier has on paper."""
        paper = self.brought()
        shutil.rmtree(self.made.path)
        return paper


@pytest.fixture
def desk(tmp_path, monkeypatch, capsys):
    made = Desk(tmp_path, capsys)
    monkeypatch.setattr(Station, "signer", lambda *_: made.made.officer)
    monkeypatch.setattr(Session, "passphrase", lambda *_, **__: b"")
    monkeypatch.setenv("EVKIT_STATION", str(made.made.path))
    monkeypatch.setenv("EVKIT_OFFICER", stations.OFFICER)
    monkeypatch.chdir(tmp_path)
    return made


def prove(desk, entry, *more, expect=0):
    return desk.run("inventory", "prove", "C1/E1", entry, "-o", "p.evproof", *more, expect=expect)


# --- every file of every sample image -----------------------------------------------------------


def _all(desk, source):
    """Prove every stream; return (row, exit code of verify, its report) and what was refused."""
    desk.acquire(source)
    with desk.inventory() as inventory:
        streams = list(inventory.rows("stream"))
    found, refused = [], []
    for number, row in streams:
        target = f"{number}.evproof"
        code = main.run(["--quiet", "inventory", "prove", "C1/E1", str(number), "-o", target])
        desk._capsys.readouterr()
        (found if code == 0 else refused).append((row, target))
    paper = desk.away()
    results = []
    for row, target in found:
        code = main.run(["--json", "verify", target, *paper])
        report = json.loads(desk._capsys.readouterr().out)
        assert report["exit_code"] == code
        results.append((row, code, report))
    return results, refused


def _answers(report):
    return {name: item["answer"] for name, item in report["questions"].items()}


def _expected(row):
    if row.get("size") == 0 and "resident" not in row.get("flags", ()):
        return 5, "UNDECIDED", "PASS"
    if row["state"] != "ok" or row["basis"] == "deleted-contiguous-guess":
        return 5, "PASS", "UNDECIDED"
    return 0, "PASS", "PASS"


def _check_all(results):
    for row, code, report in results:
        answers = _answers(report)
        assert (code, answers["sectors"], answers["file"]) == _expected(row), (row, report)
        assert {answers["authorship"], answers["record"], answers["history"]} == {"PASS"}
        if row["basis"] == "deleted-contiguous-guess" and row["state"] == "ok":
            assert "file: as guessed" in report["first_line"]


def test_all_of_an_ntfs_volume(desk):
    results, refused = _all(desk, LAPTOP)
    _check_all(results)
    flags = [flag for row, _, _ in results for flag in row.get("flags", ())]
    assert flags.count("resident") > 10
    assert "sparse" in flags
    assert any("name" in row for row, _, _ in results), "a named stream"
    assert any(row["basis"] == "deleted-runs-recorded" for row, _, _ in results)
    assert [row["reason"] for row, _ in refused] == ["bad-cluster-list"]


def test_all_of_a_fat_volume_with_guessed_files(desk):
    results, refused = _all(desk, STICK)
    _check_all(results)
    assert sum(row["basis"] == "deleted-contiguous-guess" for row, _, _ in results) >= 4
    assert refused == []


def test_all_of_an_ext4_volume(desk):
    results, refused = _all(desk, PHONE)
    _check_all(results)
    assert any(len(row.get("extents", ())) > 1 for row, _, _ in results), "a fragmented file"
    assert refused == []


@pytest.mark.parametrize("number", ["6", "7"])
def test_the_published_images_of_deleted_files(desk, vectors, number):
    results, _ = _all(desk, kit.unpack(vectors / "images", number, desk.folder))
    _check_all(results)
    assert any(row["basis"].startswith("deleted") for row, _, _ in results)


def _patched(desk, path, change):
    """A copy of the NTFS image in which the first `$DATA` header of a file was changed."""
    from evkit.verify.mftrecord import record_size

    data = bytearray(LAPTOP.read_bytes())
    with kit.scan(LAPTOP, desk.folder / "plain.db") as inventory:
        inode = kit.by_path(inventory)[path]["inode"]
        mft = next(r for r in kit.of_kind(inventory, "stream") if r["inode"] == 0)
        start = kit.of_kind(inventory, "filesystem")[0]["offset"]
    size = record_size(bytes(data[start : start + 512]))
    assert len(mft["extents"]) == 1
    record = mft["extents"][0][0] + inode * size
    at = record + struct.unpack_from("<H", data, record + 0x14)[0]
    while struct.unpack_from("<I", data, at)[0] != 0x80:
        at += struct.unpack_from("<I", data, at + 4)[0]
    assert at + 64 < record + 510, "clear of the update sequence"
    change(data, at)
    target = desk.folder / "patched.raw"
    target.write_bytes(data)
    return target


def test_a_file_that_was_never_written_to_its_end(desk):
    """NTFS: behind the valid length the content is zeros, whatever the clusters hold."""
    path = "/Documents/ledger.csv"
    desk.acquire(_patched(desk, path, lambda d, at: struct.pack_into("<Q", d, at + 0x38, 20_000)))
    with desk.inventory() as inventory:
        stream = kit.by_path(inventory)[path]
    prove(desk, path)
    assert "its first part was ever written" in desk.said
    paper = desk.away()
    report = json.loads(desk.run("verify", "p.evproof", *paper, "--json", "--extract", "out"))
    assert "origin-valid-length" in {remark["code"] for remark in report["remarks"]}
    with open("out", "rb") as handle:
        content = handle.read()
    assert len(content) == stream["size"]
    assert content[20_000:] == bytes(len(content) - 20_000)
    assert any(content[19_000:20_000])


def test_a_compressed_file(desk):
    """The sectors are shown; whether they decode to the content is left undecided, and said."""

    def compress(data, at):
        struct.pack_into("<H", data, at + 0x0C, 1)
        struct.pack_into("<H", data, at + 0x22, 4)

    path = "/Documents/transfers.csv"
    desk.acquire(_patched(desk, path, compress))
    with desk.inventory() as inventory:
        assert "compressed" in kit.by_path(inventory)[path]["flags"]
    prove(desk, path)
    assert "leaves undecided whether they are the content" in desk.said
    report = json.loads(desk.run("verify", "p.evproof", *desk.away(), "--json", expect=5))
    assert _answers(report)["sectors"] == "PASS"
    assert _answers(report)["file"] == "UNDECIDED"
    assert "sectors: yes, file: undecided" in report["first_line"]


def test_no_damage_to_a_record_or_its_rows_passes(desk):
    """Resident content: boot sector, `$MFT` and record are all proven, not only the content."""
    desk.acquire(LAPTOP)
    desk.inventory().close()
    prove(desk, "/small.txt")
    with desk.made.open() as station:
        root, head = station.trust.root(), station.head()
    supplied = Supplied(
        fingerprints=frozenset({root.fingerprint}),
        anchors=(Anchor("head", head.size, head.root),),
    )
    with open("p.evproof", "rb") as handle:
        data = handle.read()
    assert verify_origin(io.BytesIO(data), "p", supplied)[0].word == PASS
    for at in range(3, len(data), 331):
        changed = data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]
        assert verify_origin(io.BytesIO(changed), "p", supplied)[0].word != PASS, at


# --- what is said -------------------------------------------------------------------------------


def test_what_is_disclosed_is_said_first(desk):
    desk.acquire(STICK)
    desk.inventory().close()
    path = PHOTO
    out = desk.run("inventory", "prove", "C1/E1", path, "--dry-run", "--json")
    plan = json.loads(out)
    assert plan["schema"] == "evkit/inventory-prove/1"
    assert plan["written"] is False
    assert plan["other_bytes"] == plan["block_bytes"] - plan["content_bytes"] > 0
    text = desk.run("inventory", "prove", "C1/E1", path, "--dry-run")
    assert f"{plan['other_bytes']:,} of them are not of the file" in text
    assert sorted(os.listdir()) == ["station"]
    prove(desk, path)
    assert f"{plan['other_bytes']:,} of them are not of the file" in desk.said
    os.unlink("p.evproof")
    made = json.loads(prove(desk, path, "--json"))
    assert made["answers"] == {"sectors": "PASS", "file": "PASS"}
    assert made["size"] == os.path.getsize("p.evproof") == plan["size"]
    report = desk.run("verify", "p.evproof", *desk.brought())
    assert f"the blocks hold {plan['other_bytes']:,} bytes that are not of the file" in report


def test_the_same_proof_twice_and_never_over_another(desk):
    desk.acquire(STICK)
    desk.inventory().close()
    prove(desk, PHOTO)
    assert "exists already" in prove(desk, PHOTO, expect=15)
    desk.run("inventory", "prove", "C1/E1/A1", PHOTO, "-o", "again")
    with open("p.evproof", "rb") as one, open("again", "rb") as two:
        assert one.read() == two.read()


def test_the_content_can_be_written_out(desk):
    desk.acquire(STICK)
    with desk.inventory() as inventory:
        stream = kit.by_path(inventory)[PHOTO]
    prove(desk, PHOTO)
    paper = desk.away()
    out = desk.run("verify", "p.evproof", *paper, "--extract", "photo.png")
    assert "its content was written to `photo.png`" in out
    assert digest_file("photo.png", ("sha256",))[1]["sha256"] == stream["digests"]["sha256"]
    assert "exists already" in desk.run(
        "verify", "p.evproof", *paper, "--extract", "photo.png", expect=15
    )


def test_nothing_is_written_out_of_a_changed_proof(desk):
    desk.acquire(STICK)
    desk.inventory().close()
    prove(desk, PHOTO)
    with open("p.evproof", "r+b") as handle:
        _, at = read_proof(handle)
        handle.seek(at + 2000)
        byte = handle.read(1)[0]
        handle.seek(at + 2000)
        handle.write(bytes([byte ^ 1]))
    out = desk.run("verify", "p.evproof", *desk.brought(), "--extract", "photo.png", expect=4)
    assert "sectors: no" in out
    assert "its content was not written" in out
    assert not os.path.exists("photo.png")


def test_extract_belongs_to_one_proof(desk):
    desk.acquire(STICK)
    desk.inventory().close()
    assert "one proof of origin" in desk.run("verify", "C1/E1", "--extract", "x", expect=2)


def test_without_trust_nothing_is_a_pass(desk):
    desk.acquire(STICK)
    desk.inventory().close()
    prove(desk, PHOTO)
    out = desk.run("verify", "p.evproof", expect=5)
    assert out.startswith("UNDECIDED  proof-of-origin `p.evproof`: sectors: yes, file: yes; ")
    _, trust, *_ = desk.brought()
    out = desk.run("verify", "p.evproof", "--trust", trust, "--no-history")
    assert out.startswith("PASS without history  proof-of-origin")
    wrong = "sha256:" + "ab" * 32
    assert desk.run("verify", "p.evproof", "--trust", wrong, expect=4).startswith("FAIL")
    fork = ("--anchor", f"2:{'cd' * 32}")
    assert "(a fork)" in desk.run("verify", "p.evproof", "--trust", trust, *fork, expect=4)


def test_revocation_can_be_required(desk):
    desk.acquire(STICK)
    desk.inventory().close()
    prove(desk, PHOTO, "--with-case")
    out = desk.run("verify", "p.evproof", *desk.brought(), "--require", "revocation")
    assert "no entry of the case is left out: C1 1 to 5" in out


# --- which entry is meant -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("/Documents/form.pdf:Zone.Identifier", None),
        ("/خطوط/فہرست ۱.csv", None),
        (r"/esc\x1b[31mred.txt", "/esc\x1b[31mred.txt"),
        (r"/line\x0abreak.txt", "/line\nbreak.txt"),
        (r"/photo_\u{202e}gpj.exe", "/photo_\u202egpj.exe"),
        ("/Documents:hidden.png", None),
        ("/$MFT", None),
        ("/--help", None),
    ],
)
def test_ways_to_name_an_entry(desk, path, raw):
    desk.acquire(LAPTOP)
    with desk.inventory() as inventory:
        from evkit.inventory.search.find import entries

        entry = next(e for e in entries(inventory) if e.shown == path)
        number = entry.stream_row
        digest = entry.stream["digests"]["sha256"]
        alone = len({r for r, _ in inventory.streams_with("digests.sha256", digest)}) == 1
    texts = [path, str(number), *([raw] if raw else [])]
    for text in texts + ([digest, digest.upper()] if alone else []):
        asked = ("inventory", "prove", "--dry-run", "--json", "--", "C1/E1", text)
        out = json.loads(desk.run(*asked))
        assert (out["stream_row"], out["path"]) == (number, path), text


def test_a_name_row_means_its_content(desk):
    desk.acquire(LAPTOP)
    with desk.inventory() as inventory:
        number = next(n for n, r in inventory.rows("name") if r["name"] == "form.pdf")
        stream = kit.by_path(inventory)["/Documents/form.pdf"]
    asked = ("inventory", "prove", "C1/E1", number, "--dry-run", "--json")
    assert json.loads(desk.run(*asked))["content_bytes"] == stream["size"]


def test_a_file_with_two_names_is_proven_by_each(desk):
    desk.acquire(LAPTOP)
    desk.inventory().close()
    rows = set()
    for path in ("/Pictures/again.jpg", "/Pictures/IMG_0002.jpg"):
        out = json.loads(desk.run("inventory", "prove", "C1/E1", path, "--dry-run", "--json"))
        assert out["path"] == path
        rows.add(out["stream_row"])
    assert len(rows) == 1


def test_an_ambiguous_entry_lists_what_it_can_be(desk):
    desk.acquire(STICK)
    with desk.inventory() as inventory:
        empty = [n for n, r in inventory.rows("stream") if r.get("size") == 0]
    digest = hashlib.sha256(b"").hexdigest()
    assert len(empty) > 1
    err = prove(desk, digest, expect=2)
    assert "can mean several entries" in err
    for number in empty:
        assert f"row {number}: " in err


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("/nothing", "is not in the inventory"),
        ("img_0002.jpg", f"did you mean `{PHOTO}`?"),
        ("/dcim/IMG_0002.JPG", f"did you mean `{PHOTO}`?"),
        ("/DCIM", "has no content of its own"),
        ("0", "is that of a source"),
        ("999999", "no row"),
        ("ab" * 32, "is not in the inventory"),
        ("\x1b[31m", r"`\x1b[31m` is not in the inventory"),
    ],
)
def test_entries_that_cannot_be_proven(desk, entry, words):
    desk.acquire(STICK)
    desk.inventory().close()
    assert words in prove(desk, entry, expect=14)
    assert not os.path.exists("p.evproof")


# --- refusals -----------------------------------------------------------------------------------


def test_a_changed_image_proves_nothing(desk):
    desk.acquire(STICK)
    with desk.inventory() as inventory:
        stream = kit.by_path(inventory)[PHOTO]
    kit.damaged_copy(desk.image, desk.folder / "other", {stream["extents"][0][0]: b"changed"})
    os.chmod(desk.image, 0o644)
    shutil.copyfile(desk.folder / "other", desk.image)
    err = prove(desk, PHOTO, expect=4)
    assert "is not what was acquired; it differs within bytes" in err
    os.unlink(desk.image + ".pieces")
    err = prove(desk, PHOTO, expect=4)
    assert "is not what was acquired; nothing was written" in err
    assert not os.path.exists("p.evproof")


def test_a_lost_pieces_file_is_made_again(desk):
    desk.acquire(STICK, pieces=False)
    desk.inventory().close()
    assert "sectors PASS, file PASS" in prove(desk, PHOTO)


def test_an_image_without_a_piece_tree(desk):
    desk.acquire(STICK, tree=False)
    desk.inventory().close()
    assert "no piece tree" in prove(desk, PHOTO, expect=10)


def test_an_acquisition_without_an_inventory(desk):
    desk.acquire(STICK)
    assert "has no recorded inventory" in prove(desk, "/x", expect=10)
    assert "is a case" in desk.run("inventory", "prove", "C1", "/x", "-o", "p", expect=2)
    assert "-o" in desk.run("inventory", "prove", "C1/E1", "/x", expect=2)


def test_an_inventory_whose_rows_were_changed(desk):
    desk.acquire(STICK)
    desk.inventory().close()
    path = os.path.join(desk.home, "inventory.db")
    os.chmod(path, 0o644)
    import sqlite3

    with sqlite3.connect(path) as base:
        base.execute("UPDATE rows SET salt = zeroblob(16) WHERE n = 5")
    base.close()
    err = prove(desk, PHOTO, expect=14)
    assert "do not give" in err


def test_a_sensitive_exhibit_is_refused(desk):
    desk.acquire(STICK)
    desk.inventory().close()
    what = ("custody", "record", "sensitive", "C1/E1", "--set")
    desk.run(*what, "sensitive_material=yes")
    assert "holds sensitive material" in prove(desk, PHOTO, expect=15)
    assert "holds sensitive material" in prove(desk, PHOTO, "--dry-run", expect=15)
    desk.run(*what, "sensitive_material=no")
    prove(desk, PHOTO)


def _mark(desk, path):
    """Mark a file of the inventory by a set of sensitive material."""
    with kit.Inventory(os.fsencode(os.path.join(desk.home, "inventory.db"))) as inventory:
        stream = kit.by_path(inventory)[path]
    with open("sensitive.txt", "w", encoding="utf-8") as handle:
        handle.write(f"{stream['digests']['md5']}\n")
    kind = ("--kind", "notable", "--sensitive")
    desk.run("hashset", "import", "sensitive.txt", "--name", "s", *kind)
    desk.run("inventory", "mark", "C1/E1")
    return stream


def test_a_file_that_a_set_calls_sensitive_is_refused(desk):
    desk.acquire(STICK)
    desk.inventory().close()
    digest = _mark(desk, PHOTO)["digests"]["sha256"]
    said = prove(desk, digest, expect=15)
    assert "holds sensitive material" in said
    assert "IMG_0002" not in said
    assert "is not in the inventory" in prove(desk, PHOTO, expect=14)
    assert not os.path.exists("p.evproof")


def test_sensitive_bytes_beside_a_file_are_refused(desk):
    """A block with a sector of sensitive material is not given out for the file beside it."""
    desk.acquire(STICK)
    with desk.inventory() as inventory:
        streams = kit.by_path(inventory)

    def blocks(path):
        return {
            block
            for at, length in streams[path].get("extents", ())
            for block in range(at // BLOCK, (at + length - 1) // BLOCK + 1)
        }

    _mark(desk, PHOTO)
    beside = [p for p in streams if p != PHOTO and blocks(p) & blocks(PHOTO)]
    apart = [p for p in streams if blocks(p) and not blocks(p) & blocks(PHOTO)]
    assert beside
    for path in beside:
        assert "bytes of sensitive material too" in prove(desk, path, expect=15)
        assert not os.path.exists("p.evproof")
    prove(desk, apart[0])


def test_sensitive_content_inside_a_record_keeps_records_back(desk):
    """NTFS: sixteen records share a block; a sensitive one among them keeps all of them here."""
    desk.acquire(LAPTOP)
    desk.inventory().close()
    _mark(desk, "/small.txt")
    assert "bytes of sensitive material too" in prove(desk, "/--help", expect=15)
    prove(desk, "/Documents/ledger.csv")


def test_a_full_disk_leaves_nothing(desk):
    desk.acquire(STICK)
    desk.inventory().close()
    before = sorted(os.listdir())
    real, left = os.write, [20_000]

    def write(descriptor, data):
        left[0] -= len(data)
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", write)
        assert "No space left" in prove(desk, PHOTO, expect=16)
    assert sorted(os.listdir()) == before


# --- other kinds of acquisitions ----------------------------------------------------------------


def test_the_decoded_medium_of_an_e01(desk, tmp_path):
    desk.run("image", "convert", STICK, "-o", tmp_path / "image.E01")
    hasher = PieceHasher()
    size, digests = digest_file(STICK, pieces=hasher)
    with desk.made.open() as station:
        desk.home = os.fsdecode(station.folder(parse_ref("C1/E1/A1")))
    os.makedirs(desk.home)
    shutil.copyfile(tmp_path / "image.E01", os.path.join(desk.home, "image.E01"))
    container = digest_file(tmp_path / "image.E01")
    artifact = {"name": "image.E01", "role": "segment", "size": container[0], **container[1]}
    media = {"size": size, **digests, "pieces": hasher.finish().fields()}
    desk.record(media, [artifact], digests)
    desk.inventory().close()
    prove(desk, PHOTO)
    assert desk.run("verify", "p.evproof", *desk.away()).startswith("PASS  proof-of-origin")


def test_a_file_that_was_taken_in(desk, tmp_path):
    source = tmp_path / "export"
    source.mkdir()
    (source / "chat.txt").write_text("see you at nine\n")
    (source / "big.bin").write_bytes(os.urandom(1 << 20) * 2)
    (source / "empty").write_bytes(b"")
    desk.run("intake", source, "--exhibit", "C1/E1")
    main.run(["inventory", "run", "C1/E1"])
    desk._capsys.readouterr()
    listed = json.loads(desk.run("inventory", "list", "C1/E1", "--json"))
    paths = [e["path"] for e in listed["entries"] if e["stream"]]
    assert len(paths) == 3
    for number, path in enumerate(paths):
        desk.run("inventory", "prove", "C1/E1", path, "-o", f"{number}.evproof")
        assert "no sectors, no image" in desk.said
    paper = desk.away()
    for number in range(3):
        report = json.loads(desk.run("verify", f"{number}.evproof", *paper, "--json"))
        assert "sectors" not in report["questions"]
        assert report["questions"]["file"]["answer"] == "PASS"
        assert report["first_line"].startswith("PASS  proof-of-origin")


def test_a_file_that_stayed_where_it_was(desk, tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "chat.txt").write_text("see you at nine\n")
    desk.run("intake", tmp_path / "export", "--exhibit", "C1/E1", "--in-place")
    main.run(["inventory", "run", "C1/E1"])
    desk._capsys.readouterr()
    listed = json.loads(desk.run("inventory", "list", "C1/E1", "--json"))
    path = next(e["path"] for e in listed["entries"] if e["stream"])
    assert "digested where it lay" in prove(desk, path, expect=10)
