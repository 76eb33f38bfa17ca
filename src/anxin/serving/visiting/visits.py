"""Choosing today's visits, within what each district can do.

A grade says how dangerous; a visit says where to go first. Warnings of one responsible unit (the general contractor of
several sites, or an employer itself) are one joint visit, in whatever districts they are: a firm is gone to once a day.
Units are ordered by what is at stake:

    Σ over warnings: heads × p90 × nearness of the pay day × nearness of Spring Festival × money still to be secured

A joint visit takes a place of one district: that of the warning with most at stake, or of the next where that one's
places are taken by others. That district's yearly cap holds, and the longest rest of all districts of the firm.
检查 (by certified inspectors) go to units with a red or orange warning, as long as the firm's yearly cap allows; 走访 (by
coordinators) to whoever is next. Whoever is left is beyond the district's strength and keeps its grade.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from anxin.domain import divisions
from anxin.serving.visiting.capacity import Capacity
from anxin.serving.wording import percent

CHECK, CALL = "check", "call"
BEYOND, REST = "beyond", "rest"
"""No visit today: beyond the district's strength, or arranged or checked lately."""

_CHECKED_FROM = 3
"""Orange: below it nobody is checked for a warning, only called on."""

_PAY_SCALE_DAYS = 7.0
_FESTIVAL_SCALE_DAYS = 30.0
_LEAST_OPEN = 0.1
"""Of the expected sum; cover that is there today may be gone tomorrow."""

Key = tuple[str, str]


@dataclass(frozen=True)
class Warning:
    """One warning as visits see it.

    `unit` is who must be gone to; `heads` and `amount` (yuan) what is expected if it happens, `secured` yuan of it that
    account, deposit and guarantee cover; `pay_days` to the next agreed pay day (below 0 if one has passed unpaid), None
    if unknown. `chosen_on` is the last day a visit to the unit was chosen, on any list.
    """

    kind: str
    subject_id: str
    district: str
    unit: str
    grade: int
    put_by: str
    p90: float
    heads: float | None
    amount: float | None
    secured: float
    pay_days: float | None
    chosen_on: date | None

    @property
    def key(self) -> Key:
        """What it is about."""
        return (self.kind, self.subject_id)

    @property
    def open_yuan(self) -> float | None:
        """Money still to be secured."""
        return None if self.amount is None else max(self.amount - self.secured, 0.0)

    def stake(self, festival_days: int) -> float:
        """Return heads × p90 × nearness × money still to be secured (in 10,000 yuan; a head's worth where unknown)."""
        heads = 1.0 if self.heads is None else max(self.heads, 1.0)
        open_yuan = self.open_yuan
        money = heads if open_yuan is None else max(open_yuan, _LEAST_OPEN * (self.amount or 0.0)) / 1e4
        pay = 0.0 if self.pay_days is None else math.exp(-max(self.pay_days, 0.0) / _PAY_SCALE_DAYS)
        festival = math.exp(-festival_days / _FESTIVAL_SCALE_DAYS)
        return heads * self.p90 * (1.0 + pay) * (1.0 + festival) * money


@dataclass(frozen=True)
class Checks:
    """What is known of checks of one firm: how many in 365 days that count, and the last day of any."""

    in_year: int
    last: date | None


@dataclass(frozen=True)
class Visit:
    """What is done about one warning today.

    `visit` is the number of the joint visit, None where none is made today; `by` is `check` 检查, `call` 走访, `beyond`
    超出力量 or `rest` (a visit chosen, or a check made, lately); `order` its turn among the going district's visits of
    that sort; `chosen_on` the last day a visit was chosen, today if it is.
    """

    visit: str | None
    by: str
    order: int | None
    zh: str
    en: str
    chosen_on: date | None


@dataclass(frozen=True)
class _Unit:
    """A responsible unit and its warnings, the most urgent first."""

    name: str
    warnings: tuple[Warning, ...]
    stake: float

    @property
    def districts(self) -> list[str]:
        return list(dict.fromkeys(one.district for one in self.warnings))

    @property
    def grade(self) -> int:
        return max(one.grade for one in self.warnings)

    @property
    def by_rule(self) -> bool:
        return all(one.put_by == "rule" for one in self.warnings)

    @property
    def chosen_on(self) -> date | None:
        return max((one.chosen_on for one in self.warnings if one.chosen_on is not None), default=None)


def visits(
    warnings: Iterable[Warning],
    limits: Mapping[str, Capacity],
    checks: Mapping[str, Checks],
    day: date,
    festival_days: int,
    already: Mapping[str, int] | None = None,
) -> dict[Key, Visit]:
    """Choose the visits of a day over all districts; `limits` says what each district of a warning can do.

    `already` of a district's checks are given away (random checks).
    """
    found: dict[Key, Visit] = {}
    going: list[_Unit] = []
    for unit in _units(warnings, festival_days):
        again = max(limits[place].again_days for place in unit.districts)
        why = lately(unit.chosen_on, checks.get(unit.name), again, day)
        if why is None:
            going.append(unit)
        else:
            found |= {one.key: Visit(None, REST, None, *why, unit.chosen_on) for one in unit.warnings}
    chosen = _chosen(going, limits, checks, already or {})
    for place, each in chosen.items():
        for by, units in each.items():
            for turn, unit in enumerate(units, start=1):
                capped = unit.grade >= _CHECKED_FROM and over(checks.get(unit.name), limits[place])
                zh, en = _why(unit, by, turn, place, day, festival_days, capped=capped)
                visit = Visit(_number(place, unit.name, day), by, turn, zh, en, day)
                found |= {one.key: visit for one in unit.warnings}
    for unit in going:
        for one in unit.warnings:
            if one.key not in found:
                why = _beyond(unit, limits[one.district], checks.get(unit.name))
                found[one.key] = Visit(None, BEYOND, None, *why, unit.chosen_on)
    return found


def _chosen(
    units: Sequence[_Unit],
    limits: Mapping[str, Capacity],
    checks: Mapping[str, Checks],
    already: Mapping[str, int],
) -> dict[str, dict[str, list[_Unit]]]:
    """Return, by district and by check or call, whom it goes to: each unit is gone to by one district at most.

    A unit asks the district of its most urgent warning first, and the next one only if there is no place for it there.
    Each district keeps those with most at stake of all that asked it, so the order of districts makes no difference.
    """
    asked = dict.fromkeys((unit.name for unit in units), 0)
    while True:
        found: dict[str, dict[str, list[_Unit]]] = {}
        left: list[_Unit] = []
        for place in sorted({unit.districts[asked[unit.name]] for unit in units}):
            limit = limits[place]
            own = [unit for unit in units if unit.districts[asked[unit.name]] == place]
            may = [u for u in own if u.grade >= _CHECKED_FROM and not over(checks.get(u.name), limit)]
            checked = _take(may, max(0, limit.checks - already.get(place, 0)), limit.rule_share)
            names = {unit.name for unit in checked}
            called = _take([unit for unit in own if unit.name not in names], limit.calls, limit.rule_share)
            names |= {unit.name for unit in called}
            found[place] = {CHECK: checked, CALL: called}
            left += [unit for unit in own if unit.name not in names]
        left = [unit for unit in left if asked[unit.name] + 1 < len(unit.districts)]
        if not left:
            return found
        for unit in left:
            asked[unit.name] += 1


def _units(warnings: Iterable[Warning], festival_days: int) -> list[_Unit]:
    """Return the units, most at stake first, each with its most urgent warning first."""
    each: dict[str, list[Warning]] = {}
    for one in sorted(warnings, key=lambda one: (-one.stake(festival_days), one.key)):
        each.setdefault(one.unit, []).append(one)
    units = [
        _Unit(name, tuple(own), sum(one.stake(festival_days) for one in own)) for name, own in each.items()
    ]
    return sorted(units, key=lambda unit: (-unit.stake, unit.name))


def _take(units: Sequence[_Unit], places: int, rule_share: float) -> list[_Unit]:
    """Take the first for each place; of the places a share is the rules' own, and what one leaves the other takes."""
    of_rules = [unit for unit in units if unit.by_rule]
    of_model = [unit for unit in units if not unit.by_rule]
    kept = min(len(of_rules), math.floor(rule_share * places + 1e-9))
    first = min(len(of_model), places - kept)
    names = {unit.name for unit in (*of_model[:first], *of_rules[: places - first])}
    return [unit for unit in units if unit.name in names]


def lately(
    chosen_on: date | None, known: Checks | None, again_days: int, day: date
) -> tuple[str, str] | None:
    """Return why a firm rests on a day (last chosen on `chosen_on`, checked as `known`), None if it need not."""
    since = day - timedelta(days=again_days)
    if chosen_on is not None and since < chosen_on < day:
        return f"{chosen_on} 已安排，{again_days}日内不重复", (
            f"a visit was chosen on {chosen_on}; none again within {again_days} days"
        )
    if known is not None and known.last is not None and known.last > since:
        return f"{known.last} 已检查，{again_days}日内不重复", (
            f"checked on {known.last}; none again within {again_days} days"
        )
    return None


def _beyond(unit: _Unit, limit: Capacity, known: Checks | None) -> tuple[str, str]:
    """Return what was full when the turn of a unit came: calls, and checks if it may be checked at all."""
    zh, en = f"走访{limit.calls}处", f"{limit.calls} calls"
    if unit.grade >= _CHECKED_FROM and not over(known, limit):
        zh, en = f"检查{limit.checks}处、{zh}", f"{limit.checks} checks and {en}"
    return f"超出力量：今日{zh}已排满", f"beyond today's strength: {en} are taken"


def over(known: Checks | None, capacity: Capacity) -> bool:
    """Say whether a firm was checked as often in a year as the district may."""
    return known is not None and known.in_year >= capacity.checks_a_year


def _why(
    unit: _Unit, by: str, turn: int, place: str, day: date, festival_days: int, *, capped: bool
) -> tuple[str, str]:
    heads = [one.heads for one in unit.warnings if one.heads is not None]
    money = [one.open_yuan for one in unit.warnings if one.open_yuan is not None]
    p90 = max(one.p90 for one in unit.warnings)
    pay = min((one.pay_days for one in unit.warnings if one.pay_days is not None), default=None)
    zh = [f"{_WORDS[by][0]}第{turn}处"]
    en = [f"{_WORDS[by][1]} {turn}"]
    if len(unit.districts) > 1:
        name = divisions.name(place, day) if place else "未注明区县"
        zh.append(f"涉{len(unit.districts)}个区县，由{name}牵头")
        en.append(f"in {len(unit.districts)} districts, led by {name}")
    if capped:
        zh.append("该单位年度检查次数已满，改为走访")
        en.append("the firm's checks of the year are used up")
    if len(unit.warnings) > 1:
        zh.append(f"合并{len(unit.warnings)}条预警")
        en.append(f"{len(unit.warnings)} warnings together")
    zh.append(f"概率{percent(p90)}")
    en.append(f"p90 {percent(p90)}")
    if heads:
        zh.append(f"预计{sum(heads):.0f}人")
        en.append(f"{sum(heads):.0f} workers")
    if money:
        zh.append(f"待落实资金{sum(money) / 1e4:.1f}万元")
        en.append(f"{sum(money):,.0f} yuan still to be secured")
    if pay is not None:
        due = (
            ("发薪日已过", "a pay day has passed unpaid")
            if pay < 0
            else ("今日为发薪日", "today is a pay day")
        )
        zh.append(f"距发薪日{pay:.0f}天" if pay > 0 else due[0])
        en.append(f"{pay:.0f} days to the pay day" if pay > 0 else due[1])
    zh.append(f"距春节{festival_days}天")
    en.append(f"{festival_days} days to Spring Festival")
    return "，".join(zh), ", ".join(en)


_WORDS = {CHECK: ("检查", "check"), CALL: ("走访", "call")}


def _number(district: str, unit: str, day: date) -> str:
    """Return the number of a visit: its day, its district, and eight characters of whom it goes to."""
    return f"V{day:%Y%m%d}-{district or '0'}-{hashlib.sha256(unit.encode()).hexdigest()[:8].upper()}"
