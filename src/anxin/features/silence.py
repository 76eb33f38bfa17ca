"""Who has gone quiet: days since a subject's own last row of a feed, less what the whole feed is behind.

A feed that is dead for all says nothing about anyone, so the feed's own age is taken off: what remains is
silence of this subject. Only subjects that used to send the feed have a value; whether one that must send
ever did is asked of registered projects apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from anxin.features.complaints import upheld
from anxin.features.known import (
    KEYS,
    Kind,
    Known,
    age,
    counted,
    has_come,
    month,
    ratio,
    stood,
    would_have_told,
)
from anxin.features.levies import DECLARED

_YEAR = 365
_SEASON = 120
"""Days read of the largest feed: silence enough."""

_FEEDS: dict[Kind, tuple[str, ...]] = {
    "employer": (
        "energy_usage",
        "social_insurance",
        "tax",
        "credit",
        "wage_sheets",
        "attendance_daily",
        "payroll",
    ),
    "project": (
        "energy_usage",
        "attendance_daily",
        "wage_sheets",
        "payroll",
        "wage_accounts",
        "progress_payments",
    ),
}
_WITH_PEOPLE = ("payroll", "attendance_daily", "wage_sheets")
"""Feeds in which an employer also has the rows of its people on projects."""

_RHYTHM = ("social_insurance", "tax", "wage_sheets", "payroll", "wage_accounts", "progress_payments")
_DECLARED = ("social_insurance", "tax")
_MISSED: dict[Kind, tuple[str, ...]] = {
    "employer": ("social_insurance", "wage_sheets"),
    "project": ("wage_sheets", "attendance_daily"),
}
_LAST, _SIX = 2, 6
"""Months missed are looked for among the six that end two months back: a month's sheet comes in the next."""

_DUTY = {"attendance_daily": 30, "wage_sheets": 62, "payroll": 62}
"""Days after the start by which a project must have sent: 30 to join the platform, a month and its pay day."""

_GRACE = {"attendance_daily": 10, "wage_sheets": 45, "payroll": 45}
"""Days after a complaint in which the next row of the feed would have come; whoever was still sending when it came had
sent one as many days before."""

_POSTS = {"labour_officer": "labour_officer_vacant", "coordinator": "coordinator_vacant"}


def silence(known: Known) -> list[ir.Table]:
    """Return one table per feed that subjects of this kind send, and what complaints and duties say of them."""
    present = [feed for feed in _FEEDS[known.kind] if feed in known.view.lake.feeds()]
    sent = {feed: _sent(known, feed) for feed in present}
    # These are read again beside complaints and the registry; they are few rows by now.
    sent |= {feed: known.view.keep(sent[feed]) for feed in present if feed in _GRACE}
    tables = [_silent(known, feed, sent[feed]) for feed in present]
    watched = {feed: rows for feed, rows in sent.items() if feed in _GRACE}
    if watched:
        tables.append(_stopped(known, watched))
    if known.kind == "project":
        tables += [_duty(known, feed, rows) for feed, rows in watched.items()]
        tables.append(_vacant(known))
    return tables


def _sent(known: Known, feed: str) -> ir.Table:
    """Return per subject: age of the newest and oldest row, number of periods, and months sent lately."""
    if feed == "energy_usage":
        return _metered(known)
    if feed in _DECLARED:
        return known.by_date(
            feed, _YEAR, DECLARED[feed], lambda rows: _declared(rows, months=feed in _MISSED[known.kind])
        )
    if feed == "payroll":
        rows = _paid(known)
    elif feed == "attendance_daily":
        rows = _attended(known)
    else:
        rows = known.rows(feed, _YEAR, own=feed not in _WITH_PEOPLE)
    periods = rows.group_by(*KEYS, period=_period(feed, rows)).aggregate(
        newest=rows.age.min(), oldest=rows.age.max()
    )
    months = feed in _MISSED[known.kind]
    if months and known.kind == "project":
        periods = periods.left_join(_first_month(known), KEYS).select(*periods.columns, "since")
    else:
        periods = periods.mutate(since=ibis.literal(0, "int64"))
    return _added(periods, KEYS, months=months)


def _declared(rows: ir.Table, *, months: bool) -> ir.Table:
    """Add declarations up: one row of an employer and month is known on a date, there is nothing to put together."""
    periods = rows.select(
        *KEYS, period=month(rows.month), newest="age", oldest="age", since=ibis.literal(0, "int64")
    )
    return _added(periods, KEYS[:1], months=months)


def _added(periods: ir.Table, keys: Sequence[str], *, months: bool) -> ir.Table:
    back = month(periods.as_of) - _LAST - periods.period
    recent = ibis.cases(*((back == place, 1 << place) for place in range(_SIX)), else_=0)
    # Who is not registered tells of the feed all the same.
    recent = (periods.period >= periods.since).fill_null(True).ifelse(recent, 0)
    return periods.group_by(list(keys)).aggregate(
        own=periods.newest.min(),
        oldest=periods.oldest.max(),
        periods=periods.count(),
        first=periods.period.min(),
        # Which of the six were sent, a bit each.
        **({"recent": recent.cast("int64").sum().cast("int64")} if months else {}),
    )


def _metered(known: Known) -> ir.Table:
    """Return the age of each subject's newest reading: every reading is looked at once for all dates."""
    rows = known.spans("energy_usage", _SEASON)
    newest = rows.group_by("subject_id", "since", "until").aggregate(read_on=rows.date.max())
    asked = known.on_dates(newest)
    asked = asked.mutate(age=age(asked.as_of, asked.read_on))
    asked = asked.filter(asked.age <= _SEASON)
    return asked.group_by(KEYS).aggregate(own=asked.age.min())


def _paid(known: Known) -> ir.Table:
    """Return the days on which something was paid for a month: who it was paid to is left out before any date."""
    rows = known.spans("payroll", _YEAR, own=False)
    rows = known.on_dates(rows.select("subject_id", "month", "paid_on", "since", "until").distinct())
    rows = rows.mutate(age=age(rows.as_of, rows.paid_on))
    return rows.filter(rows.age <= _YEAR)


def _attended(known: Known) -> ir.Table:
    """Return the last day of each month that attendance was sent for: the others are left out before any date."""
    rows = known.spans("attendance_daily", _YEAR, own=False)
    last = rows.group_by("subject_id", "since", "until", month=rows.date.truncate("M")).aggregate(
        date=rows.date.max()
    )
    rows = known.on_dates(last.drop("month"))
    rows = rows.mutate(age=age(rows.as_of, rows.date))
    return rows.filter(rows.age <= _YEAR)


def _period(feed: str, rows: ir.Table) -> ir.IntegerValue:
    """Return what a feed sends one of: a month, a settlement period, a day of bookings."""
    match feed:
        case "credit":
            return ibis.literal(0, "int64")
        case "wage_accounts":
            return rows.age
        case "progress_payments":
            return rows.period_no.cast("int64")
        case "attendance_daily":
            return month(rows.date)
        case _:
            return month(rows.month)


def _first_month(known: Known) -> ir.Table:
    """Return the first whole month of each registered project."""
    rows = known.all("projects")
    return rows.select("as_of", subject_id="project_id", since=month(rows.start_on) + 1)


def _silent(known: Known, feed: str, sent: ir.Table) -> ir.Table:
    missed = known.kind == "employer" and feed in _MISSED["employer"]
    rows = sent.inner_join(_of_all(sent, months=missed), "as_of")
    silent = rows.own - rows.behind
    columns: dict[str, ir.Value] = {
        f"{feed}_silent_days": silent.cast("float64"),
        f"{feed}_seen_days": rows.own.cast("float64"),
    }
    if feed in _RHYTHM:
        # Two gaps at least, or there is nothing usual about them.
        gap = ratio((rows.periods > _LAST).ifelse(rows.oldest - rows.own, None), rows.periods - 1)
        columns[f"{feed}_silence_ratio"] = ratio(silent, gap)
    if feed in _DECLARED:
        columns[f"{feed}_declared_months"] = rows.periods.cast("float64")
    if missed:
        columns[f"{feed}_missed_months"] = _missed(rows.as_of, rows["first"], rows.recent, rows.untold)
    return rows.select(*KEYS, **columns)


def _of_all(sent: ir.Table, *, months: bool) -> ir.Table:
    """Return per date when the feed began, how far it is `behind`, and how many of the newest months are `untold`.

    Nobody missed an untold month: one is told once nine tenths as many as sent the one before have sent it.
    """
    found: dict[str, ir.Value] = {"behind": sent.own.min()}
    if "first" in sent.columns:
        found["began"] = sent["first"].min()
    if months:
        found |= {f"sent_{place}": counted((sent.recent & (1 << place)) > 0) for place in range(_SIX)}
    each = sent.group_by("as_of").aggregate(**found)
    if not months:
        return each
    senders = [each[f"sent_{place}"] for place in range(_SIX)]
    told = [
        (mine > 0) & has_come(mine, before)
        for mine, before in zip(senders, [*senders[1:], ibis.literal(0.0)], strict=True)
    ]
    untold = ibis.cases(*((mine, place) for place, mine in enumerate(told)), else_=_SIX)
    return each.mutate(untold=untold.cast("int64")).drop(*(f"sent_{place}" for place in range(_SIX)))


def _missed(
    as_of: ir.DateValue, since: ir.IntegerValue, recent: ir.IntegerValue, untold: ir.IntegerValue
) -> ir.FloatingValue:
    """Count the months not sent among the six, of those told that are not before `since`."""
    oldest = month(as_of) - _LAST - since
    missed = [
        ((untold <= place) & (oldest >= place) & ((recent & (1 << place)) == 0))
        .fill_null(False)
        .cast("int64")
        for place in range(_SIX)
    ]
    return sum(missed[1:], missed[0]).cast("float64")


def _stopped(known: Known, sent: dict[str, ir.Table]) -> ir.Table:
    """Find who was sending until a complaint came and sent nothing more, though others went on sending."""
    every = ibis.union(*(rows.select(*KEYS, "own", feed=ibis.literal(feed)) for feed, rows in sent.items()))
    behind = every.group_by("as_of", "feed").aggregate(behind=every.own.min())
    every = every.inner_join(behind, ["as_of", "feed"])
    said = upheld(known.rows("complaints", _YEAR)).select(*KEYS, "age").distinct()
    beside = every.left_join(said, KEYS).select(*every.columns, "age")
    columns = {}
    for feed in sent:
        of = beside.feed == feed
        # A day's last row may be sent before the complaint of the same day.
        sending = (beside.age <= beside.own) & (beside.own - beside.age <= _GRACE[feed])
        since = sending & (beside.age >= beside.behind + _GRACE[feed])
        stopped = of.ifelse(since.fill_null(False).cast("int64"), None)
        columns[f"{feed}_stopped"] = stopped.max().cast("float64")
    return beside.group_by(KEYS).aggregate(**columns)


def _duty(known: Known, feed: str, sent: ir.Table) -> ir.Table:
    """Find what a registered project did not send though it must: nothing from before the feed itself began."""
    registry = known.all("projects")
    months = feed in _MISSED["project"]
    told = _of_all(sent, months=months)
    registry = registry.left_join(told, "as_of").select(*registry.columns, *told.columns[1:])
    started = age(registry.as_of, registry.start_on)
    # A feed is known by its months, of which the first comes in the next one.
    has_come = (month(registry.as_of) - registry.began > _DUTY[feed] // 31 + 1).fill_null(False)
    must = registry.select(
        "as_of",
        subject_id="project_id",
        since=ibis.greatest(month(registry.start_on) + 1, registry.began),
        due=(started - registry.behind + 1 >= _DUTY[feed]) & has_come,
        **({"untold": registry.untold.fill_null(_SIX)} if months else {}),
    )
    rows = must.left_join(sent, KEYS).select(*must.columns, "own", *(["recent"] if months else []))
    columns = {f"{feed}_never": (rows.due & rows.own.isnull()).cast("float64")}
    if months:
        sent_of = rows.recent.fill_null(0)
        columns[f"{feed}_missed_months"] = _missed(rows.as_of, rows.since, sent_of, rows.untold)
    return rows.select(*KEYS, **columns)


def _vacant(known: Known) -> ir.Table:
    """Find the posts of registered projects that nobody holds; who holds one stays in the roster.

    A post is vacant only where rosters would have told of it, which in a city that does not name it is nowhere.
    """
    rows = known.rows("rosters")
    told = stood(rows, {post: rows.role == post for post in _POSTS})
    rows = rows.filter(rows.to_on.isnull() | (rows.to_on >= rows.as_of))
    held = rows.group_by(KEYS).aggregate(**{post: counted(rows.role == post) for post in _POSTS})
    registry = known.all("projects")
    people = registry.select("as_of", subject_id="project_id", started=age(registry.as_of, registry.start_on))
    both = people.left_join(held, KEYS).select(*people.columns, *_POSTS)
    both = both.inner_join(told, "as_of").select(*both.columns, *(c for c in told.columns if c != "as_of"))
    vacant = {post: (both[post].fill_null(0.0) == 0).cast("float64") for post in _POSTS}
    return both.select(
        *KEYS,
        **{
            name: would_have_told(both[f"oldest_{post}"], both[f"newest_{post}"], both.started).ifelse(
                vacant[post], None
            )
            for post, name in _POSTS.items()
        },
    )
