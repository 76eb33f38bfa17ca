"""What all rooms' tests share."""

from __future__ import annotations

from hypothesis import settings

# The same examples on every machine, and no deadline: others may be using the processor.
settings.register_profile("anxin", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("anxin")
