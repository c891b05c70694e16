"""What must survive: faults, workloads and invariants, observed from outside the machines."""
