"""How what lists said compares with what came true, month by month, as labels mature.

What came true is what `any_list.with_labels` says: an averted warning is a hit here as in all judging, and the figures
without that rule stand beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd
from scipy.stats import gamma

from anxin.features.known import Kind
from anxin.feeds.asof import View
from anxin.judging.any_list import with_labels
from anxin.judging.evaluator import GROUPS
from anxin.judging.labels import is_mature

_LEVEL = 0.9


def outcomes(view: View, scored: pd.DataFrame, kind: Kind, horizon: int, known: date) -> pd.DataFrame:
    """Return the scored rows (`subject_id, as_of, …`) whose outcome over a horizon is known at T.

    Added: `y`, `y_plain` (NaN where only a pending case would tell) and `state`, as `with_labels` says. Only mature dates
    that saw no outage of the outcome feed; pending cases are unknown and left out.
    """
    days = [day for day in set(scored["as_of"]) if is_mature(day, horizon, known)]
    rows = with_labels(view, scored.loc[scored["as_of"].isin(days)], kind, known, horizon)
    return rows.loc[rows["y"].notna()].drop(columns=["workers", "yuan"]).reset_index(drop=True)


def by_month(rows: pd.DataFrame, firsts: Sequence[int]) -> list[dict[str, Any]]:
    """Return observed and expected of each list, for all, for 新发现, and in the first of each.

    `rows`: `as_of, p90, y, y_plain, in_hand`, one list a month. Intervals are exact Poisson ones at 90 %. The same of
    what was verified alone, an averted warning being no hit, is `without_averted`.
    """
    found = []
    for as_of, day in rows.groupby("as_of", sort=True):
        for group in GROUPS:
            part = day if group == "all" else day.loc[~day["in_hand"].astype(bool)]
            ordered = part.sort_values("p90", ascending=False)
            for first in (None, *firsts):
                head = ordered if first is None else ordered.head(first)
                plain = head.loc[head["y_plain"].notna()]
                found.append(
                    {
                        "as_of": str(as_of),
                        "group": group,
                        "first": first,
                        **observed_expected(float(head["y"].sum()), float(head["p90"].sum())),
                        "without_averted": observed_expected(
                            float(plain["y_plain"].sum()), float(plain["p90"].sum())
                        ),
                    }
                )
    return found


def observed_expected(observed: float, expected: float) -> dict[str, Any]:
    """Return observed, expected, their ratio and its exact Poisson interval (Garwood 1936)."""
    tail = (1 - _LEVEL) / 2
    low = float(gamma.ppf(tail, observed)) if observed else 0.0
    high = float(gamma.ppf(1 - tail, observed + 1))
    known = expected > 0
    return {
        "observed": int(observed),
        "expected": round(expected, 3),
        "ratio": round(observed / expected, 4) if known else None,
        "low": round(low / expected, 4) if known else None,
        "high": round(high / expected, 4) if known else None,
    }


def one_a_month(days: Sequence[date]) -> list[date]:
    """Return the first day of each calendar month among some days."""
    firsts: dict[tuple[int, int], date] = {}
    for day in sorted(set(days)):
        firsts.setdefault((day.year, day.month), day)
    return list(firsts.values())
