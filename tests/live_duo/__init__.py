"""Stack ``duo`` on running machines: document 003's own test, and the faults it was built for."""
