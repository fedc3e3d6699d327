"""Folders, files that were taken in, and what lies in their archives, as rows."""
