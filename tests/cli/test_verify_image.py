"""Images that were taken in: bundled whole, verified with a memo, nothing said to be missing."""

from __future__ import annotations

import json
import shutil

import e01variants
import pytest
import stations

from evkit.cli.main import run

IMAGE = (b"boot" + bytes(range(256)) * 4096 + bytes(1 << 20)) * 2


@pytest.fixture
def station(tmp_path, monkeypatch):
    ready = stations.ready(tmp_path / "station")
    (tmp_path / "phrase").write_bytes(stations.PHRASE)
    for name, value in {
        "EVKIT_STATION": str(ready.path), "EVKIT_PASSPHRASE_FILE": str(tmp_path / "phrase"),
        "EVKIT_OFFICER": stations.OFFICER, "EVKIT_NONINTERACTIVE": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return tmp_path


def delivered(home, kind: str, vectors) -> list[str]:
    """An image as somebody else's imager leaves it."""
    folder = home / "delivery"
    folder.mkdir()
    if kind == "raw":
        (folder / "disk.dd").write_bytes(IMAGE)
    elif kind == "split":
        third = len(IMAGE) // 3
        for number, start in enumerate((0, third, 2 * third), 1):
            end = None if number == 3 else start + third
            (folder / f"disk.{number:03}").write_bytes(IMAGE[start:end])
    else:
        for name in {"e01": ["ext2.E01"], "split-e01": ["ext2.split.E01", "ext2.split.E02"]}[kind]:
            shutil.copyfile(vectors / "images" / name, folder / name)
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return [
        str(path) for path in found if path.suffix in {".dd", ".E01"} or path.suffix[1:].isdigit()
    ]


@pytest.mark.parametrize("kind", ["raw", "split", "e01", "split-e01"])
def test_an_image_taken_in(station, capsys, kind, request):
    vectors = request.getfixturevalue("vectors") if "e01" in kind else None
    paths = delivered(station, kind, vectors)
    assert paths
    capsys.readouterr()
    bundle, memo = station / "bundle", station / "memo.txt"
    for line in (
        ["exhibit", "register", "C1/E2", "--what", "image from the lab"],
        ["intake", *paths, "--exhibit", "C1/E2", "--kind", "image"],
        ["ledger", "memo", "C1", "-o", str(memo)],
        ["bundle", "create", "C1", "-o", str(bundle), "--with-exhibits"],
    ):
        assert run(["--progress", "none", *line]) == 0, (line, capsys.readouterr())
    for what in ("C1", "C1/E2/A1", str(bundle)):
        capsys.readouterr()
        assert run(["verify", what, "--memo", str(memo), "--require", "content"]) == 0
        out = capsys.readouterr().out
        assert out.startswith("PASS  ")
        assert "not enclosed" not in out.split("\n")[0]
    assert (bundle / "data" / "exhibits" / "C1" / "E2" / "A1").is_dir()


@pytest.fixture
def taken(station, capsys):
    """A case with a taken-in E01 of two segments, its bundle as folder and zip, and the memo."""
    medium = bytes((i * i * 31 + i // 7) & 255 for i in range(40000)) * 60
    medium = medium[: len(medium) // 512 * 512]
    folder = station / "delivery"
    folder.mkdir()
    e01variants.write(folder, e01variants.build(medium, per_segment=40, compress=False))
    for line in (
        ["exhibit", "register", "C1/E2", "--what", "image from the lab"],
        ["intake", str(folder / "a.E01"), "--exhibit", "C1/E2", "--kind", "image"],
        ["ledger", "memo", "C1", "-o", str(station / "memo.txt")],
        ["bundle", "create", "C1", "-o", str(station / "bundle"), "--with-exhibits"],
        ["bundle", "create", "C1", "-o", str(station / "bundle.zip"), "--with-exhibits"],
    ):
        assert run(["--progress", "none", *line]) == 0, (line, capsys.readouterr())
    capsys.readouterr()

    def verify(what, code):
        found = run(["--json", "verify", str(what), "--memo", str(station / "memo.txt")])
        report = json.loads(capsys.readouterr().out)
        assert found == code, report
        return report

    return station, medium, verify


def remarks(report):
    return {remark["code"] for remark in report["remarks"]}


def failures(report):
    checks = report["questions"]["content"]["checks"]
    return {check["code"]: check for check in checks if check["state"] == "FAIL"}


def test_the_medium_of_a_recorded_container_is_decoded(taken):
    station, _, verify = taken
    for what in ("C1", "C1/E2/A1", station / "bundle"):
        assert "container" not in remarks(verify(what, 0))
    report = verify(station / "bundle.zip", 0)
    assert "container" in remarks(report)
    assert any("as files of their own" in remark["text"] for remark in report["remarks"])


def test_a_changed_container_says_whether_its_medium_changed(taken):
    station, medium, verify = taken
    segment = station / "bundle" / "data" / "exhibits" / "C1" / "E2" / "A1" / "image.E01"
    data = segment.read_bytes()
    at, _ = e01variants.find(data, "header")
    segment.write_bytes(e01variants.flip(data, at + 80))
    report = verify(station / "bundle", 4)
    assert "exhibit-digest" in failures(report)
    assert "media-digest" not in failures(report)
    assert "container-changed" in remarks(report)
    # a chunk that no longer fits its checksum
    at, _ = e01variants.find(data, "sectors")
    segment.write_bytes(e01variants.flip(data, at + 76 + 32772 * 33 + 7))
    text = failures(verify(station / "bundle", 4))["media-digest"]["text"]
    assert "chunk 33, sectors 2112\N{EN DASH}2175, segment `image.E01`" in text
    assert "it differs within bytes 1048576 to 2097151" in text
    # data and the digests of the container written again: only the record knows
    other = medium[:1_200_000] + b"!" + medium[1_200_001:]
    segment.write_bytes(e01variants.build(other, per_segment=40, compress=False)[0])
    text = failures(verify(station / "bundle", 4))["media-digest"]["text"]
    assert "cannot be decoded" not in text
    assert "it differs within bytes 1048576 to 2097151" in text


def test_a_single_container_against_the_record(taken, capsys):
    station, medium, _ = taken
    copy = station / "copy.E01"

    def verify(data):
        copy.write_bytes(data)
        run(["--json", "verify", str(copy)])
        return json.loads(capsys.readouterr().out)

    # another container of the same medium is recognised by its content
    report = verify(e01variants.build(medium, e01variants.FTK)[0])
    checks = report["questions"]["content"]["checks"]
    assert any("the content of `C1/E2/A1`" in check["text"] for check in checks)
    assert report["questions"]["content"]["answer"] == "PASS"
    # one that was changed and given new digests matches itself, and no record
    report = verify(e01variants.build(medium[:-1] + b"!")[0])
    assert report["questions"]["content"]["answer"] == "UNDECIDED"
    assert "file-unknown" in {c["code"] for c in report["questions"]["content"]["checks"]}
