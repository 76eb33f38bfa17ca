"""The rows a family may use: known on each date, and belonging to the subject.

A family module asks for `rows(feed)` and gets, per as-of date, the known rows of each subject with
`subject_id`, `as_of` and `age` (whole days from the event to the date, at least 1). There is no other door
to the lake: nothing else reaches a feature, and looking ahead would need a word in the code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import ibis
import ibis.expr.types as ir

from anxin.feeds.asof import Numbered, View, event_of
from anxin.feeds.contract import contract

Kind = Literal["employer", "project"]
KEYS = ("subject_id", "as_of")

MANY_SENDERS = 10
"""Senders of a month, at least, to tell a feed that fell behind from senders who missed the next one."""

_EXACT = 1_000_000_000
"""Fractions are summed as billionths in whole numbers: sums of doubles depend on the order of rows."""


@dataclass(frozen=True)
class Known:
    """What is known on `dates` about subjects of one kind."""

    view: View
    dates: tuple[date, ...]
    kind: Kind

    def all(self, feed: str, days: int | None = None) -> ir.Table:
        """Return every known row of a feed per date, with `age` in days; the last `days` days if given."""
        rows = self.view.known(feed, self.dates) if days is None else self.view.window(feed, self.dates, days)
        return rows.mutate(age=age(rows.as_of, rows[event_of(feed)]))

    def rows(self, feed: str, days: int | None = None, *, own: bool = True) -> ir.Table:
        """Return the known rows of each subject.

        A row with a project belongs to the project; an employer owns the rows that name no project, and with
        `own=False` also those of its sites (payroll, attendance: who employs the worker).
        """
        return self._whose(feed, self.all(feed, days), own)

    def spans(self, feed: str, days: int | None = None, *, own: bool = True) -> ir.Table:
        """Return the rows of each subject once, with `since` and `until` instead of `as_of`: for large feeds.

        Aggregate by subject, period, `since` and `until`, then `on_dates`, then add up: what several dates
        share is read and summed once. `days` is counted from the first date.
        """
        return self._whose(feed, self.view.spans(feed, self.dates, days), own)

    def on_dates(self, rows: ir.Table) -> ir.Table:
        """Return what was made of `spans` for each date it is known on, with `as_of`."""
        return self.view.on_dates(rows, self.dates)

    def by_date(
        self,
        feed: str,
        days: int | None,
        columns: Sequence[str],
        make: Callable[[ir.Table], ir.Table],
        sift: Callable[[ir.Table], ir.Table] | None = None,
    ) -> ir.Table:
        """Return what `make` makes of `rows(feed, days)`, of these columns and those of `rows`, one date after the other.

        `make` gets the rows of one date and gives rows keyed by subject alone. For large feeds of which nearly every
        subject has rows on every date: groups of one date are found at once, those of all dates fit no cache. `sift`
        leaves out rows that no date needs before any date is looked at; a feed is sifted in one way only.
        """
        dates = sorted(set(self.dates))

        def sifted(rows: ir.Table) -> ir.Table:
            return rows if sift is None else sift(rows)

        if len(dates) == 1:
            return make(sifted(self.rows(feed, days))).mutate(as_of=ibis.literal(dates[0]))
        event = event_of(feed)

        def lay(view: View) -> Numbered:
            rows = sifted(Known(view, tuple(dates), self.kind).spans(feed))
            return view.numbered(rows.select("subject_id", event, *columns, "since", "until"), "subject_id")

        laid = self.view.once(("by_date", feed, self.kind, tuple(dates), tuple(columns)), lay)
        return self.each_date(
            laid, event, make if days is None else lambda rows: make(rows.filter(rows.age <= days))
        )

    def each_date(self, laid: Numbered, event: str, make: Callable[[ir.Table], ir.Table]) -> ir.Table:
        """Return what `make` makes of numbered spans on each date, with `place`, `as_of` and `age`, as in `by_date`."""
        each = []
        for place, day in enumerate(sorted(set(self.dates))):
            rows = laid.rows.filter(laid.rows.since <= place, laid.rows.until > place).drop("since", "until")
            rows = rows.mutate(place=ibis.literal(place, "int32"), as_of=ibis.literal(day))
            rows = rows.mutate(age=age(rows.as_of, rows[event]))
            each.append(make(rows).mutate(as_of=ibis.literal(day)))
        found = ibis.union(*each)
        if laid.texts is None:
            return found
        others = (found[name] for name in found.columns if name != "subject_id")
        return found.join(laid.texts, found.subject_id == laid.texts.number).select(
            laid.texts.subject_id, *others
        )

    def reach(self, feed: str, days: int) -> ir.Table:
        """Return per date how old the `oldest` and the `newest` row of anyone is, and when the newest was (`newest_on`).

        Of the last `days` days and this kind of subject; outside them nothing is known of anyone. Once for all families.
        """
        asked = tuple(sorted(set(self.dates)))

        def find(view: View) -> ir.Table:
            rows = Known(view, asked, self.kind).rows(feed, days)
            return view.keep(
                rows.group_by("as_of").aggregate(
                    oldest=rows.age.max(), newest=rows.age.min(), newest_on=rows[event_of(feed)].max()
                )
            )

        return self.view.once(("reach", feed, days, self.kind, asked), find)

    def _whose(self, feed: str, rows: ir.Table, own: bool) -> ir.Table:
        if self.kind == "project":
            return rows.filter(rows.project_id.notnull()).mutate(subject_id=rows.project_id)
        rows = rows.filter(rows.employer_id.notnull())
        if own and "project_id" in contract()[feed].names:
            rows = rows.filter(rows.project_id.isnull())
        return rows.mutate(subject_id=rows.employer_id)

    def calendar(self, **columns: Sequence[object]) -> ir.Table:
        """Return one row per as-of date with constants of that date (`as_of` and the given columns)."""
        return ibis.memtable({"as_of": list(self.dates), **{name: list(v) for name, v in columns.items()}})


_FEW = 20
"""One in so many rows of a register is passed over where it is asked since when it tells."""

THIRTEEN_MONTHS = 400
"""Days: a year and what comes late."""


def month(day: ir.DateValue) -> ir.IntegerValue:
    """Return the calendar month of a day as a whole number that rises by one a month."""
    return (day.year() * 12 + day.month()).cast("int64")


def age(as_of: ir.DateColumn, event: ir.DateColumn) -> ir.IntegerColumn:
    """Return whole days from an event to the as-of date."""
    return as_of.delta(event, unit="day").cast("int64")


def stood(rows: ir.Table, what: Mapping[str, ir.BooleanValue]) -> ir.Table:
    """Return per date how old the oldest and newest row of each kind of thing is: `oldest_<name>`, `newest_<name>`.

    `what` says which rows are of a kind. The oldest twentieth is passed over: to a register that has just begun single
    rows of long ago come late.
    """
    named = ibis.cases(*((mine, name) for name, mine in what.items()), else_=None)
    each = rows.select("as_of", "age", what=named).filter(lambda t: t["what"].notnull())
    window = ibis.window(group_by=["as_of", "what"], order_by=ibis.desc(each.age))
    each = each.mutate(
        place=ibis.row_number().over(window) + 1, many=each.count().over(group_by=["as_of", "what"])
    )
    oldest = (each.place * _FEW > each.many).ifelse(each.age, None)
    return each.group_by("as_of").aggregate(
        **{f"oldest_{name}": (each["what"] == name).ifelse(oldest, None).max() for name in what},
        **{f"newest_{name}": (each["what"] == name).ifelse(each.age, None).min() for name in what},
    )


def would_have_told(
    oldest: ir.IntegerValue, newest: ir.IntegerValue, started: ir.IntegerValue
) -> ir.BooleanValue:
    """Say whether a feed would have told of what is due since `started` days ago, by the age of its rows in days.

    Who begins to send may leave out what stands since before the `oldest`; after thirteen months it has been stated anew.
    Of what came after the `newest` nobody has been told.
    """
    return ((oldest >= ibis.least(started, THIRTEEN_MONTHS)) & (newest < started)).fill_null(False)


def has_come(senders: ir.NumericValue, before: ir.NumericValue) -> ir.BooleanValue:
    """Say whether a month has been told: nine tenths as many have sent it as sent the month before.

    Of fewer than `MANY_SENDERS` nobody can tell who is behind from who has nothing to send.
    """
    return (before < MANY_SENDERS) | (senders * 10 >= before * 9)


def latest(rows: ir.Table, *by: ir.Value) -> ir.Table:
    """Return one row per subject and date, the greatest by `by`, which must leave no ties."""
    window = ibis.window(group_by=KEYS, order_by=[ibis.desc(value) for value in by])
    return rows.mutate(_nth=ibis.row_number().over(window)).filter(lambda t: t["_nth"] == 0).drop("_nth")


def ratio(part: ir.NumericValue, whole: ir.NumericValue) -> ir.FloatingValue:
    """Return part / whole as float64, missing where the whole is zero (where engines differ)."""
    return part.cast("float64") / whole.cast("float64").nullif(0.0)


def fading(days: ir.NumericValue, half_life: int) -> ir.IntegerValue:
    """Return a weight that halves every `half_life` days, in billionths: sums are exact in any order.

    Billionths are cut at .55: whole half-lives lie exactly on .5, where the last bit of `exp` would decide.
    """
    weight = ((days - 1).cast("float64") * (-0.6931471805599453 / half_life)).exp()
    return (weight * _EXACT + 0.45).floor().cast("int64")


def unfade(total: ir.NumericValue) -> ir.FloatingValue:
    """Return a sum of `fading` weights as a number."""
    return total.cast("float64") / _EXACT


def whole(total: ir.IntegerValue) -> ir.IntegerValue:
    """Return a sum of whole numbers (below 10^18) as int64: DuckDB's own is 128 bits wide, slow at every next step.

    Ibis takes the sum for an int64 already and would leave a plain cast out.
    """
    return total.cast("decimal(18,0)").cast("int64")


def counted(condition: ir.BooleanValue) -> ir.IntegerScalar:
    """Return how many rows satisfy a condition, as float64."""
    return condition.ifelse(1, None).count().cast("float64")


def stated(value: ir.NumericValue, condition: ir.BooleanValue) -> ir.FloatingScalar:
    """Return the exact sum of figures rows may leave out, as float64.

    0 where no row satisfies the condition, missing where some do and none states a figure.
    """
    meant = condition.fill_null(False)
    nobody = meant.cast("int64").sum().fill_null(0) == 0
    return nobody.ifelse(0.0, meant.ifelse(value, None).sum().cast("float64"))


def summed(value: ir.NumericValue, condition: ir.BooleanValue) -> ir.FloatingScalar:
    """Return the exact sum of decimals or integers over the rows that satisfy a condition, as float64."""
    return condition.ifelse(value, None).sum().fill_null(0).cast("float64")
