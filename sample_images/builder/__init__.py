"""Builders of the sample images. Not a part of the evkit package."""
