"""Electricity: level against own past, last year and peers, near-zero days, rhythm, lasting steps.

A level is mean kWh per meter-day with a reading: a missing day is a missing row, a real zero counts, and a
meter that falls silent lowers nothing. Days of a subject are put together over its meters where a day counts
as a day (near-zero, from one day to the next). Readings are daily: weekends stand for the night shift, hours
are not known. Everything is computed from `weekly`; «complete weeks» end before the week of the date.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from anxin.features.known import KEYS, Known, age, ratio, whole
from anxin.features.weeks import (
    WEEK,
    aligned,
    festive_mondays,
    monday,
    number,
    on_holiday,
    together,
    weekly,
)

_WEEKS = 60
"""Weeks read: a year, the most Spring Festival moves, and the window."""
_LATE = 4
_PAST = range(_LATE + 1, _LATE + 27)
"""The half year of complete weeks before the last four: what is usual."""
_RECENT = 8
_UNKNOWN = 1e300
"""A level of last year nobody knows: more than any."""
_NEAR_ZERO = 0.1
"""A day at or below a tenth of the usual level is near zero."""

_STEP_WEEKS = 26
_STEP_SINCE = range(3, 21)
"""Weeks a step can be old: three weeks must lie after it and six before."""
_STEP_READINGS = (15, 30)
_STEP_FALL = 0.2
_STEP_NEWEST = 3
"""The newest ordinary weeks that must still be below: a level that came back did not fall for good."""

_BLOCKS = 13
_PHASES = (0.15, 0.8, 1.0)
"""Shares of the planned time that end the start, the main part and the finishing; beyond is overdue."""

_PARTS = (range(11), range(11, 21), range(21, 47), range(47, _WEEKS + 1))
"""Weeks back that are added up together."""

_PEERS = 10.0
"""Small groups are drawn towards all others by this many subjects."""
_MOST_CHANGE = 3.0
"""A peer that starts up counts three times its past at most, or one would speak for all."""
_MILLION = 1_000_000


def energy(known: Known) -> list[ir.Table]:
    """Return the tables of the family, each keyed by subject and date."""
    newer, older = weekly(known, _WEEKS, _RECENT)
    newer, older, dates = known.view.keep(newer), known.view.keep(older), sorted(set(known.dates))
    weeks = newer.select(*older.columns).union(older)
    # Date by date: sums of more subjects and dates at once no longer fit in memory.
    parts = [known.view.keep(_levels(known, _known_on(known, weeks, day, _WEEKS), day)) for day in dates]
    levels = parts[0] if len(parts) == 1 else ibis.union(*parts)
    recent = [_known_on(known, newer, day, _RECENT) for day in dates]
    rows = recent[0] if len(recent) == 1 else ibis.union(*recent)
    tables = [_features(levels, rows, known), _peers(known, levels)]
    return [*tables, _sites(known, levels)] if known.kind == "project" else tables


def _known_on(known: Known, weeks: ir.Table, day: date, back: int) -> ir.Table:
    """Return the weeks known on a date, up to `back` weeks before its own, with `as_of`, `today` and `here` (its Monday).

    One scan per date: a join over ranges of dates costs several times that.
    """
    here, place = number(monday(day)), sorted(set(known.dates)).index(day)
    rows = weeks.filter(weeks.since <= place, weeks.until > place)
    if place:
        # No older ones than of the first date are there; a filter that holds would be asked of every reading.
        rows = rows.filter(rows.monday >= here - back * WEEK)
    numbers = {"today": number(day), "here": here}
    return rows.drop("since", "until").mutate(
        as_of=ibis.literal(day), **{name: ibis.literal(value, "int32") for name, value in numbers.items()}
    )


def _windows(known: Known, day: date) -> dict[str, Collection[int]]:
    """Return the weeks, counted back from that of a date, that are added up: which, is for the date to say."""
    here, season = number(monday(day)), number(aligned(day))
    mondays = {k: here - k * WEEK for k in range(_WEEKS + 1)}
    ordinary = _ordinary(day)
    windows: dict[str, Collection[int]] = {
        "past": _PAST,
        "ordinary": [k for k in ordinary if k in _PAST],
        # What is usual beside last year's weeks: the half year after them, for before them less is known.
        "base": [k for k in ordinary if season < mondays[k] <= season + 26 * WEEK],
        "steady": [k for k in ordinary if k <= _STEP_WEEKS],
    }
    windows |= {f"week_{k}": [k] for k in range(1, _LATE + 1)}
    windows |= {
        f"then_{k}": [of for of, then in mondays.items() if then == season - k * WEEK]
        for k in range(_LATE + 2)
    }
    windows |= {f"ordinary_{k}": [k] if k in ordinary else [] for k in range(1, _STEP_SINCE[-1] + 1)}
    if known.kind == "project":
        windows |= {f"block_{k}": range(k * _LATE + 1, (k + 1) * _LATE + 1) for k in range(_BLOCKS)}
    return windows


def _ordinary(day: date) -> list[int]:
    """Return the complete weeks, counted back from that of a date, that no Spring Festival is near."""
    here, festive = number(monday(day)), set(festive_mondays((day,)))
    return [k for k in range(1, _WEEKS + 1) if here - k * WEEK not in festive]


def _added(known: Known, rows: ir.Table, day: date) -> ir.Table:
    """Add the weeks of a date up over its windows, and find the newest reading (`last`).

    Some weeks at a time: every sum looks at every row of its part, and most windows reach into one part only.
    """
    here, windows = number(monday(day)), _windows(known, day)
    parts = []
    for some in _PARTS:
        first, last = here - some[-1] * WEEK, here - some[0] * WEEK
        part = rows.filter(rows.monday >= first, rows.monday <= last)
        sums: dict[str, ir.Value] = {"last": part["last"].max()}
        for name, meant in {**windows, "past_rest": _PAST}.items():
            of = [k for k in some if k in meant]
            there = part.monday.isin([here - k * WEEK for k in of]) if len(of) < len(some) else None
            for what in ("wh", "n"):
                value = part[f"rest_{what}" if name == "past_rest" else what]
                sums[f"{name}_{what}"] = _sum(value, there) if of else ibis.literal(0, "int64")
        parts.append(part.group_by(KEYS).aggregate(**sums))
    every = ibis.union(*parts)
    return every.group_by(KEYS).aggregate(
        last=every["last"].max(),
        **{name: whole(every[name].sum()) for name in every.columns if name not in (*KEYS, "last")},
    )


def _levels(known: Known, rows: ir.Table, day: date) -> ir.Table:
    """Make levels of the weeks known on a date."""
    found = _added(known, rows, day)
    # Kept, so that what follows names each sum instead of repeating how it is made.
    found = known.view.keep(
        found.mutate(
            **{
                f"since_{k}_{what}": _total(found, "ordinary", range(1, k + 1), f"_{what}")
                for k in _STEP_SINCE
                for what in ("wh", "n")
            },
            usual=ratio(found.past_wh, found.past_n),
            ordinary_level=ratio(found.ordinary_wh, found.ordinary_n),
            base_level=ratio(found.base_wh, found.base_n),
            **{
                f"then_{k}": (found[f"then_{k}_n"] >= 3).ifelse(
                    ratio(found[f"then_{k}_wh"], found[f"then_{k}_n"]), _UNKNOWN
                )
                for k in range(_LATE + 2)
            },
        )
    )
    usual = found.usual
    late = ratio(_total(found, "week", range(1, 5), "_wh"), _total(found, "week", range(1, 5), "_n"))
    site = {"peak_share": _peak_share(found)} if known.kind == "project" else {}
    return found.select(
        *KEYS,
        usual=usual,
        change=ratio(late, usual),
        past_weekend=_weekend(found.past_rest_wh, found.past_rest_n, found.past_wh, found.past_n),
        energy_last_days=(number(day) - found["last"]).cast("float64"),
        energy_level_year=_against_last_year(found, set(range(1, _LATE + 1)) - set(_ordinary(day))),
        week_age=ibis.literal((day - monday(day)).days, "int32"),
        **_falls(found, _ordinary(day)[:_STEP_NEWEST]),
        **site,
    )


def _against_last_year(found: ir.Table, festive: Collection[int]) -> ir.FloatingValue:
    """Return the share reached, at most all, of what last year's weeks, aligned, let expect of the last four.

    A week is expected at the own usual level times the share of the usual that last year's week had, the
    lowest of it and its neighbours (holidays move by days) and never more than all. Without that week of last
    year the usual level is expected, but in a `festive` week nothing is known and there is no value. Usual is
    meant without festive weeks, now and then.
    """
    usual, base = found.ordinary_level, found.base_level
    then = [found[f"then_{k}"] for k in range(_LATE + 2)]
    expected = []
    for k in range(1, _LATE + 1):
        lowest = ibis.least(then[k - 1], then[k], then[k + 1])
        share = ratio(lowest, base)
        share = (share < 1.0).ifelse(share, 1.0)
        otherwise = ibis.null("float64") if k in festive else ibis.literal(1.0)
        share = ((lowest < _UNKNOWN) & (base > 0.0)).fill_null(False).ifelse(share, otherwise)
        n = found[f"week_{k}_n"].cast("float64")
        expected.append((n == 0.0).ifelse(0.0, n * share))
    whole = expected[0] + expected[1] + expected[2] + expected[3]
    read = _total(found, "week", range(1, 5), "_n")
    value = ratio(_total(found, "week", range(1, 5), "_wh"), whole * usual)
    reached = (value >= 1.0).fill_null(False).ifelse(1.0, value)
    return (read >= _LATE * WEEK / 2).ifelse(reached, None)


def _falls(found: ir.Table, newest: Sequence[int]) -> dict[str, ir.FloatingValue]:
    """Return for each week at which a new level could begin how far it fell, and how well it parts the weeks.

    Festive weeks are left out. `score_k` is the sum of squares between the weeks before and the `k` since, 0
    if the level fell by less than a fifth or the `newest` weeks are above that again, missing if there are too
    few readings. Newest weeks without a reading do not say that it came back.
    """
    found_falls: dict[str, ir.FloatingValue] = {}
    for k in _STEP_SINCE:
        since_wh, since_n = found[f"since_{k}_wh"], found[f"since_{k}_n"]
        before_n = found.steady_n - since_n
        since = ratio(since_wh, since_n)
        before = ratio(found.steady_wh - since_wh, before_n)
        enough = (since_n >= _STEP_READINGS[0]) & (before_n >= _STEP_READINGS[1])
        fall = 1.0 - ratio(since, before)
        now = [of for of in newest if of <= k]
        below = ibis.literal(True)
        if now:
            level = ratio(_total(found, "ordinary", now, "_wh"), _total(found, "ordinary", now, "_n"))
            below = (1.0 - ratio(level, before) >= _STEP_FALL).fill_null(True)
        weight = ratio(since_n.cast("float64") * before_n.cast("float64"), found.steady_n)
        lasting = (fall >= _STEP_FALL).fill_null(False) & below
        score = lasting.ifelse(weight * (before - since) * (before - since), 0.0)
        found_falls |= {f"fall_{k}": fall, f"score_{k}": enough.ifelse(score, None)}
    return found_falls


def _step(levels: ir.Table) -> tuple[ir.FloatingValue, ir.FloatingValue]:
    """Return the age in days and the depth of the last lasting fall: the best parting, the latest of equals."""
    scores = {k: levels[f"score_{k}"] for k in _STEP_SINCE}
    best = ibis.greatest(*(score.fill_null(0.0) for score in scores.values()))
    hits = {k: ((score == best) & (score > 0.0)).fill_null(False) for k, score in scores.items()}
    days = ibis.cases(*((hit, levels.week_age + k * WEEK) for k, hit in hits.items()))
    depth = ibis.cases(*((hit, levels[f"fall_{k}"]) for k, hit in hits.items()), else_=0.0)
    tried = _any([score.notnull() for score in scores.values()])
    return days.cast("float64"), tried.ifelse(depth, None)


def _peak_share(found: ir.Table) -> ir.FloatingValue:
    """Return the level of the last four weeks as a share of the best four weeks of a year."""
    blocks = [ratio(found[f"block_{k}_wh"], found[f"block_{k}_n"]) for k in range(_BLOCKS)]
    return ratio(blocks[0], ibis.greatest(*(block.fill_null(0.0) for block in blocks)))


def _features(levels: ir.Table, days: ir.Table, known: Known) -> ir.Table:
    """Return what belongs to one subject alone."""
    rows = days.select(
        *KEYS,
        "monday",
        "today",
        "here",
        *(name for name in days.columns if name.startswith(("wh_", "n_"))),
    )
    if len(known.dates) > 1:
        rows = together(rows)
    late, idle = _late(rows), _idle(known, rows, levels)
    joined = levels.left_join(late, KEYS).select(levels, *(late[name] for name in late.columns[2:]))
    joined = joined.left_join(idle, KEYS).select(joined, idle.idle_days, idle.idle_run)
    weekend = _weekend(joined.rest_wh, joined.rest_n, joined.late_wh, joined.late_n)
    watched = joined.usual.notnull()
    step_days, step_depth = _step(joined)
    return joined.select(
        *KEYS,
        "energy_last_days",
        "energy_level_year",
        energy_step_days=step_days,
        energy_step_depth=step_depth,
        energy_level_28d=ratio(ratio(joined.late_wh, joined.late_n), joined.usual),
        energy_level_7d=ratio(ratio(joined.week_wh, joined.week_n), joined.usual),
        energy_weekend_ratio=weekend,
        energy_weekend_loss=joined.past_weekend - weekend,
        energy_volatility_56d=ratio(2 * joined.moves, joined.pairs),
        energy_readings_28d=joined.late_n.fill_null(0).cast("float64"),
        energy_idle_days_28d=(watched & (joined.late_n > 0)).ifelse(
            joined.idle_days.fill_null(0).cast("float64"), None
        ),
        energy_idle_run_56d=(watched & (joined.recent_n > 0)).ifelse(
            joined.idle_run.fill_null(0).cast("float64"), None
        ),
    )


def _late(rows: ir.Table) -> ir.Table:
    """Add up the last days to the day, and how much one working day differs from the next."""
    sums: dict[str, ir.Value] = {}
    for name, days, of in (("late", 28, range(WEEK)), ("week", 7, range(WEEK)), ("rest", 28, (5, 6))):
        for what in ("wh", "n"):
            # Weekday by weekday: only at the edge of the window does a week fall apart.
            kept = [
                (rows.today - rows.monday - weekday <= days).ifelse(rows[f"{what}_{weekday}"], 0)
                for weekday in of
            ]
            sums[f"{name}_{what}"] = whole(_add(kept).sum())
    moves, pairs = [], []
    for weekday in range(4):
        left, right = rows[f"wh_{weekday}"], rows[f"wh_{weekday + 1}"]
        # With a meter missing on one of the days they say nothing about each other.
        alike = (rows[f"n_{weekday}"] > 0) & (rows[f"n_{weekday}"] == rows[f"n_{weekday + 1}"])
        alike = alike & (rows.monday < rows.here)
        moves.append(alike.ifelse((right - left).abs(), 0))
        pairs.append(alike.ifelse(left + right, 0))
    return rows.group_by(KEYS).aggregate(
        **sums,
        moves=whole(_add(moves).sum()),
        pairs=whole(_add(pairs).sum()),
        recent_n=whole(_total(rows, "n", range(WEEK)).sum()),
    )


def _idle(known: Known, rows: ir.Table, levels: ir.Table) -> ir.Table:
    """Count near-zero days and their longest run; days between 小年 and 元宵 are no days here.

    A day without a reading is not near zero and ends a run; a holiday does not.
    """
    beside = rows.inner_join(levels.filter(levels.usual.notnull()).select(*KEYS, "usual"), KEYS)
    limit = beside.usual * _NEAR_ZERO
    idle = {
        f"idle_{of}": (beside[f"n_{of}"] > 0)
        & (beside[f"wh_{of}"].cast("float64") <= beside[f"n_{of}"].cast("float64") * limit)
        for of in range(WEEK)
    }
    beside = beside.select(*KEYS, "monday", "today", **idle)
    some = beside.filter(_any([beside[f"idle_{of}"] for of in range(WEEK)]))
    each = some.cross_join(ibis.memtable({"weekday": list(range(WEEK))}))
    each = each.filter(_any([(each.weekday == of) & each[f"idle_{of}"] for of in range(WEEK)]))
    each = each.select(*KEYS, age=(each.today - each.monday - each.weekday).cast("int64"))
    days = each.inner_join(_working_days(known), ["as_of", "age"])
    nth = ibis.row_number().over(ibis.window(group_by=KEYS, order_by=days.place))
    days = days.mutate(run=days.place - nth)
    runs = days.group_by([*KEYS, "run"]).aggregate(
        length=days.count(), late=(days.age <= 28).cast("int64").sum()
    )
    return runs.group_by(KEYS).aggregate(idle_days=runs.late.sum(), idle_run=runs.length.max())


def _working_days(known: Known) -> ir.Table:
    """Return the days before each date that are no Spring Festival holiday, numbered."""
    rows = [
        (as_of, days, place)
        for as_of in known.dates
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


def _weekend(
    rest_wh: ir.IntegerValue, rest_n: ir.IntegerValue, wh: ir.IntegerValue, n: ir.IntegerValue
) -> ir.FloatingValue:
    """Return the level of weekends over that of the other days."""
    return ratio(ratio(rest_wh, rest_n), ratio(wh - rest_wh, n - rest_n))


def _sum(value: ir.IntegerValue, rows: ir.BooleanValue | None) -> ir.IntegerValue:
    # Most windows are few of the weeks, and only those reach the sums: these are too many to be near at hand.
    return whole((value if rows is None else rows.ifelse(value, None)).sum().fill_null(0))


def _total(rows: ir.Table, name: str, of: Sequence[int], suffix: str = "") -> ir.IntegerValue:
    return _add([rows[f"{name}_{each}{suffix}"] for each in of])


def _add(values: list[ir.IntegerValue]) -> ir.IntegerValue:
    whole = values[0]
    for value in values[1:]:
        whole = whole + value
    return whole


def _any(values: list[ir.BooleanValue]) -> ir.BooleanValue:
    found = values[0]
    for value in values[1:]:
        found = found | value
    return found
