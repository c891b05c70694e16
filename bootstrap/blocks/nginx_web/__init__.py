"""Block nginx_web."""
