"""Block memcached."""
