"""Finding entries in inventories, and comparing two of them."""
