"""Checks, findings and verdicts. The trusted base ends here."""
