"""The program of block read_replica, as it runs on a node."""
