"""The recipe for a proof of origin in docs/verify-by-hand.md, followed word for word."""

from __future__ import annotations

import re
import subprocess

import bundlekit
import proofkit as kit
import pytest

from evkit.manifest import proof as form

HAND = "\n# Checking a proof of origin by hand\n"
ABOVE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OWN = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STATION = kit.Station()


def steps(page: str) -> list[str]:
    """The blocks in the order in which the page asks for them."""
    above, own = page.split(HAND)
    numbered = {
        part.split(".")[0]: "\n".join(ABOVE.findall(part)) for part in above.split("\n## ")[1:]
    }
    take, there, sectors, file = OWN.findall(own)
    assert "steps 0, 2, 3, 4 and 6 above" in own
    assert "step 9 above" in own
    signed = [numbered[number] for number in ("0", "2", "3", "4", "6")]
    return [take, *signed, there, numbered["9"], sectors, file]


@pytest.fixture
def follow(repository, program, tmp_path):
    """Write a proof and run the blocks of the page in one bash."""
    for name in ("bash", "openssl", "sha256sum", "python3"):
        program(name)
    blocks = steps((repository / "docs" / "verify-by-hand.md").read_text())

    def run(data, memo):
        work = tmp_path / "work"
        work.mkdir()
        (tmp_path / "p.evproof").write_bytes(data)
        values = {
            "PROOF": str(tmp_path / "p.evproof"), "BUNDLE": str(tmp_path / "proof"),
            "WORK": str(work), "SIZE": str(memo.size), "ROOT": memo.root.hex(),
            "TRUST": memo.trust.hex(), "PATH": "/usr/local/bin:/usr/bin:/bin",
        }  # fmt: skip
        return subprocess.run(
            ["bash", "-c", "\n".join(blocks)],
            env=values,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("inode", [10, 11, 12, 13])
def test_a_fresh_proof(follow, tmp_path, inode):
    done = follow(kit.file_of(STATION.prove(inode)), STATION.ledger.memo(4))
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    assert done.stdout.endswith("the sectors lie in the image, and they are this file\n")
    assert f"path: '/docs/file{inode}'" in done.stderr
    content = (tmp_path / "work" / "content").read_bytes()
    assert content == kit.gather(STATION.image, kit.FILES[inode])


def changed_block():
    proof, blocks = STATION.prove(10)
    return form.encode_head(proof) + blocks[:100] + b"\0\1" + blocks[102:]


def foreign_byte():
    data = kit.file_of(STATION.prove(10))
    return data[:-1] + bytes([data[-1] ^ 1])


def other_image():
    other = kit.Station(kit.random_bytes(kit.SIZE, 8))
    return kit.file_of(
        other.prove(10, **STATION.ledger_part(), end=STATION.end, inventory=STATION.inventory)
    )


def changed_row():
    proof, blocks = STATION.prove(10)
    rows = tuple(
        form.ProofRow(number=row.number, salt=row.salt, data=row.data.replace(b"file10", b"file99"))
        for row in proof.rows
    )
    return kit.replaced((proof, blocks), rows=rows)


def other_blocks():
    return kit.file_of(STATION.prove(10, blocks=((2, 1), (17, 1), (33, 1))))


def more_blocks():
    return kit.file_of(STATION.prove(10, blocks=((3, 1), (25, 2))))


def stale_checkpoint():
    return kit.file_of(STATION.prove(10, **STATION.ledger_part(size=STATION.inventory)))


def exchanged_entries():
    return kit.file_of(STATION.prove(10, end=STATION.inventory, inventory=STATION.end))


def forger():
    who = bundlekit.people()._replace(root=bundlekit.make_root(91))
    return kit.file_of(kit.Station(who=who).prove(10))


def changed_entry():
    data = kit.file_of(STATION.prove(10))
    at = data.index(b'\\"sig\\":\\"') + 30
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def cut():
    return kit.file_of(STATION.prove(10))[:-100]


@pytest.mark.parametrize(
    "damage",
    [
        changed_block, foreign_byte, other_image, changed_row, other_blocks, more_blocks,
        stale_checkpoint, exchanged_entries, forger, changed_entry, cut,
    ],
)  # fmt: skip
def test_a_proof_of_something_else(follow, damage):
    done = follow(damage(), STATION.ledger.memo(4))
    assert done.returncode != 0
    assert "they are this file" not in done.stdout


def test_scattered_bytes_lie_in_the_image_and_are_no_file(follow):
    done = follow(other_blocks(), STATION.ledger.memo(4))
    assert "sectors: yes, 3 blocks" in done.stdout
    assert "they are this file" not in done.stdout


def test_another_ledger_on_paper(follow):
    wrong = STATION.ledger.memo(4)._replace(root=STATION.ledger.root(3))
    assert follow(kit.file_of(STATION.prove(10)), wrong).returncode != 0
