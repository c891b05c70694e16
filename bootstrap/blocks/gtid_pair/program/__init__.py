"""The reconciler of a MySQL GTID pair: runs on the node, with its own Python alone."""
