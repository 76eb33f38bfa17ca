"""The records behind a feature: the known rows of a feed that belong to a subject, as a person may read them.

No row of a worker leaves this room: attendance, payroll and contracts are counted by month. Columns that stand for a
person (a legal representative, whoever is on duty) are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from anxin.features.catalogue import Feature
from anxin.features.known import Kind, Known
from anxin.feeds.asof import View, event_of
from anxin.feeds.contract import contract

MOST = 200
"""Rows of a feed handed out at once, the newest."""

_MONTHS: Mapping[str, str] = {"attendance": "month", "payroll": "month", "labour_contracts": "signed_on"}
"""Feeds with a row per worker, and what says their month."""

_PERSONS = frozenset({"legal_representative", "person_no", "worker_id"})
_WHO = frozenset({"employers", "projects", "participations"})
"""Feeds that say who a subject is and whom it stands with."""

_KEYS: Mapping[str, str] = {"employer": "employer_id", "project": "project_id"}


@dataclass(frozen=True)
class Records:
    """What is known of a subject in one feed on a day: how many rows, and the newest of them.

    `per_worker` says that the rows are counts by month (`month`, `workers`, `records`) of rows about workers.
    """

    feed: str
    total: int
    rows: pa.Table
    per_worker: bool


def behind(view: View, day: date, kind: Kind, subject_id: str, feature: Feature) -> list[Records]:
    """Return the known rows of the subject in each feed of a feature, on a day.

    Of a feature about others (who pays it, neighbours, its sector) only who they are by the registry is given: their
    records are for those who may see them. A feed that says nothing of this kind of subject is left out.
    """
    return [
        found
        for feed in feature.sources
        if (feature.about == "own" or feed in _WHO)
        and (found := records(view, day, kind, subject_id, feed)) is not None
    ]


def records(view: View, day: date, kind: Kind, subject_id: str, feed: str) -> Records | None:
    """Return the known rows of a subject in a feed on a day; None if the feed says nothing of its kind."""
    rows = _own(view, day, kind, subject_id, feed)
    if rows is None:
        return None
    if feed in _MONTHS:
        return _counted(view, rows, feed)
    columns = [name for name in contract()[feed].names if name not in _PERSONS]
    if (
        event_of(feed) not in contract()[feed].names
    ):  # the view calls it otherwise, beside the day's own `as_of`
        rows = rows.rename({contract()[feed].event: event_of(feed)})
    event = contract()[feed].event
    key = [name for name in contract()[feed].key if name in columns and name != event]
    newest = rows.order_by([ibis.desc(event), *key])
    table = view.backend.to_pyarrow(newest.select(*columns).limit(MOST))
    total = len(table) if len(table) < MOST else int(view.backend.execute(rows.count()))
    return Records(feed, total, table, False)


def _own(view: View, day: date, kind: Kind, subject_id: str, feed: str) -> ir.Table | None:
    key, names = _KEYS[kind], contract()[feed].names
    if key not in names:
        return None
    if feed in _WHO:
        rows = Known(view, (day,), kind).all(feed)
        return rows.filter(rows[key] == subject_id).drop("as_of")
    # Who employs the worker counts: the rows of an employer's sites are its own here.
    rows = Known(view, (day,), kind).rows(feed, own=feed not in _MONTHS)
    return rows.filter(rows.subject_id == subject_id).drop("as_of")


def _counted(view: View, rows: ir.Table, feed: str) -> Records:
    rows = rows.mutate(of_month=rows[_MONTHS[feed]].truncate("M"))
    counts = rows.group_by("of_month").aggregate(workers=rows.worker_id.nunique(), records=rows.count())
    table = view.backend.to_pyarrow(counts.order_by(ibis.desc("of_month")).limit(MOST))
    return Records(
        feed, sum(table["records"].to_pylist()), table.rename_columns(["month", "workers", "records"]), True
    )
