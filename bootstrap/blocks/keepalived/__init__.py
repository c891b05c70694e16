"""Block keepalived."""
