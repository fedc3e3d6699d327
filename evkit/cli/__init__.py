"""The command line: parses arguments, calls `evkit.actions`, prints results, sets the exit code."""
