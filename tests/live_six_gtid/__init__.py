"""Stack ``six-gtid`` on running machines: two cluster managers, one fence endpoint."""
