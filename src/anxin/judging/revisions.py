"""Which labels changed between two days of knowledge, and which row, received when, changed them.

A label is of a subject and a date D (the first days of months) for 90 days. Its state at T is read from the rows received
before T alone, so a change can only come from a row received in between; that row is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from anxin.domain.identifiers import warning_code
from anxin.features.known import Kind, Known
from anxin.features.snapshots import KINDS
from anxin.feeds.asof import View
from anxin.feeds.contract import contract
from anxin.judging.frames import frame
from anxin.judging.labels import is_mature
from anxin.judging.states import states
from anxin.models.probability import SCORE_HORIZON

_TELLING: Mapping[str, tuple[str, ...]] = {
    "cases": ("outcome",),
    "inspections": ("reason", "finding"),
    "hazards": ("resolution",),
    "complaints": ("channel", "result"),
}
"""What of a row decides a state, beside its day."""

_QUIET = frozenset({"unseen", "unfounded"})
"""From one of these to the other nothing was verified and nothing averted: counted, not listed one by one."""


@dataclass(frozen=True)
class Because:
    """A row that was received in between: what it says now, and what the row it corrects had said (None if new)."""

    feed: str
    key: str
    event: date
    received_at: str
    after: str
    before: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**vars(self), "event": self.event.isoformat()}


@dataclass(frozen=True)
class Change:
    """One label that is another: of a subject, for the 90 days from `as_of`."""

    kind: Kind
    subject_id: str
    as_of: date
    before: str
    after: str
    because: tuple[Because, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        plain = {"kind": self.kind, "subject_id": self.subject_id, "as_of": self.as_of.isoformat()}
        return plain | {
            "before": self.before, "after": self.after, "because": [each.as_dict() for each in self.because]
        }  # fmt: skip


@dataclass(frozen=True)
class Revisions:
    """What became of labels between two days of knowledge (rows received before each)."""

    since: date
    until: date
    changes: tuple[Change, ...]
    transitions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Per kind, `before → after`: how many labels, those without a case and without a warning among them."""
    matured: tuple[date, ...] = ()
    """Dates whose labels became mature in between: from then on, nothing verified means nothing happened."""


def revisions(view: View, since: date, until: date) -> Revisions:
    """Return the labels of which other is known before `until` than before `since`, newest dates first."""
    changes: list[Change] = []
    transitions: dict[str, dict[str, int]] = {}
    days: set[date] = set()
    for kind in KINDS:
        received = _received(view, since, until, kind)
        dates = _dates(received)
        if not dates:
            continue
        days |= set(dates)
        table = _compared(view, dates, since, until, kind)
        moved = (table["before"] + " → " + table["after"]).value_counts()
        transitions[kind] = {str(key): int(n) for key, n in sorted(moved.items())}
        told = table.loc[~(table["before"].isin(_QUIET) & table["after"].isin(_QUIET))]
        by_subject = dict(iter(received.groupby("subject_id")))
        for row in told.to_dict("records"):
            rows = by_subject.get(row["subject_id"])
            changes.append(_change(kind, {str(k): v for k, v in row.items()}, rows))
    changes.sort(key=lambda change: (-change.as_of.toordinal(), change.kind, change.subject_id))
    return Revisions(since, until, tuple(changes), transitions, _matured(since, until))


def _matured(since: date, until: date) -> tuple[date, ...]:
    first = (since - timedelta(days=SCORE_HORIZON + 120)).replace(day=1)
    return tuple(
        day
        for day in _month_starts(first, until)
        if is_mature(day, SCORE_HORIZON, until) and not is_mature(day, SCORE_HORIZON, since)
    )


def _month_starts(first: date, last: date) -> list[date]:
    found, day = [], first.replace(day=1)
    while day <= last:
        found.append(day)
        day = (day + timedelta(days=32)).replace(day=1)
    return found


def _dates(received: pd.DataFrame) -> list[date]:
    """Return the first days of months from which 90 days reach any event that a row received in between speaks of."""
    if not len(received):
        return []
    events = pd.concat([received["event"], received["event_before"].dropna()])
    first, last = events.min().date(), events.max().date()
    return [
        day
        for day in _month_starts(first - timedelta(days=SCORE_HORIZON), last)
        if day > first - timedelta(days=SCORE_HORIZON)
    ]


def _compared(view: View, dates: Sequence[date], since: date, until: date, kind: Kind) -> pd.DataFrame:
    """Return the labels that differ: `subject_id, as_of, before, after`."""
    keys = ["subject_id", "as_of"]
    parts = [
        states(view, dates, SCORE_HORIZON, at, kind)[[*keys, "state"]].rename(columns={"state": name})
        for at, name in ((since, "before"), (until, "after"))
    ]
    table = (
        parts[0]
        .astype({"subject_id": object})
        .merge(parts[1].astype({"subject_id": object}), on=keys, how="outer")
    )
    table[["before", "after"]] = table[["before", "after"]].astype(object).fillna("unseen")
    table["as_of"] = pd.to_datetime(table["as_of"]).dt.date
    return table.loc[table["before"] != table["after"]]


def _received(view: View, since: date, until: date, kind: Kind) -> pd.DataFrame:
    """Return the rows received in between that can decide a state, with what they correct.

    A row that gives what it corrects to another subject is there for both, the one it was of and the one it is of.
    Columns `subject_id, feed, key, event, event_before, received_at, after, before`; days as datetime64.
    """
    parts = [_of_feed(view, feed, since, until, kind) for feed in _TELLING]
    parts.append(_receipts(view, since, until, kind))
    parts = [part for part in parts if len(part)]
    columns = ["subject_id", "feed", "key", "event", "event_before", "received_at", "after", "before"]
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    table: pd.DataFrame = pd.concat(
        [part[columns].astype({"subject_id": object}) for part in parts], ignore_index=True
    )
    return table


def _of_feed(view: View, feed: str, since: date, until: date, kind: Kind) -> pd.DataFrame:
    entry = contract()[feed]
    (key,), event = entry.key, entry.event
    telling = _TELLING[feed]
    now, then = (_named(Known(view, (at,), kind).all(feed)) for at in (until, since))
    now = now.filter(now.received_at >= ibis.literal(since).cast("timestamp(6)"))
    new = now.select("of_kind", "of", "received_at", *telling, key=now[key], event=now[event])
    old = then.select(
        key=then[key],
        event_before=then[event],
        **{f"{name}_before": then[name] for name in ("of_kind", "of", *telling)},
    )
    joined = new.left_join(old, "key").drop("key_right")
    joined = joined.filter((joined.of_kind == kind) | (joined.of_kind_before == kind))
    table = frame(view, joined).astype(dict.fromkeys(_OF, object))
    for name in ("event", "event_before"):
        table[name] = pd.to_datetime(table[name]).astype("datetime64[s]")
    table["feed"] = feed
    table["after"] = _joined(table, telling) + _moved(table)
    was = _joined(table, [f"{name}_before" for name in telling])
    table["before"] = was.where(table["event_before"].notna(), None)
    mine, before = table["of_kind"] == kind, table["of_kind_before"] == kind
    gone = before & ~(mine & (table["of"] == table["of_before"]))
    return pd.concat(
        [
            table.loc[mine].assign(subject_id=table["of"]),
            table.loc[gone].assign(subject_id=table["of_before"]),
        ],
        ignore_index=True,
    )


_OF = ("of_kind", "of", "of_kind_before", "of_before")


def _named(rows: ir.Table) -> ir.Table:
    """Add whose each row is (`of_kind`, `of`): of the project it names, else of the employer, else nobody's."""
    site, firm = rows.project_id.notnull(), rows.employer_id.notnull()
    return rows.mutate(
        of_kind=ibis.cases((site, "project"), (firm, "employer"), else_=ibis.null("string")),
        of=ibis.coalesce(rows.project_id, rows.employer_id),
    )


def _moved(table: pd.DataFrame) -> pd.Series:
    """Return what of a correction moved, its day or whose it is, in brackets; empty where neither did."""
    return pd.Series(
        [
            _in_brackets(row["event"], row["event_before"], row["of"], row["of_before"])
            for row in table.to_dict("records")
        ],
        index=table.index,
        dtype=object,
    )


def _in_brackets(day: pd.Timestamp, day_before: pd.Timestamp, of: str | None, of_before: str | None) -> str:
    if pd.isna(day_before):
        return ""
    moves = [] if day == day_before else [f"{day_before.date()} → {day.date()}"]
    now, then = (None if pd.isna(one) else one for one in (of, of_before))  # an empty cell of a frame is NaN
    if now != then:
        moves.append(f"{then or '—'} → {now or '—'}")
    return f" ({', '.join(moves)})" if moves else ""


def _whose(view: View, feed: str, at: date, kind: Kind) -> ir.Table:
    return Known(view, (at,), kind).rows(feed)


def _joined(table: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    joined = pd.Series("", index=table.index, dtype=object)
    for name in names:
        value = table[name].astype(object).where(table[name].notna(), "")
        joined = joined.str.cat(value, sep=" ")
    return joined.str.strip()


def _receipts(view: View, since: date, until: date, kind: Kind) -> pd.DataFrame:
    """Return the outcomes of warnings received in between, given to whom the warning was about.

    A visit that names the warning says who and when; else the number of a warning of our own lists does.
    """
    told = Known(view, (until,), kind).all("dispositions")
    told = told.filter(told.received_at >= ibis.literal(since).cast("timestamp(6)"), told.outcome.notnull())
    told = told.select("warning_id", "leg", "status", "status_on", "outcome", "received_at")
    visits = _whose(view, "inspections", until, kind)
    visits = visits.filter(visits.warning_id.notnull()).select(
        "warning_id", "subject_id", event="inspected_on"
    )
    table = frame(view, told.left_join(visits, "warning_id").drop("warning_id_right"))
    if not len(table):
        return table
    table = table.astype({"subject_id": object, "warning_id": object})
    unknown = table["subject_id"].isna()
    codes = (
        {warning_code(kind, subject): subject for subject in _registered(view, kind)} if unknown.any() else {}
    )
    table.loc[unknown, "subject_id"] = table.loc[unknown, "warning_id"].str[-8:].map(codes)
    table = table.loc[table["subject_id"].notna()].copy()
    table["event"] = pd.to_datetime(table["event"].fillna(table["status_on"])).astype("datetime64[s]")
    table["event_before"] = pd.NaT
    table["feed"], table["key"] = "dispositions", table["warning_id"]
    table["after"] = _joined(table, ["leg", "status", "outcome"])
    table["before"] = None
    return table


def _registered(view: View, kind: Kind) -> list[str]:
    rows = view.received(f"{kind}s")
    found: list[str] = view.backend.to_pyarrow(rows.select(f"{kind}_id").distinct())[f"{kind}_id"].to_pylist()
    return found


def _change(kind: Kind, row: Mapping[str, Any], received: pd.DataFrame | None) -> Change:
    first = pd.Timestamp(row["as_of"])
    because: list[Because] = []
    for each in (received if received is not None else pd.DataFrame()).to_dict("records"):
        inside = [
            0 <= (day - first).days < SCORE_HORIZON
            for day in (each["event"], each["event_before"])
            if day is not pd.NaT
        ]
        if any(inside):
            because.append(
                Because(
                    feed=str(each["feed"]),
                    key=str(each["key"]),
                    event=each["event"].date(),
                    received_at=f"{each['received_at']:%Y-%m-%d %H:%M}",
                    after=str(each["after"]),
                    before=None
                    if each["before"] is None or each["before"] != each["before"]
                    else str(each["before"]),
                )
            )
    because.sort(key=lambda each: (each.received_at, each.feed, each.key))
    return Change(
        kind, str(row["subject_id"]), row["as_of"], str(row["before"]), str(row["after"]), tuple(because)
    )
