"""What a reason cites: of a feed's basis what is in force in the subject's district on the list's day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from models import made

from anxin.domain import law
from anxin.features.catalogue import catalogue
from anxin.models.reasons import Part, explain
from anxin.serving.rows import explanation_table, reason_row

CHONGQING, NANJING, CALIFORNIA = "500103", "320102", "060000"
DAY = date(2026, 2, 1)


@pytest.mark.parametrize(("district", "on"), made.PLACES_AND_DAYS)
def test_the_reason_of_every_feature_cites_only_what_is_in_force_there_and_then(
    district: str, on: date
) -> None:
    for feature in catalogue().values():
        basis = reason_row(Part(feature, 1.0, 1.0, None, None), district, on)["basis"] or ""
        for cited in law.cited(basis):
            assert cited.place == "CN" or district.startswith(cited.place), (feature.name, cited.id)
            assert cited.since <= on and (cited.until is None or on < cited.until), (feature.name, cited.id)
        assert "方案" not in basis or (district == CHONGQING and on == DAY), feature.name
        assert "条例 38" not in basis or on.year > 2019, feature.name


def test_a_reason_cites_the_whole_basis_at_home_and_nothing_abroad_or_of_nobody() -> None:
    part = Part(catalogue()["suits_wages_365d"], 1.0, 1.0, None, None)
    assert reason_row(part, CHONGQING, DAY)["basis"] == "方案 20 (诉讼)"
    assert reason_row(part, NANJING, DAY)["basis"] is None
    part = Part(catalogue()["credit_overdue_days"], 1.0, 1.0, None, None)
    assert reason_row(part, NANJING, DAY)["basis"] == "条例 38 (信贷)"
    assert reason_row(part, CALIFORNIA, DAY)["basis"] is None
    assert reason_row(part, "", None)["basis"] is None


def test_each_explanation_cites_what_holds_in_its_own_district() -> None:
    found = [
        replace(one, day=DAY) for one in explain(made.model(), made.snapshot(made.matrix(4, seed=3)), None)
    ]
    places = [NANJING, CHONGQING, CALIFORNIA, NANJING]
    subjects = ["S0", "S1", "S2", "S3"]
    rows = explanation_table("employer", subjects, places, found).to_pylist()
    where = dict(zip(subjects, places, strict=True))
    told = {(where[row["subject_id"]], row["feature"]): row["basis"] for row in rows if row["feature"]}
    assert len(rows) == 4 * (1 + len(made.FEATURES))
    assert told[CHONGQING, "insured_heads"] == "社会保险法; 方案 19"
    assert told[NANJING, "insured_heads"] == "社会保险法"
    assert told[CHONGQING, "suits_wages_365d"] == "方案 20 (诉讼)"
    assert told[NANJING, "suits_wages_365d"] is None
    assert {told[CALIFORNIA, feature] for feature in made.FEATURES} == {None}
