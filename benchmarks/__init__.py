"""Benchmarks: each writes machine, versions, command and figures to `benchmarks/results/`; nothing there is typed."""
