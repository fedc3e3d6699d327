"""Hash sets: sorted digests looked up by mmap, and the marks that they leave on an inventory."""
