"""Block php_web."""
