"""Disk images: what a file is, and its decoded medium with random access. No threads here."""
