"""`exported/`: files as a provider, a camera and a phone tool might hand them over, and their list.

`exported.sha256` is the provider's list of digests; its paths are relative to `exported/`.
"""

from __future__ import annotations

from builder import content, pictures
from builder.tools import run

FOLDER, LIST = "exported", "exported.sha256"

COVER = """Reference: TEST/LEA/2025/0311 (training, invented)
Period: 2025-03-01 to 2025-03-10, number +92 300 0000017
Files: calls_923000000017.csv, towers.csv
Times are local time of Pakistan (+05:00). Generated 2025-03-11T16:20:00+05:00.
"""

TOWERS = "".join(
    f"410-00-{1200 + number},TEST SITE {chr(65 + number)},{33.6 + number / 100:.2f},"
    f"{73.0 + number / 100:.2f},{number * 60}\r\n"
    for number in range(6)
)


def files():
    """Return the exported files by relative path."""
    return {
        "provider/cover_letter.txt": COVER.encode(),
        "provider/calls_923000000017.csv": content.calls(90, 8),
        "provider/towers.csv": b"cell_id,site,latitude,longitude,azimuth\r\n" + TOWERS.encode(),
        "cctv/gate_2_20250306_2030.mp4": pictures.clip(2),
        "chat/chat_with_green.txt": content.chat(120, 610),
        "chat/IMG-20250309-WA0001.jpg": pictures.jpeg(320, 240, 7, "training picture 7"),
        "chat/نوٹ.txt": content.URDU_NOTE,
    }


def build(target):
    """Write the folder and the list; the digests are those of `sha256sum`."""
    for name, data in files().items():
        path = target / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    folder = target / FOLDER
    names = sorted(files())
    lines = [run("sha256sum", give=(folder / name).read_bytes()).split()[0] for name in names]
    text = "".join(
        f"{digest.decode()}  {name}\n" for digest, name in zip(lines, names, strict=True)
    )
    (target / LIST).write_bytes(text.encode())
