"""Attendance, contracts and pay matched worker by worker (方案 2), and added up per site and month.

A site is an employer on a project, or an employer alone (an empty `project_id`). Worker rows are counted here
and nowhere else: no worker leaves this module. They are by far the most rows of the lake, so they are read
once for both kinds and for all dates: nearly every worker's month has one version of its attendance, one of
its pay and one contract, each known from some date on, and months alike in that are added up before any date
is looked at. Only the others (paid in parts, corrected) are laid out date by date first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from anxin.domain.wages import minimum_wage
from anxin.features.known import Known

MONTHS = 155
"""Age in days of the oldest month whose workers are matched: about five months."""

_AT_ONCE = 186
"""Days of months matched at once: one date needs no more than that."""

PAID_MONTHS = 250
"""Age in days of the oldest month whose payments are looked at: four months, and as many before them."""

OWED_MONTHS = 434
"""Age in days of the oldest month whose wages can be owed: fourteen months, so that of a year that was to be settled at
Spring Festival every month past its pay day is seen."""

_FULL_MONTH = 21
"""Days of attendance that are a full month's work: 21.75 paid days a month (人社部发〔2025〕2号, before it 劳社部发
〔2008〕3号; unverified)."""

_TOO_MUCH = 50_000
"""Yuan paid to one worker for one month from which wages may be a cover for other money (a threshold in use on
provincial platforms, unverified)."""

SITE = ("employer_id", "project_id")
_WORKER = (*SITE, "worker_id")
_SPANS = ("attended_span", "paid_span", "contract_from")
_PLACES = 10_000
"""A span is one number: the place of its first date times this, and that of its end."""

_HEADS: Mapping[str, str] = {
    **dict.fromkeys(("workers", "paid_heads", "short", "parts", "too_much"), "p"),
    "attended": "a",
    **dict.fromkeys(("matched", "full"), "ap"),
    **dict.fromkeys(("contracted", "rated"), "ac"),
}
_YUAN: Mapping[str, str] = {
    **dict.fromkeys(("due", "paid", "gap"), "p"),
    "matched_paid": "ap",
    "expected": "ac",
    **dict.fromkeys(("expected_got", "rated_paid"), "acp"),
}
"""What is added up, and what must be known for it: attendance, the contract, pay."""


@dataclass(frozen=True)
class Wages:
    """Sums per site: `months` by month and date, `payments` by month, day and channel with their spans."""

    months: ir.Table
    payments: ir.Table
    minimum: ir.Table
    """The minimum wage in fen by `district` and `month`."""
    levels: tuple[int, ...]
    """The minimum wages in fen there are; `months` has one `below_<fen>` for each."""


def wages(known: Known) -> Wages:
    """Return the sums of all sites on the dates, made once for both kinds of a view."""
    asked = tuple(sorted(set(known.dates)))
    return known.view.once(("wages", asked), lambda view: _made(Known(view, asked, "employer")), outside=True)


def _made(everyone: Known) -> Wages:
    minimum = _minimum(everyone)
    levels = tuple(sorted({row[2] for row in minimum}))
    table = ibis.memtable(
        minimum, schema=ibis.schema({"district": "string", "month": "date", "fen": "int64"})
    )
    # A table in memory is seen by its own connection alone.
    return Wages(_months(everyone, levels), _payments(everyone), everyone.view.keep(table), levels)


def of_subjects(known: Known, sites: ir.Table) -> ir.Table:
    """Return the rows of sites with the `subject_id` of the kind asked for."""
    if known.kind == "project":
        return sites.filter(sites.project_id != "").mutate(subject_id=sites.project_id)
    return sites.mutate(subject_id=sites.employer_id)


def _minimum(known: Known) -> Sequence[tuple[str, date, int]]:
    """Look the minimum wage of every district of the registries up, for every month that is matched."""
    history = known.view.history
    places = history("employers").select("district").union(history("projects").select("district")).distinct()
    districts = sorted(known.view.backend.to_pyarrow(places)["district"].drop_null().to_pylist())
    months = [known.dates[0] - timedelta(MONTHS)] if known.dates else []
    while months and months[-1] < known.dates[-1]:
        months.append((months[-1].replace(day=1) + timedelta(32)).replace(day=1))
    found = (
        (place, day.replace(day=1), minimum_wage(place, day.replace(day=1)))
        for place in districts
        for day in months
    )
    return [(place, month, round(amount * 100)) for place, month, amount in found if amount is not None]


def _spans(known: Known, feed: str, oldest: int | None = None) -> ir.Table:
    """Return the versions of a feed's rows, months of at most `oldest` days; no project is an empty text."""
    rows = known.spans(feed, own=False)
    if oldest is not None and known.dates:
        rows = rows.filter(rows.month >= ibis.literal(known.dates[0] - timedelta(oldest)))
    return rows.mutate(project_id=rows.project_id.fill_null(""))


def _payments(known: Known) -> ir.Table:
    rows = _spans(known, "payroll", OWED_MONTHS)
    keys = [*SITE, "month", "paid_on", "channel", "since", "until"]
    return known.view.keep(rows.group_by(keys).aggregate(paid=rows.paid.sum().cast("decimal(38,2)")))


def within(known: Known, rows: ir.Table, event: str, oldest: int) -> ir.Table:
    """Return what was made of spans for each date it is known on, events of the last `oldest` days only."""
    dates = sorted(set(known.dates))
    calendar = known.calendar(
        place=[dates.index(day) for day in known.dates],
        oldest=[day - timedelta(oldest) for day in known.dates],
    )
    rule = [rows.since <= calendar.place, calendar.place < rows.until]
    rule += [rows[event] < calendar.as_of, rows[event] >= calendar.oldest]
    return rows.join(calendar, rule).drop("since", "until", "oldest")


def _months(known: Known, levels: Sequence[int]) -> ir.Table:
    """Match the workers of each month; a few months at a time, so that memory does not grow with the dates."""
    contracts = _contracts(known)
    first, end = known.dates[0] - timedelta(MONTHS), known.dates[-1]
    starts = [first + timedelta(days) for days in range(0, (end - first).days, _AT_ONCE)]
    stated = None
    if len(known.dates) > 1:
        contracts = known.view.keep(contracts)
        stated = known.view.keep(_stated(known, contracts.filter(~contracts.steady)))
    rows = _rows(known)
    parts = [
        _matched(
            known,
            rows.filter(
                rows.month >= ibis.literal(day), rows.month < ibis.literal(day + timedelta(_AT_ONCE))
            ),
            contracts,
            stated,
            levels,
        )
        for day in starts
    ]
    return parts[0] if len(parts) == 1 else ibis.union(*parts)


def _matched(
    known: Known, rows: ir.Table, contracts: ir.Table, stated: ir.Table | None, levels: Sequence[int]
) -> ir.Table:
    """Match the rows of some months; with several dates `stated` has the contracts that changed."""
    workers = rows.group_by([*_WORKER, "month"]).aggregate(
        **_one_month(rows),
        **_span("attended", rows, rows.worked.notnull()),
        **_span("paid", rows, rows.paid.notnull()),
    )
    joined = workers.left_join(contracts, list(_WORKER)).select(
        *workers.columns, *(name for name in contracts.columns if name not in _WORKER)
    )
    attended = joined.attended_span.notnull()
    joined = joined.mutate(
        contracted=joined.contract_from.notnull(), contract_from=attended.ifelse(joined.contract_from, None)
    )
    keys = [*SITE, "month", *_SPANS]
    if stated is None:
        kept = joined.group_by(keys).aggregate(**_sums(joined, levels))
        return known.view.keep(_laid_out(known, kept, levels))
    # One row per site, month and spans, and one per worker whose month has several versions.
    plain = joined.attended_plain & joined.paid_plain & (~attended | joined.steady.fill_null(True))
    theirs = {
        name: plain.ifelse(None, joined[name]) for name in ("worker_id", "rate", "wage_basis", "steady")
    }
    joined = joined.mutate(**{f"their_{name}": value for name, value in theirs.items()})
    keys += [f"their_{name}" for name in theirs]
    kept = known.view.keep(joined.group_by(keys).aggregate(**_sums(joined, levels)))
    alike = _laid_out(known, kept.filter(kept.their_worker_id.isnull()), levels)
    others = kept.filter(kept.their_worker_id.notnull())
    others = others.select(
        *SITE, "month", "contract_from", **{name: others[f"their_{name}"] for name in theirs}
    ).mutate(steady=lambda t: t.steady.fill_null(True))
    both = alike.union(_one_by_one(known, rows, others, stated, levels))
    return known.view.keep(both.group_by([*SITE, "month", "as_of"]).aggregate(**_added(both)))


def _rows(known: Known) -> ir.Table:
    """Return attendance and pay as rows of one table: what is not of a row's feed is missing."""
    attended = _spans(known, "attendance", MONTHS)
    paid = _spans(known, "payroll", MONTHS)
    keys = (*_WORKER, "month", "since", "until")
    nothing = ibis.null("decimal(18,2)")
    return attended.select(
        *keys, worked=attended.days.cast("int64"), uploaded_on="uploaded_on", due=nothing, paid=nothing
    ).union(
        paid.select(*keys, worked=ibis.null("int64"), uploaded_on=ibis.null("date"), due="due", paid="paid")
    )


def _one_month(rows: ir.Table) -> dict[str, ir.Value]:
    """Add up the rows of one worker and month that are known together."""
    return {
        "worked": rows.worked.max(),
        "uploaded_on": rows.uploaded_on.max(),
        "due": rows.due.max().cast("decimal(38,2)"),
        "paid": rows.paid.sum().cast("decimal(38,2)"),
        "payments": rows.paid.count(),
    }


def _span(name: str, rows: ir.Table, there: ir.BooleanColumn) -> dict[str, ir.Value]:
    """Return the span of the rows of one feed as one number, and whether they share it."""
    span = there.ifelse(rows.since.cast("int64") * _PLACES + rows.until, None)
    return {
        f"{name}_span": span.min().cast("int64"),
        f"{name}_plain": (span.min() == span.max()).fill_null(True),
    }


def _contracts(known: Known) -> ir.Table:
    """Return per worker of a site since when there is a contract, and the rate of the last one that has any.

    Every version of a contract has the same day of signing, so once known it stays known. `steady`: all
    versions say the same, whichever of them is known.
    """
    rows = _spans(known, "labour_contracts")
    said = rows.wage_rate.notnull()
    same = (rows.wage_rate.min() == rows.wage_rate.max()) & (rows.wage_basis.min() == rows.wage_basis.max())
    none, every = said.cast("int64").sum() == 0, said.cast("int64").sum() == rows.count()
    return rows.group_by(list(_WORKER)).aggregate(
        contract_from=rows.since.min().cast("int64"),
        steady=none | (every & same).fill_null(False),
        **_terms(rows),
    )


def _stated(known: Known, workers: ir.Table) -> ir.Table:
    """Return for each date the terms of workers whose contracts do not all say the same."""
    rows = _spans(known, "labour_contracts").semi_join(workers, list(_WORKER))
    rows = known.on_dates(rows.select(*_WORKER, "signed_on", "wage_rate", "wage_basis", "since", "until"))
    terms = rows.group_by([*_WORKER, "as_of"]).aggregate(**_terms(rows))
    return terms.select(*_WORKER, "as_of", then_rate="rate", then_basis="wage_basis")


def _terms(rows: ir.Table) -> dict[str, ir.Value]:
    """Return rate and basis of the contract signed last among those that state a rate: no two on one day."""
    said = rows.wage_rate.notnull()
    return {
        "rate": rows.wage_rate.argmax(rows.signed_on, where=said),
        "wage_basis": rows.wage_basis.argmax(rows.signed_on, where=said),
    }


def _sums(w: ir.Table, levels: Sequence[int]) -> dict[str, ir.Value]:
    """Add up workers' months: heads as whole numbers, yuan as decimals."""
    attended, got = (w.worked > 0).fill_null(False), (w.paid > 0).fill_null(False)
    contracted = attended & w.contracted.fill_null(False)
    by_day = (w.rate * w.worked).cast("decimal(38,2)")
    by_month = _monthly(w.rate, w.worked)
    expected = ibis.cases((w.wage_basis == "day", by_day), (w.wage_basis == "month", by_month))
    rated = contracted & expected.notnull()
    full = got & (w.worked >= _FULL_MONTH).fill_null(False)
    heads = {
        "workers": w.paid.notnull(),
        "paid_heads": got,
        "short": w.paid * 100 < w.due * 95,
        "parts": w.payments > 1,
        "too_much": w.paid > _TOO_MUCH,
        "attended": attended,
        "matched": attended & got,
        "full": full,
        "contracted": contracted,
        "rated": rated,
        **{f"below_{fen}": full & (w.paid * 100 < fen) for fen in levels},
    }
    yuan = {
        "due": w.due,
        "paid": w.paid,
        "gap": ibis.greatest(w.due - w.paid, 0),
        "matched_paid": (attended & got).ifelse(w.paid, None),
        "expected": rated.ifelse(expected, None),
        "expected_got": (rated & got).ifelse(expected, None),
        "rated_paid": rated.ifelse(w.paid, None),
    }
    return {
        "uploaded_on": attended.ifelse(w.uploaded_on, None).max(),
        **{name: value.ifelse(1, None).count() for name, value in heads.items()},
        **{name: _yuan(value) for name, value in yuan.items()},
    }


def _monthly(rate: ir.DecimalValue, worked: ir.IntegerValue) -> ir.DecimalValue:
    """Return a monthly rate for the days worked: in full from a full month on, else its part, to the nearest fen.

    In whole fen, as engines divide decimals differently; 21 is odd, so no fen lies halfway. Divided before it is
    multiplied: the largest rate the lake holds would not fit 21 times.
    """
    fen = (rate.cast("decimal(38,2)") * 100).cast("int64")
    rest = fen % _FULL_MONTH
    part = ((fen - rest) / _FULL_MONTH).cast("int64")
    days = ibis.greatest(ibis.least(worked, _FULL_MONTH), 0)
    half = rest * days + _FULL_MONTH // 2
    whole = part * days + ((half - half % _FULL_MONTH) / _FULL_MONTH).cast("int64")
    one_fen = ibis.literal(Decimal("0.01"), "decimal(21,2)")
    return (whole.cast("decimal(21,2)") * one_fen).cast("decimal(38,2)")


def _heads(value: ir.IntegerValue) -> ir.IntegerScalar:
    return value.sum().fill_null(0).cast("int64")


def _yuan(value: ir.DecimalValue) -> ir.DecimalScalar:
    return value.sum().cast("decimal(38,2)").fill_null(0)


def _added(sums: ir.Table) -> dict[str, ir.Value]:
    """Add sums up further."""
    names = [name for name in sums.columns if name not in (*SITE, "month", "as_of", "uploaded_on")]
    return {
        "uploaded_on": sums.uploaded_on.max(),
        **{n: (_yuan if n in _YUAN else _heads)(sums[n]) for n in names},
    }


def _laid_out(known: Known, kept: ir.Table, levels: Sequence[int]) -> ir.Table:
    """Add up for each date what is known on it of sums per span."""
    for name in ("attended", "paid"):
        span = kept[f"{name}_span"]
        kept = kept.mutate(
            **{
                f"{name}_to": span % _PLACES,
                f"{name}_from": ((span - span % _PLACES) / _PLACES).cast("int64"),
            }
        )
    kept = kept.mutate(
        since=ibis.least(kept.attended_from, kept.paid_from),
        until=ibis.greatest(kept.attended_to, kept.paid_to),
    )
    rows = within(known, kept, "month", MONTHS)
    attended = (rows.attended_from <= rows.place) & (rows.place < rows.attended_to)
    paid = (rows.paid_from <= rows.place) & (rows.place < rows.paid_to)
    known_of = {"a": attended, "p": paid, "c": rows.contract_from <= rows.place}
    known_of = {name: there.fill_null(False) for name, there in known_of.items()}

    def there(needs: str) -> ir.BooleanValue:
        return ibis.and_(*(known_of[each] for each in needs))

    heads = {**_HEADS, **{f"below_{fen}": "ap" for fen in levels}}
    return rows.group_by([*SITE, "month", "as_of"]).aggregate(
        uploaded_on=attended.ifelse(rows.uploaded_on, None).max(),
        **{name: _heads(there(needs).ifelse(rows[name], 0)) for name, needs in heads.items()},
        **{name: _yuan(there(needs).ifelse(rows[name], None)) for name, needs in _YUAN.items()},
    )


def _one_by_one(
    known: Known, rows: ir.Table, workers: ir.Table, stated: ir.Table, levels: Sequence[int]
) -> ir.Table:
    """Add up the months of these workers from the rows known on each date."""
    terms = ["rate", "wage_basis", "steady", "contract_from"]
    theirs = rows.inner_join(workers, [*_WORKER, "month"]).select(*rows.columns, *terms)
    each = within(known, theirs, "month", MONTHS)
    contracted = (each.contract_from <= each.place).fill_null(False)
    each = each.mutate(contracted=contracted).drop("contract_from")
    keys = [*_WORKER, "as_of"]
    months = each.group_by([*keys, "month", "rate", "wage_basis", "steady", "contracted"]).aggregate(
        **_one_month(each)
    )
    both = months.left_join(stated, keys).select(*months.columns, "then_rate", "then_basis")
    both = both.mutate(
        rate=both.steady.ifelse(both.rate, both.then_rate),
        wage_basis=both.steady.ifelse(both.wage_basis, both.then_basis),
    )
    return both.group_by([*SITE, "month", "as_of"]).aggregate(**_sums(both, levels))
