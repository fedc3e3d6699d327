"""Volumes, file systems and folders as rows: every file, every stream, nothing dropped silently."""
