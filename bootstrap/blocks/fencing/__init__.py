"""Block fencing."""
