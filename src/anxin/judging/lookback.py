"""回头看: whether there was a warning before each case, petition, police call and public-opinion event.

An event was *warned* of if its subject stood on a list of one of the 90 days up to and including its own, published by
then; *late* if people were first told of it within the 90 days after; *missed* if neither; `no_list` if nothing was
published of the 90 days before, so that nobody could have been warned; `unnamed` if it names no employer and no project.

A list tells from the day it was published, or from its own day where it was published before: one published after an
event warned nobody of it, whatever day it is of. Lists made in hindsight never come here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, get_args

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from anxin.features.known import Known
from anxin.feeds.asof import View
from anxin.judging.frames import frame
from anxin.models.probability import SCORE_HORIZON

EventKind = Literal["case", "petition", "police", "public_opinion"]
EVENTS: tuple[EventKind, ...] = get_args(EventKind)
Status = Literal["warned", "late", "missed", "no_list", "unnamed"]
STATUSES: tuple[Status, ...] = get_args(Status)

FEWEST_EVENTS = 5
"""A district or regulator with fewer is not told apart in the summary."""

_NOT_ARREARS = ("unfounded", "not_wage", "duplicate")
"""Events that proved to be something else: listed, and not counted for or against the warnings."""

_NAMES = {"kind": object, "subject_id": object}
_ON_LISTS = ("kind", "subject_id", "day", "grade", "warning_id", "since", "in_hand", "put_by")


def events(view: View, since: date, until: date, known_on: date) -> pd.DataFrame:
    """Return every event from `since` to `until`, both included, as known at T, oldest first.

    Columns: `event` (`EVENTS`), `event_id`, `day` (datetime64), `kind`, `subject_id` (None if it names nobody),
    `employer_id`, `workers`, `yuan`, `outcome` (None while open) and `counts`: whether it is about arrears as far as is
    known.
    """
    known = Known(view, (known_on,), "employer")
    cases = known.all("cases")
    cases = _event(
        cases,
        event=ibis.literal("case"),
        event_id=cases.case_id,
        day=cases.opened_on,
        outcome=cases.outcome,
    )
    told = known.all("complaints")
    told = told.filter(told.channel.isin([name for name in EVENTS if name != "case"]))
    told = _event(
        told, event=told.channel, event_id=told.complaint_id, day=told.occurred_on, outcome=told.result
    )
    rows = cases.union(told)
    rows = rows.filter(rows.day >= ibis.literal(since), rows.day <= ibis.literal(until))
    table = frame(view, rows)
    table["day"] = pd.to_datetime(table["day"]).astype("datetime64[s]")
    table["counts"] = ~table["outcome"].isin(_NOT_ARREARS)
    return table.sort_values(["day", "event", "event_id"], ignore_index=True)


def _event(rows: ir.Table, **columns: ir.Value) -> ir.Table:
    site = rows.project_id.notnull()
    named = site | rows.employer_id.notnull()
    return rows.select(
        **columns,
        kind=ibis.cases((site, "project"), (named, "employer"), else_=ibis.null("string")),
        subject_id=ibis.coalesce(rows.project_id, rows.employer_id),
        employer_id=rows.employer_id,
        workers=rows.workers.cast("float64"),
        yuan=rows.amount.cast("float64"),
    )


def days_needed(since: date, until: date) -> tuple[date, date]:
    """Return the first and the last day whose list can bear on events of a period."""
    return since - timedelta(days=SCORE_HORIZON - 1), until + timedelta(days=SCORE_HORIZON)


def matched(
    happened: pd.DataFrame,
    listed: pd.DataFrame,
    published: Mapping[date, date],
    scored: Mapping[str, Collection[date]] | None = None,
) -> pd.DataFrame:
    """Add to events what the lists had said: `status` and, of a warning, what it was.

    `listed`: rows of published lists (`kind, subject_id, day, grade, warning_id, since, in_hand, put_by`); `published`:
    every day that has a list, whether anyone is on it or not, with the day it was published on; `scored`: by kind the
    days whose list had a model of it, all where it is not given. Added: `list_day` (of the lists told by the event's day
    the last of its kind, whoever was on it); `grade`, `warning_id` and `put_by` on the last of them that
    had the subject; `highest` (the highest grade of that warning told with it or before), `warned_on` (the day people
    were first told of that warning), `days_before`, `was_new` (新发现 when they were), `still_listed` (on `list_day`);
    for late ones `days_late`. 100,000 events and a million rows take a few seconds.
    """
    told = {day: max(day, on) for day, on in published.items()}
    table = happened.astype(_NAMES).reset_index(drop=True).reset_index(names="event_no")
    parts = [
        _last_list(part, {day: on for day, on in told.items() if _scores(scored, kind, day)})
        for kind, part in table.groupby("kind", dropna=False)
    ]
    table = pd.concat(parts).sort_values("event_no", ignore_index=True) if parts else _last_list(table, told)
    # No list and no event have no types of their own.
    rows = listed[list(_ON_LISTS)].astype({**_NAMES, "grade": "int64"})
    for name in ("day", "since"):
        rows[name] = pd.to_datetime(rows[name]).astype("datetime64[s]")
    rows = rows.rename(columns={"day": "listed_on"})
    moments = {pd.Timestamp(day): pd.Timestamp(on) for day, on in told.items()}
    # A warning may have begun on a list before those whose rows are here; what has no list was told by none.
    for name, day in (("told", "listed_on"), ("begun", "since")):
        rows[name] = rows[day].map(moments).astype("datetime64[s]")
    rows = rows.sort_values(["told", "listed_on"], kind="stable")
    warning = ["kind", "subject_id", "warning_id"]
    rows["highest"] = rows.groupby(warning)["grade"].cummax()
    begun = rows.drop_duplicates(warning)[[*warning, "in_hand", "told"]]
    begun = begun.rename(columns={"in_hand": "begun_in_hand", "told": "first_told"})
    named = table.loc[table["subject_id"].notna(), ["event_no", "kind", "subject_id", "day"]]
    # Of what was told by a day, the list of the latest day is meant, not the one that was published last.
    newer = rows.loc[rows["listed_on"] == rows.groupby(["kind", "subject_id"])["listed_on"].cummax()]
    before = _around(named, newer, "backward")
    before = before.loc[(before["day"] - before["listed_on"]).dt.days < SCORE_HORIZON]
    before = before.merge(begun, on=warning, how="left")
    before["warned_on"] = before[["begun", "first_told"]].min(axis=1).astype("datetime64[s]")
    before["days_before"] = (before["day"] - before["warned_on"]).dt.days
    before["was_new"] = ~before["begun_in_hand"].eq(True)
    after = _around(named, rows, "forward")
    after["days_late"] = (after["told"] - after["day"]).dt.days
    columns = ["grade", "highest", "warning_id", "warned_on", "days_before", "was_new", "put_by", "listed_on"]
    table = table.merge(before[["event_no", *columns]], on="event_no", how="left")
    table = table.merge(after[["event_no", "days_late"]], on="event_no", how="left")
    table["still_listed"] = table["listed_on"].notna() & (table["listed_on"] == table["list_day"])
    table["status"] = np.select(
        [
            table["subject_id"].isna(),
            table["listed_on"].notna(),
            table["list_day"].isna(),
            table["days_late"].notna(),
        ],
        ["unnamed", "warned", "no_list", "late"],
        "missed",
    )
    table.loc[table["status"] != "late", "days_late"] = np.nan
    return table.drop(columns=["event_no", "listed_on"])


def _scores(scored: Mapping[str, Collection[date]] | None, kind: object, day: date) -> bool:
    return scored is None or not isinstance(kind, str) or day in scored.get(kind, ())


def _last_list(table: pd.DataFrame, told: Mapping[date, date]) -> pd.DataFrame:
    """Add the last day whose list was told by the event's own, none older than the horizon."""
    known = pd.DataFrame({"list_day": list(told), "told": list(told.values())})
    known = known.apply(pd.to_datetime).astype("datetime64[s]").sort_values(["told", "list_day"])
    known = known.loc[known["list_day"] == known["list_day"].cummax()]
    found = pd.merge_asof(table.sort_values("day", kind="stable"), known, left_on="day", right_on="told")
    old = (found["day"] - found["list_day"]).dt.days >= SCORE_HORIZON
    found["list_day"] = found["list_day"].mask(old)
    return found.drop(columns="told").sort_values("event_no", ignore_index=True)


def _around(
    named: pd.DataFrame, rows: pd.DataFrame, direction: Literal["backward", "forward"]
) -> pd.DataFrame:
    """Return for each event the row of its subject told nearest in a direction within the horizon, of rows as told."""
    found = pd.merge_asof(
        named.sort_values("day", kind="stable"),
        rows,
        left_on="day",
        right_on="told",
        by=["kind", "subject_id"],
        direction=direction,
        allow_exact_matches=direction == "backward",
        tolerance=pd.Timedelta(days=SCORE_HORIZON - (direction == "backward")),
    )
    return found.loc[found["listed_on"].notna()]


@dataclass(frozen=True)
class Tally:
    """What the warnings did for some events that count; a hidden one is too small to be told apart."""

    value: str
    hidden: bool
    events: int | None = None
    warned: int | None = None
    warned_new: int | None = None
    late: int | None = None
    missed: int | None = None
    no_list: int | None = None
    unnamed: int | None = None
    share_warned: float | None = None
    days_before: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return dict(vars(self))


def tally(value: str, rows: pd.DataFrame) -> Tally:
    """Count events by what the warnings did.

    `share_warned` is of those that could be warned of (warned, late, missed), `days_before` the median of the warned,
    `warned_new` those whose warning began as 新发现 (nobody had reported the subject).
    """
    counts = {status: int((rows["status"] == status).sum()) for status in STATUSES}
    could = counts["warned"] + counts["late"] + counts["missed"]
    warned = rows.loc[rows["status"] == "warned"]
    return Tally(
        value=value,
        hidden=False,
        events=len(rows),
        warned_new=int(warned["was_new"].eq(True).sum()),
        share_warned=counts["warned"] / could if could else None,
        days_before=float(warned["days_before"].median()) if len(warned) else None,
        **counts,
    )


def tallies(rows: pd.DataFrame, by: str) -> list[Tally]:
    """Return one tally per value of a column, most events first; values with fewer than five events are hidden.

    Where only one would be hidden, the next smallest is hidden too, or it could be had by subtraction.
    """
    parts = {str(value): part for value, part in rows.groupby(by)}
    order = sorted(parts, key=lambda value: (-len(parts[value]), value))
    hidden = [value for value in order if len(parts[value]) < FEWEST_EVENTS]
    if len(hidden) == 1 and len(order) > 1:
        hidden.append(order[-2])
    return [Tally(value, hidden=True) if value in hidden else tally(value, parts[value]) for value in order]
