"""Block gtid_pair."""
