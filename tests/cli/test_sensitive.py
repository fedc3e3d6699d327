"""Sensitive material: no name of it in any output, and what is left out is said."""

from __future__ import annotations

import json
import os
import shutil

import inventorykit as kit
import pytest

from evkit.actions import sensitive
from evkit.core.errors import InputError
from evkit.core.refs import parse_ref
from evkit.hashing.digests import digest_file
from evkit.inventory.mask import SENSITIVE
from evkit.ledger.event import Draft, Subject

IMAGE = kit.SAMPLES / "usb-fat16.raw"
pytestmark = pytest.mark.skipif(not IMAGE.exists(), reason="the sample images are not here")


@pytest.fixture
def run(run):
    """Run command lines on a station with one acquired image, `C1/E1/A1`."""
    run.home = _acquired(run.made)
    run.database = os.path.join(run.home, "inventory.db")
    return run


def _acquired(made):
    with made.open() as station:
        folder = os.fsdecode(station.folder(parse_ref("C1/E1/A1")))
        os.makedirs(folder)
        shutil.copyfile(IMAGE, os.path.join(folder, "image.raw"))
        size, digests = digest_file(IMAGE)
        artifacts = [{"name": "image.raw", "role": "image", "size": size, **digests}]
        common = {"case": "C1", "exhibits": ("C1/E1",), "acquisitions": ("C1/E1/A1",)}
        fields = {
            "result": "with-gaps", "made_by": "evkit", "media": {"size": size, **digests},
            "artifacts": artifacts,
            "unread": {"bytes": 1024, "ranges": 1, "first": [[103424, 1024]]},
        }  # fmt: skip
        end = Draft(
            kind="acquire-end", fields=fields, subjects=(Subject("C1/E1/A1", digests),), **common
        )
        station.record_many([Draft(kind="acquire-start", **common), end], made.officer)
    return folder


def names(run) -> set[str]:
    """Everything that must not be seen: names, paths, times of the image."""
    with kit.Inventory(os.fsencode(run.database)) as inventory:
        found = set()
        for _, row in inventory.rows("name", "directory", "stream"):
            found |= {str(row[key]) for key in ("path", "name", "short", "target") if key in row}
    return {name for name in found if len(name) > 3 and not name.startswith("/$")}


def hidden(run, text: str) -> None:
    assert not [name for name in names(run) if name in text]


def flag(run, exhibit="C1/E1", value="yes"):
    run("custody", "record", "sensitive", exhibit, "--set", f"sensitive_material={value}")


OUTPUTS = (
    ("inventory", "list", "C1/E1"),
    ("inventory", "list", "C1/E1", "--json"),
    ("inventory", "list", "C1/E1", "--problems"),
    ("inventory", "find", "C1/E1", "--size", "..1GB"),
    ("inventory", "find", "C1/E1/A1", "--size", "..1GB", "--json"),
)


def test_a_flagged_exhibit_shows_digests_and_no_names(run):
    run("inventory", "run", "C1/E1", expect=3)
    plain = run("inventory", "list", "C1/E1", "--json")
    assert [name for name in names(run) if name in plain]
    flag(run)
    for command in OUTPUTS:
        out = run(*command)
        hidden(run, out)
    found = json.loads(run("inventory", "find", "C1/E1/A1", "--size", "1..1GB", "--json"))
    entry = next(entry for entry in found["entries"] if entry["stream"].get("digests"))
    assert entry["path"] == SENSITIVE
    assert entry["type"] == SENSITIVE
    assert "times" not in entry["name"]
    before = json.loads(plain)["entries"]
    was = next(item for item in before if item["stream_row"] == entry["stream_row"])
    for key in ("digests", "size", "state", "basis"):
        assert entry["stream"][key] == was["stream"][key]
    assert entry["name_row"] == was["name_row"]
    digest = entry["stream"]["digests"]["sha256"]
    assert digest in run("inventory", "find", "C1/E1", "--digest", digest)
    named = next(iter(names(run)))
    assert "kept out" in run("inventory", "find", "C1/E1/A1", "--path", named, expect=5)


def test_names_that_are_kept_out_are_not_searched_and_that_is_said(run):
    run("inventory", "run", "C1/E1", expect=3)
    flag(run)
    for wanted in (("--name", "*"), ("--type", "*/*"), ("--time", "2000-01-01..2100-01-01")):
        out = run("inventory", "find", "C1/E1", *wanted, expect=5)
        assert "C1/E1/A1: not searched, its names, types and times are kept out" in out
        assert "found" not in out
    found = json.loads(run("inventory", "find", "--name", "*", "--json", expect=5))
    assert found["not_given_out"] == ["C1/E1/A1"]
    assert not found["complete"]
    out = run("inventory", "export", "C1/E1", "--name", "*", "-o", "x.jsonld", expect=10)
    assert "kept out" in out
    assert not os.path.exists("x.jsonld")
    assert "names_kept_out" in run("inventory", "find", "C1/E1/A1", "--size", "1..", "--json")


def test_the_path_of_the_file_is_no_way_around(run):
    run("inventory", "run", "C1/E1", expect=3)
    flag(run)
    hidden(run, run("inventory", "list", run.database))
    os.symlink(run.database, "elsewhere.db")
    hidden(run, run("inventory", "list", "./elsewhere.db"))


@pytest.mark.parametrize("form", ["csv", "dfxml", "bodyfile", "case", "parquet", "report"])
def test_exports_of_a_flagged_exhibit(run, tmp_path, form):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    run("inventory", "run", "C1/E1", expect=3)
    flag(run)
    if form == "report":
        run("inventory", "report", "C1/E1", "-o", "x.out")
    else:
        more = ("--size", "1..1GB") if form == "case" else ()
        run("inventory", "export", "C1/E1", "--format", form, "-o", "x.out", *more)
    data = (tmp_path / "x.out").read_bytes()
    text = data.decode("utf-8", "replace")
    if form == "report":  # words of its own scripts and of its table of types
        assert not [name for name in names(run) if "." in name and name in text]
    else:
        hidden(run, text)
    if form != "parquet":
        assert SENSITIVE in text


def test_lines_that_prove_themselves_are_refused(run, tmp_path):
    run("inventory", "run", "C1/E1", expect=3)
    flag(run)
    assert "sensitive material" in run("inventory", "export", "C1/E1", "-o", "x.jsonl", expect=15)
    assert not [name for name in os.listdir(tmp_path) if name.startswith("x.jsonl")]


def test_a_comparison_names_nothing(run, tmp_path):
    run("inventory", "run", "C1/E1", expect=3)
    image = tmp_path / "other.raw"
    data = bytearray(IMAGE.read_bytes())
    data[103424:103500] = bytes(76)
    image.write_bytes(data)
    run("inventory", "run", "./other.raw")
    command = ("inventory", "compare", "C1/E1", "./other.raw.inventory.db")
    plain = run(*command, expect=5)
    assert [name for name in names(run) if name in plain]
    flag(run)
    for more in ((), ("--json",)):
        out = run(*command, *more, expect=5)
        hidden(run, out)
        assert SENSITIVE in out


def test_a_search_of_all_cases_names_nothing(run):
    run("inventory", "run", "C1/E1", expect=3)
    flag(run)
    for more in ((), ("--json",)):
        out = run("inventory", "find", "--size", "1..1GB", *more)
        hidden(run, out)
        assert SENSITIVE in out


def test_a_flag_at_registration_keeps_names_out_of_the_signed_event(run):
    run("exhibit", "register", "C1/E2", "--what", "phone", "--sensitive-material")
    flag(run)
    out = run("inventory", "run", "C1/E1", "--json", expect=3)
    hidden(run, out)
    with run.made.open() as station:
        event = [e for _, e, _ in station.events("C1") if e.kind == "inventory"][-1]
        state = station.state().state
    unread = event.fields["unread_files"]
    assert unread["files"] > 0
    assert {hit["path"] for hit in unread["first"]} == {SENSITIVE}
    assert state.exhibit("C1/E2").sensitive is True


def test_the_flag_can_be_lifted_and_corrected(run):
    run("inventory", "run", "C1/E1", expect=3)
    flag(run)
    assert sensitive.mask_of(os.fsencode(run.database)).everything
    flag(run, value="no")
    assert sensitive.mask_of(os.fsencode(run.database)) is None
    with run.made.open() as station:
        entry = station.state().state.exhibit("C1/E1").registered_entry
    flags = ("--set", f"corrects={entry}", "--set", "values.sensitive_material=yes")
    run("exhibit", "register", "C1/E2", "--what", "phone")
    run("custody", "record", "correct", "C1/E1", *flags)
    with run.made.open() as station:
        assert station.state().state.exhibit("C1/E1").sensitive is False  # said later
        end = station.state().state.exhibit("C1/E2").registered_entry
    flags = ("--set", f"corrects={end}", "--set", "values.sensitive_material=yes")
    run("custody", "record", "correct", "C1/E2", *flags)
    with run.made.open() as station:
        assert station.state().state.exhibit("C1/E2").sensitive is True


def test_parts_and_copies_of_a_flagged_exhibit(run):
    run("exhibit", "register", "C1/E2", "--what", "phone", "--sensitive-material")
    run("exhibit", "register", "C1/E3", "--what", "SIM card", "--part-of", "C1/E2")
    run("case", "open", "C2", "--title", "x")
    run("exhibit", "register", "C2/E1", "--what", "copy", "--derived-from", "C1/E3")
    run("exhibit", "register", "C2/E2", "--what", "other")
    with run.made.open() as station:
        for ref, answer in (("C1/E3", True), ("C2/E1", True), ("C2/E2", False), ("C1/E1", False)):
            assert sensitive.exhibit_is_sensitive(station, None, ref) is answer
    flag(run, "C2/E1", "no")
    with run.made.open() as station:
        assert not sensitive.exhibit_is_sensitive(station, None, "C2/E1")


def marked(run, tmp_path):
    """Mark one file by a set of sensitive material; return its stream row and its path."""
    run("inventory", "run", "C1/E1", expect=3)
    with kit.Inventory(os.fsencode(run.database)) as inventory:
        from evkit.inventory.search.find import entries

        entry = next(
            entry for entry in entries(inventory)
            if entry.name and entry.stream and entry.stream.get("size")
            and "digests" in entry.stream and len(entry.name["name"]) > 6
        )  # fmt: skip
    (tmp_path / "list").write_text(entry.stream["digests"]["sha256"] + "\n")
    run("hashset", "import", "list", "--name", "vic", "--kind", "notable", "--sensitive")
    run("inventory", "mark", "C1/E1")
    return entry


def test_only_what_a_set_of_sensitive_material_holds_is_masked(run, tmp_path):
    entry = marked(run, tmp_path)
    for command in OUTPUTS:
        assert entry.name["name"] not in run(*command)
    found = json.loads(run("inventory", "list", "C1/E1", "--json"))
    shown = {item["stream_row"]: item for item in found["entries"]}
    assert shown[entry.stream_row]["path"] == SENSITIVE
    assert shown[entry.stream_row]["type"] == SENSITIVE
    assert [item for item in found["entries"] if item["path"] != SENSITIVE]
    searched = run("inventory", "find", "C1/E1", "--name", entry.name["name"])
    assert "0 found" in searched
    assert "names, types and times of sensitive material are kept out: not looked" in searched
    assert "kept out" not in run("inventory", "find", "C1/E1", "--size", "1..")
    assert "1 of them hold sensitive material" in run("inventory", "find", "--name", "zz")
    run("inventory", "export", "C1/E1", "-o", "x.jsonl", expect=15)
    run("inventory", "export", "C1/E1", "-o", "x.csv")
    assert entry.name["name"] not in (tmp_path / "x.csv").read_text()
    (tmp_path / "other").write_text("a" * 64 + "\n")
    run("hashset", "import", "other", "--name", "other", "--kind", "known")
    run("inventory", "mark", "C1/E1", "--hashset", "other")  # newer marks uncover nothing
    assert entry.name["name"] not in run("inventory", "list", "C1/E1")


def test_marks_that_are_lost_or_damaged_uncover_nothing(run, tmp_path):
    entry = marked(run, tmp_path)
    path = run.database + ".marks.jsonl"
    with open(path, "rb") as handle:
        whole = handle.read()
    os.chmod(path, 0o644)
    for data in (whole[:-1], whole.replace(b'"sensitive":true', b'"sensitive":false')):
        with open(path, "wb") as handle:
            handle.write(data)
        try:
            mask = sensitive.mask_of(os.fsencode(run.database))
        except InputError:
            continue
        assert mask.everything
    os.unlink(path)
    assert entry.name["name"] not in run("inventory", "list", "C1/E1")


def test_an_inventory_without_a_station_is_masked_by_its_marks(run, tmp_path, monkeypatch):
    entry = marked(run, tmp_path)
    for name in ("inventory.db", "inventory.db.marks.jsonl"):
        shutil.copyfile(os.path.join(run.home, name), tmp_path / name)
    monkeypatch.delenv("EVKIT_STATION")
    assert entry.name["name"] not in run("inventory", "list", "./inventory.db")


@pytest.mark.parametrize("by_set", [False, True])
def test_bundles_leave_sensitive_material_out_and_say_so(run, tmp_path, by_set):
    if by_set:
        entry = marked(run, tmp_path)
        secret = {entry.name["name"], entry.name["path"]}
    else:
        flag(run)
        run("inventory", "run", "C1/E1", expect=3)
        secret = names(run)
    out = run("bundle", "create", "C1", "-o", "b", "--with-exhibits")
    assert "sensitive material, left out" in out
    files = {os.path.join(folder, name) for folder, _, inside in os.walk("b") for name in inside}
    assert not [name for name in files if "inventories" in name]
    assert ("image.raw" in {os.path.basename(name) for name in files}) == by_set
    for name in files:
        if os.path.basename(name) == "image.raw":
            continue
        with open(name, "rb") as handle:
            data = handle.read().decode("utf-8", "replace")
        if not by_set:
            assert not [word for word in secret if word in data], name
    readme = (tmp_path / "b" / "README.txt").read_text()
    assert "Sensitive material was left out" in readme
    assert "sensitive material" in (tmp_path / "b" / "manifest.html").read_text()
    root = os.fspath(run.made.path / "trust" / "root.crt")
    found = json.loads(run("verify", "b", "--trust", root, "--json", expect=5))
    assert found["schema"].startswith("evkit/")
    run("bundle", "create", "C1", "-o", "all", "--with-exhibits", "--with-sensitive")
    assert "Sensitive material" not in (tmp_path / "all" / "README.txt").read_text()
    assert (tmp_path / "all" / "data" / "inventories" / "C1" / "E1" / "A1").is_dir()
    with run.made.open() as station:
        events = [e for _, e, _ in station.events("C1") if e.kind == "bundle"]
    assert [event.fields.get("with_sensitive") for event in events] == [None, True]


@pytest.fixture
def taken_in(run, tmp_path):
    """Files taken into a flagged exhibit, one of them not as a list says; nothing names them."""
    run("exhibit", "register", "C1/E2", "--what", "phone", "--sensitive-material")
    folder = tmp_path / "delivery"
    folder.mkdir()
    (folder / "secret-name.txt").write_text("one")
    (folder / "another-secret.jpg").write_text("two")
    (tmp_path / "list.md5").write_text(f"{'0' * 32}  secret-name.txt\n{'1' * 32}  lost-secret\n")
    out = run(
        "intake", "delivery", "--exhibit", "C1/E2", "--expect", "list.md5", "--kind", "files",
        expect=4,
    )  # fmt: skip
    assert "secret" not in out
    return run


def test_an_intake_names_no_file(taken_in, tmp_path):
    run = taken_in
    with run.made.open() as station:
        event = [e for _, e, _ in station.events("C1") if e.kind == "intake-end"][-1]
        folder = os.fsdecode(station.folder(parse_ref("C1/E2/A1")))
    assert {one["name"] for one in event.fields["expected"]["differences"]} == {SENSITIVE}
    run("inventory", "run", "C1/E2")
    for output in (("--json",), ()):
        out = run("inventory", "list", "C1/E2", *output)
        assert "secret" not in out
        assert SENSITIVE in out
    run("bundle", "create", "C1", "-o", "b", "--with-exhibits")
    inside = {name for _, _, names in os.walk("b/data/exhibits/C1/E2") for name in names}
    assert inside <= {"acquisition-log.json", "log.json"}
    for base, _, names_ in os.walk("b"):
        for name in names_:
            with open(os.path.join(base, name), "rb") as handle:
                assert b"secret-name" not in handle.read(), name
    files = [
        os.path.join(base, name)
        for base, _, names_ in os.walk(os.path.join(folder, "files"))
        for name in names_
    ]
    os.chmod(files[0], 0o644)
    with open(files[0], "ab") as handle:
        handle.write(b"x")
    assert "secret" not in run("verify", "C1/E2/A1", expect=4)
    assert "secret" not in run("verify", "C1/E2/A1", "--record", expect=4)
    with run.made.open() as station:
        event = [e for _, e, _ in station.events("C1") if e.kind == "verify"][-1]
    assert "secret" not in json.dumps(event.fields, default=str)
    assert "secret" not in run("inventory", "run", "C1/E2", expect=4)
