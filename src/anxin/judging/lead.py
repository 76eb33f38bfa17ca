"""How early: days of lead against the first complaint and the case, and against handling complaints as they come.

The unit is a verified case, not a row: a case is reached at the first judged date on which its subject was among the
first k, within the 90 days before it opened. Equals are drawn at random, so a case is reached with a chance on each
date, and all figures are averages over that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from anxin.judging.resampling import Interval, ratio, within, within_each
from anxin.models.probability import SCORE_HORIZON

Floats = npt.NDArray[np.float64]

_EPISODE_DAYS = 180
"""Days before a case in which a complaint is taken for the first sign of it."""


@dataclass(frozen=True)
class Lead:
    """What being early came to at one capacity. Days are means over the cases reached, with intervals."""

    cases: int
    reached: float
    before_complaint: float | None
    days_before_complaint: Interval
    days_before_case: Interval
    days_before_queue: Interval
    queue_reached: float

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        plain = {name: value for name, value in vars(self).items() if not isinstance(value, Interval)}
        return plain | {n: v.as_dict() for n, v in vars(self).items() if isinstance(v, Interval)}


def first_complaints(cases: pd.DataFrame, complaints: pd.DataFrame) -> pd.Series:
    """Return when the centre received the first complaint of each case's episode, NaT where none came before it.

    `cases`: `subject_id, opened_on`; `complaints`: `subject_id, received_on`; days as datetime64.
    """
    left = cases.reset_index()[["index", "subject_id", "opened_on"]]
    both = left.merge(complaints[["subject_id", "received_on"]], on="subject_id")
    ahead = (both["opened_on"] - both["received_on"]).dt.days
    both = both.loc[(ahead >= 0) & (ahead <= _EPISODE_DAYS)]
    first: pd.Series = both.groupby("index")["received_on"].min().reindex(cases.index)
    return first


def queue(complaints: pd.DataFrame, dates: Sequence[date], k: int) -> dict[str, list[pd.Timestamp]]:
    """Return the dates on which each subject's turn came, had complaints been handled in the order they came.

    On each date the k that waited longest are served; a subject waits from its first complaint that was received since
    it was last served. Complaints of the 180 days before the first date are waiting when it begins.
    """
    days = [pd.Timestamp(day) for day in sorted(dates)]
    if not days:
        return {}
    rows = complaints.loc[complaints["received_on"] >= days[0] - pd.Timedelta(days=_EPISODE_DAYS)]
    rows = rows.sort_values(["received_on", "subject_id"], kind="stable")
    received, subjects = rows["received_on"].to_numpy(), rows["subject_id"].to_numpy()
    waiting: dict[str, None] = {}
    served: dict[str, list[pd.Timestamp]] = {}
    at = 0
    for day in days:
        until = int(np.searchsorted(received, day.to_datetime64(), side="left"))
        waiting.update(dict.fromkeys(subjects[at:until]))
        at = until
        for subject in list(waiting)[:k]:
            del waiting[subject]
            served.setdefault(str(subject), []).append(day)
    return served


def lead(
    rows: pd.DataFrame, cases: pd.DataFrame, turns: Mapping[str, Sequence[pd.Timestamp]], k: int
) -> Lead:
    """Say how early a ranking reached verified cases at capacity k.

    `rows`: `subject_id, as_of, figure` of everyone in the group; `cases`: `subject_id, opened_on, complained_on` (NaT:
    no complaint came first); `turns` from `queue`. Only cases that opened within 90 days of a date on which their
    subject was in the group count.
    """
    placed = rows[["subject_id", "as_of", "figure"]].copy()
    placed["chance"] = within_each(placed, k)
    placed["day"] = pd.to_datetime(placed["as_of"])
    both = cases.reset_index(drop=True).reset_index(names="case").merge(placed, on="subject_id")
    ahead = (both["opened_on"] - both["day"]).dt.days
    both = both.loc[(ahead >= 0) & (ahead < SCORE_HORIZON)].sort_values(["case", "day"])
    if not len(both):
        none = Interval(None, None, None)
        return Lead(0, 0.0, None, none, none, none, 0.0)
    # Reached here for the first time: in now, and in none of the dates before.
    missed_so_far = (1 - both["chance"]).groupby(both["case"]).cumprod()
    first = both["chance"] * missed_so_far.groupby(both["case"]).shift(fill_value=1.0)
    turn = _turns(both, turns)
    queued = turn.notna().groupby(both["case"]).any()
    weight, subject = first.to_numpy(float), both["subject_id"]
    complained = both["complained_on"].notna().to_numpy()
    to_complaint = _days(both["day"], both["complained_on"])
    earlier = ~complained | (to_complaint > 0)
    return Lead(
        cases=int(both["case"].nunique()),
        reached=float(weight.sum()),
        before_complaint=float((weight * earlier).sum() / weight.sum()) if weight.sum() > 0 else None,
        days_before_complaint=_mean(to_complaint, np.where(complained, weight, 0.0), subject),
        days_before_case=_mean(_days(both["day"], both["opened_on"]), weight, subject),
        days_before_queue=_mean(_days(both["day"], turn.fillna(both["opened_on"])), weight, subject),
        queue_reached=float(queued.sum()),
    )


def _days(since: pd.Series, until: pd.Series) -> Floats:
    return np.asarray((until - since).dt.days, dtype=np.float64)


def _mean(days: Floats, weight: Floats, subject: pd.Series) -> Interval:
    return ratio(np.where(weight > 0, days, 0.0) * weight, weight, subject)


def _turns(both: pd.DataFrame, turns: Mapping[str, Sequence[pd.Timestamp]]) -> pd.Series:
    """Return for each case the first turn in the 180 days before it opened, NaT where its turn did not come."""
    found = []
    for subject, opened in zip(both["subject_id"], both["opened_on"], strict=True):
        since = opened - pd.Timedelta(days=_EPISODE_DAYS)
        found.append(next((day for day in turns.get(subject, ()) if since <= day <= opened), pd.NaT))
    return pd.Series(found, index=both.index, dtype="datetime64[s]")


def turnover(rows: pd.DataFrame, k: int) -> float | None:
    """Return which share of the first k of a date is not among the first k of the next, on average; None for one date."""
    chances = [
        day.assign(chance=within(day["figure"].to_numpy(float), k)).set_index("subject_id")["chance"]
        for _, day in rows.groupby("as_of", sort=True)
    ]
    changes = []
    for before, after in pairwise(chances):
        places = min(before.sum(), after.sum())
        both = np.minimum(before, after.reindex(before.index).fillna(0.0)).sum()
        if places > 0:
            changes.append(1.0 - float(both / places))
    return float(np.mean(changes)) if changes else None
