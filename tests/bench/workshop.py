"""A station, a realistic source in the page cache, and whole processes of evkit over it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import stations
from harness import Run, run

SIZE = int(os.environ.get("EVKIT_BENCH_BYTES", str(2 << 30)))
ROUNDS = int(os.environ.get("EVKIT_BENCH_ROUNDS", "3"))
MASK = {"OPENSSL_ia32cap": ":~0x20000000"}  # bit 29 of EBX of CPUID leaf 7: SHA extensions


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Folder on the destination disk, station in it, source, a source of one sector."""

    folder: Path
    station: Path
    source: Path
    tiny: Path
    env: dict[str, str]

    def acquire(
        self,
        source: Path | None = None,
        *options: str,
        env: dict[str, str] | None = None,
        tree: bool = False,
        prefix: Sequence[str] = (),
    ) -> Run:
        """Acquire without verification; the files of the image are removed afterwards."""
        command = [*prefix, *self.command(source or self.source, *options)]
        os.sync()
        done = run(command, env=self.env | (env or {}), tree=tree)
        self.remove_images()
        return done

    def acquire_kept(self, source: Path, options: Sequence[str], target: Path) -> Path:
        """Acquire into one file, which is moved to `target`."""
        run(self.command(source, *options), env=self.env)
        (image,) = (path for path in self.images() if path.suffix in {".E01", ".raw"})
        image.replace(target)
        self.remove_images()
        return target

    def verify(
        self, container: Path, *, env: dict[str, str] | None = None, tree: bool = False
    ) -> Run:
        """Verify a container; 5, because a file by itself says nothing of who made it."""
        command = [sys.executable, "-m", "evkit", "verify", str(container)]
        os.sync()
        return run(command, env=self.env | (env or {}), codes=(5,), tree=tree)

    def command(self, source: Path, *options: str) -> list[str]:
        """Return the command line of an acquisition."""
        command = [sys.executable, "-m", "evkit", "acquire", str(source), "--exhibit", "C1/E1"]
        return [*command, "--verify", "none", *options]

    def images(self) -> list[Path]:
        """Return the files of images, finished or not."""
        return sorted((self.station / "cases" / "C1" / "E1").glob("A*/image.*"))

    def remove_images(self) -> None:
        """Remove them."""
        for image in self.images():
            image.unlink()


@contextmanager
def workshop() -> Iterator[Workshop]:
    """Make everything, remove it at the end."""
    with tempfile.TemporaryDirectory(
        prefix="evkit-bench-", dir=os.environ.get("EVKIT_BENCH_DIR")
    ) as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        made = stations.ready(folder / "station").path
        phrase = folder / "phrase"
        phrase.write_bytes(stations.PHRASE + b"\n")
        tiny = folder / "tiny"
        tiny.write_bytes(b"x" * 512)
        yield Workshop(
            folder=folder,
            station=made,
            source=realistic(folder / "source.dd", SIZE),
            tiny=tiny,
            env={
                "EVKIT_STATION": str(made),
                "EVKIT_PASSPHRASE_FILE": str(phrase),
                "EVKIT_OFFICER": stations.OFFICER,
                "EVKIT_NO_PROGRESS": "1",
                "EVKIT_NONINTERACTIVE": "1",
                # an installed program is compiled once; the warm-up does it here
                "PYTHONDONTWRITEBYTECODE": "",
                "PYTHONPYCACHEPREFIX": str(folder / "pycache"),
            },
        )


def peer(command: Sequence[str], made: Callable[[], Sequence[Path]], env: dict[str, str]) -> Run:
    """Run a program of others and remove what it wrote."""
    os.sync()
    done = run(command, env=env)
    for path in made():
        path.unlink()
    return done


def version(program: str, *options: str) -> str:
    """Return the first line of what a program says of itself."""
    path = shutil.which(program)
    if path is None:
        return "not installed"
    done = subprocess.run([path, *options], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0].strip() if lines else program


def realistic(path: Path, size: int) -> Path:
    """Write `size` bytes of real files (this Python's), repeated, and leave them in the cache."""
    places = [Path(sys.prefix), Path(sys.base_prefix)]
    files = sorted(file for top in places for file in top.rglob("*") if file.is_file())
    with open(path, "wb") as out:
        while out.tell() < size:
            for file in files:
                out.write(file.read_bytes()[: size - out.tell()])
                if out.tell() >= size:
                    break
    with open(path, "rb") as handle:
        os.fsync(handle.fileno())
        while handle.read(1 << 24):
            pass
    return path
