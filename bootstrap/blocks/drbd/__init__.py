"""Block drbd."""
