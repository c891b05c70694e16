"""Block base."""
