"""Each meter against its own usual: a meter added, replaced or fallen silent is no fall of electricity.

What is usual of a meter is its mean day over a window of reference. The level of a subject in a window is what its
meters used there, over what they would have used on the days they were read had each day been usual. A meter without
a reading in the window of reference has no usual and says nothing; one that is not read in the window says nothing
either. Nor does one that was replaced, whose zeros may be read for months: others, at least half as large, began when
its use ended and are used still. Of a single meter the level is its mean day over its usual one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import add

import ibis
import ibis.expr.types as ir

from anxin.features.known import KEYS, Known, ratio, whole
from anxin.features.weeks import WEEK, aligned, festive_mondays, monday, number, sum_of

METER = (*KEYS, "meter_id")

MILLI = 1000
"""What is usual is told in mWh a day: whole numbers add up in any order, and no meter is too small for them."""

WEEKS = 60
"""Weeks read: a year, the most Spring Festival moves, and the window."""
LATE = 4
PAST = range(LATE + 1, LATE + 27)
"""The half year of complete weeks before the last four: what is usual."""
_STEADY = 26
STEPS = range(3, 21)
"""Weeks a step can be old: three weeks must lie after it and six before."""
BLOCKS = 13

_PARTS = (range(11), range(11, 21), range(21, 47), range(47, WEEKS + 1))
"""Weeks back that are added up together."""

_IDLE, _RUNNING, _HANDOVER = 14, 13, 28
"""Days since the last use of a meter that was replaced, at least; days since a subject last used anything, at most; and
days that may lie between the last use of the one meter and the first of the other, either way. Of weeks Mondays are
counted: there it is a complete week without use that is asked."""
_AS_LARGE = 2
"""What replaces meters uses at least one part in so many of what they used, by the mean day of use, all together."""

_AGAINST = {
    "ordinary": tuple(f"week_{k}" for k in range(1, LATE + 1)),
    "base": tuple(f"then_{k}" for k in range(LATE + 2)),
    "steady": ("steady", *(f"ordinary_{k}" for k in range(1, STEPS[-1] + 1))),
}
"""Windows by the window of reference their meters' usual is taken from."""
_SITES = {"blocks": tuple(f"block_{k}" for k in range(BLOCKS))}


def usual_day(wh: ir.IntegerValue, n: ir.IntegerValue) -> ir.IntegerValue:
    """Return the mean day of a meter in whole mWh, half up; missing without a reading."""
    return (ratio(wh * MILLI, n) + 0.5).floor().cast("int64")


def held(meters: ir.Table, windows: Iterable[str], usual: ir.IntegerValue) -> dict[str, ir.Value]:
    """Return sums over the meters that have a usual, per window as `level` reads them.

    `<window>_wh` and `<window>_n` are what there is of the window, `<window>_usual` the mWh of as many usual days.
    Sums of whole numbers, told as float64: there may be more of them than 64 bits hold.
    """
    sums: dict[str, ir.Value] = {}
    for window in windows:
        for what in ("wh", "n"):
            sums[f"{window}_{what}"] = usual.notnull().ifelse(meters[f"{window}_{what}"], None).sum()
        sums[f"{window}_usual"] = (meters[f"{window}_n"] * usual).sum()
    return {name: total.fill_null(0).cast("float64") for name, total in sums.items()}


def level(found: ir.Table, *windows: str) -> ir.FloatingValue:
    """Return what was used in some windows over what is usual, missing where nothing is."""
    wh, usual = (reduce(add, [found[f"{window}_{what}"] for window in windows]) for what in ("wh", "usual"))
    return level_of(wh, usual)


def level_of(wh: ir.NumericValue, usual: ir.NumericValue) -> ir.FloatingValue:
    """Return Wh over the mWh that are usual."""
    return ratio(wh * MILLI, usual)


def usuals(rows: ir.Table) -> ir.Table:
    """Return whether each meter was `replaced` by a date, and its `usual` day before the last four complete weeks.

    Usual is meant of the half year; who was replaced has none. `past_rest_` and `past_work_` are the `wh` and `n` of its
    weekends and other days. `alone` is a meter without others of its subject.
    """
    oldest = PAST[-1] * WEEK
    back = rows.here - rows.monday
    rows = rows.mutate(back=back).filter(back <= oldest)
    past, used = rows.back >= PAST[0] * WEEK, rows.used > 0
    meters = rows.group_by(METER).aggregate(
        **{f"past_{what}": sum_of(rows[what], past) for what in ("wh", "n", "rest_wh", "rest_n")},
        began=used.ifelse(rows.back, None).max(),
        ended=used.ifelse(rows.back, None).min(),
        mean=usual_day(sum_of(rows.wh, used), whole(rows.used.sum())),
    )
    gone = replaced(meters, KEYS, oldest).mutate(replaced=True)
    meters = meters.mutate(alone=meters.count().over(ibis.window(group_by=KEYS)) == 1)
    found = meters.left_join(gone, METER).select(*meters.columns, gone.replaced)
    by_others = found.replaced.fill_null(False)
    return found.select(
        *METER,
        "alone",
        "past_rest_wh",
        "past_rest_n",
        past_work_wh=found.past_wh - found.past_rest_wh,
        past_work_n=found.past_n - found.past_rest_n,
        replaced=by_others,
        usual=by_others.ifelse(None, usual_day(found.past_wh, found.past_n)),
    )


def replaced(meters: ir.Table, of: Sequence[str], oldest: int) -> ir.Table:
    """Return the meters (`of` and `meter_id`) that others of the same subject took over from.

    Columns read: `began` and `ended`, the days since the first and the last use; `mean`, the mWh of a mean day of use.
    Taken over is from a meter out of use, by meters that began later than it, within four weeks of its last use, and
    were used after it, while the subject still uses any. Together they are at least half as large as it and all others
    that the same ones took over from. What was used `oldest` days ago may have begun at any time before.
    """
    several = meters.mutate(of_subject=meters.count().over(ibis.window(group_by=of)))
    several = several.filter(several.of_subject > 1, several.ended.notnull())
    several = several.mutate(newest=several.ended.min().over(ibis.window(group_by=of)))
    heirs = several.select(*of, heir="meter_id", from_="began", until="ended", large="mean")
    both = several.inner_join(heirs, of).select(*several.columns, "heir", "from_", "until", "large")
    pairs = both.filter(
        both.ended >= _IDLE,
        both.newest <= _RUNNING,
        both.until < both.ended,
        both.from_ < both.began,
        both.from_ < oldest,
        (both.from_ - both.ended).abs() <= _HANDOVER,
    )
    meter = (*of, "meter_id")
    after = pairs.group_by(meter).aggregate(after=pairs.large.sum())
    sharing = pairs.select(*of, "heir", other="meter_id", other_mean="mean")
    shared = (
        pairs.inner_join(sharing, [*of, "heir"]).select(*meter, sharing.other, sharing.other_mean).distinct()
    )
    before = shared.group_by(meter).aggregate(before=shared.other_mean.sum())
    alike = after.inner_join(before, meter).select(*(after[name] for name in meter), "after", "before")
    return alike.filter(alike.after * _AS_LARGE >= alike.before).select(*meter)


def put_together(known: Known, rows: ir.Table, usual: ir.Table, days: Sequence[date]) -> ir.Table:
    """Return per subject and date what `held` says of each window, and its newest reading (`last`).

    `usual` is what `usuals` says of the dates: meters that were replaced are held against nothing.
    """
    meters = _added(known, rows, days)
    beside = usual.select(*METER, "usual", "replaced")
    meters = meters.left_join(beside, METER).select(*meters.columns, beside.usual, beside.replaced)
    stands = ~meters.replaced.fill_null(False)
    against = _AGAINST | (_SITES if known.kind == "project" else {})
    meters = meters.mutate(
        **{
            f"usual_{name}": stands.ifelse(usual_day(meters[f"{name}_wh"], meters[f"{name}_n"]), None)
            for name in against
        },
    )
    sums = held(meters, ("late",), meters.usual)
    for name, windows in against.items():
        sums |= held(meters, windows, meters[f"usual_{name}"])
    return meters.group_by(KEYS).aggregate(**sums, last=meters["last"].max())


def ordinary(day: date) -> list[int]:
    """Return the complete weeks, counted back from that of a date, that no Spring Festival is near."""
    here, festive = number(monday(day)), set(festive_mondays((day,)))
    return [k for k in range(1, WEEKS + 1) if here - k * WEEK not in festive]


@dataclass(frozen=True)
class Window:
    """Weeks a sum is over: of those `first` to `last` weeks back from that of a date, all, or which a column tells.

    Meant are rows with `column` (one of `_placed`) between `least` and `most`, or as many weeks back where that is None.
    """

    first: int
    last: int
    column: str = "back"
    least: int | None = None
    most: int | None = None

    def reaches(self, some: Sequence[int]) -> bool:
        """Say whether any of `some` weeks back can be meant."""
        return self.first <= some[-1] and self.last >= some[0]

    def within(self, rows: ir.Table, some: Sequence[int]) -> ir.BooleanValue | None:
        """Return which of the rows of `some` weeks back, that it reaches, are meant; None is all."""
        first, last = max(self.first, some[0]), min(self.last, some[-1])
        if self.column == "back" and (first, last) == (some[0], some[-1]):
            return None
        least = first * WEEK if self.least is None else self.least
        most = last * WEEK if self.most is None else self.most
        told = rows[self.column]
        return told == least if least == most else told.between(least, most)


def _windows(known: Known, days: Sequence[date]) -> Mapping[str, Window]:
    """Return the weeks that are added up, the same words for every date: `_placed` says what a week is to each."""
    # How many weeks back last year's week of a date lies is for Spring Festival to say.
    seasons = [(number(monday(day)) - number(aligned(day))) // WEEK for day in days]
    windows = {
        "ordinary": Window(PAST[0], PAST[-1], "plain"),
        # What is usual beside last year's weeks: the half year after them, for before them less is known.
        "base": Window(1, WEEKS, "base", 1, 1),
        "steady": Window(1, _STEADY, "plain"),
        "late": Window(1, LATE),
    }
    windows |= {f"week_{k}": Window(k, k) for k in range(1, LATE + 1)}
    for k in range(LATE + 2):
        windows[f"then_{k}"] = Window(min(seasons) + k, max(seasons) + k, "then", k * WEEK, k * WEEK)
    windows |= {f"ordinary_{k}": Window(k, k, "plain") for k in range(1, STEPS[-1] + 1)}
    if known.kind == "project":
        windows["blocks"] = Window(1, BLOCKS * LATE)
        windows |= {f"block_{k}": Window(k * LATE + 1, (k + 1) * LATE) for k in range(BLOCKS)}
    return windows


def _placed(rows: ir.Table, days: Sequence[date]) -> ir.Table:
    """Add what a week is to its date, in days from its Monday.

    `back` is that; `plain` the same, or 0 where a Spring Festival is near or in the week of the date; `then` how long
    before last year's week it was; `base` is 1 where it is plain and in the half year after that week.
    """
    festive = sorted({week for day in days for week in festive_mondays((day,))})
    rows = rows.mutate(back=rows.here - rows.monday, then=rows.season - rows.monday)
    rows = rows.mutate(plain=rows.monday.notin(festive).ifelse(rows.back, 0))
    base = (rows.plain > 0) & rows.then.between(-26 * WEEK, -1)
    return rows.mutate(base=base.cast("int32"))


def _added(known: Known, rows: ir.Table, days: Sequence[date]) -> ir.Table:
    """Add the weeks of each meter up over the windows of its dates, and find its newest reading (`last`).

    Some weeks at a time: every sum looks at every row of its part, and most windows reach into one part only.
    """
    windows, rows = _windows(known, days), _placed(rows, days)
    parts = []
    for some in _PARTS:
        part = rows.filter(rows.back.between(some[0] * WEEK, some[-1] * WEEK))
        sums: dict[str, ir.Value] = {"last": part["last"].max()}
        for name, window in windows.items():
            if window.reaches(some):
                meant = window.within(part, some)
                sums |= {f"{name}_{what}": sum_of(part[what], meant) for what in ("wh", "n")}
            else:
                sums |= {f"{name}_{what}": ibis.literal(0, "int64") for what in ("wh", "n")}
        parts.append(part.group_by(METER).aggregate(**sums))
    every = ibis.union(*parts)
    return every.group_by(METER).aggregate(
        last=every["last"].max(),
        **{name: whole(every[name].sum()) for name in every.columns if name not in (*METER, "last")},
    )
