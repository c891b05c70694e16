"""Block monitor."""
