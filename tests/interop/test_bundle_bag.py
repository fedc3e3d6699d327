"""A bundle is a bag and a zip for other programs too."""

from __future__ import annotations

import subprocess
import zipfile

import bundlekit
import pytest

from evkit.bundle.assemble import assemble
from evkit.bundle.sink import open_sink
from evkit.manifest.tree import FolderTree
from evkit.manifest.zipread import ZipTree
from evkit.verify.bundle import verify_bundle


@pytest.fixture(scope="module")
def full():
    return bundlekit.full()


def write(full, path):
    ledger, data = full
    assemble(ledger.material(**data), ledger.who.officer, open_sink(str(path)))
    return path


def test_bagit_python_validates_it(full, tmp_path):
    import bagit

    folder = write(full, tmp_path / "bundle")
    bag = bagit.Bag(str(folder))
    assert bag.is_valid()
    assert bag.version_info == (1, 0)
    (folder / "data" / "events" / "0.json").chmod(0o644)
    with open(folder / "data" / "events" / "0.json", "ab") as handle:
        handle.write(b" ")
    assert not bagit.Bag(str(folder)).is_valid()


def test_sha256sum_and_openssl(full, tmp_path, program):
    ledger = full[0]
    folder = write(full, tmp_path / "bundle")
    for name in ("tagmanifest-sha256.txt", "manifest-sha256.txt"):
        subprocess.run(
            [program("sha256sum"), "--strict", "--quiet", "-c", name], cwd=folder, check=True
        )
    key = tmp_path / "key.pem"
    certificate = ledger.who.officer.certificate.fingerprint
    path = folder / "data" / "trust" / "officers" / f"{certificate}.crt"
    done = subprocess.run(
        [program("openssl"), "x509", "-in", path, "-noout", "-pubkey"],
        check=True, capture_output=True,
    )  # fmt: skip
    key.write_bytes(done.stdout)
    done = subprocess.run(
        [program("openssl"), "dgst", "-sha256", "-verify", key, "-signature", "bag.sig",
         "tagmanifest-sha256.txt"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    assert b"Verified OK" in done.stdout


def test_the_zip_and_its_unpacked_folder_verify(full, tmp_path, program):
    supplied = bundlekit.with_anchor(full[0])
    path = write(full, tmp_path / "bundle.zip")
    with ZipTree(str(path)) as tree:
        assert verify_bundle(tree, supplied).word == "PASS"
    with zipfile.ZipFile(path) as handle:
        assert handle.testzip() is None
    subprocess.run([program("unzip"), "-q", path, "-d", tmp_path / "out"], check=True)
    assert verify_bundle(FolderTree(str(tmp_path / "out")), supplied).word == "PASS"


def test_a_zip_made_again_by_another_program_verifies(full, tmp_path, program):
    folder = write(full, tmp_path / "bundle")
    subprocess.run([program("zip"), "-qr", tmp_path / "again.zip", "."], cwd=folder, check=True)
    with ZipTree(str(tmp_path / "again.zip")) as tree:
        assert verify_bundle(tree, bundlekit.with_anchor(full[0])).word == "PASS"


def test_hashdeep_agrees_with_the_list(full, tmp_path, program):
    folder = write(full, tmp_path / "bundle")
    done = subprocess.run(
        [program("hashdeep"), "-c", "sha256", "-r", "-l", "data"],
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    rows = [
        line.split(",", 2) for line in done.stdout.split("\n") if line and line[0] in "0123456789"
    ]
    made = {name.removeprefix("./"): digest for _, digest, name in rows}
    listed = dict(
        reversed(line.split("  ", 1))
        for line in (folder / "manifest-sha256.txt").read_text().splitlines()
    )
    assert made == listed


def test_the_page_prints(full, tmp_path, program):
    """Chromium renders it; nothing is fetched, the digests and names are on the page."""
    folder = write(full, tmp_path / "bundle")
    pdf = tmp_path / "page.pdf"
    subprocess.run(
        [program("chromium"), "--headless", "--no-sandbox", "--disable-gpu",
         f"--user-data-dir={tmp_path}/profile", f"--print-to-pdf={pdf}",
         (folder / "manifest.html").as_uri()],
        check=False, capture_output=True, timeout=120,
    )  # fmt: skip
    text = subprocess.run(
        [program("pdftotext"), "-layout", pdf, "-"], check=True, capture_output=True, text=True
    ).stdout
    flat = "".join(text.split())
    for word in ("K-7/E1/A1", "USBstick", "notprove", "sealed"):
        assert word in flat, word
