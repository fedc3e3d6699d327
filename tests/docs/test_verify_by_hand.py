"""The recipe of docs/verify-by-hand.md, followed word for word."""

from __future__ import annotations

import re
import subprocess

import bundlekit
import pytest
from bundlekit import CASE, Draft

from evkit.manifest import layout

FENCE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SIZE = 8


@pytest.fixture(scope="module")
def made():
    ledger, data = bundlekit.full()
    return ledger, ledger.bundle(**data)


@pytest.fixture
def follow(repository, program, tmp_path):
    """Write a bundle to a folder and run the blocks of the page in one bash."""
    for name in ("bash", "openssl", "sha256sum"):
        program(name)
    blocks = FENCE.findall((repository / "docs" / "verify-by-hand.md").read_text())
    assert len(blocks) >= 12

    def run(files, memo):
        folder, work = tmp_path / "bundle", tmp_path / "work"
        work.mkdir()
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        values = {
            "BUNDLE": str(folder), "WORK": str(work), "SIZE": str(memo.size),
            "ROOT": memo.root.hex(), "TRUST": memo.trust.hex(), "PATH": "/usr/bin:/bin",
        }  # fmt: skip
        return subprocess.run(
            ["bash", "-c", "\n".join(blocks)],
            env=values,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_fresh_bundle(follow, made):
    ledger, files = made
    done = follow(files, ledger.memo(SIZE))
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    assert done.stdout.endswith("everything asked here is as it should be\n")


def test_a_bundle_without_evidence_and_with_a_full_memo(follow):
    ledger = bundlekit.small()
    assert follow(ledger.bundle(), ledger.memo()).returncode == 0


def test_a_ledger_of_several_tiles(follow):
    ledger = bundlekit.Ledger()
    ledger.genesis()
    ledger.enrol(ledger.who.officer)
    ledger.add(Draft(kind="case-open", case=CASE, fields={"title": "Theft"}))
    for number in range(256):
        ledger.add(Draft(kind="note", case="OTHER", fields={"text": str(number)}))
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "folder"}))
    assert follow(ledger.bundle(), ledger.memo(200)).returncode == 0


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def damage_entry(ledger, files):
    name = layout.event_path(6)
    return bundlekit.relist(files | {name: flip(files[name], 200)}, ledger.who.officer)


def damage_page(_ledger, files):
    page = files[layout.PAGE].replace(b"Theft", b"Other")
    return bundlekit.relist(files | {layout.PAGE: page})


def damage_exhibit(ledger, files):
    name = f"data/exhibits/{CASE}/E1/A1/image.raw"
    return bundlekit.relist(files | {name: flip(files[name], 9)}, ledger.who.officer)


def damage_taken_in(ledger, files):
    name = f"data/exhibits/{CASE}/E2/A1/files/000001"
    return bundlekit.relist(files | {name: b"other"}, ledger.who.officer)


def leave_out(ledger, files):
    gone = {layout.event_path(9), layout.proof_path(9)}
    rest = {name: data for name, data in files.items() if name not in gone}
    return bundlekit.relist(rest, ledger.who.officer)


def add_file(_ledger, files):
    return files | {"extra.txt": b"x"}


def exchange_proofs(ledger, files):
    first, second = layout.proof_path(5), layout.proof_path(6)
    changed = files | {first: files[second], second: files[first]}
    return bundlekit.relist(changed, ledger.who.officer)


def damage_tile(ledger, files):
    name = layout.tile_path("tile/0/000.p/13")
    return bundlekit.relist(files | {name: flip(files[name], 3 * 32)}, ledger.who.officer)


def other_signer(ledger, files):
    return bundlekit.relist(files, ledger.who.other)


def other_root(ledger, files):
    root = bundlekit.make_root(90).certificate.pem
    return bundlekit.relist(files | {layout.ROOT: root}, ledger.who.officer)


def damage_checkpoint(ledger, files):
    at = files[layout.CHECKPOINT].index(b"\n13\n") + 2
    changed = files | {layout.CHECKPOINT: flip(files[layout.CHECKPOINT], at)}
    return bundlekit.relist(changed, ledger.who.officer)


def damage_statement(ledger, files):
    changed = files | {layout.STATEMENT: flip(files[layout.STATEMENT], 60)}
    return bundlekit.relist(changed, ledger.who.officer)


def damage_manifest(ledger, files):
    changed = files | {layout.MANIFEST: flip(files[layout.MANIFEST], 900)}
    return bundlekit.relist(changed, ledger.who.officer)


@pytest.mark.parametrize(
    "damage",
    [
        damage_entry, damage_page, damage_exhibit, damage_taken_in, leave_out, add_file,
        exchange_proofs, damage_tile, other_signer, other_root, damage_checkpoint,
        damage_statement, damage_manifest,
    ],
)  # fmt: skip
def test_a_damaged_bundle(follow, made, damage):
    ledger, files = made
    done = follow(damage(ledger, files), ledger.memo(SIZE))
    assert done.returncode != 0
    assert "as it should be" not in done.stdout


def test_another_anchor(follow, made):
    ledger, files = made
    wrong = ledger.memo(SIZE)._replace(root=ledger.root(SIZE - 1))
    assert follow(files, wrong).returncode != 0


def test_another_root_on_paper(follow, made):
    ledger, files = made
    wrong = ledger.memo(SIZE)._replace(trust=bytes(32))
    assert follow(files, wrong).returncode != 0
