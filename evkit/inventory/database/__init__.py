"""The inventory file: writing it, going on with it, reading it."""
