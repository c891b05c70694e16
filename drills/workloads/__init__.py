"""Clients that use a stack from outside and remember what they were told."""
