"""Block nfs."""
