"""`case_validate` of the CASE community accepts what evkit writes, without a word of warning."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import inventorykit as kit
import pytest
import stations

from evkit.actions.inventory_case import export_case
from evkit.core.refs import parse_ref
from evkit.hashing.digests import digest_file
from evkit.inventory.search.find import Criteria
from evkit.ledger.event import Draft, Subject

pytest.importorskip("case_utils")
IMAGES = ("usb-fat16.raw", "laptop-ntfs.raw")
EVERY = Criteria(name="*")


def _validate(*paths) -> subprocess.CompletedProcess:
    program = Path(sys.executable).parent / "case_validate"
    return subprocess.run(
        [str(program), *map(str, paths)], capture_output=True, text=True, check=False, timeout=300
    )


def _case(made) -> None:
    """Two exhibits with an image each, moved about, inventoried, and a stopped attempt."""
    phone = {"what": "laptop \u202e", "make": "Dell & <Söhne>", "model": "X", "serial": "1"}
    other = {"made_by": "other-tool", "tool": {"name": "dc3dd", "version": "7.3"}}
    with made.open() as station:
        drafts = [
            Draft(
                kind="register", case="C1", exhibits=("C1/E2",), place="حیات آباد",
                fields=phone,
            ),
            Draft(kind="seal", case="C1", exhibits=("C1/E2",), fields={"seal": ["S-1"]}),
            Draft(kind="note", case="C1", fields={"text": "a note\nwith a line"}),
            Draft(kind="copy-out", case="C1", exhibits=("C1/E2",), fields={"copy": "court"}),
        ]  # fmt: skip
        for number, name in enumerate(IMAGES, 1):
            ref = f"C1/E{number}/A1"
            folder = Path(os.fsdecode(station.folder(parse_ref(ref))))
            folder.mkdir(parents=True)
            size, digests = digest_file(kit.SAMPLES / name)
            common = {"case": "C1", "exhibits": (f"C1/E{number}",), "acquisitions": (ref,)}
            inventory = kit.scan(kit.SAMPLES / name, folder / "inventory.db", acquisition=ref)
            drafts += [
                Draft(kind="acquire-start", **common),
                Draft(
                    kind="acquire-end", **common, subjects=(Subject(ref, digests),),
                    fields={"result": "complete", "format": "raw", **(other if number == 2 else {}),
                            "media": {"size": size, **digests}},
                ),
                Draft(
                    kind="inventory", **common, subjects=(Subject(ref, digests),),
                    fields={"result": "complete", "row_root": inventory.meta["row_root"]},
                ),
            ]  # fmt: skip
            inventory.close()
        attempt = {"case": "C1", "exhibits": ("C1/E1",), "acquisitions": ("C1/E1/A2",)}
        drafts.append(Draft(kind="acquire-start", **attempt))
        station.record_many(drafts, made.officer)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """(documents of the case and of one exhibit, each written twice)."""
    if not (kit.SAMPLES / IMAGES[0]).exists():
        pytest.skip("the sample images are not here")
    folder = tmp_path_factory.mktemp("case")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        made = stations.ready(folder / "station")
        _case(made)
        with made.open() as station:
            for what, name in (("C1", "case"), ("C1", "again")):
                export_case(station, what, str(folder / f"{name}.jsonld"), EVERY)
            export_case(station, "C1/E2", str(folder / "exhibit.jsonld"), Criteria())
    return folder


def test_case_validate_says_nothing_but_that_it_conforms(written):
    done = _validate(written / "case.jsonld")
    assert done.returncode == 0, done.stdout[-3000:]
    assert done.stderr == ""
    assert "Conforms: True" in done.stdout


def test_the_same_case_gives_the_same_bytes(written):
    assert (written / "case.jsonld").read_bytes() == (written / "again.jsonld").read_bytes()


def test_case_validate_finds_what_is_wrong(written, tmp_path):
    """The check can fail: a digest without its method is refused, and that alone."""
    text = (written / "exhibit.jsonld").read_text("utf-8")
    broken = tmp_path / "broken.jsonld"
    broken.write_text(text.replace('"uco-types:hashMethod": "SHA256",', "", 1), "utf-8")
    assert broken.read_text("utf-8") != text
    assert _validate(broken).returncode != 0
