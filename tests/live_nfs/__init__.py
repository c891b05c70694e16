"""Stack ``nfs`` on running machines: document 002's own test, and the faults it was built for."""
