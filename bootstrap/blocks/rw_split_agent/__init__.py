"""Block rw_split_agent."""
