"""What brings a node's items to their state: generators that yield commands, or `noop`."""
