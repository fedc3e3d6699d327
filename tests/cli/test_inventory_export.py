"""`evkit inventory export` in every format, on a real station and on inventory files."""

from __future__ import annotations

import json
import os
import shutil
import sys

import inventorykit as kit
import pytest

from evkit.core.refs import parse_ref
from evkit.hashing.digests import digest_file
from evkit.inventory.exports.formats import ENDINGS, FORMATS
from evkit.ledger.event import Draft, Subject

IMAGE = kit.SAMPLES / "usb-fat16.raw"
pytestmark = pytest.mark.skipif(not IMAGE.exists(), reason="the sample images are not here")


@pytest.fixture
def run(run):
    """Run command lines on a station with one acquired image, `C1/E1/A1`."""
    _acquired(run.made, IMAGE)
    return run


def _acquired(made, source):
    with made.open() as station:
        folder = os.fsdecode(station.folder(parse_ref("C1/E1/A1")))
        os.makedirs(folder)
        shutil.copyfile(source, os.path.join(folder, "image.raw"))
        size, digests = digest_file(source)
        artifact = {"name": "image.raw", "role": "image", "size": size, **digests}
        common = {"case": "C1", "exhibits": ("C1/E1",), "acquisitions": ("C1/E1/A1",)}
        end = Draft(
            kind="acquire-end", **common, subjects=(Subject("C1/E1/A1", digests),),
            fields={"result": "complete", "made_by": "evkit", "format": "raw",
                    "media": {"size": size, **digests}, "artifacts": [artifact]},
        )  # fmt: skip
        station.record_many([Draft(kind="acquire-start", **common), end], made.officer)


def _nodes(path, kind):
    return [
        node
        for node in json.loads(path.read_text("utf-8"))["@graph"]
        if node["@type"].endswith(":" + kind)
    ]


def test_every_format_by_its_ending(run, tmp_path):
    run("inventory", "run", "C1/E1")
    for ending, form in ENDINGS.items():
        out = run("inventory", "export", "C1/E1", "-o", tmp_path / f"x.{ending}", "--json")
        document = json.loads(out)
        assert document["schema"] == "evkit/inventory-export/1"
        assert document["format"] == form
        assert document["count"] or form == "case"
        assert (tmp_path / f"x.{ending}").stat().st_size > 1000
        assert "exists already" in run(
            "inventory", "export", "C1/E1", "-o", tmp_path / f"x.{ending}", expect=15
        )
    for form in FORMATS:
        run("inventory", "export", "C1/E1/A1", "--format", form, "-o", tmp_path / f"again.{form}")
        same = next(ending for ending, name in ENDINGS.items() if name == form)
        first, second = tmp_path / f"x.{same}", tmp_path / f"again.{form}"
        assert first.read_bytes() == second.read_bytes()
    assert not list(tmp_path.glob("*.part"))


def test_what_is_refused(run, tmp_path):
    run("inventory", "run", "C1/E1", "--no-types")
    out = run("inventory", "export", "C1", "-o", tmp_path / "x.csv", expect=2)
    assert "`C1` is a case" in out
    assert "C1/E1" in out
    out = run("inventory", "export", "C1/E1", "-o", tmp_path / "x.csv", "--deleted", expect=2)
    assert "`--deleted` goes with `--format case` only" in out
    out = run("inventory", "export", "C1/E1", "--name", "*", "-o", tmp_path / "x.body", expect=2)
    assert "inventory find" in out
    out = run("inventory", "export", IMAGE, "-o", tmp_path / "x.jsonld", expect=2)
    assert "CASE or CASE/E1" in out
    out = run("inventory", "export", "C1/E1/A1", "-o", tmp_path / "x.jsonld", expect=2)
    assert "`C1/E1/A1` is an acquisition" in out
    assert "`C1/E1`" in out
    assert "no case `C2`" in run("inventory", "export", "C2", "-o", tmp_path / "x.json", expect=10)
    run("inventory", "export", "C1/E7", "-o", tmp_path / "x.json", expect=10)
    out = run("inventory", "export", IMAGE, "-o", tmp_path / "x.csv", expect=14)
    assert "is no inventory and has none beside it" in out
    assert not list(tmp_path.glob("x.*"))


def test_without_pyarrow_parquet_is_refused_in_words(run, tmp_path, monkeypatch):
    run("inventory", "run", "C1/E1", "--no-types")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    out = run("inventory", "export", "C1/E1", "-o", tmp_path / "x.parquet", expect=2)
    assert "pip install 'evkit[parquet]'" in out
    assert os.listdir(tmp_path) == ["station"]


def test_case_holds_exhibits_actions_and_only_chosen_files(run, tmp_path):
    out = run("inventory", "export", "C1", "-o", tmp_path / "bare.json")
    assert "no files were chosen" in out
    out = run("inventory", "export", "C1", "--deleted", "-o", tmp_path / "x.json", expect=10)
    assert "evkit inventory run C1/E1/A1" in out
    run("inventory", "run", "C1/E1")
    run("inventory", "export", "C1", "--deleted", "-o", tmp_path / "case.json")
    run("inventory", "export", "C1/E1", "--deleted", "-o", tmp_path / "exhibit.json")
    names = {
        node["uco-core:name"] for node in _nodes(tmp_path / "case.json", "InvestigativeAction")
    }
    assert {"registered", "acquired", "inventoried"} <= names
    assert "acquisition begun" not in names
    files = _nodes(tmp_path / "case.json", "File")
    assert files
    assert len(files) == len(_nodes(tmp_path / "exhibit.json", "File"))
    assert _nodes(tmp_path / "bare.json", "File") == []
    for node in files:
        facets = {facet["@type"].partition(":")[2]: facet for facet in node["uco-core:hasFacet"]}
        assert (
            facets["RecoveredObjectFacet"]["uco-observable:contentRecoveredStatus"] != "recovered"
        )
        for item in facets.get("ContentDataFacet", {}).get("uco-observable:hash", ()):
            assert item["evkit:contentBasis"] == "deleted-contiguous-guess"
    guessed = [node for node in files if "GUESSED" in str(node["uco-core:description"])]
    assert guessed
    (action,) = (
        node
        for node in _nodes(tmp_path / "case.json", "InvestigativeAction")
        if node["uco-core:name"] == "inventoried"
    )
    records = {node["@id"]: node for node in _nodes(tmp_path / "case.json", "ProvenanceRecord")}
    (result,) = action["uco-action:result"]
    record = records[result["@id"]]
    assert record["case-investigation:rootExhibitNumber"] == ["C1/E1"]
    assert record["evkit:rowRoot"] == action["evkit:rowRoot"]
    assert {item["@id"] for item in record["uco-core:object"]} == {node["@id"] for node in files}


def test_too_many_chosen_files_are_refused(run, tmp_path, monkeypatch):
    from evkit.actions import inventory_case

    monkeypatch.setattr(inventory_case, "MAX_FILES", 3)
    run("inventory", "run", "C1/E1", "--no-types")
    out = run("inventory", "export", "C1", "--name", "*", "-o", tmp_path / "x.json", expect=2)
    assert "more than 3 files" in out
    assert not (tmp_path / "x.json").exists()
