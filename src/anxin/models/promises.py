"""Choosing the thresholds of grades so that each keeps its promise: learn, then test, on ranks in a fixed sequence.

Angelopoulos, Bates, Candès, Jordan, Lei: Learn then Test (2021). Lists of growing length are tested in an order fixed
before any outcome is looked at, each against «its precision is below the promise», at the full level; the first test that
fails ends the sequence, and the last list that passed gives the threshold. No correction for the number of lists is
needed. The sequence begins at the list of which the probabilities themselves expect the clearest result.

Outcomes of one subject on dates 30 days apart share cases; only dates at least 90 days apart are used. What is shown on
past dates is asked of later ones: the test asks for more than the promise, by the share the precision of a threshold fell
on later dates of the backtest, and the standard error of that share on top. A grade whose promise no threshold can be
shown to keep takes the configured threshold and says so.

What is tested is every row that may carry the grade: a list keeps one down to `leave` times its threshold
(`grades.yaml`), so the threshold that earns it lies that much above the list that was shown to have the precision.

Two things can be promised of a grade: that its rows and those of worse grades together come true so often, or its rows
alone, which says more. Together goes first, down to the configured threshold; only where every list down to there passed
is the grade alone tested, so that one level holds for both. The rows of a small city show few grades alone. Together
nothing is promised where the grade's own rows were seen to come true clearly less often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy.stats import binom

from anxin.models.grades import ByRules, Grade, Promise, Promises, bands, confidence, grades
from anxin.models.grading import raised
from anxin.models.probability import SCORE_HORIZON
from anxin.models.rules import hits

Floats = npt.NDArray[np.float64]

_SHORTEST = 5
_GROWTH = 1.15
_MOST_ASKED = 0.95
"""Nobody can show more; what would have to be asked beyond is not shown."""


@dataclass(frozen=True)
class Period:
    """One calibration date: out-of-time p90 of each row whose outcome is known, that outcome (0 or 1), and 新发现."""

    as_of: str
    p90: Floats
    y: Floats
    new: npt.NDArray[np.bool_]

    def within(self, low: float, high: float = np.inf) -> Period:
        """Return the rows with low ≤ p90 < high."""
        held = (self.p90 >= low) & (self.p90 < high)
        return Period(self.as_of, self.p90[held], self.y[held], self.new[held])


@dataclass(frozen=True)
class FixedSequence:
    """Tests of growing lists at one level: the precision to be shown, and the confidence to show it at."""

    precision: float
    confidence: float

    def order(self, p90: Floats) -> npt.NDArray[np.int64]:
        """Return the lengths of lists to be tested, in order; `p90` descending. No outcome enters.

        Lists end where p90 changes, so that each is what a threshold gives.
        """
        ends = np.flatnonzero(np.append(np.diff(p90) < 0, True)) + 1 if len(p90) else np.empty(0, dtype=int)
        lengths = ends[np.unique(np.searchsorted(ends, _lengths(len(p90)), side="left"))]
        if not len(lengths):
            return lengths
        surplus = np.cumsum(p90)[lengths - 1] - self.precision * lengths
        clearest = int(np.argmax(surplus / np.sqrt(lengths)))
        return lengths[clearest:]

    def p_value(self, rows: int, hits: int) -> float:
        """Return how likely so many hits are if the precision were just too low."""
        return float(binom.sf(hits - 1, rows, self.precision))

    def shown(self, p90: Floats, y: Floats, least: float = 0.0) -> tuple[list[float], bool]:
        """Return the lowest p90 of each list that is shown to have the precision, and whether every list was.

        The longest list is last; none goes below `least`. `p90` and `y` (0 or 1) of calibration rows, in any order.
        """
        down = np.argsort(-p90, kind="stable")
        found, hits = [], np.cumsum(y[down])
        lengths = [int(length) for length in self.order(p90[down]) if p90[down][length - 1] >= least]
        for length in lengths:
            if self.p_value(length, int(hits[length - 1])) > 1.0 - self.confidence:
                break
            found.append(float(p90[down][length - 1]))
        return found, len(found) == len(lengths)

    def threshold(self, p90: Floats, y: Floats) -> float | None:
        """Return the lowest p90 of the longest list that is shown to have the precision, None where none is."""
        found, _ = self.shown(p90, y)
        return found[-1] if found else None


def _lengths(rows: int) -> list[int]:
    """Return lengths from a few rows to all, each about a seventh longer than the one before."""
    lengths, length = [], _SHORTEST
    while length <= rows:
        lengths.append(length)
        length = max(length + 1, int(length * _GROWTH))
    return [*lengths, rows] if lengths and lengths[-1] < rows else lengths


def ageing(periods: Sequence[Period], least: float) -> float:
    """Return the share by which precision fell on later dates, with one standard error on top, from 0 to 1.

    At each date but the first: the precision of rows from `least` up on all dates before, against what came true on it.
    The standard error is that of counts or, where dates differ by more than that, of the differences between them.
    `periods` oldest first.
    """
    expected, observed, apart = 0.0, 0.0, 0.0
    for place in range(1, len(periods)):
        before = [period.within(least) for period in periods[:place]]
        rows = sum(len(period.y) for period in before)
        if not rows:
            continue
        now = periods[place].within(least)
        foreseen = sum(float(period.y.sum()) for period in before) / rows * len(now.y)
        expected, observed = expected + foreseen, observed + float(now.y.sum())
        apart += (foreseen - float(now.y.sum())) ** 2
    if not expected:
        return 0.0
    error = max(np.sqrt(max(observed, 1.0)), np.sqrt(apart)) / expected
    return float(min(1.0, max(0.0, 1.0 - observed / expected + error)))


def promised(periods: Sequence[Period]) -> Promises:
    """Choose the thresholds of all grades, red first; each grade's rows are those below the threshold of the one above.

    `periods` oldest first, at least 90 days apart.
    """
    aged = ageing(periods, min(grade.least for grade in grades()))
    found: list[Promise] = []
    ceiling = np.inf
    for grade in grades():
        found.append(grade_promise(grade, periods, aged, ceiling))
        ceiling = found[-1].threshold
    return Promises(confidence(), round(aged, 9), tuple(period.as_of for period in periods), tuple(found))


def grade_promise(grade: Grade, periods: Sequence[Period], aged: float, ceiling: float) -> Promise:
    """Choose the threshold of one grade; its rows lie below `ceiling`, that of the grade above (`aged`: of `ageing`)."""
    threshold, together, why = None, False, "few_dates"
    if len(periods) >= 2:
        edge, together, why = _shown(grade, periods, aged, ceiling)
        # What nobody's p90 can earn, for the grade above begins there, is no promise.
        if edge is not None and edge / bands().leave < min(ceiling, 1.0):
            threshold = edge / bands().leave
        elif edge is not None:
            why = "no_room"
    if threshold is not None and together:
        own = _rows([one.within(left(threshold), ceiling) for one in periods])[1]
        if binom.cdf(own.sum(), len(own), grade.promise) <= 1.0 - confidence():
            threshold, why = None, "own_short"
    kept = threshold is not None
    # The threshold of the grade above may lie below what this one asks for: then nobody is in between.
    taken = min(threshold if threshold is not None else grade.p90, ceiling)
    alone, worse = ([one.within(left(taken), most) for one in periods] for most in (ceiling, np.inf))
    return Promise(
        grade.grade,
        grade.promise,
        taken,
        kept,
        "" if kept else why,
        sum(len(period.y) for period in alone),
        int(sum(period.y.sum() for period in alone)),
        sum(int(period.new.sum()) for period in alone),
        int(sum(period.y[period.new].sum() for period in alone)),
        kept and together,
        sum(len(period.y) for period in worse),
        int(sum(period.y.sum() for period in worse)),
    )


def _shown(
    grade: Grade, periods: Sequence[Period], aged: float, ceiling: float
) -> tuple[float | None, bool, str]:
    """Return the lowest p90 of the list that is shown to keep a promise, whether together with worse ones, or why none.

    Alone where that is shown and leaves room below the grade above, else together. The worst grade is alone anyway.
    """
    every, alone = (_rows([one.within(grade.least, most) for one in periods]) for most in (np.inf, ceiling))
    why = "not_shown" if len(alone[1]) >= _SHORTEST else "no_rows"
    asked = grade.promise / max(1.0 - aged, 1e-9)
    if asked > _MOST_ASKED:
        return None, False, why
    tested = FixedSequence(asked, confidence())
    with_worse: list[float] = []
    to_its_end = True
    if np.isfinite(ceiling):
        with_worse, to_its_end = tested.shown(*every, least=bands().leave * grade.p90)
    own = tested.shown(*alone)[0] if to_its_end else []
    if own and (own[-1] / bands().leave < ceiling or not with_worse):
        return own[-1], False, why
    if with_worse:
        return with_worse[-1], True, why
    return None, False, why if to_its_end else "worse_not_shown"


def _rows(periods: Sequence[Period]) -> tuple[Floats, Floats]:
    """Return p90 and outcomes of all dates together."""
    return np.concatenate([one.p90 for one in periods]), np.concatenate([one.y for one in periods])


def left(threshold: float) -> float:
    """Return the p90 below which a grade with such a threshold is left: with the last bit for a division undone."""
    return float(np.nextafter(bands().leave * threshold, 0.0))


def with_rules(promises: Promises, judged: pd.DataFrame, snapshot: pa.Table, kind: str) -> Promises:
    """Add what the rules put beside the model on the calibration dates, and how much of it came true.

    `judged` has `as_of, y, p90, in_hand` and `place`, the row of `snapshot`.
    """
    counts = {grade.grade: np.zeros(4, dtype=np.int64) for grade in grades()}
    for day in promises.dates:
        rows = judged.loc[(pd.to_datetime(judged["as_of"]) == pd.Timestamp(day)) & judged["y"].notna()]
        own = promises.grade_of(rows["p90"].to_numpy(float))
        places = pa.array(rows["place"].to_numpy(np.int64))
        found = hits(snapshot.take(places), kind, date.fromisoformat(day))
        rule = np.array([max((raised(hit) for hit in each), default=0) for each in found], dtype=np.int64)
        y, new = rows["y"].to_numpy(float), ~rows["in_hand"].to_numpy(bool)
        for grade in counts:
            held = (rule == grade) & (rule > own)
            seen = (held.sum(), y[held].sum(), (held & new).sum(), y[held & new].sum())
            counts[grade] += np.array(seen, dtype=np.int64)
    each = (ByRules(grade, *(int(figure) for figure in count)) for grade, count in counts.items())
    return replace(promises, by_rules=tuple(each))


def apart(judged: pd.DataFrame) -> list[Period]:
    """Return the dates of a backtest that do not share outcomes, the newest and back from it, oldest first.

    `judged` has `as_of, y, p90, in_hand`; rows without a known outcome are left out.
    """
    if not len(judged):
        return []
    known = judged.loc[judged["y"].notna()]
    days = pd.to_datetime(known["as_of"])
    taken: list[pd.Timestamp] = []
    for day in sorted(days.unique(), reverse=True):
        if not taken or (taken[-1] - day).days >= SCORE_HORIZON:
            taken.append(pd.Timestamp(day))
    found = []
    for day in reversed(taken):
        rows = known.loc[days == day]
        new = ~rows["in_hand"].to_numpy(bool)
        found.append(
            Period(day.date().isoformat(), rows["p90"].to_numpy(float), rows["y"].to_numpy(float), new)
        )
    return found
