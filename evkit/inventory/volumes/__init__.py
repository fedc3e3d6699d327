"""What volumes are by their own marks, and which of their space is free."""
