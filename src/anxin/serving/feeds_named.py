"""Chinese names of feeds, for people; the contract is the only place that knows them."""

from __future__ import annotations

from anxin.feeds.contract import contract


def feed_name(feeds: str) -> str:
    """Return the Chinese names of one feed or several joined by commas; an unknown one is its own name."""
    names = (name.strip() for name in feeds.split(","))
    return "、".join(contract()[name].zh if name in contract() else name for name in names)
