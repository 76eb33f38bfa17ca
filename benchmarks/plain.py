"""The plain model to beat on dockets: one LightGBM on fourteen counts, straight from the files with pandas.

It shares no line with the product: claims in eight windows and ever, days with a claim in two, days since the last and
first claim, and the sector's rate of the last year. Its labels are mature when it learns (90 + 45 days), as ours are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

_WINDOWS = (7, 14, 30, 60, 90, 180, 365, 730)
_HORIZON, _GAP, _STEP, _FIRST = 90, 45, 30, 120
_PARAMETERS = {
    "objective": "binary",
    "learning_rate": 0.03,
    "num_leaves": 15,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "num_threads": 1,
    "verbose": -1,
    "seed": 1,
}
_ROUNDS = 300


class Docket:
    """Claims and employers of a docket as arrays; days count from the first claim."""

    def __init__(self, feeds: Path) -> None:
        claims = pd.read_parquet(feeds / "cases")
        employers = pd.read_parquet(feeds / "employers")
        self.ids = employers["employer_id"].to_numpy()
        self.sector = pd.Categorical(employers["industry"]).codes.astype(int)
        self.start = pd.to_datetime(claims["opened_on"]).min()
        place = pd.Series(np.arange(len(self.ids)), self.ids)
        self.who = place[claims["employer_id"]].to_numpy()
        self.day = (pd.to_datetime(claims["opened_on"]) - self.start).dt.days.to_numpy()
        self.first = pd.Series(self.day).groupby(self.who).min().reindex(range(len(self.ids))).to_numpy()

    def number(self, day: date) -> int:
        """Return a date as days from the first claim."""
        return (pd.Timestamp(day) - self.start).days

    def counts(self, since: int, until: int) -> npt.NDArray[np.float64]:
        """Return claims per employer in [since, until)."""
        inside = (self.day >= since) & (self.day < until)
        return np.bincount(self.who[inside], minlength=len(self.ids)).astype(float)

    def features(self, d: int) -> pd.DataFrame:
        """Return the fourteen counts of everyone with a claim before day `d`."""
        known = self.first < d
        columns = {f"claims_{w}": self.counts(d - w, d) for w in _WINDOWS}
        columns["claims_ever"] = self.counts(-(10**6), d)
        days = pd.DataFrame({"who": self.who, "day": self.day}).query("day < @d").drop_duplicates()
        for window in (90, 365):
            late = days.loc[days["day"] >= d - window, "who"]
            columns[f"days_{window}"] = np.bincount(late, minlength=len(self.ids)).astype(float)
        last = days.groupby("who")["day"].max().reindex(range(len(self.ids))).to_numpy()
        columns["since_last"], columns["since_first"] = d - last, d - self.first
        hit = (columns["claims_365"] > 0) & known
        size = np.maximum(np.bincount(self.sector[known]), 1)
        columns["sector_rate"] = (np.bincount(self.sector[hit], minlength=len(size)) / size)[self.sector]
        table = pd.DataFrame(columns)
        return table.loc[known].set_axis(self.ids[known])


def plain_lists(feeds: Path, through: date, days: Sequence[date]) -> pd.DataFrame:
    """Train once through a date and rank everyone on each day: `kind, subject_id, date, rank, p90`."""
    docket = Docket(feeds)
    newest = docket.number(through) - _HORIZON - _GAP
    tables, labels = [], []
    for d in range(newest, _FIRST, -_STEP):
        rows = docket.features(d)
        tables.append(rows)
        came = pd.Series(docket.counts(d, d + _HORIZON) > 0, docket.ids)
        labels.append(came[rows.index].to_numpy())
    data = lgb.Dataset(pd.concat(tables), np.concatenate(labels))
    booster = lgb.train(_PARAMETERS, data, _ROUNDS)
    lists = []
    for day in days:
        rows = docket.features(docket.number(day))
        ranked = pd.DataFrame({"subject_id": rows.index, "p90": booster.predict(rows)})
        ranked = ranked.sort_values(["p90", "subject_id"], ascending=[False, True], ignore_index=True)
        lists.append(ranked.assign(kind="employer", date=day.isoformat(), rank=np.arange(1, len(ranked) + 1)))
    return pd.concat(lists, ignore_index=True)
