"""The rule table: what hits, where, from when, and what a hit says."""

from __future__ import annotations

from datetime import date, timedelta
from time import perf_counter

import numpy as np
import pyarrow as pa
import pytest

from anxin.domain.law import article
from anxin.features.catalogue import catalogue
from anxin.models.rules import Joined, Limit, Rule, fingerprint, flags, hits, rules

from . import made

DAY = date(2026, 2, 1)
CHONGQING, BAOYING, NANJING = "500103", "321023", "320102"
GUIYANG, CALIFORNIA = "520102", "060000"

LIMITS = [(rule, limit) for rule in rules() for limit in rule.when.limits()]


def snapshot(districts: list[str] | None = None, **columns: list[float | None]) -> pa.Table:
    """A snapshot with some columns of the catalogue; everything else is missing."""
    size = len(next(iter(columns.values())))
    made = {name: pa.array(values, pa.float64()) for name, values in columns.items()}
    return pa.table({"district": pa.array(districts or [CHONGQING] * size), **made})


def names(found: list[tuple[object, ...]]) -> list[set[str]]:
    return [{hit.rule.name for hit in each} for each in found]  # type: ignore[attr-defined]


def test_every_rule_reads_features_that_exist_and_cites_laws_that_exist() -> None:
    for rule in rules():
        assert {limit.feature for limit in rule.when.limits()} <= set(catalogue()), rule.name
        assert rule.kinds, rule.name
        assert rule.law and all(article(id).cite_zh for id in rule.law), rule.name
        assert rule.ask and all(article(paper.law).cite_zh for paper in rule.ask), rule.name
        assert rule.raises_to in range(5)
        assert rule.source
        assert rule.zh and rule.en and not (set(rule.zh) & set(",;:")), rule.name


def test_versions_of_a_rule_are_told_apart_by_place_or_day() -> None:
    seen = [(rule.name, prefix, rule.valid_from) for rule in rules() for prefix in rule.districts]
    assert len(seen) == len(set(seen))


def test_what_raises_to_red_without_an_own_source_is_only_for_the_place_that_uses_it() -> None:
    for rule in rules():
        if rule.raises_to == 4 and set(rule.districts) & {"", "CN"}:
            assert isinstance(rule.when, Joined) and rule.when.every, rule.name


@pytest.mark.parametrize(("rule", "limit"), LIMITS, ids=[f"{r.name}-{x.feature}" for r, x in LIMITS])
def test_a_limit_holds_at_its_figure_as_written_and_never_without_a_value(rule: Rule, limit: Limit) -> None:
    def holds(value: float) -> bool:
        return bool(limit.holds({limit.feature: np.array([value])})[0])

    assert not holds(np.nan)
    for figure, inside, outside in (
        (limit.at_least, 0.0, -1.0),
        (limit.at_most, 0.0, 1.0),
        (limit.above, 1.0, 0.0),
        (limit.below, -1.0, 0.0),
    ):
        if figure is not None:
            assert holds(figure + inside * 1e-6), rule.name
            assert not holds(figure + outside * 1e-6), rule.name


def test_all_needs_every_part_and_any_needs_one() -> None:
    a, b = Limit("cases_open", at_least=1), Limit("complaints_open", at_least=1)
    values = {"cases_open": np.array([1, 1, 0, np.nan]), "complaints_open": np.array([1, 0, 0, 1])}
    assert list(Joined((a, b), every=True).holds(values)) == [True, False, False, False]
    assert list(Joined((a, b), every=False).holds(values)) == [True, True, False, True]


def test_a_hit_gives_the_value_and_the_day_of_the_first_limit_that_holds() -> None:
    table = snapshot(
        suits_dishonest=[2.0],
        suits_dishonest_days=[9.0],
        cases_open=[None],
        suits_wages_open=[1.0],
        suit_wages_days=[40.0],
    )
    hit = next(hit for hit in hits(table, "employer", DAY)[0] if hit.rule.name == "dishonest_owing_wages")
    assert (hit.feature, hit.value, hit.date) == ("suits_dishonest", 2.0, DAY - timedelta(days=9))
    assert hit.rule.raises_to == 2
    assert "裁判" in hit.rule.ask_zh and "《" in hit.rule.law_zh


def test_an_alternative_that_does_not_hold_is_not_what_is_shown() -> None:
    table = snapshot(owner_credit_overdue_days=[3.0], owner_suits_enforced=[2.0])
    hit = next(hit for hit in hits(table, "project", DAY)[0] if hit.rule.name == "owner_troubled")
    assert (hit.feature, hit.value, hit.date) == ("owner_suits_enforced", 2.0, None)


def test_the_version_of_the_place_governs_and_a_place_abroad_has_none_of_china() -> None:
    table = snapshot([CHONGQING, BAOYING, GUIYANG, CALIFORNIA], wages_unpaid_days=[40.0] * 4)
    found = hits(table, "employer", DAY)
    assert names(found) == [
        {"unpaid_past_pay_day", "unpaid_over_month"},
        {"unpaid_over_month"},
        names(found)[0],
        set(),
    ]
    assert [max((hit.rule.raises_to for hit in each), default=0) for each in found] == [0, 3, 0, 0]
    ages = snapshot([BAOYING] * 3, wages_unpaid_days=[30.0, 60.0, 61.0])
    assert [each[0].rule.raises_to for each in hits(ages, "employer", DAY)] == [2, 3, 4]


def test_a_rule_is_not_in_force_before_its_day() -> None:
    table = snapshot(account_missing=[1.0])
    assert names(hits(table, "project", date(2022, 8, 16))) == [{"account_missing"}]
    assert names(hits(table, "project", date(2022, 8, 15))) == [set()]


def test_a_complaint_is_a_flag_everywhere_and_cites_no_law_of_china_abroad() -> None:
    found = hits(snapshot([CALIFORNIA, NANJING], complaints_90d=[1.0] * 2), "employer", DAY)
    assert names(found) == [{"complained"}] * 2
    assert [each[0].rule.law for each in found] == [(), ("jiancha",)]


def _within(limit: Limit) -> float:
    """A value within the bounds of a limit."""
    low = limit.at_least if limit.at_least is not None else limit.above
    high = limit.at_most if limit.at_most is not None else limit.below
    if low is not None:
        return low if limit.above is None else low + 0.5 * ((high or low + 2.0) - low)
    return 0.0 if high is None else high - (0.0 if limit.below is None else 0.5)


@pytest.mark.parametrize(("district", "on"), made.PLACES_AND_DAYS)
@pytest.mark.parametrize("kind", ["employer", "project"])
def test_every_hit_cites_only_what_is_in_force_there_and_then(kind: str, district: str, on: date) -> None:
    reached = [rule for rule in rules() if kind in rule.kinds and rule.reach(district, on) >= 0]
    # A row per rule, in which all its limits hold.
    columns = {limit.feature: [None] * len(reached) for _, limit in LIMITS}
    for row, rule in enumerate(reached):
        for limit in rule.when.limits():
            columns[limit.feature][row] = _within(limit)  # type: ignore[call-overload]
    found = hits(snapshot([district] * len(reached), **columns), kind, on)  # type: ignore[arg-type]
    seen = {hit.rule.name for each in found for hit in each}
    assert {rule.name for rule in reached} <= seen
    for hit in (hit for each in found for hit in each):
        for cited in map(article, hit.rule.law):
            assert cited.place == "CN" or district.startswith(cited.place), (hit.rule.name, cited.id)
            assert cited.since <= on and (cited.until is None or on < cited.until), (hit.rule.name, cited.id)
        assert hit.rule.law or hit.rule.raises_to == 0, hit.rule.name


def test_a_rule_without_an_article_there_says_what_it_saw_and_cites_nothing() -> None:
    table = snapshot(
        [CHONGQING, NANJING], leavers_unsettled_heads=[3.0] * 2, leavers_unsettled_days=[40.0] * 2
    )
    here, there = (each[0].rule for each in hits(table, "project", DAY))
    assert (here.name, there.name) == ("leavers_unsettled", "leavers_unsettled")
    assert (here.law, there.law) == (("fangan-8",), ())
    assert (there.law_zh, there.law_en, there.zh) == ("", "", here.zh)


def test_a_rule_that_has_another_article_there_still_raises() -> None:
    table = snapshot([CHONGQING, NANJING], case_verified_open_days=[40.0] * 2, cases_open=[1.0] * 2)
    found = [
        next(hit.rule for hit in each if hit.rule.name == "case_open_month")
        for each in hits(table, "project", DAY)
    ]
    assert [rule.law for rule in found] == [("jiancha-26", "fangan-21"), ("jiancha-26",)]
    assert [rule.raises_to for rule in found] == [2, 2]


def test_a_rule_whose_law_was_not_yet_in_force_raises_nothing_and_comes_last() -> None:
    table = snapshot([NANJING], notice_bank_notice_days=[5.0], case_open_workers=[40.0])
    for on, raised in ((date(2020, 4, 30), [2, 0]), (date(2020, 5, 1), [2, 2])):
        found = [hit for hit in hits(table, "project", on)[0]]
        assert {"bank_notice", "case_major"} == {hit.rule.name for hit in found}
        assert [hit.rule.raises_to for hit in found] == raised
        assert found[0].rule.name == ("case_major" if raised[1] == 0 else "bank_notice")


def test_a_rule_in_force_from_a_day_rests_on_law_in_force_that_day() -> None:
    for rule in rules():
        for prefix in rule.districts if rule.valid_from else ():
            place = CHONGQING if prefix == "CN" else prefix.ljust(6, "0")
            assert rule.standing(place, rule.valid_from or DAY).law, rule.name


def test_a_rule_written_for_one_kind_hits_no_other() -> None:
    table = snapshot(wages_unpaid_months=[2.0], wages_unpaid_share=[0.6])
    firm, site = (names(hits(table, kind, DAY))[0] for kind in ("employer", "project"))
    assert site - firm == {"unpaid_two_months_half"}
    assert firm - site == {"unpaid_two_months_half_firm"}
    assert list(flags(table.append_column("kind", pa.array(["project"])))) == [float(len(site))]


def test_ten_workers_are_those_of_one_month_and_not_a_few_counted_every_month() -> None:
    table = snapshot(
        ["340802"] * 2,
        attended_unpaid_heads=[12.0, 12.0],
        attended_unpaid_heads_month=[4.0, 10.0],
        wages_unpaid_days=[20.0, 20.0],
    )
    found = names(hits(table, "project", DAY))
    assert [("unpaid_ten_workers" in each) for each in found] == [False, True]


def test_hits_that_raise_highest_come_first() -> None:
    table = snapshot(
        complaints_90d=[1.0],
        wages_unpaid_months=[2.0],
        wages_unpaid_share=[0.6],
        suits_wages_enforced=[1.0],
        case_open_workers=[30.0],
    )
    raised = [hit.rule.raises_to for hit in hits(table, "employer", DAY)[0]]
    assert raised == sorted(raised, reverse=True) and raised[0] == 2


def test_flags_count_the_rules_that_hit_each_subject_on_its_own_day() -> None:
    table = snapshot(
        complaints_90d=[2.0, 0.0, None, 1.0],
        progress_paid_share=[0.5, 0.9, None, None],
        credit_overdue_days=[45.0, 29.0, None, None],
        account_missing=[None, None, None, 1.0],
    )
    days = pa.array([DAY, DAY, DAY, date(2021, 6, 1)])
    assert list(flags(table.append_column("as_of", days))) == [3.0, 0.0, 0.0, 1.0]


def test_a_snapshot_of_nobody_is_hit_by_nothing() -> None:
    empty = snapshot(complaints_90d=[1.0]).slice(0, 0)
    assert hits(empty, "employer", DAY) == []
    assert list(flags(empty)) == []


def test_the_table_has_a_fingerprint() -> None:
    assert len(fingerprint()) == 64


def test_many_rows_take_no_longer_than_their_columns() -> None:
    size = 50_000
    rng = np.random.default_rng(1)
    needed = {limit.feature for rule in rules() for limit in rule.when.limits()}
    columns = {name: pa.array(np.where(rng.random(size) < 0.02, 100.0, np.nan)) for name in needed}
    table = pa.table({"district": pa.array([CHONGQING] * size), **columns})
    began = perf_counter()
    found = hits(table, "employer", DAY)
    assert perf_counter() - began < 10  # a loop over rows in Python takes minutes
    assert (flags(table) >= [len(each) for each in found]).all()
