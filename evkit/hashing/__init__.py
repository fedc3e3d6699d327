"""Digests of streams and trees, the piece tree, list formats and the audit of a tree."""
