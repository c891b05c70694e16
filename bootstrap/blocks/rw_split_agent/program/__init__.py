"""What a node of a GTID pair says to splitters: runs on the node, with its own Python alone."""
