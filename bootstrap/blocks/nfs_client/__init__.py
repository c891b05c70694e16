"""Block nfs_client."""
