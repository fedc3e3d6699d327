"""Custody: event kinds and their fields, profiles, and the replay of events into a state.

Pure: nothing here opens a station, signs or prints. Import the modules directly.
"""

from __future__ import annotations
