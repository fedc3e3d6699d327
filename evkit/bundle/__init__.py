"""What leaves a station: bag, manifest, readable pages, memos."""
