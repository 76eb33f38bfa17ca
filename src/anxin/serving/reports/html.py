"""The report as one self-contained page: opens without a network, prints on A4."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from anxin.serving.looks import render
from anxin.serving.reports.facts import Facts


def to_html(
    facts: Facts, links: Sequence[tuple[str, str]] = (), records: Callable[[str], str] | None = None
) -> str:
    """Return the report as HTML; `links` (words, address) stand above it on screen only.

    `records` gives the address of the records behind a feature, where there is a service to show them.
    """
    widest = max((abs(part.contribution) for part in (*facts.signals, *facts.lowering)), default=1.0)
    return render(
        "report.html",
        facts=facts,
        row=facts.row,
        widest=widest,
        path=_sparkline(facts),
        links=links,
        records=records,
    )


def _sparkline(facts: Facts) -> str:
    """Return the points of the p90 line over earlier lists, in a box of 120 by 28; empty below two lists."""
    history = [*(past.p90 for past in facts.trend), facts.row.p90]
    if len(history) < 2:
        return ""
    top = 1.4 * max(history) or 1.0
    step = 120 / (len(history) - 1)
    return " ".join(f"{i * step:.1f},{26 - 24 * p90 / top:.1f}" for i, p90 in enumerate(history))
