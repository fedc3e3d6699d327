"""Formats of what leaves a station: manifest, bag, zip, inventory rows, memo."""
