"""The twelve features of `peer_sql` in careful pandas, on the lake's files: for the record, at a small scale."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from anxin.features.known import Kind
from anxin.features.weeks import on_holiday
from anxin.feeds.contract import contract
from anxin.feeds.lake import Lake

_SITE = ["employer_id", "project_id", "worker_id", "month"]
_CREW = ["employer_id", "project_id", "month"]
_MONEY = ("due", "paid", "amount")


def features(lake: Lake, day: date, kind: Kind) -> pa.Table:
    """Return the twelve features of every subject of a kind that has any."""
    parts = [_energy(lake, day, kind), _bills(lake, day, kind), _pay(lake, day, kind)]
    table = pd.concat(parts, axis=1).rename_axis("subject_id").reset_index()
    return pa.Table.from_pandas(table, preserve_index=False)


def _known(lake: Lake, feed: str, day: date, columns: list[str], since: tuple[str, date]) -> pd.DataFrame:
    """Read the rows known on the day whose column `since[0]` is not before `since[1]`."""
    event = contract()[feed].event
    wanted = sorted({*columns, event, since[0], "received_at", "_row"})
    at = pd.Timestamp(day)
    parts = []
    for path in lake.files(feed):
        rows = pq.read_table(path, columns=wanted, filters=[(since[0], ">=", since[1]), (event, "<", day)])
        for name in _MONEY:  # whole fen
            if name in rows.column_names:
                fen = rows[name].cast(pa.decimal128(38, 2)).to_numpy().astype(float)
                place = rows.column_names.index(name)
                rows = rows.set_column(place, name, pa.array(np.round(fen * 100), from_pandas=True))
        if "kwh" in rows.column_names:  # whole watt-hours
            wh = np.round(rows["kwh"].to_numpy().astype(float) * 1000)
            rows = rows.set_column(rows.column_names.index("kwh"), "wh", pa.array(wh))
        parts.append(rows.to_pandas(date_as_object=False))
    rows = pd.concat(parts, ignore_index=True)
    rows = rows.loc[rows["received_at"] < at]
    overlay = [pq.read_table(path).to_pandas() for path in lake.overlay(feed)]
    if overlay:
        ends = pd.concat(overlay).groupby("_row")["superseded_at"].min()
        end = rows["_row"].map(ends)
        current: pd.DataFrame = rows.loc[end.isna() | (end >= at)]
        return current
    return rows


def _of(rows: pd.DataFrame, kind: Kind, *, own: bool) -> pd.DataFrame:
    if kind == "project":
        rows = rows.loc[rows["project_id"].notna()]
    else:
        rows = rows.loc[rows["employer_id"].notna() & (rows["project_id"].isna() if own else True)]
    return rows.assign(subject_id=rows[f"{kind}_id"])


def _share(part: pd.Series, whole: pd.Series) -> pd.Series:
    return part / whole.where(whole != 0)


def _energy(lake: Lake, day: date, kind: Kind) -> pd.DataFrame:
    monday = pd.Timestamp(day - timedelta(day.weekday()))
    at, since = pd.Timestamp(day), (monday - pd.Timedelta(weeks=30)).date()
    columns = ["employer_id", "project_id", "meter_id", "date", "kwh"]
    rows = _of(_known(lake, "energy_usage", day, columns, ("date", since)), kind, own=True)
    rows = rows.loc[rows["wh"].abs() <= 1e12].fillna({"meter_id": ""})
    meter, everyone = ["subject_id", "meter_id"], pd.Index(rows["subject_id"].unique())
    recent = rows.loc[rows["date"] >= at - pd.Timedelta(days=28)]
    usual = _usual(rows.loc[rows["date"] <= monday - pd.Timedelta(days=29)], meter).rename("usual")
    usual = usual.drop(_replaced(rows, meter, monday), errors="ignore")
    recent = recent.join(usual, on=meter).join(_usual(recent, meter).rename("own"), on=meter)
    known = recent.loc[recent["usual"].notna()]

    def level(part: pd.DataFrame, against: str) -> pd.Series:
        sums = part.groupby("subject_id")[["wh", against]].sum().reindex(everyone, fill_value=0)
        return _share(sums["wh"] * 1000, sums[against])

    rest = recent["date"].dt.dayofweek >= 5
    holidays = [
        pd.Timestamp(day - timedelta(back)) for back in range(1, 29) if on_holiday(day - timedelta(back))
    ]
    daily = recent.groupby(["subject_id", "date"]).agg(
        wh=("wh", "sum"), usual=("usual", "sum"), known=("usual", "count")
    )
    daily = daily.loc[daily["known"] > 0].reset_index()
    idle = ~daily["date"].isin(holidays) & (daily["wh"] * 10_000 <= daily["usual"])
    return pd.DataFrame(
        {
            "energy_level_28d": level(known, "usual"),
            "energy_level_7d": level(known.loc[known["date"] >= at - pd.Timedelta(days=7)], "usual"),
            "energy_weekend_ratio": _share(level(recent.loc[rest], "own"), level(recent.loc[~rest], "own")),
            "energy_idle_days_28d": idle.groupby(daily["subject_id"]).sum().reindex(everyone).astype(float),
        }
    )


def _replaced(rows: pd.DataFrame, meter: list[str], monday: pd.Timestamp) -> pd.MultiIndex:
    used = rows.loc[rows["wh"] > 0]
    back = (monday - used["date"]).dt.days + used["date"].dt.dayofweek
    ends = used.assign(back=back).groupby(meter)["back"].agg(began="max", ended="min")
    every = ends.join(_usual(used, meter).rename("mean")).reset_index()
    every["newest"] = every.groupby("subject_id")["ended"].transform("min")
    several = every.loc[every.duplicated("subject_id", keep=False)]
    both = several.merge(several, on="subject_id", suffixes=("", "_heir"))
    pairs = both.loc[
        (both["ended"] >= 14)
        & (both["newest"] < 14)
        & (both["ended_heir"] < both["ended"])
        & (both["began_heir"] < both["began"].clip(upper=210))
        & ((both["began_heir"] - both["ended"]).abs() <= 28)
    ]
    after = pairs.groupby(meter)["mean_heir"].sum()
    sharing = pairs.merge(pairs, on=["subject_id", "meter_id_heir"], suffixes=("", "_other"))
    sharing = sharing.drop_duplicates([*meter, "meter_id_other"])
    before = sharing.groupby(meter)["mean_other"].sum()
    return pd.MultiIndex.from_frame(after.index[after * 2 >= before].to_frame(index=False))


def _usual(rows: pd.DataFrame, meter: list[str]) -> pd.Series:
    """Return the mean day of each meter in whole milliwatt-hours, half up."""
    read = rows.groupby(meter)["wh"].agg(["sum", "size"])
    return np.floor(read["sum"] * 1000 / read["size"] + 0.5)


def _bills(lake: Lake, day: date, kind: Kind) -> pd.DataFrame:
    columns = ["employer_id", "project_id", "utility", "amount", "due_on", "paid_on"]
    rows = _of(_known(lake, "energy_bills", day, columns, ("issued_on", date.min)), kind, own=True)
    at = pd.Timestamp(day)
    rows = rows.loc[(rows["issued_on"] >= at - pd.Timedelta(days=365)) | ~(rows["paid_on"] < at)]
    paid = rows["paid_on"] < at
    utility = rows["utility"].fillna("")
    told = rows["paid_on"].where(paid).groupby(utility).max()
    owed = rows["amount"].where(~paid & (rows["due_on"] < utility.map(told)))
    recent = paid & (rows["issued_on"] >= at - pd.Timedelta(days=180))
    late = (rows["paid_on"] - rows["due_on"]).dt.days.clip(lower=0).where(recent)
    by = rows["subject_id"]
    return pd.DataFrame(
        {
            "bills_unpaid_amount": owed.groupby(by).sum() / 100,
            "bills_late_days_180d": late.groupby(by).mean(),
        }
    )


def _told(lake: Lake, day: date, pay: pd.DataFrame) -> Callable[[pd.DataFrame], pd.Series]:
    """Return what tells whether crews' pay would be known: on sites if that of half is, of own staff if it was."""
    since = ("month", day - timedelta(434))
    ever = _known(lake, "payroll", day, ["employer_id", "project_id", "month"], since)
    ever = ever.loc[ever["month"] < pd.Timestamp(day)]
    own = ever.loc[ever["project_id"].isna(), "employer_id"].unique()
    paid = set(pay["project_id"].dropna())

    def told(crews: pd.DataFrame) -> pd.Series:
        due = crews.loc[crews["pay_due_on"] < pd.Timestamp(day) - pd.Timedelta(days=7), "project_id"]
        sites = set(due) - {""}
        most = 2 * len(sites & paid) >= len(sites) > 0
        on_sites = crews["project_id"].isin(paid) | most
        return crews["employer_id"].isin(own).where(crews["project_id"] == "", on_sites)

    return told


def _pay(lake: Lake, day: date, kind: Kind) -> pd.DataFrame:
    at = pd.Timestamp(day)
    ago = {days: at - pd.Timedelta(days=days) for days in (7, 61, 125, 155, 250)}
    since = ("month", ago[250].date())
    pay = _known(lake, "payroll", day, [*_SITE, "due", "paid", "paid_on"], since)
    told = _told(lake, day, pay.loc[pay["month"] < at])
    pay = _of(pay.loc[pay["month"] < at], kind, own=False)
    sheets = _known(lake, "wage_sheets", day, ["employer_id", "project_id", "due", "pay_due_on"], since)
    sheets = _of(sheets.loc[sheets["month"] < at], kind, own=False)
    attended = _known(lake, "attendance", day, [*_SITE, "days"], ("month", ago[155].date()))
    attended = _of(attended.loc[attended["month"] < ago[61]], kind, own=False)

    site = ["subject_id", *_SITE]
    pay, attended = (rows.fillna({"project_id": "", "employer_id": ""}) for rows in (pay, attended))
    matched = pay.loc[pay["month"] >= ago[155]]
    worker = (
        matched.groupby(site, sort=False)[["due", "paid"]].agg({"due": "max", "paid": "sum"}).reset_index()
    )
    recent = worker.loc[worker["month"] >= ago[125]]
    agreed_on = sheets.groupby(["subject_id", "month"])["pay_due_on"].max().reset_index()
    agreed = recent.merge(agreed_on, on=["subject_id", "month"], how="left")
    # An advance is not short pay: the month's pay day must be a week past.
    payable = (agreed["pay_due_on"] < ago[7]) | (agreed["pay_due_on"].isna() & (agreed["month"] < ago[61]))
    asked = agreed.loc[payable]
    short = (asked["paid"] * 100 < asked["due"] * 95).groupby(asked["subject_id"]).mean()
    sums = asked.groupby("subject_id")[["due", "paid"]].sum()

    there = attended.groupby(site, sort=False)["days"].sum().reset_index()
    paying = pay[["subject_id", "employer_id", "project_id"]].drop_duplicates()
    there = there.loc[there["days"] > 0].merge(paying).merge(worker, on=site, how="left")
    unpaid = (there["paid"].fillna(0) <= 0).groupby(there["subject_id"]).sum().astype(float)

    pay["waited"] = pay["paid"] * (pay["paid_on"] - pay["month"]).dt.days
    months = pay.groupby(["subject_id", "month"])[["paid", "waited"]].sum().reset_index()
    late = months["month"] >= ago[125]
    now = months.loc[late].groupby("subject_id")[["paid", "waited"]].sum()
    before = months.loc[~late].groupby("subject_id")[["paid", "waited"]].sum()
    pays = pd.Index(months["subject_id"].unique())

    crews = sheets.fillna({"project_id": ""})
    crews = crews.loc[told(crews)].merge(pay.groupby(_CREW)["paid"].sum().reset_index(), on=_CREW, how="left")
    crews["gap"] = (crews["due"] - crews["paid"].fillna(0)).clip(lower=0)
    overdue = crews.loc[crews["pay_due_on"] < ago[7]]
    owing = overdue.groupby(["subject_id", "month"])[["due", "gap"]].sum().reset_index()
    owing = owing.loc[owing["gap"] * 100 > owing["due"] * 5].groupby("subject_id")["gap"]
    told_of = crews["subject_id"].unique()
    everyone = pays.union(told_of)
    found = {
        "pay_short_share": short,
        "pay_paid_share": _share(sums["paid"], sums["due"]),
        "pay_delay_rise": _share(now["waited"], now["paid"]) - _share(before["waited"], before["paid"]),
        "wages_unpaid_months": owing.size().reindex(told_of).fillna(0).astype(float),
        "wages_unpaid_amount": owing.sum().reindex(told_of).fillna(0) / 100,
        "attended_unpaid_heads": unpaid,
    }
    return pd.DataFrame({name: values.reindex(everyone) for name, values in found.items()})
