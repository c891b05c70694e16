"""What several blocks need and none owns: blocks import this, never each other."""
