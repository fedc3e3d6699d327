"""What every other package stands on: errors, evkit JSON, the clock, text, paths, durable files."""
