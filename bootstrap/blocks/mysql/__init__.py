"""Block mysql."""
