"""Money for wages on a project: settlements, labour cost, the account, deposits, guarantees, and the registry.

What a project must have depends on the place, the day and the size of the contract: `domain.wages` says. A
duty is missing (null) where no rule of the place is known, and 0 where the rule asks nothing of the project.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from anxin.domain import wages
from anxin.features.known import (
    KEYS,
    THIRTEEN_MONTHS,
    Known,
    age,
    counted,
    month,
    ratio,
    stood,
    summed,
    would_have_told,
)

_YEAR = 365

_GAP_MONTHS = 6
"""Whole calendar months before that of the date, in each of which labour cost should have come at least once."""

_SHEET_DAYS = 125
"""Age of the oldest month of a wage sheet that still says what a month's wages are now."""

_BANK = 10
"""Days by which the newest booking of all accounts may lie before the date and nothing be missing: feasts have none."""

_AHEAD = 31
"""Days before it is due that labour cost may be credited."""

_BEGAN = 62
"""Days after which a feed of accounts has told of every account: whoever is paid by month is booked by month."""

_STARTED_LATELY = 180
"""After this many days labour cost paid ahead of the start is history."""

_MONTH_DAYS = 365.25 / 12

_SUPERVISED = {
    "payment_guarantee": "payment_guarantee",
    "presale": "presale_account",
    "reserve": "completion_reserve",
}
"""The kinds of the feed by the name their features begin with."""


def funding(known: Known) -> list[ir.Table]:
    """Return the table of the family; only projects have these."""
    if known.kind != "project":
        return []
    makers = (_settlements, _account, _deposits, _guarantees, _month, _subcontracts, _registry)
    parts = [known.view.keep(make(known)) for make in makers]
    began = _booked(known)
    rows = ibis.union(*(part.select(*KEYS) for part in parts), distinct=True)
    for part in parts:
        columns = rows.columns
        rows = rows.left_join(part, KEYS).select(*columns, *(c for c in part.columns if c not in KEYS))
    rows = rows.left_join(began, "as_of").select(*rows.columns, _began=began.oldest, _behind=began.behind)
    deposits, guarantees = known.rows("deposits"), known.rows("guarantees")
    supervised = {name: guarantees.kind == kind for name, kind in _SUPERVISED.items()}
    for reach in (stood(deposits, {"deposit": ibis.literal(True)}), stood(guarantees, supervised)):
        columns = rows.columns
        ages = {f"_{name}": reach[name] for name in reach.columns if name != "as_of"}
        rows = rows.left_join(reach, "as_of").select(*columns, **ages)
    return [
        rows.select(
            *KEYS,
            *(
                name
                for name in rows.columns
                if name not in KEYS and not name.startswith(("_", "public_funds"))
            ),
            **_progress(rows),
            **_fiscal(rows),
            **_labour(rows),
            **_cover(rows),
            **_duties(rows),
            **_size(rows),
        )
    ]


def _booked(known: Known) -> ir.Table:
    """Return how old the oldest booking of any account is, and how many days banks are `behind`.

    `whole` is the month before which all months have been told.
    """
    reach = known.reach("wage_accounts", THIRTEEN_MONTHS)
    until = (reach.newest_on + ibis.interval(days=_BANK)).cast("date")
    return reach.select(
        "as_of", "oldest", behind=reach.newest - 1, whole=month(ibis.least(reach.as_of, until))
    )


def _settlements(known: Known) -> ir.Table:
    rows = known.rows("progress_payments")
    booked = _booked(known)
    rows = rows.left_join(booked, "as_of").select(*rows.columns, "oldest", "behind")
    recent = rows.age <= THIRTEEN_MONTHS
    # What is held against credits is due while credits are told of; those of the first month may have come before.
    year = (rows.age <= ibis.least(rows.oldest - _AHEAD, _YEAR)) & (rows.age > rows.behind)
    year = year.fill_null(False)
    settled = (rows.settled_on < rows.as_of).fill_null(False)
    unpaid = rows.payable - rows.paid.fill_null(0)
    # Who sends no day of settlement still says what was paid.
    owed = (unpaid > 0) | ~(settled | (rows.paid >= rows.payable).fill_null(False))
    lag = age(rows.settled_on, rows.due_on)
    # A payment sends the period again, so one past its day without any is unpaid: else an owner who pays nothing
    # would have no share. Both sums are over the periods whose completed value is known.
    paid = rows.completed_value.notnull().ifelse(rows.paid.fill_null(0), None)
    late = rows.age <= 120
    funded = recent & rows.public_funds_in.notnull() & rows.payable.notnull()
    without = rows.payable - rows.public_funds_in
    return rows.group_by(KEYS).aggregate(
        progress_paid_share=ratio(_sum(paid, recent), _sum(rows.completed_value, recent)),
        progress_paid_share_120d=ratio(_sum(paid, late), _sum(rows.completed_value, late)),
        progress_overdue_periods=counted(owed),
        progress_overdue_days=owed.ifelse(rows.age, None).max().cast("float64").fill_null(0.0),
        # `greatest` passes over nulls: a period that states nothing payable is left out by hand.
        progress_unpaid_amount=_sum(ibis.greatest(unpaid, 0), unpaid.notnull()).cast("float64"),
        progress_lag_days=ratio(summed(lag, settled & recent), counted(settled & recent)),
        public_funds_share=ratio(summed(rows.public_funds_in, funded), summed(rows.payable, funded)),
        public_funds_short_amount=_sum(ibis.greatest(without, 0), funded).cast("float64"),
        public_funds_late_days=funded.ifelse((without > 0).ifelse(rows.age, 0), None).max().cast("float64"),
        progress_last_days=rows.age.min().cast("float64"),
        _completed=rows.completed_value.sum(),
        _payable=_sum(rows.payable, year),
        _labour_payable=_sum(rows.labour_payable, year),
    )


def _account(known: Known) -> ir.Table:
    rows = known.rows("wage_accounts", THIRTEEN_MONTHS)
    booked = _booked(known)
    rows = rows.inner_join(booked, "as_of").select(*rows.columns, "behind", "whole")
    credited, wage = rows.kind == "appropriation", rows.kind == "wage"
    both = ibis.window(group_by=KEYS)
    # Months back from that of the date, or of a bank that is behind: a month it has not told of is not missed. Before
    # the first booking, and in its month, nothing is missed yet.
    back = rows.whole - month(rows.transacted_on)
    rows = rows.mutate(
        back=back,
        expected=ibis.least(back.max().over(both) - 1, _GAP_MONTHS),
        credited=credited,
        wage=wage,
        newest=rows.age.min().over(both),
        # Wages of the day the money came are taken to follow it: bookings of one day have no order.
        waiting=credited
        & (rows.age < wage.ifelse(rows.age, None).min().over(both).fill_null(THIRTEEN_MONTHS + 1)),
    )
    opened = (rows.kind == "opened").ifelse(rows.age, None).min()
    closed = (rows.kind == "closed").ifelse(rows.age, None).min()
    behind = rows.behind.max().cast("float64")
    waiting = rows.waiting.ifelse(rows.age, None).max().cast("float64")
    # Where it never came, it has not come since the first booking seen, at least.
    credited_days = _since(rows.credited.ifelse(rows.age, None).min(), rows.age.max())
    wage_days = _since(rows.wage.ifelse(rows.age, None).min(), rows.age.max())
    sums = rows.group_by(KEYS).aggregate(
        appropriation_seen_days=credited_days,
        appropriation_days=credited_days - behind,
        credit_unfollowed_days=(waiting - behind).fill_null(0.0),
        wage_out_seen_days=wage_days,
        wage_out_days=wage_days - behind,
        account_frozen=counted(rows.kind == "frozen"),
        account_other_out_180d=summed(rows.amount, (rows.kind == "other_out") & (rows.age <= 180)),
        account_last_days=rows.age.min().cast("float64"),
        # For the same want of order the smallest balance of the last day is taken: it is cautious.
        _balance=(rows.age == rows.newest).ifelse(rows.balance, None).min(),
        _credited_90=summed(rows.amount, rows.credited & (rows.age <= 90)),
        _credited_past=summed(rows.amount, rows.credited & (rows.age > 90) & (rows.age <= 270)),
        _wages_90=summed(rows.amount, rows.wage & (rows.age <= 90)),
        _credited=_sum(rows.amount, rows.credited & (rows.age <= _YEAR)).fill_null(0),
        _credited_first=rows.credited.ifelse(rows.age, None).max(),
        _open=~(closed < opened.fill_null(THIRTEEN_MONTHS + 1)).fill_null(False),
        _expected=rows.expected.max(),
        _credited_months=(rows.credited & rows.back.between(1, rows.expected))
        .ifelse(rows.back, None)
        .nunique(),
    )
    return sums.mutate(
        account_balance=sums["_balance"].cast("float64"),
        appropriation_gap_months=(ibis.greatest(sums["_expected"], 0) - sums["_credited_months"]).cast(
            "float64"
        ),
        appropriation_trend=ratio(sums["_credited_90"] * 2, sums["_credited_past"]),
        appropriation_to_wages=ratio(sums["_credited_90"], sums["_wages_90"]),
    )


def _since(newest: ir.IntegerValue, first: ir.IntegerValue) -> ir.FloatingValue:
    """Return the age of the newest, or of the first booking of any kind where there is none."""
    return newest.fill_null(first).cast("float64")


def _deposits(known: Known) -> ir.Table:
    rows = known.rows("deposits")
    live = rows.expires_on.isnull() | (rows.expires_on >= rows.as_of)
    merit = rows.form == "exempt"
    money = live & ~merit
    endless = counted(~merit & rows.expires_on.isnull())
    left = age(rows.expires_on, rows.as_of)
    # What was drawn on has to be topped up: until then it is not stored.
    stored = ibis.greatest(rows.stored - rows.used.fill_null(0), 0)
    return rows.group_by(KEYS).aggregate(
        deposit_held=counted(money & (rows.stored > 0)),
        deposit_exempt=counted(live & merit),
        deposit_share=ratio(summed(stored, money), summed(rows.required, money)),
        deposit_used=summed(rows.used, rows.used.notnull()),
        # Cash does not expire; of several the longest counts, as the earlier ones are what it renews.
        deposit_left_days=(endless == 0).ifelse((~merit).ifelse(left, None).max(), None).cast("float64"),
        deposit_last_days=rows.age.min().cast("float64"),
        _deposit=_sum(stored, money),
    )


def _guarantees(known: Known) -> ir.Table:
    rows = known.rows("guarantees")
    each = ibis.window(group_by=[*KEYS, "kind"])
    rows = rows.mutate(
        newest=rows.stated_on.max().over(each),
        named=rows.expires_on.max().over(ibis.window(group_by="as_of")),
    )
    # Stated once for years, it holds until the end it names; what names no end has to be stated again, but where nobody
    # names any.
    holds = (
        rows.named.isnull() | (rows.age <= THIRTEEN_MONTHS) | (rows.expires_on >= rows.as_of).fill_null(False)
    )
    now = rows.filter(rows.stated_on == rows.newest, holds)
    live = now.expires_on.isnull() | (now.expires_on >= now.as_of)
    stated = now.balance.notnull() & now.required.notnull()
    shares = {
        f"{name}_share": ratio(
            summed(now.balance, stated & live & (now.kind == kind)),
            summed(now.required, stated & (now.kind == kind)),
        )
        for name, kind in _SUPERVISED.items()
    }
    # A statement without a balance says that it exists, and one of nothing that it does not.
    there = live & (now.balance.isnull() | (now.balance > 0))
    held = {f"_{name}": counted(there & (now.kind == kind)) for name, kind in _SUPERVISED.items()}
    return now.group_by(KEYS).aggregate(
        guarantee_left_days=age(now.expires_on, now.as_of).min().cast("float64"),
        guarantee_last_days=now.age.min().cast("float64"),
        _guaranteed=_sum(now.balance, live),
        **shares,
        **held,
    )


def _month(known: Known) -> ir.Table:
    """Return one month's wages and heads, from the sheets of the last months: they are sent before anyone is paid."""
    rows = known.rows("wage_sheets", _SHEET_DAYS)
    rows = rows.filter(age(rows.as_of, rows.month) <= _SHEET_DAYS)
    months = rows.month.nunique().cast("float64")
    return rows.group_by(KEYS).aggregate(
        labour_sheet_last_days=rows.age.min().cast("float64"),
        _month_wages=ratio(rows.due.sum(), months),
        _month_heads=ratio(rows.workers.sum(), months),
    )


def _subcontracts(known: Known) -> ir.Table:
    """Sum what the general contractor passed on itself; the layers below are part of it already."""
    rows = known.rows("participations")
    projects = known.all("projects").select("as_of", "project_id", "contractor_id")
    rows = rows.filter(rows.role == "subcontractor").inner_join(projects, ["as_of", "project_id"])
    direct = rows.filter(rows.contracted_by.isnull() | (rows.contracted_by == rows.contractor_id))
    return direct.group_by(KEYS).aggregate(
        subcontract_last_days=direct.age.min().cast("float64"), _subcontracted=direct.contract_amount.sum()
    )


def _registry(known: Known) -> ir.Table:
    """Return what is agreed about each project, and what the rules of its place ask of it on the date."""
    rows = known.all("projects")
    rows = rows.inner_join(_rules(known, rows), ["as_of", "district", "project_type"])
    amount = rows.contract_amount.cast("float64")
    length, started = age(rows.planned_end_on, rows.start_on), age(rows.as_of, rows.start_on)
    return rows.select(
        "as_of",
        subject_id=rows.project_id,
        contract_last_days=rows.age.cast("float64"),
        _amount=amount,
        _length=length,
        _started=started,
        _public=rows.investment.isin(["government", "soe"])
        | rows.government_funded.fill_null(False)
        | rows.soe_owner.fill_null(False),
        _fiscal=(rows.investment == "government") | rows.government_funded.fill_null(False),
        _real_estate=rows.real_estate,
        _labour_agreed=ibis.coalesce(
            rows.labour_cost_ratio.cast("float64"), ratio(rows.labour_budget, rows.contract_amount)
        ),
        _labour_budget=ibis.coalesce(
            rows.labour_budget.cast("float64"), rows.labour_cost_ratio.cast("float64") * amount
        ),
        _in_china=rows.in_china,
        _labour_least=rows.labour_least,
        _progress_least=rows.progress_least,
        _account_asked=(amount >= rows.account_amount) & _lasts(rows, rows.account_months),
        _account_within=rows.account_within,
        _deposit_asked=amount >= rows.deposit_amount,
        _deposit_within=rows.deposit_within,
    )


def _lasts(rows: ir.Table, months: ir.IntegerValue) -> ir.BooleanValue:
    """Tell whether a project is planned to last so many calendar months; the last day of a month ends it."""
    start, end = rows.start_on, rows.planned_end_on
    full = (end.year() * 12 + end.month()) - (start.year() * 12 + start.month()) - months
    month_ends = (end + ibis.interval(days=1)).day() == 1
    return (full > 0) | ((full == 0) & ((end.day() >= start.day()) | month_ends))


_RULES = pa.schema(
    [
        ("as_of", pa.date32()),
        ("district", pa.string()),
        ("project_type", pa.string()),
        ("in_china", pa.bool_()),
        ("labour_least", pa.float64()),
        ("progress_least", pa.float64()),
        ("account_amount", pa.float64()),
        ("account_months", pa.int64()),
        ("account_within", pa.int64()),
        ("deposit_amount", pa.float64()),
        ("deposit_within", pa.int64()),
    ]
)


def _rules(known: Known, projects: ir.Table) -> ir.Table:
    """Return what the rules ask per date, place and class of project, for those there are."""
    places = projects.select("as_of", "district", "project_type").distinct()
    rules = [_rule(**row) for row in known.view.backend.to_pyarrow(places).to_pylist()]
    return ibis.memtable(pa.Table.from_pylist(rules, schema=_RULES), schema=ibis.Schema.from_pyarrow(_RULES))


def _rule(as_of: date, district: str, project_type: str) -> dict[str, Any]:
    account, deposit = wages.account_rule(district, as_of), wages.deposit_rule(district, as_of)
    return {
        "as_of": as_of,
        "district": district,
        "project_type": project_type,
        "in_china": wages.in_china(district),
        "labour_least": wages.labour_share(project_type, district, as_of),
        "progress_least": wages.public_progress_share(district, as_of),
        "account_amount": account and account.min_amount_yuan,
        "account_months": account and account.min_months,
        "account_within": account and account.open_within_days,
        "deposit_amount": deposit and deposit.min_amount_yuan,
        "deposit_within": deposit and deposit.store_within_days,
    }


def _progress(rows: ir.Table) -> dict[str, ir.Value]:
    done = ratio(rows["_completed"], rows["_amount"])
    elapsed = ratio(rows["_started"], rows["_length"])
    short = rows["_progress_least"] - rows.progress_paid_share
    return {
        "public_progress_short_share": rows["_public"].ifelse(_positive(short), None),
        "works_completed_share": done,
        "works_behind_share": elapsed.notnull().ifelse(ibis.least(elapsed, 1.0), None) - done,
    }


def _fiscal(rows: ir.Table) -> dict[str, ir.Value]:
    """Keep public funds to projects of the government: of others a nought says that there are none."""
    names = [name for name in rows.columns if name.startswith("public_funds")]
    return {name: rows["_fiscal"].fill_null(False).ifelse(rows[name], None) for name in names}


def _labour(rows: ir.Table) -> dict[str, ir.Value]:
    payable = rows["_labour_payable"]
    # No booking at all is nothing credited only where an account is asked for, small works need none, and where banks
    # tell of those of projects.
    asked, credited = rows["_account_asked"].fill_null(False) & rows["_began"].notnull(), rows["_credited"]
    credited = asked.ifelse(credited.fill_null(0), credited)
    # The table is about the progress payment that is due: an owner who withholds all of it is not in order.
    of_progress = ratio(credited, rows["_payable"])
    months = rows["_length"].nullif(0).cast("float64") / _MONTH_DAYS
    fresh = rows["_account_asked"] & (rows["_started"] <= _STARTED_LATELY)
    # Bookings of before the start are known only where the feed is older.
    fresh = fresh & (rows["_began"] >= rows["_started"])
    ahead = rows["_credited_first"].fill_null(-1) >= rows["_started"]
    return {
        "labour_credited_share": ratio(credited, payable),
        "labour_unpaid_amount": _positive((payable - credited).cast("float64")),
        "labour_table_short_share": _positive(rows["_labour_least"] - of_progress),
        "labour_agreed_short_share": _positive(rows["_labour_least"] - rows["_labour_agreed"]),
        "labour_advance_missing": fresh.fill_null(False).ifelse((~ahead).cast("float64"), None),
        "wages_of_labour_plan": ratio(rows["_month_wages"] * months, rows["_labour_budget"]),
    }


def _cover(rows: ir.Table) -> dict[str, ir.Value]:
    behind = rows["_deposit"].fill_null(0) + rows["_guaranteed"].fill_null(0) + rows["_balance"].fill_null(0)
    return {
        "account_cover_months": ratio(rows["_balance"], rows["_month_wages"]),
        "cover_months": ratio(behind, rows["_month_wages"]),
    }


def _duties(rows: ir.Table) -> dict[str, ir.Value]:
    """Flag what a project must have and has not; 0 where nothing is asked, missing where no rule is known."""
    # What nobody was told of yet is not late.
    late = rows["_started"] - rows["_behind"] > rows["_account_within"]
    account = rows["_account_asked"] & late & ~rows["_open"].fill_null(False)
    stored = rows.deposit_held.fill_null(0.0) + rows.deposit_exempt.fill_null(0.0)
    store_late = rows["_started"] - rows["_newest_deposit"] >= rows["_deposit_within"]
    without = {name: rows[f"_{name}"].fill_null(0.0) == 0 for name in _SUPERVISED}
    # Nor of a kind that nobody was told to have, or that who began to send it may not have told of yet.
    told = {
        name: would_have_told(rows[f"_oldest_{name}"], rows[f"_newest_{name}"], rows["_started"])
        for name in ("deposit", *_SUPERVISED)
    }
    in_china = {name: (rows["_in_china"] & told[name]).nullif(False) for name in _SUPERVISED}
    return {
        "account_missing": _flag((rows["_began"] > _BEGAN).ifelse(late, None), account),
        "deposit_missing": _flag(
            told["deposit"].ifelse(store_late, None), rows["_deposit_asked"] & store_late & (stored == 0)
        ),
        "payment_guarantee_missing": _flag(in_china["payment_guarantee"], without["payment_guarantee"]),
        "presale_missing": _flag(in_china["presale"], rows["_real_estate"] & without["presale"]),
        "reserve_missing": _flag(in_china["reserve"], without["reserve"]),
    }


def _flag(rule: ir.BooleanValue, lacking: ir.BooleanValue) -> ir.FloatingValue:
    """Return 1 where something is lacking, 0 where not, and missing where no rule says."""
    return rule.notnull().ifelse(lacking.fill_null(False).cast("float64"), None)


def _size(rows: ir.Table) -> dict[str, ir.Value]:
    return {
        "contract_yuan_per_head": ratio(rows["_amount"], rows["_month_heads"]),
        "subcontract_share": ratio(rows["_subcontracted"], rows["_amount"]),
    }


def _sum(value: ir.NumericValue, condition: ir.BooleanValue) -> ir.NumericScalar:
    """Return the exact sum over the rows that satisfy a condition; missing where none has a value."""
    return condition.fill_null(False).ifelse(value, None).sum()


def _positive(value: ir.NumericValue) -> ir.FloatingValue:
    """Return what is above zero, 0 below, and missing where it is missing: `greatest` passes over nulls."""
    return value.notnull().ifelse(ibis.greatest(value.cast("float64"), 0.0), None)
