"""What is so on a node: shell scripts and the pure functions that read their output."""
