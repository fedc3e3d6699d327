"""The EWF-E01 container (EnCase 6 layout): layout, chunk codec, writer, reader. No threads."""
