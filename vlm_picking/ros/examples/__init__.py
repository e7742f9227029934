"""Examples: nodes to copy and change."""
