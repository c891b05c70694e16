"""The rules that hold for every block."""
