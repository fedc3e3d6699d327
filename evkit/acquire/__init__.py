"""Reading a source once: devices, checks before the first read, the engine, the journal."""
