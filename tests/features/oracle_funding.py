"""The money of projects."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from anxin.domain import wages

from .oracle import Past, Row, Values, difference, newest, number, ratio, total

MONTH = 365.25 / 12


def progress(past: Past, subject: str) -> Values:
    if past.kind == "employer":
        return {}
    every = past.rows("progress_payments", subject)
    rows = past.rows("progress_payments", subject, 400)
    owed = [row for row in every if not _settled(past, row)]
    # Nothing payable stated is no debt known, not none.
    unpaid = _sum(max(row["payable"] - (row["paid"] or 0), 0) for row in every if row["payable"] is not None)
    project = past.registered(subject)
    fiscal = project is not None and (project["investment"] == "government" or project["government_funded"])
    funded = [row for row in rows if row["public_funds_in"] is not None and row["payable"] is not None]
    funded = funded if fiscal else []
    waiting = [row["age"] for row in funded if row["public_funds_in"] < row["payable"]]
    lacking = total(max(row["payable"] - row["public_funds_in"], 0) for row in funded)
    lags = [(row["settled_on"] - row["due_on"]).days for row in rows if past.before(row["settled_on"])]
    return {
        "progress_paid_share": _paid_share(rows),
        "progress_paid_share_120d": _paid_share([row for row in rows if row["age"] <= 120]),
        "progress_overdue_periods": len(owed) if every else None,
        "progress_overdue_days": max((row["age"] for row in owed), default=0) if every else None,
        "progress_unpaid_amount": number(unpaid),
        "progress_lag_days": _mean(lags),
        "public_funds_share": ratio(
            total(r["public_funds_in"] for r in funded), total(r["payable"] for r in funded)
        ),
        "public_funds_short_amount": float(lacking) if funded else None,
        "public_funds_late_days": max(waiting, default=0) if funded else None,
        "progress_last_days": newest(every),
    }


def _settled(past: Past, row: Row) -> bool:
    """Whether nothing of a period is owed: paid in full, and by a day of settlement where nothing payable is told."""
    payable, paid = row["payable"], row["paid"]
    if payable is not None and payable > (paid or 0):
        return False
    return past.before(row["settled_on"]) or (None not in (payable, paid))


def _booked(past: Past) -> list[Row]:
    """Return the bookings of all accounts in 13 months: before and after them nothing is known of anyone's."""
    return [row for row in past.all("wage_accounts", 400) if row["project_id"] is not None]


def _behind(past: Past) -> int:
    return min((int(row["age"]) for row in _booked(past)), default=1) - 1


def _paid_share(rows: list[Row]) -> float | None:
    """Paid of completed, over periods past due of known completed value: where no payment is stated, none was."""
    valued = [row for row in rows if row["completed_value"] is not None]
    return ratio(total(row["paid"] for row in valued), total(row["completed_value"] for row in valued))


def works(past: Past, subject: str) -> Values:
    """How far the works are by their value, and what a public owner has paid of that."""
    if past.kind == "employer":
        return {}
    project = past.registered(subject)
    rows = past.rows("progress_payments", subject)
    short = behind = done = None
    if project is not None:
        least = wages.public_progress_share(project["district"], past.day)
        public = project["investment"] != "private" or project["government_funded"] or project["soe_owner"]
        paid = _paid_share([row for row in rows if row["age"] <= 400])
        if public and least is not None and paid is not None:
            short = max(least - paid, 0.0)
        done = ratio(_sum(row["completed_value"] for row in rows), project["contract_amount"])
        elapsed = ratio(past.age(project["start_on"]), (project["planned_end_on"] - project["start_on"]).days)
        if done is not None and elapsed is not None:
            behind = min(elapsed, 1.0) - done
    return {
        "public_progress_short_share": short,
        "works_completed_share": done,
        "works_behind_share": behind,
    }


def labour_cost(past: Past, subject: str) -> Values:
    """Labour cost that was due, agreed and asked for by the table, against what came to the account."""
    if past.kind == "employer":
        return {}
    project = past.registered(subject)
    told = max((row["age"] for row in _booked(past)), default=-1)
    periods = [
        row for row in past.rows("progress_payments", subject, 365) if _behind(past) < row["age"] <= told - 31
    ]
    bookings = past.rows("wage_accounts", subject, 400)
    credits = [row for row in bookings if row["kind"] == "appropriation"]
    # Works that need no account and have none are not accused of what does not come to it.
    has = bool(bookings) or (told > 0 and project is not None and _account_asked(past, project))
    credited = total(row["amount"] for row in credits if row["age"] <= 365) if has else None
    labour_payable = _sum(row["labour_payable"] for row in periods)
    payable = _sum(row["payable"] for row in periods)
    least = agreed = advance = plan = None
    if project is not None:
        least = wages.labour_share(project["project_type"], project["district"], past.day)
        agreed = number(project["labour_cost_ratio"])
        if agreed is None:
            agreed = ratio(project["labour_budget"], project["contract_amount"])
        if _account_asked(past, project) and past.age(project["start_on"]) <= min(180, told):
            advance = float(not any(row["transacted_on"] <= project["start_on"] for row in credits))
        budget = project["labour_budget"]
        if budget is None and project["labour_cost_ratio"] is not None:
            budget = project["labour_cost_ratio"] * project["contract_amount"]
        months = (project["planned_end_on"] - project["start_on"]).days / MONTH
        plan = None if budget is None or months == 0 else float(budget) / months
    of_progress = ratio(credited, payable)
    unpaid = None
    if labour_payable is not None and credited is not None:
        unpaid = float(max(labour_payable - credited, 0))
    return {
        "labour_credited_share": ratio(credited, labour_payable),
        "labour_unpaid_amount": unpaid,
        "labour_table_short_share": _short(least, of_progress),
        "labour_agreed_short_share": _short(least, agreed),
        "labour_advance_missing": advance,
        "wages_of_labour_plan": ratio(_month(past, subject)["wages"], plan),
    }


def _short(least: float | None, share: float | None) -> float | None:
    return None if least is None or share is None else max(least - share, 0.0)


def account(past: Past, subject: str) -> Values:
    if past.kind == "employer":
        return {}
    rows = past.rows("wage_accounts", subject, 400)
    credited = [row for row in rows if row["kind"] == "appropriation"]
    wage = [row for row in rows if row["kind"] == "wage"]
    other = [row["amount"] for row in rows if row["kind"] == "other_out" and row["age"] <= 180]
    credited_90 = total(row["amount"] for row in credited if row["age"] <= 90)
    credited_past = total(row["amount"] for row in credited if 90 < row["age"] <= 270)
    wages_90 = total(row["amount"] for row in wage if row["age"] <= 90)
    unfollowed = [c["age"] for c in credited if not any(w["age"] <= c["age"] for w in wage)]
    gaps = [month for month in _months_of_account(past, rows) if month not in map(_of_month, credited)]
    return {
        "appropriation_seen_days": _days_without(rows, "appropriation"),
        "appropriation_days": difference(_days_without(rows, "appropriation"), _behind(past)),
        "appropriation_gap_months": len(gaps) if rows else None,
        "appropriation_trend": ratio(2 * credited_90, credited_past),
        "appropriation_to_wages": ratio(credited_90, wages_90),
        "credit_unfollowed_days": max((age - _behind(past) for age in unfollowed), default=0)
        if rows
        else None,
        "wage_out_seen_days": _days_without(rows, "wage"),
        "wage_out_days": difference(_days_without(rows, "wage"), _behind(past)),
        "account_frozen": sum(row["kind"] == "frozen" for row in rows),
        "account_other_out_180d": float(total(other)) if rows else None,
        "account_balance": number(_balance(past, subject)),
        "account_cover_months": ratio(_balance(past, subject), _month(past, subject)["wages"]),
        "account_last_days": newest(rows),
    }


def _days_without(rows: list[Row], kind: str) -> float | None:
    """For how many days an account that is there is known to have had nothing of a kind."""
    seen = max((row["age"] for row in rows), default=None)
    came = {row["age"] for row in rows if row["kind"] == kind}
    return next((day for day in range((seen or 0) + 1) if day in came), seen)


def _months_of_account(past: Past, rows: list[Row]) -> list[tuple[int, int]]:
    """The six whole months before that of the date, of which only those after the month of the first booking.

    Of a bank that is more than ten days behind, before that of its newest booking and ten days.
    """
    months = []
    newest = max((row["transacted_on"] for row in _booked(past)), default=past.day)
    day = min(past.day, newest + timedelta(10))
    for _ in range(6):
        day = day.replace(day=1) - timedelta(1)
        months.append((day.year, day.month))
    return [month for month in months if rows and month > min(map(_of_month, rows))]


def _of_month(row: Row) -> tuple[int, int]:
    return row["transacted_on"].year, row["transacted_on"].month


def _balance(past: Past, subject: str) -> Any:
    rows = past.rows("wage_accounts", subject, 400)
    return min((row["balance"] for row in rows if row["age"] == newest(rows)), default=None)


def deposits(past: Past, subject: str) -> Values:
    if past.kind == "employer":
        return {}
    rows = past.rows("deposits", subject)
    live = [row for row in rows if not past.before(row["expires_on"])]
    money = [row for row in live if row["form"] != "exempt"]
    ends = [row["expires_on"] for row in rows if row["form"] != "exempt"]
    return {
        "deposit_held": sum(row["stored"] > 0 for row in money),
        "deposit_exempt": len(live) - len(money),
        "deposit_share": ratio(_still_stored(money), total(row["required"] for row in money)),
        "deposit_used": float(total(row["used"] for row in rows)) if rows else None,
        "deposit_left_days": -past.age(max(ends)) if ends and None not in ends else None,
        "deposit_last_days": newest(rows),
    }


def _still_stored(rows: list[Row]) -> Any:
    """What is left of each deposit after what was paid out of it."""
    return total(max(row["stored"] - (row["used"] or 0), 0) for row in rows)


def guarantees(past: Past, subject: str) -> Values:
    if past.kind == "employer":
        return {}
    now = _stated(past, subject)
    left = [-past.age(row["expires_on"]) for row in now if row["expires_on"] is not None]
    shares = {}
    for name, kind in KINDS:
        one = next((row for row in now if row["kind"] == kind), None)
        shares[f"{name}_share"] = None
        if one is not None and one["balance"] is not None:
            balance = 0 if past.before(one["expires_on"]) else one["balance"]
            shares[f"{name}_share"] = ratio(balance, one["required"])
    return {
        **shares,
        "guarantee_left_days": min(left, default=None),
        "guarantee_last_days": newest(now),
    }


KINDS = (
    ("payment_guarantee", "payment_guarantee"),
    ("presale", "presale_account"),
    ("reserve", "completion_reserve"),
)


def _stated(past: Past, subject: str) -> list[Row]:
    """The last statement of each kind of guarantee or supervised money, if it is of 13 months or its end is to come.

    Where nobody's statement names an end, each holds until the next.
    """
    endless = all(row["expires_on"] is None for row in past.all("guarantees"))
    last: dict[str, Row] = {}
    for row in past.rows("guarantees", subject):
        if row["kind"] not in last or row["age"] < last[row["kind"]]["age"]:
            last[row["kind"]] = row
    return [
        row
        for row in last.values()
        if endless
        or row["age"] <= 400
        or (row["expires_on"] is not None and not past.before(row["expires_on"]))
    ]


def cover(past: Past, subject: str) -> Values:
    """Months of wages that deposit, guarantees and account would pay together if nobody else did."""
    if past.kind == "employer":
        return {}
    live = [
        row
        for row in past.rows("deposits", subject)
        if row["form"] != "exempt" and not past.before(row["expires_on"])
    ]
    held = [row for row in _stated(past, subject) if not past.before(row["expires_on"])]
    behind = _still_stored(live) + total(row["balance"] for row in held) + (_balance(past, subject) or 0)
    return {"cover_months": ratio(behind, _month(past, subject)["wages"])}


def _month(past: Past, subject: str) -> dict[str, float | None]:
    """A month's wages and heads by the wage sheets of the months that began in the last 125 days."""
    rows = _sheets(past, subject)
    months = {row["month"] for row in rows}
    return {
        "wages": ratio(total(row["due"] for row in rows), len(months)),
        "heads": ratio(total(row["workers"] for row in rows), len(months)),
    }


def _sheets(past: Past, subject: str) -> list[Row]:
    return [row for row in past.rows("wage_sheets", subject) if past.age(row["month"]) <= 125]


def duties(past: Past, subject: str) -> Values:
    """What a project must have and has not; unknown where no rule of its place is known."""
    if past.kind == "employer":
        return {}
    names = ("account", "deposit", "payment_guarantee", "presale", "reserve")
    flags: Values = {f"{name}_missing": None for name in names}
    project = past.registered(subject)
    if project is None:
        return flags
    started = past.age(project["start_on"])
    account_rule = wages.account_rule(project["district"], past.day)
    if account_rule is not None:
        late = _account_asked(past, project) and started - _behind(past) > account_rule.open_within_days
        if max((row["age"] for row in _booked(past)), default=0) > 62:
            flags["account_missing"] = float(late and not _account_open(past, subject))
    deposit_rule = wages.deposit_rule(project["district"], past.day)
    if deposit_rule is not None:
        asked = project["contract_amount"] >= deposit_rule.min_amount_yuan
        newest = min((row["age"] for row in past.all("deposits")), default=0)
        late = asked and started - newest >= deposit_rule.store_within_days
        live = [row for row in past.rows("deposits", subject) if not past.before(row["expires_on"])]
        held = any(row["form"] == "exempt" or row["stored"] > 0 for row in live)
        if past.would_have_told(past.all("deposits"), project["start_on"]):
            flags["deposit_missing"] = float(late and not held)
    if wages.in_china(project["district"]):
        there = {
            row["kind"]
            for row in _stated(past, subject)
            if not past.before(row["expires_on"]) and row["balance"] != 0
        }
        for name, kind in KINDS:
            rows = [row for row in past.all("guarantees") if row["kind"] == kind]
            if not past.would_have_told(rows, project["start_on"]):
                continue
            asked = name != "presale" or project["real_estate"]
            flags[f"{name}_missing"] = float(asked and kind not in there)
    return flags


def _account_asked(past: Past, project: Row) -> bool:
    rule = wages.account_rule(project["district"], past.day)
    dates = project["start_on"], project["planned_end_on"]
    return rule is not None and rule.applies(float(project["contract_amount"]), *dates)


def _account_open(past: Past, subject: str) -> bool:
    """Whether the account had any booking in 13 months and was not closed after it was last opened."""
    rows = past.rows("wage_accounts", subject, 400)
    opened = [row["transacted_on"] for row in rows if row["kind"] == "opened"]
    closed = [row["transacted_on"] for row in rows if row["kind"] == "closed"]
    if closed and (not opened or max(closed) > max(opened)):
        return False
    return bool(rows)


def contracts(past: Past, subject: str) -> Values:
    """The contract against the heads on the wage sheets and what the general contractor passed on."""
    if past.kind == "employer":
        return {}
    project = past.registered(subject)
    heads = per_head = share = None
    direct = []
    if project is not None:
        heads = _month(past, subject)["heads"]
        per_head = ratio(project["contract_amount"], heads)
        direct = [
            row
            for row in past.rows("participations", subject)
            if row["role"] == "subcontractor" and row["contracted_by"] in (None, project["contractor_id"])
        ]
        share = ratio(_sum(row["contract_amount"] for row in direct), project["contract_amount"])
    return {
        "contract_yuan_per_head": per_head,
        "subcontract_share": share,
        "contract_last_days": None if project is None else project["age"],
        "labour_sheet_last_days": newest(row for row in _sheets(past, subject) if row["age"] <= 125),
        "subcontract_last_days": newest(direct),
    }


def _sum(values: Iterable[Any]) -> Any:
    """The sum of what is known; unknown if nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _mean(values: list[Any]) -> float | None:
    return float(sum(values)) / len(values) if values else None


FAMILIES = (
    progress,
    works,
    labour_cost,
    account,
    deposits,
    guarantees,
    cover,
    duties,
    contracts,
)
