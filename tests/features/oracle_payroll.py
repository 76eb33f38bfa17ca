"""Wages: attendance, contracts, sheets, pay and the account month by month; pay day; leavers; insurance, tax."""

from __future__ import annotations

import calendar
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from anxin.domain.calendar import spring_festival
from anxin.domain.wages import minimum_wage

from . import oracle_arrears, oracle_declarations
from .oracle import Past, Row, Values, difference, mean, newest, number, ratio, total


@dataclass
class Worker:
    """What is known of a worker of a site in a month."""

    worked: int = 0
    attendance: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    contracts: list[Row] = field(default_factory=list)

    @property
    def attended(self) -> bool:
        return self.worked > 0

    @property
    def due(self) -> Any:
        return max(row["due"] for row in self.payments)

    @property
    def paid(self) -> Any:
        return total(row["paid"] for row in self.payments)

    @property
    def got(self) -> bool:
        return self.paid > 0

    @property
    def short(self) -> bool:
        return bool(self.paid < self.due * Decimal("0.95"))

    @property
    def expected(self) -> Any:
        """By the contract signed last among those with a rate; nothing for piece work or without a rate.

        A monthly wage is due in full for 21 days of attendance and in parts of 21 for less, to the fen.
        """
        stated = [row for row in self.contracts if row["wage_rate"] is not None]
        if not self.attended or not stated:
            return None
        last = max(stated, key=lambda row: row["signed_on"])
        rate, days = last["wage_rate"], self.worked
        monthly = (Decimal(rate) * min(days, 21) / 21).quantize(Decimal("0.01"), ROUND_HALF_UP)
        return {"day": rate * days, "month": monthly, "piece": None}[last["wage_basis"]]


Months = dict[date, dict[tuple[Any, ...], Worker]]


def _workers(past: Past, subject: str) -> Months:
    """Per month of the last 155 days, each worker of each site with attendance or pay."""
    months: Months = defaultdict(lambda: defaultdict(Worker))
    for feed in ("attendance", "payroll"):
        for row in past.rows(feed, subject, own=False):
            if not 0 < past.age(row["month"]) <= 155:
                continue
            key = row["employer_id"], row["project_id"], row["worker_id"]
            worker = months[row["month"]][key]
            if feed == "payroll":
                worker.payments.append(row)
            else:
                worker.worked += row["days"]
                worker.attendance.append(row)
    contracts = defaultdict(list)
    for row in past.rows("labour_contracts", subject, own=False):
        contracts[row["employer_id"], row["project_id"], row["worker_id"]].append(row)
    for workers in months.values():
        for key, worker in workers.items():
            worker.contracts = contracts[key]
    return months


def _payments(past: Past, subject: str) -> list[Row]:
    """Return all payments for months that began in the last 250 days."""
    rows = past.rows("payroll", subject, own=False)
    return [row for row in rows if 0 < past.age(row["month"]) <= 250]


def _sheets(past: Past, subject: str) -> dict[date, dict[str, Any]]:
    """Per month of the last 250 days what the wage sheets say together."""
    months: dict[date, list[Row]] = defaultdict(list)
    for row in past.rows("wage_sheets", subject, own=False):
        if 0 < past.age(row["month"]) <= 250:
            months[row["month"]].append(row)
    return {
        month: {
            "due": total(row["due"] for row in rows),
            "heads": total(row["workers"] for row in rows),
            "pay_due_on": max(row["pay_due_on"] for row in rows),
        }
        for month, rows in months.items()
    }


def _minimum(past: Past, subject: str, month: date) -> Decimal | None:
    """Return the local minimum wage of the month, where the subject is registered now."""
    row = past.registered(subject)
    amount = None if row is None else minimum_wage(row["district"], month)
    return None if amount is None else Decimal(str(amount))


def paid(past: Past, subject: str) -> Values:
    """What payroll says; short only once the pay day is past.

    By the sheet of the month that is more than a week past the day agreed, without a sheet 61 days after the
    month began.
    """
    months, sheets = _workers(past, subject), _sheets(past, subject)
    lag = oracle_arrears.lag(past)
    late = [
        worker
        for month, workers in months.items()
        if past.age(month) <= 125
        for worker in workers.values()
        if worker.payments
    ]
    payable = [
        worker
        for month, workers in months.items()
        if past.age(month) <= 125
        and (
            past.age(sheets[month]["pay_due_on"]) > 7 + lag if month in sheets else past.age(month) > 61 + lag
        )
        for worker in workers.values()
        if worker.payments
    ]
    payments = _payments(past, subject)
    now = [row for row in payments if past.age(row["month"]) <= 125]
    before = [row for row in payments if past.age(row["month"]) > 125]
    # The first day each month was paid, and the days between two such days on average; months paid together are one.
    pay_days = {
        min(row["paid_on"] for row in payments if row["month"] == month and row["paid"] > 0)
        for month in {row["month"] for row in payments if row["paid"] > 0}
    }
    last = min((past.age(row["paid_on"]) for row in payments), default=None)
    # A batch of nothing is a row, but no pay.
    last_paid = min((past.age(row["paid_on"]) for row in payments if row["paid"] > 0), default=None)
    usual = None
    if len(pay_days) > 1:
        usual = (max(pay_days) - min(pay_days)).days / (len(pay_days) - 1)
    return {
        "pay_short_share": ratio(sum(w.short for w in payable), len(payable)),
        "pay_short_amount": number(total(max(w.due - w.paid, 0) for w in payable)) if payable else None,
        "pay_paid_share": ratio(total(w.paid for w in payable), total(w.due for w in payable)),
        "pay_parts_share": ratio(sum(len(w.payments) > 1 for w in late), len(late)),
        "pay_too_much_heads": sum(w.paid > 50_000 for w in late) if late else None,
        "pay_delay_days": _delay(now),
        "pay_delay_rise": difference(_delay(now), _delay(before)),
        "pay_other_share": _through("other", now),
        "pay_account_fall": difference(_through("special_account", before), _through("special_account", now)),
        "pay_gap_ratio": ratio(None if last_paid is None else max(last_paid - lag, 0), usual),
        "pay_last_days": last,
    }


def _delay(payments: list[Row]) -> float | None:
    """Days from the start of the month worked to pay, of the average yuan."""
    waited = total(row["paid"] * (row["paid_on"] - row["month"]).days for row in payments)
    return ratio(waited, total(row["paid"] for row in payments))


def _through(channel: str, payments: list[Row]) -> float | None:
    through = total(row["paid"] for row in payments if row["channel"] == channel)
    return ratio(through, total(row["paid"] for row in payments))


def matched(past: Past, subject: str) -> Values:
    """Worker by worker; «must»: months that began more than 61 days ago; of pay, before it was told no longer."""
    months, sheets = _workers(past, subject), _sheets(past, subject)
    # Of a site, or a firm's own staff, whose pay was never told nothing is known to be unpaid.
    sends = {(row["employer_id"], row["project_id"]) for row in _payments(past, subject)}
    every = [(month, key, worker) for month, workers in months.items() for key, worker in workers.items()]
    must = [(month, key, worker) for month, key, worker in every if past.age(month) > 61]
    due = [
        (month, key, worker) for month, key, worker in must if past.age(month) > 61 + oracle_arrears.lag(past)
    ]
    # Site and month of which some attendance is known.
    sent = {(month, key[:2]) for month, key, worker in every if worker.attended}

    attended = [worker for _, key, worker in due if worker.attended and key[:2] in sends]
    unpaid = [worker for worker in attended if not worker.got]
    unpaid_in = {
        month: sum(worker.attended and not worker.got for key, worker in workers.items() if key[:2] in sends)
        for month, workers in months.items()
        if past.age(month) > 61 + oracle_arrears.lag(past)
    }
    rated = [worker for worker in attended if worker.expected is not None]
    got = [worker for month, key, worker in must if worker.got and (month, key[:2]) in sent]
    unattended = [worker for worker in got if not worker.attended]

    full, below = 0, 0
    for month, _, worker in due:
        least = _minimum(past, subject, month)
        if least is not None and worker.got and worker.worked >= 21:
            full += 1
            below += worker.paid < least

    ever = [(month, worker) for month, _, worker in every if worker.attended]
    missing = [month for month, worker in ever if not worker.contracts]
    last = max((month for month, _ in ever), default=None)
    # Whose register of contracts is young may not have told of who was there before.
    whose = (row for row in past.all("labour_contracts") if row[f"{past.kind}_id"] is not None)
    signed = [row["age"] >= 180 for row in whose]
    filed = bool(signed) and sum(signed) / len(signed) >= 0.05

    worked_months = {month for month, _, worker in must if worker.attended}
    heads = {month: sum(w.attended for w in months[month].values()) for month in worked_months}
    both = [month for month in worked_months if month in sheets]
    # A month of which nobody's sheet has come is not missing yet.
    told = [month for month in worked_months if month <= _newest_sheet(past)]
    agreed = {}
    for month in both:
        wages = [w.expected for w in months[month].values() if w.expected is not None]
        if wages and sheets[month]["heads"] > 0:
            agreed[month] = wages
    mean_sheet = ratio(
        total(sheets[month]["due"] for month in agreed), total(sheets[month]["heads"] for month in agreed)
    )
    mean_contract = ratio(
        total(wage for wages in agreed.values() for wage in wages), sum(map(len, agreed.values()))
    )
    uploaded = [past.age(row["uploaded_on"]) for _, worker in ever for row in worker.attendance]
    return {
        "attended_unpaid_share": ratio(len(unpaid), len(attended)),
        "attended_unpaid_heads": len(unpaid) if attended else None,
        "attended_unpaid_heads_month": max(unpaid_in.values()) if attended else None,
        "attended_unpaid_amount": number(total(worker.expected for worker in unpaid)) if rated else None,
        "paid_unattended_share": ratio(len(unattended), len(got)),
        "paid_unattended_amount": number(total(worker.paid for worker in unattended)) if got else None,
        "pay_below_minimum_share": ratio(below, full),
        "contract_missing_share": ratio(len(missing), len(ever)) if filed else None,
        "contract_missing_heads": missing.count(last) if last and filed else None,
        "contract_paid_share": ratio(total(w.paid for w in rated), total(w.expected for w in rated)),
        "contract_sheet_ratio": ratio(mean_sheet, mean_contract),
        "sheet_heads_ratio": ratio(
            total(sheets[month]["heads"] for month in both), sum(heads[month] for month in both)
        ),
        "sheet_missing_months": sum(month not in sheets for month in told) if told else None,
        "attended_last_days": min(uploaded, default=None),
        "attendance_silent_days": difference(min(uploaded, default=None), _uploaded_last(past)),
    }


MANY = 10


def _newest_sheet(past: Past) -> date:
    """The newest month whose sheets came from nine tenths as many as those of the month before."""
    rows = [row for row in past.all("wage_sheets") if row[f"{past.kind}_id"] is not None]
    senders: dict[date, set[Any]] = defaultdict(set)
    for row in rows:
        if 0 < past.age(row["month"]) <= 250:
            senders[row["month"]].add(row[f"{past.kind}_id"])
    told, before = date.min, 0
    for month in sorted(senders):
        many = len(senders[month])
        told = month if before < MANY or 10 * many >= 9 * before else told
        before = many
    return told


def _uploaded_last(past: Past) -> int | None:
    """Return the age of the newest attendance of a month that anyone sent."""
    worked: dict[Any, list[Row]] = defaultdict(list)
    for row in past.all("attendance"):
        if row[f"{past.kind}_id"] is not None and 0 < past.age(row["month"]) <= 155:
            worked[row["employer_id"], row["project_id"], row["worker_id"], row["month"]].append(row)
    there = [row for rows in worked.values() if sum(row["days"] for row in rows) > 0 for row in rows]
    return min((past.age(row["uploaded_on"]) for row in there), default=None)


def due(past: Past, subject: str) -> Values:
    """What the sheets say, paid or not."""
    sheets = _sheets(past, subject)
    soon, means = [], []
    for month, sheet in sheets.items():
        if past.age(sheet["pay_due_on"]) > -40:
            soon.append(sheet["due"])
        least = _minimum(past, subject, month)
        if past.age(month) <= 125 and least is not None and sheet["heads"] > 0:
            means.append((sheet["due"], sheet["heads"] * least))
    return {
        "sheet_minimum_ratio": ratio(total(due for due, _ in means), total(least for _, least in means)),
        "wages_due_month": mean(soon),
    }


def pay_day(past: Past, subject: str) -> Values:
    """Against the day agreed: the average yuan of five months, and the days to the next such day of a month."""
    sheets = _sheets(past, subject)
    if not sheets:
        return {"pay_late_days": None, "pay_next_days": None}
    paid = [
        (row["paid"], (row["paid_on"] - sheets[row["month"]]["pay_due_on"]).days)
        for row in _payments(past, subject)
        if row["month"] in sheets and past.age(row["month"]) <= 155
    ]
    agreed = sheets[max(sheets)]["pay_due_on"].day
    ahead, day = 0, past.day
    while day.day != min(agreed, calendar.monthrange(day.year, day.month)[1]):
        ahead, day = ahead + 1, date.fromordinal(day.toordinal() + 1)
    late = total(yuan * days for yuan, days in paid)
    return {"pay_late_days": ratio(late, total(yuan for yuan, _ in paid)), "pay_next_days": ahead}


def account(past: Past, subject: str) -> Values:
    """Per month of payment: what payroll says went through the account, and what the account paid as wages.

    Of the last 180 days but the ten before the newest booking of any account; nothing is said of an account no bookings
    are known of.
    """
    if past.kind == "employer":
        return {}
    every = [row["age"] for row in past.all("wage_accounts", 180) if row["project_id"] is not None]
    late = min(every, default=0) + 10
    bookings = [row for row in past.rows("wage_accounts", subject, 180) if row["age"] >= late]
    said: dict[Any, Any] = defaultdict(Decimal)
    out: dict[Any, Any] = defaultdict(Decimal)
    for row in _payments(past, subject):
        if row["channel"] == "special_account" and late <= past.age(row["paid_on"]) <= 180:
            said[row["paid_on"].year, row["paid_on"].month] += row["paid"]
    if not bookings:
        said.clear()
    for row in bookings:
        if row["kind"] == "wage":
            out[row["transacted_on"].year, row["transacted_on"].month] += row["amount"]
    gaps = sum(out[month] < said[month] * Decimal("0.95") for month in said)
    return {
        "account_paid_share": ratio(total(out[month] for month in said), total(said.values())),
        "account_gap_months": gaps if said else None,
    }


def leavers(past: Past, subject: str) -> Values:
    rows = [
        row
        for row in past.rows("labour_contracts", subject, own=False)
        if past.before(row["left_on"]) and past.age(row["left_on"]) <= 365
    ]
    counted = [row for row in rows if past.age(row["left_on"]) > 7]
    open_ = [row for row in counted if not past.before(row["cleared_on"])]
    return {
        "leavers_unsettled_heads": len(open_) if rows else None,
        "leavers_unsettled_share": ratio(len(open_), len(counted)),
        "leavers_unsettled_days": max((past.age(row["left_on"]) for row in open_), default=0)
        if rows
        else None,
        "leaver_last_days": min((past.age(row["left_on"]) for row in rows), default=None),
    }


def _festive(day: date) -> bool:
    """Whether a day is within three weeks of a Spring Festival."""
    return any(
        abs((day - spring_festival(year)).days) <= 21 for year in (day.year - 1, day.year, day.year + 1)
    )


def attendance(past: Past, subject: str) -> Values:
    rows = past.rows("attendance_daily", subject, 120, own=False)
    late = [row for row in rows if row["age"] <= 14]
    before = [row for row in rows if row["age"] > 28]
    month = [row for row in rows if row["age"] <= 28 and not _festive(row["date"])]
    per_day, per_day_before = (
        ratio(total(row["present"] for row in each), len({row["date"] for row in each}))
        for each in (late, before)
    )
    share, share_before = (
        ratio(total(row["present"] for row in each), total(row["registered"] for row in each))
        for each in (late, before)
    )
    of_site: Values = {
        "attendance_share_28d": ratio(
            total(row["present"] for row in month), total(row["registered"] for row in month)
        )
    }
    return {
        **(of_site if past.kind == "project" else {}),
        "attendance_trend": ratio(per_day, per_day_before),
        "attendance_share": share,
        "attendance_share_change": difference(share, share_before),
        "attendance_heads": per_day,
        "attendance_last_days": newest(rows),
    }


FAMILIES = (
    paid,
    matched,
    due,
    pay_day,
    account,
    leavers,
    attendance,
    *oracle_arrears.FAMILIES,
    *oracle_declarations.FAMILIES,
)
