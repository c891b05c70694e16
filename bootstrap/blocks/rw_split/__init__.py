"""Block rw_split."""
