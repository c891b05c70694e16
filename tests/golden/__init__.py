"""Goldens: every file of every node of every stack, as rendered, and what else each node owns."""
