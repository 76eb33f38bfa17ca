"""Electricity and bills."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from anxin.domain.calendar import spring_festival

from .oracle import Past, Row, Values, difference, number, ratio, total

WEEK = timedelta(7)


def energy(past: Past, subject: str) -> Values:
    every = readings(past, subject)
    gone = replaced(past, every)
    rows = [row for row in every if row["meter_id"] not in gone]
    this = monday(past.day)
    all_late = [row for row in every if row["age"] <= 28]
    late = [row for row in all_late if row["meter_id"] not in gone]
    before = [row for row in rows if this - 30 * WEEK <= monday(row["date"]) <= this - 5 * WEEK]
    usual = usual_days(before)
    now, then = weekend(all_late, usual_days(all_late)), weekend(before, usual)
    idle = idle_days(past, every, usual)
    step_days, step_depth = step(past, rows)
    return {
        "energy_last_days": min((row["age"] for row in every), default=None),
        "energy_level_28d": level(late, usual),
        "energy_level_7d": level([row for row in rows if row["age"] <= 7], usual),
        "energy_level_year": against_last_year(past, rows),
        "energy_level_sector": against_peers(past, subject, sector),
        "energy_level_district": against_peers(past, subject, lambda row: row["district"][:6]),
        "energy_weekend_ratio": now,
        "energy_weekend_loss": difference(then, now),
        "energy_volatility_56d": volatility(past, every),
        "energy_readings_28d": len(all_late) if every else None,
        "energy_idle_days_28d": idle_in(past, idle, rows, usual, 28),
        "energy_idle_run_56d": longest_run(past, idle, rows, usual),
        "energy_step_days": step_days,
        "energy_step_depth": step_depth,
    }


def readings(past: Past, subject: str) -> list[Row]:
    """The readings of sixty weeks before the date's, without what no meter can read."""
    return [
        row
        for row in past.rows("energy_usage", subject)
        if monday(row["date"]) >= monday(past.day) - 60 * WEEK and abs(row["kwh"]) <= 10**9
    ]


def standing(past: Past, subject: str) -> list[Row]:
    """The readings of meters that were not replaced."""
    rows = readings(past, subject)
    gone = replaced(past, rows)
    return [row for row in rows if row["meter_id"] not in gone]


def replaced(past: Past, rows: list[Row]) -> set[str]:
    """The meters of a subject that others took over from in the half year, told by the weeks of their use."""
    this = monday(past.day)
    return taken_over(
        {
            meter: [
                ((this - monday(row["date"])).days, row["kwh"])
                for row in of_week(past, rows, 0, 30)
                if row["meter_id"] == meter
            ]
            for meter in {row["meter_id"] for row in rows}
        },
        210,
    )


def taken_over(readings: dict[str, list[tuple[int, Decimal]]], oldest: int) -> set[str]:
    """The meters, of readings some days back, that others of the same subject took over from.

    Two weeks unused, while the subject uses any; the others began later, within four weeks of that end and not before all
    that is known, and were used after it. In a mean day of use they are half of what they took over from, or more.
    """
    used = {meter: [(back, kwh) for back, kwh in own if kwh > 0] for meter, own in readings.items()}
    first = {meter: max(back for back, _ in own) for meter, own in used.items() if own}
    last = {meter: min(back for back, _ in own) for meter, own in used.items() if own}
    mean = usual_days({"meter_id": meter, "kwh": kwh} for meter, own in used.items() for _, kwh in own)
    heirs: dict[str, set[str]] = {}
    for old, end in last.items():
        if end >= 14 > min(last.values()):
            later = {new for new in last if last[new] < end and abs(first[new] - end) <= 28}
            heirs[old] = {new for new in later if first[new] < min(first[old], oldest)}
    gone = set()
    for old, news in heirs.items():
        together = [other for other, theirs in heirs.items() if theirs & news]
        if news and 2 * sum(mean[new] for new in news) >= sum(mean[other] for other in together):
            gone.add(old)
    return gone


def monday(day: date) -> date:
    return day - timedelta(day.weekday())


Usual = dict[str, Fraction]
"""The kWh of a usual day by meter."""


def usual_days(rows: Iterable[Row]) -> Usual:
    """What each meter reads in a mean day, to the milliwatt-hour, halves up."""
    read: dict[str, list[Decimal]] = defaultdict(list)
    for row in rows:
        read[row["meter_id"]].append(row["kwh"])
    means = {meter: Fraction(sum(kwh)) / len(kwh) for meter, kwh in read.items()}
    return {
        meter: Fraction(math.floor(mean * 10**6 + Fraction(1, 2)), 10**6) for meter, mean in means.items()
    }


def level(rows: Iterable[Row], usual: Usual) -> float | None:
    """What the meters with a usual read, over what that many usual days would have been."""
    mine = [row for row in rows if row["meter_id"] in usual]
    return ratio(total(row["kwh"] for row in mine), total(usual[row["meter_id"]] for row in mine))


def of_week(past: Past, rows: list[Row], first: int, last: int) -> list[Row]:
    """The readings of complete weeks, counted back from the week of the date."""
    this = monday(past.day)
    return [row for row in rows if first <= (this - monday(row["date"])).days // 7 <= last]


def festive(week: date) -> bool:
    """Whether a week is within three weeks of that of a Spring Festival."""
    return any(
        abs((week - monday(spring_festival(year))).days) <= 21
        for year in (week.year - 1, week.year, week.year + 1)
    )


def last_season(week: date) -> date:
    """The week as far from last year's Spring Festival within eight weeks of one, else 52 weeks before."""
    for year in (week.year - 1, week.year, week.year + 1):
        feast = monday(spring_festival(year))
        if abs((week - feast).days) <= 56:
            return monday(spring_festival(year - 1)) + (week - feast)
    return week - 52 * WEEK


def against_last_year(past: Past, rows: list[Row]) -> float | None:
    this = monday(past.day)
    season = last_season(this)
    ordinary = [row for row in rows if not festive(monday(row["date"]))]
    usual = usual_days(of_week(past, ordinary, 5, 30))
    base = usual_days(row for row in ordinary if WEEK <= monday(row["date"]) - season <= 26 * WEEK)
    late = [row for row in of_week(past, rows, 1, 4) if row["meter_id"] in usual]
    expected = 0.0
    for back in range(1, 5):
        week = [row for row in late if monday(row["date"]) == this - back * WEEK]
        if not week:
            continue
        near = []
        for beside in (back - 1, back, back + 1):
            then = [row for row in rows if monday(row["date"]) == season - beside * WEEK]
            then = [row for row in then if row["meter_id"] in base]
            found = level(then, base)
            if len(then) >= 3 and found is not None:
                near.append(found)
        if near:
            share = min(1.0, *near)
        elif festive(this - back * WEEK):
            return None
        else:
            share = 1.0
        expected += share * float(total(usual[row["meter_id"]] for row in week))
    if len(late) < 14:
        return None
    reached = ratio(total(row["kwh"] for row in late), expected)
    return None if reached is None else min(1.0, reached)


def change(past: Past, rows: list[Row]) -> float | None:
    """The last four complete weeks against the 26 before."""
    return level(of_week(past, rows, 1, 4), usual_days(of_week(past, rows, 5, 30)))


def sector(row: Row) -> str:
    return row["industry"][:3] if "industry" in row else row["project_type"]


def against_peers(past: Past, subject: str, group: Callable[[Row], str]) -> float | None:
    id_ = f"{past.kind}_id"
    changes = {
        row[id_]: (group(row), change(past, standing(past, row[id_]))) for row in past.all(f"{past.kind}s")
    }
    return beside_others({key: value for key, value in changes.items() if value[1] is not None}, subject)


def beside_others(values: dict[str, tuple[Any, float | None]], subject: str) -> float | None:
    """A value over the mean of the others in its group, drawn towards all others by ten of them."""
    if subject not in values:
        return None
    mine, own = values[subject]
    parts = {key: (group, capped(value)) for key, (group, value) in values.items() if key != subject}
    if not parts:
        return None
    near = [part for group, part in parts.values() if group == mine]
    everyone = sum(part for _, part in parts.values()) / len(parts)
    return ratio(own, (sum(near) + everyone * 10) / (len(near) + 10))


def capped(value: float | None) -> float:
    """Between nothing and three, to a millionth."""
    assert value is not None
    return int(max(0.0, min(3.0, value)) * 1_000_000 + 0.5) / 1_000_000


def weekend(rows: list[Row], usual: Usual) -> float | None:
    rest = level((row for row in rows if row["date"].isoweekday() >= 6), usual)
    return ratio(rest, level((row for row in rows if row["date"].isoweekday() < 6), usual))


def days_of(rows: Iterable[Row]) -> dict[date, list[Decimal]]:
    days: dict[date, list[Decimal]] = defaultdict(list)
    for row in rows:
        days[row["date"]].append(row["kwh"])
    return days


def volatility(past: Past, rows: list[Row]) -> float | None:
    """Mean change from one working day to the next, over the mean of the two, in eight complete weeks."""
    days = days_of(of_week(past, rows, 1, 8))
    moves = pairs = Decimal(0)
    for day, kwh in days.items():
        after = days.get(day + timedelta(1), [])
        if day.isoweekday() < 5 and len(after) == len(kwh):
            moves += abs(sum(after) - sum(kwh))
            pairs += sum(after) + sum(kwh)
    return ratio(2 * moves, pairs)


def on_holiday(day: date) -> bool:
    """Between 小年 and 元宵."""
    return any(-8 <= (day - spring_festival(year)).days <= 14 for year in (day.year, day.year + 1))


def idle_days(past: Past, rows: list[Row], usual: Usual) -> set[date]:
    """Days on which all meters together read a tenth of the usual day of those with one at most, holidays left out."""
    days: dict[date, list[Row]] = defaultdict(list)
    for row in rows:
        if row["age"] <= 56 and not on_holiday(row["date"]):
            days[row["date"]].append(row)
    found = set()
    for day, read in days.items():
        held = [usual[row["meter_id"]] for row in read if row["meter_id"] in usual]
        if held and Fraction(total(row["kwh"] for row in read)) * 10 <= sum(held):
            found.add(day)
    return found


def idle_in(past: Past, idle: set[date], rows: list[Row], usual: Usual, days: int) -> float | None:
    if not any(row["age"] <= days and row["meter_id"] in usual for row in rows):
        return None
    return sum(past.age(day) <= days for day in idle)


def longest_run(past: Past, idle: set[date], rows: list[Row], usual: Usual) -> float | None:
    if not any(row["meter_id"] in usual for row in of_week(past, rows, 0, 8)):
        return None
    longest = run = 0
    for age in range(1, 57):
        day = past.day - timedelta(age)
        if on_holiday(day):
            continue
        run = run + 1 if day in idle else 0
        longest = max(longest, run)
    return longest


def step(past: Past, rows: list[Row]) -> tuple[float | None, float | None]:
    """When and how far the level last fell for good: the weeks since against the weeks before.

    Each meter is held against its own level in all of them.

    It came back, and did not fall for good, if the newest three ordinary weeks since are no fifth below the weeks before.
    """
    ordinary = [row for row in of_week(past, rows, 1, 26) if not festive(monday(row["date"]))]
    mondays = [monday(past.day) - back * WEEK for back in range(1, 27)]
    newest = [week for week in mondays if not festive(week)][:3]
    usual = usual_days(ordinary)
    best, tried = (0.0, None, 0.0), False
    for weeks in range(3, 21):
        since = of_week(past, ordinary, 1, weeks)
        before = of_week(past, ordinary, weeks + 1, 26)
        if len(since) < 15 or len(before) < 30:
            continue
        tried = True
        now, then = level(since, usual), level(before, usual)
        if now is None or not then or 1 - now / then < 0.2:
            continue
        reached = level((row for row in since if monday(row["date"]) in newest), usual)
        if reached is not None and 1 - reached / then < 0.2:
            continue
        score = len(since) * len(before) / len(ordinary) * (then - now) ** 2
        if score > best[0]:
            best = score, past.age(monday(past.day) - weeks * WEEK), 1 - now / then
    return number(best[1]), best[2] if tried else None


def sites(past: Past, subject: str) -> Values:
    if past.kind != "project":
        return {}
    shares = {}
    for row in past.all("energy_usage"):
        if row["project_id"] is not None and row["project_id"] not in shares:
            found = peak_share(past, standing(past, row["project_id"]))
            if found is not None:
                shares[row["project_id"]] = phase(past, row["project_id"]), found
    own = shares.get(subject, (None, None))
    known = {key: value for key, value in shares.items() if value[0] is not None}
    # All others are all with power, whatever their phase; a site without one is compared with nobody.
    return {
        "energy_site_peak": own[1],
        "energy_site_phase": beside_others(shares, subject) if subject in known else None,
    }


def peak_share(past: Past, rows: list[Row]) -> float | None:
    usual = usual_days(of_week(past, rows, 1, 52))
    blocks = [level(of_week(past, rows, 4 * block + 1, 4 * block + 4), usual) for block in range(13)]
    return ratio(blocks[0], max((block for block in blocks if block is not None), default=None))


def phase(past: Past, subject: str) -> int | None:
    """Start, main part, finishing, overdue."""
    row = past.registered(subject)
    elapsed = row and ratio(past.age(row["start_on"]), (row["planned_end_on"] - row["start_on"]).days)
    return None if elapsed is None else sum(elapsed >= end for end in (0.15, 0.8, 1.0))


def bills(past: Past, subject: str) -> Values:
    rows = past.rows("energy_bills", subject)
    rows = [row for row in rows if row["age"] <= 365 or not past.before(row["paid_on"])]
    told = _told_until(past)
    unsettled = [row for row in rows if not past.before(row["paid_on"])]
    owed = [row for row in unsettled if row["due_on"] < told.get(row["utility"], date.min)]
    found: Values = {
        "bills_unpaid": len(owed) if rows else None,
        "bills_unpaid_utilities": len({row["utility"] for row in owed}) if rows else None,
    }
    for utility in ("", "_electricity", "_water", "_gas", "_property"):
        ours = [row for row in rows if utility in ("", f"_{row['utility']}")]
        unpaid = [row for row in owed if row in ours]
        now = late(past, [row for row in ours if row["age"] <= 180])
        paid = [row for row in ours if row["age"] <= 180 and past.before(row["paid_on"])]
        before = late(past, [row for row in ours if row["age"] > 180])
        found |= {
            f"bills_unpaid_amount{utility}": float(total(row["amount"] for row in unpaid)) if rows else None,
            f"bills_unpaid_days{utility}": max(
                ((told[row["utility"]] - row["due_on"]).days for row in unpaid), default=0
            )
            if rows
            else None,
            f"bills_late_days_180d{utility}": now,
            f"bills_late_rise_180d{utility}": difference(now, before),
            f"bill_unpaid_last_days{utility}": min((past.age(row["due_on"]) for row in unpaid), default=None),
            f"bill_unpaid_first_days{utility}": max(
                (past.age(row["due_on"]) for row in unpaid), default=None
            ),
            f"bill_paid_last_days{utility}": min((past.age(row["paid_on"]) for row in paid), default=None),
        }
    return found


def _told_until(past: Past) -> dict[str, date]:
    """The last payment each utility told of: of what fell due since nobody knows whether it was paid."""
    until: dict[str, date] = {}
    for row in past.all("energy_bills", 365):
        whose = row["project_id"] is not None if past.kind == "project" else row["project_id"] is None
        if whose and past.before(row["paid_on"]):
            until[row["utility"]] = max(until.get(row["utility"], date.min), row["paid_on"])
    return until


def late(past: Past, rows: list[Row]) -> float | None:
    """Mean days after the due day on which bills were paid."""
    days = [max((row["paid_on"] - row["due_on"]).days, 0) for row in rows if past.before(row["paid_on"])]
    return sum(days) / len(days) if days else None


FAMILIES = (
    energy,
    sites,
    bills,
)
