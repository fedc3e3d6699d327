"""Images that were taken in: bundled whole, verified with a memo, nothing said to be missing."""

from __future__ import annotations

import shutil

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
