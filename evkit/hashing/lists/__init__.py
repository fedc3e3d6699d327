"""List formats: hashdeep, sha256sum and its relatives, BagIt manifests, evkit JSON lines."""
