"""回头看 as people get it: events with place, regulator and what the lists had said, the misses with what was known."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from anxin.domain import divisions
from anxin.domain.errors import AnxinError
from anxin.features.snapshots import KINDS
from anxin.feeds.asof import View
from anxin.judging.any_list import known_on
from anxin.judging.lookback import EVENTS, Tally, days_needed, events, matched, tallies, tally
from anxin.judging.registered import registered
from anxin.ledger.chain import Ledger
from anxin.ledger.published import Published as Record
from anxin.ledger.published import as_told
from anxin.models.reasons import Part, explain, usual_values
from anxin.models.saved import load
from anxin.serving.home import Home
from anxin.serving.published import Published
from anxin.serving.rows import regulators_of

Progress = Callable[[str, int, int], None]

_log = logging.getLogger("anxin.serving")

_LISTED = ["kind", "subject_id", "grade", "warning_id", "since", "in_hand", "put_by"]
_SCORED = ["kind", "subject_id", "p90", "rank", "grade", "in_hand"]

_IF_ON_TIME = {
    "status": "if_on_time",
    "days_before": "if_on_time_days_before",
    "was_new": "if_on_time_was_new",
    "list_day": "scored_on",
}

EXPLAINED = 2000
"""Misses whose reasons are worked out, those with the highest p90 first: the rest say what was scored."""

_REASONS = 3


@dataclass(frozen=True)
class Lookback:
    """A period looked back on: `rows`, one per event, oldest first, and what they add up to.

    Lists published after their day warned nobody before they were published. What they would have said, had each been
    published on its day, stands apart: in the rows as `if_on_time…`, and in `on_time`.
    """

    since: date
    until: date
    known: date
    lists: int
    """Published lists that could bear on the period; those made in hindsight are not among them."""
    published_late: int
    """Of these, how many were published after their own day: they count from the day they were published."""
    unreadable: tuple[date, ...]
    """Days whose list is broken and was left out."""
    rows: pd.DataFrame

    @cached_property
    def counted(self) -> pd.DataFrame:
        """The events that are about arrears, as far as is known."""
        return self.rows.loc[self.rows["counts"]]

    @property
    def overall(self) -> Tally:
        """All events that count."""
        return tally("all", self.counted)

    @property
    def by_event(self) -> list[Tally]:
        """One tally per kind of event."""
        return [tally(event, self.counted.loc[self.counted["event"] == event]) for event in EVENTS]

    @property
    def on_time(self) -> tuple[Tally, list[Tally]] | None:
        """All events and each kind, had every list been published on its day; None where every list was."""
        if not self.published_late:
            return None
        names = ("status", "days_before", "was_new")
        rows = self.counted.assign(**{name: self.counted[_IF_ON_TIME[name]] for name in names})
        return tally("all", rows), [tally(event, rows.loc[rows["event"] == event]) for event in EVENTS]

    @property
    def by_district(self) -> list[Tally]:
        """One tally per district, as it is called on the last day of the period."""
        return tallies(self.counted, "district_name")

    @property
    def by_regulator(self) -> list[Tally]:
        """One tally per line regulator."""
        return tallies(self.counted, "regulator")

    @property
    def misses(self) -> pd.DataFrame:
        """The events that nobody was warned of in time, the largest first: late, missed, and without any list."""
        found = self.counted.loc[self.counted["status"].isin(["late", "missed", "no_list"])]
        found = found.sort_values(["workers", "day"], ascending=[False, True], na_position="last")
        return found


def look_back(
    home: Home,
    ledger: Ledger,
    since: date,
    until: date,
    *,
    district: str | None = None,
    regulator: str | None = None,
    on_progress: Progress | None = None,
) -> Lookback:
    """Look back on the events of a period, both days included, as known by the end of the lake.

    `district` is a prefix of a division code and `regulator` a Chinese name: only events of theirs are kept. Raises
    AnxinError where the period ends before it begins or the lake is empty.
    """
    if until < since:
        raise AnxinError(
            f"起止颠倒：{since} 晚于 {until}", f"the period ends before it begins: {since} to {until}"
        )
    view = home.view()
    known = known_on(view)
    first, last = days_needed(since, until)
    every = as_told(ledger)
    records = [record for record in every if first <= record.day <= last]
    opened, unreadable = _opened(home, records)
    listed, happened = _listed(opened, on_progress), events(view, since, until, known)
    published = {record.day: record.at.date() for record in every if record.day not in unreadable}
    # Of a kind without a model nobody could be warned: that is no miss. Lists of old did not say what made them.
    scored: dict[str, set[date]] = {
        kind: {one.day for one in every if one.model(kind) is not None or "inputs" not in one.facts}
        for kind in KINDS
    }
    rows = matched(happened, listed, published, scored)
    if_on_time = matched(happened, listed, {day: day for day in published}, scored)
    rows = _placed(view, rows.assign(**{ours: if_on_time[name] for name, ours in _IF_ON_TIME.items()}))
    if district is not None:
        rows = rows.loc[rows["district"].str.startswith(district)]
    if regulator is not None:
        rows = rows.loc[
            (rows["regulator"] == regulator) | rows["regulators_also"].str.contains(regulator, regex=False)
        ]
    rows = _with_what_was_known(home, rows.reset_index(drop=True), opened, on_progress)
    late = sum(published[day] > day for day in opened)
    return Lookback(since, until, known, len(opened), late, unreadable, rows)


def _opened(home: Home, records: Sequence[Record]) -> tuple[dict[date, Published], tuple[date, ...]]:
    opened, broken = {}, []
    for record in records:
        try:
            opened[record.day] = Published.of_entry(home.root, record)
        except AnxinError as error:  # one broken list must not hide the others; it is named
            _log.error("left out of the lookback: %s", error)
            broken.append(record.day)
    return opened, tuple(sorted(broken))


def _listed(opened: Mapping[date, Published], on_progress: Progress | None) -> pd.DataFrame:
    parts: list[pd.DataFrame] = []
    for place, (day, published) in enumerate(opened.items()):
        if on_progress is not None:
            on_progress("lists", place, len(opened))
        rows = published.table("list.parquet", _LISTED).to_pandas()
        # A random check is a visit and no warning.
        parts.append(rows.loc[rows["put_by"] != "random"].assign(day=day))
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in [*_LISTED, "day"]})
    listed: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return listed


def _placed(view: View, rows: pd.DataFrame) -> pd.DataFrame:
    """Add `name`, `district` (resolved on the event's day), `district_name`, `regulator`, `regulators_also` (joined)."""
    rows = rows.assign(
        name="", district="", district_name="未知 unknown", regulator="未知 unknown", regulators_also=""
    )
    for kind in KINDS:
        own = rows["kind"] == kind
        if not own.any():
            continue
        known = registered(view, kind, rows.loc[own, ["subject_id", "day"]])
        facts = [{str(name): value for name, value in fact.items()} for fact in known.to_dict("records")]
        days = [day.date() for day in rows.loc[own, "day"]]
        found = [_place(kind, fact, day) for fact, day in zip(facts, days, strict=True)]
        for name in ("name", "district", "district_name", "regulator", "regulators_also"):
            rows.loc[own, name] = np.array([each[name] for each in found], dtype=object)
    return rows


def _place(kind: str, fact: Mapping[str, Any], day: date) -> dict[str, str]:
    if not fact["name"] and not fact["district"]:
        unknown = "未知 unknown"
        return {
            "name": "", "district": "", "district_name": unknown, "regulator": unknown, "regulators_also": ""
        }  # fmt: skip
    district = divisions.district(fact["district"], day) if fact["district"] else ""
    line = regulators_of(kind, fact, day)
    return {
        "name": fact["name"] or "",
        "district": district,
        "district_name": divisions.name(district, day) if district else "未知 unknown",
        "regulator": line.primary,
        "regulators_also": "、".join(line.also),
    }


def _with_what_was_known(
    home: Home, rows: pd.DataFrame, opened: Mapping[date, Published], on_progress: Progress | None
) -> pd.DataFrame:
    """Add, for events nobody was warned of, the last scores before: `p90`, `rank`, `scored_grade`, `in_hand`, `known`.

    `known` are the strongest reasons as sentences, or why there is nothing to say. `scored_on` is whose scores they are:
    the list told by then or, where there was none, the one of the last day before that was published afterwards.
    """
    afterwards = rows["list_day"].isna() & rows["scored_on"].notna()
    rows = rows.assign(scored_on=rows["list_day"].fillna(rows["scored_on"]))
    asked = rows["status"].isin(["late", "missed", "no_list"]) & rows["scored_on"].notna()
    rows = rows.assign(p90=np.nan, rank=np.nan, scored_grade=np.nan, in_hand=None, known="")
    rows.loc[rows["status"] == "no_list", "known"] = "此前90天没有清单 no list in the 90 days before"
    rows.loc[rows["status"] == "unnamed", "known"] = "未指明单位或项目 names no employer or project"
    days = sorted({stamp.date() for stamp in rows.loc[asked, "scored_on"]})
    for place, day in enumerate(days):
        if on_progress is not None:
            on_progress("scores", place, len(days))
        part = rows.loc[asked & (rows["scored_on"] == pd.Timestamp(day))]
        scores = opened[day].table("scores.parquet", _SCORED)
        scores = scores.filter(pc.is_in(scores["subject_id"], pa.array(sorted(set(part["subject_id"])))))
        keys = part[["kind", "subject_id"]].reset_index(names="at")
        found = keys.merge(scores.to_pandas(), on=["kind", "subject_id"], how="left").set_index("at")
        for name in ("p90", "rank", "grade", "in_hand"):
            rows.loc[found.index, "scored_grade" if name == "grade" else name] = found[name]
    rows.loc[asked & rows["p90"].isna(), "known"] = "当日未评分 not scored on that day"
    explained = rows.loc[asked & rows["p90"].notna() & rows["counts"]]
    explained = explained.sort_values("p90", ascending=False).head(EXPLAINED)
    asked_of = sorted(
        {
            (stamp.date(), str(kind))
            for stamp, kind in zip(explained["scored_on"], explained["kind"], strict=True)
        }
    )
    for place, (day, kind) in enumerate(asked_of):
        if on_progress is not None:
            on_progress("reasons", place, len(asked_of))
        part = explained.loc[(explained["scored_on"] == pd.Timestamp(day)) & (explained["kind"] == kind)]
        said = _reasons(home, opened[day], kind, list(part["subject_id"]))
        rows.loc[part.index, "known"] = np.array([said.get(s, "") for s in part["subject_id"]], dtype=object)
    rows.loc[asked & afterwards, "known"] = _AFTERWARDS + rows.loc[asked & afterwards, "known"]
    return rows


_AFTERWARDS = "清单事后才发布 the list was published afterwards："


def _reasons(home: Home, published: Published, kind: str, subjects: Sequence[str]) -> dict[str, str]:
    """Return the strongest reasons of subjects on a list's day, from its own snapshot by its own model."""
    model_id, name = published.manifest.model(kind), f"snapshot-{kind}.parquet"
    if model_id is None or not published.has(name):
        return {}
    try:
        model = load(home.models, model_id)
    except AnxinError as error:  # a model that is gone takes its reasons along, not the lookback
        _log.error("no reasons for %s on %s: %s", kind, published.as_of, error)
        return {}
    snapshot = published.table(name)
    chosen = snapshot.filter(pc.is_in(snapshot["subject_id"], pa.array(sorted(set(subjects)))))
    found = explain(model, chosen, usual_values(model, snapshot))
    return {
        subject: _said(explained.reasons()[:_REASONS])
        for subject, explained in zip(chosen["subject_id"].to_pylist(), found, strict=True)
    }


def _said(parts: Sequence[Part]) -> str:
    return "；".join(part.zh for part in parts) or "没有突出的风险点 nothing that stood out"
