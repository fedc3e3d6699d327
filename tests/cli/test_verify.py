"""verify on the command line: what may be named, what the verifier brings, exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
import stations

from evkit.cli.main import run

IMAGE = b"boot" + bytes(3 << 20)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A station with an image, a memo, a bundle with and one without evidence; copied per test."""
    home = tmp_path_factory.mktemp("world")
    ready = stations.ready(home / "station")
    (home / "phrase").write_bytes(stations.PHRASE)
    (home / "source.img").write_bytes(IMAGE)
    (home / "files").mkdir()
    (home / "files" / "a.txt").write_bytes(b"alpha")
    settings = {
        "EVKIT_STATION": str(ready.path), "EVKIT_PASSPHRASE_FILE": str(home / "phrase"),
        "EVKIT_OFFICER": stations.OFFICER, "EVKIT_NONINTERACTIVE": "1",
        "XDG_STATE_HOME": str(home / "state"),
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        for line in (
            ["acquire", str(home / "source.img"), "--exhibit", "C1/E1", "--format", "raw"],
            ["exhibit", "register", "C1/E2", "--what", "export"],
            ["intake", str(home / "files"), "--exhibit", "C1/E2", "--kind", "files"],
            ["ledger", "memo", "C1", "-o", str(home / "memo.txt")],
            ["ledger", "memo", "C1", "-o", str(home / "memo.html")],
            ["ledger", "checkpoint", "-o", str(home / "head.txt")],
            ["bundle", "create", "C1", "-o", str(home / "bundle"), "--with-exhibits"],
            ["bundle", "create", "C1", "-o", str(home / "bare.zip")],
        ):
            code = run(["--progress", "none", *line])
            assert code == 0, line
    return home


@pytest.fixture
def here(world, tmp_path, monkeypatch):
    """A copy of everything, with the station as the one of the command line."""
    target = tmp_path / "world"
    shutil.copytree(world, target, symlinks=True)
    monkeypatch.setenv("EVKIT_STATION", str(target / "station"))
    monkeypatch.setenv("EVKIT_PASSPHRASE_FILE", str(target / "phrase"))
    monkeypatch.setenv("EVKIT_OFFICER", stations.OFFICER)
    monkeypatch.setenv("EVKIT_NONINTERACTIVE", "1")
    return target


def qr(here) -> str:
    text = (here / "memo.txt").read_text()
    return " ".join(text[text.index("evkit-memo/1") :].split()[:6])


def groups(here) -> str:
    lines = (here / "memo.txt").read_text().split("\n")
    return "\n".join(line for line in lines if line[:4].strip().endswith(")"))


# bundles and what the verifier brings


def test_the_first_line(here, evkit):
    out = evkit("verify", here / "bundle", "--memo", here / "memo.txt")
    first = out.split("\n")[0]
    assert first.startswith("PASS  bundle `")
    assert "case C1" in first
    assert "newer than the anchor" in first
    out = evkit("verify", here / "bare.zip", "--memo", here / "memo.txt")
    assert "not enclosed: data of C1/E1/A1, C1/E2/A1" in out.split("\n")[0]


@pytest.mark.parametrize("form", ["file", "page", "qr", "groups", "upper", "one-line"])
def test_memos_in_every_form(here, evkit, form):
    text = {
        "file": here / "memo.txt", "page": here / "memo.html", "qr": qr(here),
        "groups": groups(here), "upper": groups(here).upper(),
        "one-line": "".join(part[4:] for part in groups(here).split("\n")).replace(" ", ""),
    }[form]  # fmt: skip
    evkit("verify", here / "bundle", "--memo", text)


def test_a_slip_of_the_pen(here, evkit):
    lines = groups(here).split("\n")
    at = lines[1].rindex("  ") + 2
    wrong = "1" if lines[1][at] != "1" else "2"
    lines[1] = lines[1][:at] + wrong + lines[1][at + 1 :]
    out = evkit("verify", here / "bundle", "--memo", "\n".join(lines), expect=5)
    assert "copied wrongly, group 8 (line 2)" in out
    assert out.startswith("UNDECIDED")
    assert "authorship  PASS" in out


def test_what_is_no_memo(here, evkit):
    out = evkit("verify", here / "bundle", "--memo", here / "nosuch.txt", expect=14)
    assert "no file `" in out
    out = evkit("verify", here / "bundle", "--memo", "nosuch", expect=14)
    assert "no file `nosuch`" in out
    out = evkit("verify", here / "bundle", "--memo", "the one of Monday", expect=14)
    assert "this is not a memo" in out
    for name in ("bundle/README.txt", "head.txt"):
        out = evkit("verify", here / "bundle", "--memo", here / name, expect=14)
        assert "this is not a memo" in out


def test_a_memo_cut_short(here, evkit):
    out = evkit("verify", here / "bundle", "--memo", qr(here)[:-70], expect=5)
    assert "cut short" in out


def test_nothing_brought(here, evkit):
    out = evkit("verify", here / "bundle", expect=5)
    assert "no trusted root was supplied" in out
    assert "found inside, shown and not used as authority" in out


def test_trust_and_anchor_apart(here, evkit):
    parts = qr(here).split()
    root, trust = f"{parts[2]}:{parts[3]}", f"sha256:{parts[4]}"
    evkit("verify", here / "bundle", "--trust", trust, "--anchor", root)
    evkit(
        "verify", here / "bundle", "--trust", trust.upper().replace("SHA", "sha"), "--anchor", root
    )
    root_file = here / "station" / "trust" / "root.crt"
    evkit("verify", here / "bundle", "--trust", root_file, "--anchor", here / "head.txt")
    out = evkit("verify", here / "bundle", "--trust", root_file, "--no-history")
    assert out.startswith("PASS without history  ")
    evkit("verify", here / "bundle", "--trust", trust, expect=5)
    evkit("verify", here / "bundle", "--anchor", root, expect=5)
    other = "1" if parts[3][0] != "1" else "2"
    out = evkit(
        "verify", here / "bundle", "--trust", trust,
        "--anchor", f"{parts[2]}:{other}{parts[3][1:]}", expect=4,
    )  # fmt: skip
    assert "(a fork)" in out
    evkit("verify", here / "bundle", "--trust", "sha256:" + "0" * 64, expect=4)


def test_wrong_options(here, evkit):
    evkit("verify", here / "bundle", "--trust", "nonsense", expect=2)
    evkit("verify", here / "bundle", "--trust", "sha256:12", expect=2)
    evkit("verify", here / "bundle", "--anchor", "12", expect=2)
    evkit("verify", here / "bundle", "--anchor", "٣:" + "0" * 64, expect=2)
    evkit("verify", here / "bundle", "--require", "everything", expect=2)
    evkit("verify", here / "bundle", "--no-history", "--anchor", "1:" + "0" * 64, expect=2)
    evkit("verify", here / "bundle", "--trust", here / "memo.txt", expect=14)
    evkit("verify", here / "bundle", "--anchor", here / "memo.txt", expect=14)
    officer = next((here / "bundle" / "data" / "trust" / "officers").iterdir())
    out = evkit("verify", here / "bundle", "--trust", officer, expect=14)
    assert "not of an agency root" in out
    evkit("verify", here / "bundle", "--record", expect=2)
    evkit("verify", here / "bundle", "--officer", "x", expect=2)
    evkit("verify", here / "absent", expect=14)
    evkit("verify", here / "files", expect=14)


def test_exhibits_beside_a_bare_bundle(here, evkit):
    memo = here / "memo.txt"
    cases = here / "station" / "cases"
    evkit("verify", here / "bare.zip", "--memo", memo, "--require", "content", expect=5)
    arguments = ("--memo", memo, "--exhibits", cases, "--require", "content")
    out = evkit("verify", here / "bare.zip", *arguments)
    assert "supplied files of evidence" in out
    assert "not enclosed" not in out
    image = cases / "C1" / "E1" / "A1" / "image.raw"
    image.chmod(0o644)
    with open(image, "r+b") as handle:
        handle.seek(2 << 20)
        handle.write(b"x")
    out = evkit("verify", here / "bare.zip", *arguments, expect=4)
    assert "differs within bytes 2097152 to 3145727" in out
    empty = here / "empty"
    empty.mkdir()
    evkit("verify", here / "bare.zip", "--memo", memo, "--exhibits", empty, expect=5)


def test_the_json_document(here, evkit):
    document = json.loads(evkit("verify", here / "bundle", "--memo", here / "memo.txt", "--json"))
    assert next(iter(document)) == "schema"
    assert (document["schema"], document["word"], document["exit_code"]) == (
        "evkit/verify-report/1", "PASS", 0,
    )  # fmt: skip
    assert {q["answer"] for q in document["questions"].values()} == {"PASS"}
    both = json.loads(evkit("verify", here / "bundle", here / "bare.zip", "--json", expect=5))
    assert len(both["reports"]) == 2


def test_a_name_shaped_like_a_case(here, evkit, monkeypatch):
    """The case wins where there is one; elsewhere the file or folder of that name is meant."""
    monkeypatch.chdir(here)
    memo = ("--memo", "memo.txt")
    assert "bundle `bundle`" in evkit("verify", "bundle", *memo)
    assert "bundle `bare.zip`" in evkit("verify", "bare.zip", *memo)
    (here / "bundle").rename(here / "C1")
    assert "PASS  case `C1`" in evkit("verify", "C1", *memo)
    assert "bundle `./C1`" in evkit("verify", "./C1", *memo)
    monkeypatch.delenv("EVKIT_STATION")
    assert "bundle `C1`" in evkit("verify", "C1", *memo)
    said = evkit("verify", "C7", *memo, expect=10)
    assert said.startswith("evkit: error: no file or folder `C7` is here")
    assert "station init" not in said


def test_what_is_not_on_record_is_said(here, evkit):
    """A typing error is no answer about evidence."""
    said = evkit("verify", "nofile", expect=10)
    assert "no file or folder `nofile` is here" in said
    for name in ("C1/E9", "C1/E1/A9"):
        assert f"nothing is recorded about `{name}`" in evkit("verify", name, expect=10)
    assert "did you mean `C1/E1`?" in evkit("verify", "c1/E1", expect=10)


def test_a_bundle_inside_is_named(here, evkit):
    """A stick is given and not the folder on it."""
    (here / "stick").mkdir()
    (here / "bundle").rename(here / "stick" / "C1")
    said = evkit("verify", here / "stick", "--memo", here / "memo.txt", expect=14)
    assert f"there is one inside: `{here}/stick/C1`" in said


def test_a_memo_is_not_verified_but_verified_with(here, evkit):
    said = evkit("verify", here / "memo.txt", expect=2)
    assert f"--memo {here}/memo.txt" in said
    said = evkit("verify", here / "memo.txt", "--memo", here / "bundle", expect=14)
    assert "is a folder and no memo" in said


def test_a_flipped_byte_names_the_file(here, evkit):
    for name in ("data/exhibits/C1/E1/A1/image.raw", "data/events/0.json", "manifest.html"):
        copy = here / "copy"
        shutil.copytree(here / "bundle", copy)
        path = copy / name
        path.chmod(0o644)
        with open(path, "r+b") as handle:
            handle.seek(40)
            byte = handle.read(1)
            handle.seek(40)
            handle.write(bytes([byte[0] ^ 1]))
        out = evkit("verify", copy, "--memo", here / "memo.txt", expect=4)
        assert f"`{name}`" in out
        shutil.rmtree(copy)


def test_missing_files_are_named(here, evkit):
    memo = here / "memo.txt"
    for name in ("image.raw", "image.raw.pieces"):
        (here / "station" / "cases" / "C1" / "E1" / "A1" / name).unlink(missing_ok=True)
    out = evkit("verify", "C1", "--memo", memo, expect=5)
    assert "`C1/E1/A1/image.raw`" in out
    image = here / "bundle" / "data" / "exhibits" / "C1" / "E1" / "A1" / "image.raw"
    image.unlink()
    out = evkit("verify", here / "bundle", "--memo", memo, expect=4)
    assert "said to be enclosed are missing: `C1/E1/A1/image.raw`" in out


def test_content_alone_is_said_plainly(here, evkit):
    for what in ("C1/E1", "C1/E1/A1", here / "source.img"):
        first = evkit("verify", what, expect=5).split("\n")[0]
        assert ": content PASS; authorship UNDECIDED" in first, first


def test_the_verdict_once_more(here, evkit):
    out = evkit("verify", here / "bundle", "--memo", here / "memo.txt")
    assert out.split("\n")[-2] == "verdict: PASS"
    assert len(evkit("verify", here / "bundle", "--memo", here / "memo.txt", "--all")) >= len(out)


def test_a_link_in_a_bundle(here, evkit):
    (here / "bundle" / "data" / "link").symlink_to("/etc/passwd")
    out = evkit("verify", here / "bundle", "--memo", here / "memo.txt", expect=4)
    assert "symbolic link" in out


def test_a_pipe_does_not_hang(here, evkit):
    os.mkfifo(here / "pipe")
    assert "neither a file nor a folder" in evkit("verify", here / "pipe", expect=14)
    manifest = here / "bundle" / "manifest.json"
    manifest.unlink()
    os.mkfifo(manifest)
    evkit("verify", manifest, expect=14)
    evkit("verify", here / "bundle", "--memo", here / "memo.txt", expect=4)


@pytest.mark.parametrize(
    "name", ["ledger/checkpoint", "trust/root.crt", "events/3.json", "events/3.tlog-proof",
             "trust/station-statement.json", "ledger/tile/0/000.p"],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_undecided(here, evkit, monkeypatch, name):
    """A bad sector of the stick is no accusation, and no pass."""
    from evkit.manifest.tree import FolderTree, Unreadable

    opened = FolderTree.open

    def broken(tree, path):
        if path.startswith(f"data/{name}"):
            raise Unreadable(f"cannot read `{path}`: Input/output error")
        return opened(tree, path)

    monkeypatch.setattr(FolderTree, "open", broken)
    out = evkit("verify", here / "bundle", "--memo", here / "memo.txt", expect=5)
    assert "Input/output error" in out


def test_a_zip_that_is_no_bundle(here, evkit):
    import zipfile

    with zipfile.ZipFile(here / "other.zip", "w") as made:
        made.writestr(zipfile.ZipInfo("a.txt"), "text")
    assert "is not a bundle" in evkit("verify", here / "other.zip", expect=14)


def test_a_zip_of_another_form(here, evkit):
    data = (here / "bare.zip").read_bytes()
    (here / "bare.zip").unlink()
    (here / "bare.zip").write_bytes(data + b"tail")
    out = evkit("verify", here / "bare.zip", expect=14)
    assert "unpack it" in out


def test_hostile_names_are_escaped(here, evkit):
    with open(os.fsencode(here / "bundle") + b"/data/\x1b[31mred\xff", "wb"):
        pass
    out = evkit("verify", here / "bundle", expect=4)
    assert "\x1b" not in out
    assert "\\x1b[31mred\\xff" in out


# single files


def test_a_manifest_alone(here, evkit, monkeypatch):
    root = here / "station" / "trust" / "root.crt"
    path = here / "bundle" / "manifest.json"
    out = evkit("verify", path, "--trust", root, expect=5)
    assert "authorship  PASS" in out
    evkit("verify", path, "--trust", root, "--exhibits", here / "station" / "cases", expect=5)
    alone = here / "alone.json"
    shutil.copyfile(path, alone)
    out = evkit("verify", alone, "--trust", root, expect=5)
    assert "authorship  PASS" in out  # the certificates of the station at hand
    monkeypatch.delenv("EVKIT_STATION")
    out = evkit("verify", alone, "--trust", root, expect=5)
    assert "certificate of the issuer is not here" in out


def test_a_proof_made_by_the_station(here, evkit):
    root = here / "station" / "trust" / "root.crt"
    evkit("ledger", "prove", "4", "-o", here / "4.tlog-proof")
    out = evkit("verify", here / "4.tlog-proof", "--trust", root, "--no-history", expect=5)
    assert "authorship  PASS" in out
    assert "record      PASS" in out


def test_what_prove_writes_is_enough_elsewhere(here, evkit, monkeypatch, tmp_path):
    """No station and no bundle at hand: the files beside the proof and a fingerprint."""
    parts = qr(here).split()
    trust = ("--trust", f"sha256:{parts[4]}", "--no-history")
    for number in (0, 4):
        evkit("ledger", "prove", number, "-o", tmp_path / f"{number}.tlog-proof")
    monkeypatch.delenv("EVKIT_STATION")
    monkeypatch.chdir(tmp_path)
    for name in ("0.tlog-proof", "4.tlog-proof", "4.event.json"):
        out = evkit("verify", tmp_path / name, *trust, expect=5)
        assert "authorship  PASS" in out, out
        assert "record      PASS" in out, out
    assert not (tmp_path / "0.officer.crt").exists()
    shutil.move("4.event.json", "4.json")
    assert "record      PASS" in evkit("verify", "./4.json", *trust, expect=5)
    for name in ("4.officer.crt", "4.root.crt", "4.station-statement.json", "4.tlog-proof"):
        (tmp_path / name).unlink()
        evkit("verify", tmp_path / "4.json", *trust, expect=5)
    evkit("ledger", "prove", 0, "-o", tmp_path / "0.tlog-proof", "--station", here / "station",
          expect=15)  # fmt: skip


def test_an_entry_of_a_bundle(here, evkit):
    events = here / "bundle" / "data" / "events"
    root = here / "station" / "trust" / "root.crt"
    for name in ("9.json", "9.tlog-proof"):
        out = evkit("verify", events / name, "--trust", root, "--no-history", expect=5)
        assert "entry 9 is in the ledger" in out
        assert "record      PASS" in out
    proof = events / "9.tlog-proof"
    proof.chmod(0o644)
    proof.write_bytes((events / "8.tlog-proof").read_bytes())
    evkit("verify", events / "9.json", "--trust", root, expect=4)


def test_a_proof_with_its_entry(here, evkit):
    root = here / "station" / "trust" / "root.crt"
    events = here / "bundle" / "data" / "events"
    out = evkit("verify", events / "4.tlog-proof", "--trust", root, expect=5)
    assert "entry 4 is in the ledger" in out
    assert "record      PASS" in out
    entry = events / "4.json"
    entry.chmod(0o644)
    entry.write_bytes((events / "3.json").read_bytes())
    evkit("verify", events / "4.tlog-proof", "--trust", root, expect=4)
    entry.unlink()
    evkit("verify", events / "4.tlog-proof", "--trust", root, expect=5)


def test_an_image_against_a_bundle_and_the_station(here, evkit):
    image = here / "source.img"
    out = evkit("verify", image, here / "bundle", "--memo", here / "memo.txt", expect=5)
    assert "this is the content of `C1/E1/A1`" in out
    out = evkit("verify", image, expect=5)
    assert "in this station" in out
    image.write_bytes(b"x" + IMAGE[1:])
    out = evkit("verify", image, expect=5)
    assert "no acquisition of the record at hand has this digest" in out


# the station


def test_case_exhibit_acquisition_station(here, evkit):
    memo = here / "memo.txt"
    for what in ("C1", "C1/E1", "C1/E1/A1", here / "station"):
        out = evkit("verify", what, "--memo", memo)
        assert out.startswith("PASS  ")
    evkit("verify", "C1", expect=5)
    evkit("verify", "NONE", expect=10)
    evkit("verify", "C1/E9", "--memo", memo, expect=10)


def test_a_changed_image_at_the_station(here, evkit):
    path = here / "station" / "cases" / "C1" / "E1" / "A1" / "image.raw"
    path.chmod(0o644)
    with open(path, "r+b") as handle:
        handle.write(b"X")
    out = evkit("verify", "C1/E1", "--memo", here / "memo.txt", expect=4)
    assert "differs within bytes 0 to 1048575" in out
    evkit("verify", "C1/E2", "--memo", here / "memo.txt")


def test_a_missing_image_at_the_station(here, evkit):
    (here / "station" / "cases" / "C1" / "E1" / "A1" / "image.raw").unlink()
    out = evkit("verify", "C1/E1", "--memo", here / "memo.txt", expect=5)
    assert "1 recorded file is not here" in out


def test_a_changed_ledger_at_the_station(here, evkit):
    import sqlite3

    with sqlite3.connect(here / "station" / "ledger.db") as store:
        tables = [
            row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        assert "entries" in tables
        row = store.execute("SELECT envelope FROM entries WHERE idx = 4").fetchone()[0]
        store.execute("DROP TRIGGER IF EXISTS entries_no_update")
        for (name,) in store.execute(
            "SELECT name FROM sqlite_master WHERE type='trigger'"
        ).fetchall():
            store.execute(f"DROP TRIGGER {name}")
        changed = row[:30] + bytes([row[30] ^ 1]) + row[31:]
        store.execute("UPDATE entries SET envelope = ? WHERE idx = 4", (changed,))
    store.close()
    code = run(["verify", "C1", "--memo", str(here / "memo.txt")])
    assert code in {4, 14}


def test_logging_the_result(here, evkit):
    out = evkit("verify", "C1/E1/A1", "--memo", here / "memo.txt", "--record")
    assert "logged as entry" in out
    out = evkit("custody", "log", "C1/E1")
    assert "digests compared again: pass" in out
    evkit("verify", "C1/E1/A1", "--memo", here / "memo.txt")


# the trusted base


def test_only_click_cryptography_and_isal_are_needed(here):
    """The import hook of the design: any other outside library is refused."""
    code = (
        "import sys\n"
        "class Hook:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        top = name.split('.')[0]\n"
        "        known = ('evkit', 'click', 'cryptography', 'isal', '_cffi_backend', 'cffi')\n"
        "        if top not in sys.stdlib_module_names and top not in known:\n"
        "            raise ImportError('refused ' + name)\n"
        "sys.meta_path.insert(0, Hook())\n"
        "from evkit.cli.main import run\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "verify", here / "bundle", "--memo", here / "memo.txt"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("PASS")


def test_nothing_is_written(here, evkit):
    """Verification leaves the bundle and the home as they were."""
    before = {path: path.stat().st_mtime_ns for path in sorted(here.rglob("*"))}
    evkit("verify", here / "bundle", "--memo", here / "memo.txt")
    assert {path: path.stat().st_mtime_ns for path in sorted(here.rglob("*"))} == before
