"""What is known about a subject on a date: one module per family, the catalogue, and `snapshots`."""
