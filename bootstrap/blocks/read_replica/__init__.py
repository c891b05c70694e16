"""Block read_replica: a read tier's server copies a pair's MySQL and follows it."""
