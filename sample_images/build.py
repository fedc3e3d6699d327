"""Rebuild the sample images and the exported files.

    python sample_images/build.py                 into this folder
    python sample_images/build.py --to FOLDER     elsewhere, to compare

With the versions of the programs that `expected.json` names the result is the same byte for byte;
with others the files in the images are the same. Needs faketime, mkntfs with libntfs-3g, mke2fs
with debugfs, xorriso and sha256sum; the FAT image and the GUID partition table need nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from builder import disc, exported, laptop, phone, usb  # noqa: E402

IMAGES = (usb, phone, laptop, disc)


def main():
    """Build everything."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--to", type=Path, default=HERE)
    target = parser.parse_args().to
    target.mkdir(parents=True, exist_ok=True)
    for image in IMAGES:
        path = target / image.NAME
        image.build(path)
        path.chmod(0o644)
        print(f"{path.stat().st_size:>9} {image.NAME}")
    exported.build(target)


if __name__ == "__main__":
    main()
