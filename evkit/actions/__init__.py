"""One module per user action. Composes the packages below, prints nothing."""
