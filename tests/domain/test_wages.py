from datetime import date

from anxin.domain import wages

ON = date(2025, 6, 1)


def test_the_minimum_wage_rises_on_its_day_and_old_codes_follow_their_district():
    assert wages.minimum_wage("500106", date(2024, 12, 31)) == 2100
    assert wages.minimum_wage("500106", date(2025, 1, 1)) == 2330
    assert wages.minimum_wage("500381", ON) == wages.minimum_wage("500116", ON)
    assert wages.minimum_wage("500229", ON) == 2200
    assert wages.minimum_wage("500106", date(2010, 1, 1)) is None
    assert wages.minimum_wage("060000", ON) is None


def test_the_labour_share_goes_by_class_and_is_unknown_where_nothing_says():
    assert wages.labour_share("building", "500106", ON) == 0.30
    assert wages.labour_share("railway", "500106", ON) == 0.20
    assert wages.labour_share("energy", "500106", ON) is None
    assert wages.labour_share("building", "060000", ON) is None


def test_a_wage_account_is_due_from_four_million_yuan_and_three_months():
    rule = wages.account_rule("500106", ON)
    assert rule is not None
    assert rule.applies(4_000_000, date(2025, 11, 30), date(2026, 2, 28))
    assert not rule.applies(3_999_999, date(2025, 1, 1), date(2026, 1, 1))
    assert not rule.applies(4_000_000, date(2025, 11, 30), date(2026, 2, 27))
    assert wages.account_rule("060000", ON) is None


def test_a_wage_deposit_is_due_from_three_million_yuan_in_china_since_the_rules_came_into_force():
    assert wages.deposit_rule("500106", ON) == wages.DepositRule(3_000_000, 30)
    assert wages.deposit_rule("500106001", date(2021, 11, 1)) is not None
    assert wages.deposit_rule("500106", date(2021, 10, 31)) is None
    assert wages.deposit_rule("060000", ON) is None


def test_a_public_owner_pays_four_fifths_of_what_is_completed():
    assert wages.public_progress_share("500106", ON) == 0.80
    assert wages.public_progress_share("060000", ON) is None
    assert wages.in_china("500106001")
    assert not wages.in_china("060000")
