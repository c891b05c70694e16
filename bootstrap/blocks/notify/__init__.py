"""Block notify."""
