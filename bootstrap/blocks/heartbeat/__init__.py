"""Block heartbeat."""
