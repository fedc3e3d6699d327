"""`README.txt` of a bundle: plain words for somebody who has never seen one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.bundle.material import SENSITIVE_REASON
from evkit.core.text import escape

if TYPE_CHECKING:
    from evkit.manifest.model import Item, Manifest

_TEXT = """\
EVIDENCE BUNDLE, case {case}

Run nothing from this stick. It holds no program, and none is needed from it: whoever
changed the files could also have put a false checking program beside them. Get evkit
from its publisher, or use the programs of your own computer as shown below.

To read
  manifest.html   what is in here, for people; opens in any browser, prints on paper
  manifest.json   the same for programs, signed by the officer who made the bundle

To check with evkit (bring the paper memo of the case, if there is one)
  evkit verify FOLDER --memo MEMO.txt

To check the files without evkit
  Linux      sha256sum -c tagmanifest-sha256.txt && sha256sum -c manifest-sha256.txt
  macOS      shasum -a 256 -c tagmanifest-sha256.txt
             shasum -a 256 -c manifest-sha256.txt
  Windows    certutil -hashfile manifest-sha256.txt SHA256
             and compare with the line of that file in tagmanifest-sha256.txt;
             then certutil -hashfile on each file you need, and compare with its line
             in manifest-sha256.txt

  Matching digests alone say that the files belong together. Who signed them, and that
  nothing was left out or exchanged later, takes the signatures and the paper memo.
  The whole recipe with openssl: docs/verify-by-hand.md of evkit.

{sensitive}What is where
  bag.sig                     signature of {issuer}
                              over tagmanifest-sha256.txt
  data/events/                every recorded step, each signed by the acting officer,
                              with its proof of place in the ledger (.tlog-proof)
  data/ledger/                the signed head of the ledger and its hashes
  data/trust/                 certificates; found here, so not by themselves proof
  data/openings/              personal values that were not withheld
  data/inventories/           lists of the files found in the evidence
  data/exhibits/              the evidence itself, if it is enclosed

Made {made} by {issuer}.
Ledger {origin}, {size} entries.
"""
_SENSITIVE = """\
Sensitive material was left out on purpose: manifest.html lists it, with its digests.
It stays at the station and is shown there to those who may see it.

"""


def readme(manifest: Manifest) -> bytes:
    """Return the text in UTF-8."""
    issuer = manifest.issuer
    name = f"{issuer['rank']} {issuer['name']}" if "rank" in issuer else issuer["name"]
    text = _TEXT.format(
        case=manifest.case,
        issuer=escape(name),
        made=manifest.made["utc"],
        origin=escape(manifest.head["origin"]),
        size=manifest.head["size"],
        sensitive=_SENSITIVE if any(_sensitive(item) for item in manifest.not_enclosed) else "",
    )
    return text.encode("utf-8")


def _sensitive(item: Item) -> bool:
    return (item.reason or "").startswith(SENSITIVE_REASON)
