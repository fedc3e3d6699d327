"""Where an image goes: folders that each take a copy, raw files, E01 segments, checkpoints."""
