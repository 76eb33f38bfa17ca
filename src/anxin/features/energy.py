"""Electricity: level against own past, last year and peers, near-zero days, rhythm, lasting steps.

A level is what the meters of a subject used over what is usual of each (`meters`): a missing day is a missing row, a
real zero counts, and a meter that falls silent or is new lowers nothing. Days of a subject are put together over its
meters where a day counts as a day (near-zero, from one day to the next). Readings are daily: weekends stand for the
night shift, hours are not known. Everything is computed from `daily` and `weekly`; «complete weeks» end before the week
of the date.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import reduce
from operator import add, or_

import ibis
import ibis.expr.types as ir

from anxin.features.known import KEYS, Known, age, ratio, whole
from anxin.features.meters import (
    BLOCKS,
    LATE,
    METER,
    MILLI,
    PAST,
    WEEKS,
    held,
    level,
    level_of,
    ordinary,
    put_together,
    usual_day,
    usuals,
)
from anxin.features.steps import NEWEST, falls, newest, since, step
from anxin.features.weeks import WEEK, aligned, by_day, daily, monday, number, on_holiday, weekly

_RECENT = 8
_TOGETHER = 9_000_000
"""Weeks of meters, of the half year before, that are looked at together: more at once is no faster, and takes memory."""
_UNKNOWN = 1e300
"""A level of last year nobody knows: more than any."""
_NEAR_ZERO = 10
"""A day is near zero when so many of it are no more than a usual one."""

_PHASES = (0.15, 0.8, 1.0)
"""Shares of the planned time that end the start, the main part and the finishing; beyond is overdue."""

_PEERS = 10.0
"""Small groups are drawn towards all others by this many subjects."""
_MOST_CHANGE = 3.0
"""A peer that starts up counts three times its past at most, or one would speak for all."""
_MILLION = 1_000_000


def energy(known: Known) -> Iterator[ir.Table]:
    """Yield the tables of the family, each keyed by subject and date.

    The newest days come first: half a year is enough for them, and who asks for no more has not read the rest.
    """
    newer = known.view.keep(daily(known, _RECENT))
    half = known.view.keep(weekly(known, PAST[-1], _RECENT))
    weeks = newer.select(*half.columns).union(half)
    groups = _groups(known, weeks)
    usual = [known.view.keep(usuals(_known_on(known, weeks, days, PAST[-1]))) for days in groups]
    beside = [
        _beside_usual(_known_on(known, newer, days, _RECENT), own)
        for days, own in zip(groups, usual, strict=True)
    ]
    late = [known.view.keep(_late(rows)) for rows in beside]
    newest = zip(groups, beside, late, usual, strict=True)
    yield _union([_newest(known, days, rows, own_late, own) for days, rows, own_late, own in newest])
    weeks = weeks.union(known.view.keep(weekly(known, WEEKS, PAST[-1])))
    levels = _union(
        [
            known.view.keep(_levels(known, _known_on(known, weeks, days, WEEKS), own, days))
            for days, own in zip(groups, usual, strict=True)
        ]
    )
    yield _steady(levels, _union(late))
    yield _peers(known, levels)
    if known.kind == "project":
        yield _sites(known, levels)


def _union(tables: Sequence[ir.Table]) -> ir.Table:
    return tables[0] if len(tables) == 1 else ibis.union(*tables)


def _groups(known: Known, weeks: ir.Table) -> list[list[date]]:
    """Return the dates that are looked at together: as many as have so many weeks of meters in the half year before."""
    dates = sorted(set(known.dates))
    if len(dates) == 1:
        return [dates]
    at_once = known.view.at_once(_known_on(known, weeks, dates[-1:], PAST[-1]), _TOGETHER) or len(dates)
    return [dates[place : place + at_once] for place in range(0, len(dates), at_once)]


def _known_on(known: Known, weeks: ir.Table, days: Sequence[date], back: int) -> ir.Table:
    """Return the weeks known on each date, up to `back` weeks before its own.

    Added are `as_of` and, as numbers, it (`today`), its Monday (`here`) and that of last year's week (`season`). One
    scan per date: a join over ranges of dates costs several times that.
    """
    dates = sorted(set(known.dates))
    each = []
    for day in days:
        here, place = number(monday(day)), dates.index(day)
        rows = weeks.filter(weeks.since <= place, weeks.until > place)
        if place:
            # No older ones than of the first date are there; a filter that holds would be asked of every reading.
            rows = rows.filter(rows.monday >= here - back * WEEK)
        numbers = {"today": number(day), "here": here, "season": number(aligned(day))}
        each.append(
            rows.drop("since", "until").mutate(
                as_of=ibis.literal(day),
                **{name: ibis.literal(value, "int32") for name, value in numbers.items()},
            )
        )
    return _union(each)


def _beside_usual(rows: ir.Table, usual: ir.Table) -> ir.Table:
    """Return recent weeks with the `usual` day of their meter, if it has one, and whether it is `alone`."""
    days = [name for name in rows.columns if name.startswith(("wh_", "n_"))]
    found = rows.left_join(usual, METER)
    return found.select(
        *(rows[name] for name in (*METER, "monday", "today", "here", *days)), usual.usual, usual.alone
    )


def _levels(known: Known, rows: ir.Table, usual: ir.Table, days: Sequence[date]) -> ir.Table:
    """Make levels of the weeks known on some dates."""
    found = put_together(known, rows, usual, days)
    found = found.mutate(**since(found))
    # Named, so that what follows does not repeat how it is made.
    found = found.mutate(
        **newest(found, {day: ordinary(day)[NEWEST - 1] for day in days}),
        **{
            f"then_{k}": ((found[f"then_{k}_n"] >= 3) & (found[f"then_{k}_usual"] > 0)).ifelse(
                level(found, f"then_{k}"), _UNKNOWN
            )
            for k in range(LATE + 2)
        },
    )
    site = {"peak_share": _peak_share(found)} if known.kind == "project" else {}
    today = by_day(found.as_of, {day: number(day) for day in days})
    return found.select(
        *KEYS,
        change=level(found, "late"),
        energy_last_days=(today - found["last"]).cast("float64"),
        energy_level_year=_against_last_year(found, days),
        week_age=by_day(found.as_of, {day: (day - monday(day)).days for day in days}),
        **falls(found),
        **site,
    )


def _against_last_year(found: ir.Table, days: Sequence[date]) -> ir.FloatingValue:
    """Return the share reached, at most all, of what last year's weeks, aligned, let expect of the last four.

    A week is expected at the usual of its meters times the share of the usual that last year's week had, the
    lowest of it and its neighbours (holidays move by days) and never more than all. Without that week of last
    year the usual is expected, but in a festive week nothing is known and there is no value. Usual is meant
    without festive weeks, now and then.
    """
    then = [found[f"then_{k}"] for k in range(LATE + 2)]
    expected = []
    for k in range(1, LATE + 1):
        lowest = ibis.least(then[k - 1], then[k], then[k + 1])
        plain = by_day(found.as_of, {day: int(k in ordinary(day)) for day in days})
        otherwise = (plain == 1).ifelse(1.0, ibis.null("float64"))
        share = (lowest < _UNKNOWN).ifelse(ibis.least(lowest, 1.0), otherwise)
        expected.append((found[f"week_{k}_n"] == 0.0).ifelse(0.0, found[f"week_{k}_usual"] * share))
    value = level_of(_total(found, "week", range(1, LATE + 1), "_wh"), reduce(add, expected))
    reached = (value >= 1.0).fill_null(False).ifelse(1.0, value)
    return (_total(found, "week", range(1, LATE + 1), "_n") >= LATE * WEEK / 2).ifelse(reached, None)


def _peak_share(found: ir.Table) -> ir.FloatingValue:
    """Return the level of the last four weeks as a share of the best four weeks of a year."""
    blocks = [level(found, f"block_{k}") for k in range(BLOCKS)]
    return ratio(blocks[0], ibis.greatest(*(block.fill_null(0.0) for block in blocks)))


def _newest(known: Known, days: Sequence[date], rows: ir.Table, late: ir.Table, usual: ir.Table) -> ir.Table:
    """Return what the newest days before some dates say of a subject, beside the half year before."""
    weeks = _weeks_of_subjects(known, rows)
    swings, idle = _swings(weeks), _idle(days, weeks)
    past = usual.group_by(KEYS).aggregate(**held(usual, ("past_rest", "past_work"), usual.usual))
    joined = late.left_join(swings, KEYS).select(late, *(swings[name] for name in swings.columns[2:]))
    joined = joined.left_join(past, KEYS).select(joined, *(past[name] for name in past.columns[2:]))
    joined = joined.left_join(idle, KEYS).select(joined, idle.idle_days, idle.idle_run)
    weekend = ratio(level(joined, "rest"), level(joined, "work"))
    return joined.select(
        *KEYS,
        energy_level_28d=level(joined, "late"),
        energy_level_7d=level(joined, "week"),
        energy_weekend_ratio=weekend,
        energy_weekend_loss=ratio(level(joined, "past_rest"), level(joined, "past_work")) - weekend,
        energy_volatility_56d=ratio(2 * joined.moves, joined.pairs),
        energy_idle_days_28d=(joined.late_n > 0).ifelse(joined.idle_days.fill_null(0).cast("float64"), None),
        energy_idle_run_56d=(joined.recent_n > 0).ifelse(joined.idle_run.fill_null(0).cast("float64"), None),
    )


def _steady(levels: ir.Table, late: ir.Table) -> ir.Table:
    """Return what a year and more says of a subject, and how much was read of it lately."""
    step_days, step_depth = step(levels)
    found = levels.select(
        *KEYS,
        "energy_last_days",
        "energy_level_year",
        energy_step_days=step_days,
        energy_step_depth=step_depth,
    )
    read = found.left_join(late, KEYS).select(found, late.readings)
    return read.select(*found.columns, energy_readings_28d=read.readings.fill_null(0).cast("float64"))


def _late(rows: ir.Table) -> ir.Table:
    """Add up the last days to the day: against the half year before, and weekends against their own four weeks."""
    sums: dict[str, ir.Value] = {"usual": rows.usual.max()}
    for name, days, of in (("work", 28, range(5)), ("rest", 28, (5, 6)), ("week", 7, range(WEEK))):
        for what in ("wh", "n"):
            # Weekday by weekday: only at the edge of the window does a week fall apart.
            kept = [
                (rows.today - rows.monday - weekday <= days).ifelse(rows[f"{what}_{weekday}"], 0)
                for weekday in of
            ]
            sums[f"{name}_{what}"] = whole(reduce(add, kept).sum())
    meters = rows.group_by(METER).aggregate(**sums)
    meters = meters.mutate(late_wh=meters.work_wh + meters.rest_wh, late_n=meters.work_n + meters.rest_n)
    meters = meters.mutate(own=usual_day(meters.late_wh, meters.late_n))
    return meters.group_by(KEYS).aggregate(
        readings=meters.late_n.sum(),
        **held(meters, ("late", "week"), meters.usual),
        **held(meters, ("work", "rest"), meters.own),
    )


def _weeks_of_subjects(known: Known, rows: ir.Table) -> ir.Table:
    """Put the recent weeks of a subject's meters together, weekday by weekday.

    `wh_` and `n_` are of all its meters; `known_` counts the readings of those with a usual, `usual_` adds up their
    usual days.
    """
    found: dict[str, ir.IntegerValue] = {}
    for of in range(WEEK):
        wh, n = rows[f"wh_{of}"], rows[f"n_{of}"].cast("int64")
        found |= {
            f"wh_{of}": wh,
            f"n_{of}": n,
            f"known_{of}": rows.usual.notnull().ifelse(n, 0),
            f"usual_{of}": (n * rows.usual).fill_null(0),
        }
    week = [*KEYS, "monday", "today", "here"]
    rows = rows.select(*week, "alone", **found)
    # Most subjects have one meter, and of one date its week is one row: those need not be looked for.
    apart = rows.alone if len(known.dates) == 1 else ibis.literal(False)
    together = rows.filter(~apart)
    sums = together.group_by(week).aggregate(**{name: whole(together[name].sum()) for name in found})
    return rows.filter(apart).drop("alone").union(sums) if len(known.dates) == 1 else sums


def _swings(weeks: ir.Table) -> ir.Table:
    """Add up how much one working day differs from the next."""
    moves, pairs = [], []
    for weekday in range(4):
        left, right = weeks[f"wh_{weekday}"], weeks[f"wh_{weekday + 1}"]
        # With a meter missing on one of the days they say nothing about each other.
        alike = (weeks[f"n_{weekday}"] > 0) & (weeks[f"n_{weekday}"] == weeks[f"n_{weekday + 1}"])
        alike = alike & (weeks.monday < weeks.here)
        moves.append(alike.ifelse((right - left).abs(), 0))
        pairs.append(alike.ifelse(left + right, 0))
    return weeks.group_by(KEYS).aggregate(
        moves=whole(reduce(add, moves).sum()),
        pairs=whole(reduce(add, pairs).sum()),
        recent_n=whole(_total(weeks, "known", range(WEEK)).sum()),
    )


def _idle(dates: Sequence[date], weeks: ir.Table) -> ir.Table:
    """Count near-zero days and their longest run; days between 小年 and 元宵 are no days here.

    All that was used counts, held against the meters read that day that have a usual. A day without such a reading
    is not near zero and ends a run; a holiday does not.
    """
    idle = {
        f"idle_{of}": (weeks[f"known_{of}"] > 0)
        & (weeks[f"wh_{of}"] * (MILLI * _NEAR_ZERO) <= weeks[f"usual_{of}"])
        for of in range(WEEK)
    }
    beside = weeks.select(*KEYS, "monday", "today", **idle)
    some = beside.filter(reduce(or_, [beside[f"idle_{of}"] for of in range(WEEK)]))
    each = some.cross_join(ibis.memtable({"weekday": list(range(WEEK))}))
    each = each.filter(reduce(or_, [(each.weekday == of) & each[f"idle_{of}"] for of in range(WEEK)]))
    each = each.select(*KEYS, age=(each.today - each.monday - each.weekday).cast("int64"))
    days = each.inner_join(_working_days(dates), ["as_of", "age"])
    nth = ibis.row_number().over(ibis.window(group_by=KEYS, order_by=days.place))
    days = days.mutate(run=days.place - nth)
    runs = days.group_by([*KEYS, "run"]).aggregate(
        length=days.count(), late=(days.age <= 28).cast("int64").sum()
    )
    return runs.group_by(KEYS).aggregate(idle_days=runs.late.sum(), idle_run=runs.length.max())


def _working_days(dates: Sequence[date]) -> ir.Table:
    """Return the days before each date that are no Spring Festival holiday, numbered."""
    rows = [
        (as_of, days, place)
        for as_of in dates
        for place, days in enumerate(
            days for days in range(1, _RECENT * WEEK + 1) if not on_holiday(as_of - timedelta(days))
        )
    ]
    schema = ibis.schema({"as_of": "date", "age": "int64", "place": "int64"})
    return ibis.memtable(rows, schema=schema)


def _peers(known: Known, levels: ir.Table) -> ir.Table:
    """Compare the change of the last four complete weeks with that of sector and district, itself left out."""
    registry = known.all(f"{known.kind}s")
    sector = registry.industry.substr(0, 3) if known.kind == "employer" else registry.project_type
    people = registry.select(
        "as_of",
        subject_id=registry[f"{known.kind}_id"],
        sector=sector,
        place=registry.district.substr(0, 6),
    )
    rows = people.inner_join(levels.filter(levels.change.notnull()).select(*KEYS, "change"), KEYS)
    rows = rows.mutate(part=_whole(rows.change))
    return rows.select(
        *KEYS,
        energy_level_sector=ratio(rows.change, _others(rows, "sector")),
        energy_level_district=ratio(rows.change, _others(rows, "place")),
    )


def _sites(known: Known, levels: ir.Table) -> ir.Table:
    """Compare a site's power, as a share of its own best, with sites in the same phase, itself left out."""
    registry = known.all("projects")
    elapsed = ratio(
        age(registry.as_of, registry.start_on), age(registry.planned_end_on, registry.start_on).nullif(0)
    )
    sites = registry.select("as_of", subject_id=registry.project_id, elapsed=elapsed)
    shares = levels.filter(levels.peak_share.notnull()).select(*KEYS, "peak_share")
    rows = shares.left_join(sites, KEYS).select(*(shares[name] for name in shares.columns), sites.elapsed)
    phase = ibis.cases(
        *((rows.elapsed < end, place) for place, end in enumerate(_PHASES)), else_=len(_PHASES)
    )
    rows = rows.mutate(
        phase=rows.elapsed.notnull().ifelse(phase, None).cast("int64"), part=_whole(rows.peak_share)
    )
    return rows.select(
        *KEYS,
        energy_site_peak=rows.peak_share,
        energy_site_phase=rows.phase.notnull().ifelse(ratio(rows.peak_share, _others(rows, "phase")), None),
    )


def _whole(value: ir.FloatingValue) -> ir.IntegerValue:
    """Return a share in millionths, between nothing and three times: whole numbers add up in any order."""
    within = ibis.greatest(ibis.least(value, _MOST_CHANGE), 0.0)
    return (within * _MILLION + 0.5).floor().cast("int64")


def _others(rows: ir.Table, group: str) -> ir.FloatingValue:
    """Return the mean of `part` over the others of a group, drawn towards all others; nothing without any."""
    own, window = rows.part.cast("float64"), ibis.window(group_by=["as_of", group])
    everyone = ibis.window(group_by="as_of")
    others = rows.count().over(window).cast("float64") - 1.0
    mine = rows.part.sum().over(window).cast("float64") - own
    all_others = ratio(
        rows.part.sum().over(everyone).cast("float64") - own,
        rows.count().over(everyone).cast("float64") - 1.0,
    )
    return (mine + all_others * _PEERS) / (others + _PEERS) / _MILLION


def _total(rows: ir.Table, name: str, of: Sequence[int], suffix: str = "") -> ir.IntegerValue:
    return reduce(add, [rows[f"{name}_{each}{suffix}"] for each in of])
