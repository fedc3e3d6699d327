"""`evkit --version --json`: the versions a laboratory has to write down."""

from __future__ import annotations

import importlib.metadata
import platform
import ssl
from dataclasses import dataclass
from typing import Any

from evkit import __version__

LIBRARIES = (
    "click", "cryptography", "isal", "pytsk3", "libewf-python", "python-magic", "pylibmagic",
    "PyYAML", "Jinja2", "segno", "rich", "libvmdk-python", "libvhdi-python",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Versions:
    """Versions of evkit, Python, OpenSSL and the libraries."""

    python: str
    openssl: str
    system: str
    libraries: dict[str, str]
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/versions/1",
            "evkit": __version__,
            "python": self.python,
            "openssl": self.openssl,
            "system": self.system,
            "libraries": self.libraries,
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        return [
            f"evkit {__version__}",
            f"Python {self.python}, {self.openssl}, {self.system}",
            *(f"{name} {version}" for name, version in self.libraries.items()),
        ]


def run() -> Versions:
    """Collect the versions."""
    libraries: dict[str, str] = {}
    for name in LIBRARIES:
        try:
            libraries[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            libraries[name] = "not installed"
    return Versions(
        python=platform.python_version(),
        openssl=ssl.OPENSSL_VERSION,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        libraries=libraries,
    )
