"""evkit: digital evidence from the seized device to the courtroom, checkable by anyone."""

from __future__ import annotations

__version__ = "0.1.0"
