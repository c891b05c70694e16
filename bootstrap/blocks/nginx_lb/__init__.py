"""Block nginx_lb."""
