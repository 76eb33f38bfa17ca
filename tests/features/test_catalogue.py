"""The catalogue, and the dictionary rendered from it."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

from anxin.domain.law import article
from anxin.features import dictionary
from anxin.features.catalogue import Feature, catalogue, facts, learned, of, readable
from anxin.feeds.contract import contract

ROOT = Path(__file__).parents[2]
EVERY = pytest.mark.parametrize("feature", catalogue().values(), ids=lambda feature: feature.name)


def test_the_committed_dictionary_is_current() -> None:
    committed = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    assert committed == dictionary.render(), "run python -m anxin.features.dictionary"


def test_a_column_is_either_a_feature_or_a_fact() -> None:
    assert not set(catalogue()) & set(facts())


def test_no_name_is_shown_twice_for_one_kind() -> None:
    for kind in ("employer", "project"):
        for shown in ("zh", "en"):
            names = [getattr(feature, shown) for feature in of(kind)]
            assert len(names) == len(set(names))


@EVERY
def test_sources_are_feeds_of_the_contract(feature: Feature) -> None:
    assert set(feature.sources) <= set(contract())


@EVERY
def test_a_date_is_a_column_of_the_same_family_and_kinds(feature: Feature) -> None:
    if feature.dated is not None:
        dating = catalogue().get(feature.dated) or facts()[feature.dated]
        assert dating.family == feature.family
        assert set(feature.kinds) <= set(dating.kinds)


@EVERY
def test_the_law_cited_exists(feature: Feature) -> None:
    if feature.law is not None:
        assert article(feature.law).cite_zh


@EVERY
def test_sentences_have_both_languages_and_known_places(feature: Feature) -> None:
    for text in (feature.zh_text, feature.en_text):
        places = {name for _, name, _, _ in string.Formatter().parse(text) if name}
        assert places <= {"zh", "en", "value", "usual"}
        assert ("value" in places) == (feature.unit != "flag")
    assert any("一" <= sign <= "鿿" for sign in feature.zh_text)
    assert feature.en_text.isascii()


@EVERY
def test_direction_unit_and_empty_are_what_a_model_can_take(feature: Feature) -> None:
    assert feature.direction in (-1, 0, 1)
    assert feature.unit in {"share", "yuan", "days", "count", "heads", "flag", "number", "ratio", "kwh"}
    assert feature.form in {"share", "points", "yuan", "whole", "flag", "number"}
    assert feature.empty in (None, 0)
    assert not feature.stated or feature.empty == 0


@EVERY
def test_whose_fact_it_is_and_whether_someone_can_change_it(feature: Feature) -> None:
    assert feature.about in ("own", "payer", "around")
    if feature.family not in ("relations", "profile"):
        assert feature.about == "own"
    if feature.about == "payer":
        assert feature.peers
    if feature.actionable:
        assert feature.about != "around"
        assert feature.sources
        assert feature.reason, "what is asked for is first shown as a reason"


def test_models_leave_columns_out_and_people_keep_them() -> None:
    for kind in ("employer", "project"):
        unread = {feature for feature in catalogue().values() if kind in feature.unread}
        assert len(unread) > 100
        assert unread <= set(of(kind)) & set(readable(kind))
        assert set(readable(kind)) - unread == set(learned(kind))


def test_what_may_mean_that_someone_is_in_hand_already_has_no_direction() -> None:
    """Another complaint joins the case that is open: who was complained about yesterday may be safer than who was not."""
    for name in (
        "complaints_30d",
        "complaints_open",
        "days_since_complaint",
        "cases_open",
        "days_since_case",
    ):
        assert catalogue()[name].direction == 0
    for name in ("complaints_365d", "cases_verified_730d", "wages_unpaid_amount"):
        assert catalogue()[name].direction == 1


def test_what_is_open_is_never_better_left_open_for_who_acts_on_it() -> None:
    for name in ("arrears_oldest_days", "complaint_overdue_days", "hazard_open_days", "cases_open"):
        assert (catalogue()[name].direction, catalogue()[name].worse) == (0, 1)
    assert catalogue()["deposit_left_days"].worse == 0


def test_who_stopped_sending_or_lacks_what_must_be_there_is_advised_to_mend_it_and_what_is_past_is_not() -> (
    None
):
    for name in (
        "payroll_silent_days",
        "wage_sheets_missed_months",
        "reserve_missing",
        "project_without_permit",
    ):
        assert (catalogue()[name].direction, catalogue()[name].worse) == (0, 1)
    assert catalogue()["tax_declared_months"].worse == -1
    assert not catalogue()["project_joined_late_days"].actionable


def test_a_column_that_earns_nothing_is_unread_where_another_kind_reads_it() -> None:
    unread = catalogue()["wages_unpaid_amount"]
    assert unread.unread == ("employer",)
    assert unread in learned("project") and unread not in learned("employer")


def test_what_is_read_less_the_median_of_the_day_is_told_as_it_is_and_nobody_acts_on_it() -> None:
    for kind in ("employer", "project"):
        of_day = [feature for feature in of(kind) if feature.of_day]
        for feature in of_day:
            figure = catalogue()[feature.told]
            assert not figure.of_day and kind in figure.kinds
            assert not figure.actionable, "a step to what is usual is not the usual of the day"
    assert not [feature for feature in of("employer") if feature.of_day]
    assert any(feature.of_day for feature in of("project"))


def test_season_sector_district_and_shared_persons_are_around_a_subject() -> None:
    """They never carry a red or orange warning, and nobody can act on them."""
    around = {name for name, feature in catalogue().items() if feature.about == "around"}
    for start in (
        "spring_festival",
        "sector",
        "district",
        "representative",
        "group",
        "owner_group",
        "firm_industry",
    ):
        named = {name for name in catalogue() if name.startswith(start)}
        assert named and named <= around, start


def test_what_a_payer_owes_and_what_a_subject_can_settle_is_said() -> None:
    features = catalogue()
    assert features["owner_credit_overdue_days"].about == "payer"
    assert features["upstream_cases_365d"].about == "payer"
    assert features["site_named_cases_365d"].about == "own"
    for name in ("wages_unpaid_amount", "labour_unpaid_amount", "deposit_missing", "contract_missing_share"):
        assert features[name].actionable
    for name in ("firm_age_days", "complaints_365d", "project_amount", "cases_verified_ever"):
        assert not features[name].actionable


def test_that_a_feed_names_projects_is_needed_of_projects_alone() -> None:
    unfiled = catalogue()["contract_missing_share"]
    assert unfiled.needed("project") == ("labour_contracts.project_id",)
    assert unfiled.needed("employer") == ()
    assert catalogue()["leavers_unsettled_heads"].needed("employer") == ("labour_contracts.cleared_on",)
