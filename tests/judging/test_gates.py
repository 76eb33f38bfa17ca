"""The gates on made-up rows: a model that is better, worse, the same, over-sure, unfair, or shakes the list."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from anxin.judging.evidence import fresh_dates, paired
from anxin.judging.fairness import fair
from anxin.judging.gate import bounds
from anxin.judging.gates import calibrated, calm, promises, promises_in_turn, worth
from anxin.judging.resampling import binomial, overlap
from anxin.models.promises import left

DATES = [date(2025, 1, 1) + timedelta(days=30 * i) for i in range(4)]


def rows(
    subjects: int = 3000, noise: float = 0.0, seed: int = 0, rate: float = -4.0, **columns: Any
) -> pd.DataFrame:
    """Return subjects on four dates: `theirs` knows their danger, `ours` knows it but for `noise` (standard errors)."""
    rng = np.random.default_rng(seed)
    danger = rng.normal(rate, 1.5, subjects)
    parts = []
    for i, day in enumerate(DATES):
        moved = danger + 0.3 * rng.normal(size=subjects)
        p = 1 / (1 + np.exp(-moved))
        parts.append(
            pd.DataFrame(
                {
                    "subject_id": [f"S{j:05d}" for j in range(subjects)],
                    "as_of": day,
                    "y": (rng.random(subjects) < p).astype(float),
                    "in_hand": np.arange(subjects) % 10 == i,
                    "theirs": p,
                    "ours": 1 / (1 + np.exp(-(moved + noise * rng.normal(size=subjects)))),
                    "district": np.where(np.arange(subjects) % 2, "500103", "500106"),
                    "ownership": "private",
                    "size": np.where(np.arange(subjects) % 500, "<10人", "≥300人"),
                }
            )
        )
    return pd.concat(parts, ignore_index=True).assign(**columns)


def test_the_same_model_is_not_worse() -> None:
    found = worth(rows())
    assert found.state == "passed"
    for group in ("all", "new"):
        assert found.figures[group]["gain"] == 0
        assert found.figures[group]["low"] == found.figures[group]["high"] == 0
        assert found.figures[group]["dates"] == 4


def test_a_model_that_lost_half_of_what_was_known_is_worse_and_the_gate_says_for_whom() -> None:
    found = worth(rows(noise=3.0))
    assert found.state == "failed"
    assert found.figures["new"]["high"] < 0
    assert "新发现" in found.zh
    assert "new AP" in found.en
    assert worth(rows(noise=3.0).rename(columns={"ours": "theirs", "theirs": "ours"})).state == "passed"


def test_new_finds_decide_whatever_is_gained_on_those_in_hand() -> None:
    table = rows()
    blind = table.assign(ours=np.where(table["in_hand"], table["theirs"] + 10 * table["y"], 0.01))
    found = worth(blind)
    assert found.state == "failed"
    assert "新发现" in found.zh


def test_one_bad_date_is_a_regret() -> None:
    table = rows()
    bad = table["as_of"] == DATES[2]
    better = table.assign(ours=np.where(table["y"] == 1, table["theirs"] + 0.05, table["theirs"]))
    assert worth(better).state == "passed"
    rng = np.random.default_rng(1)
    found = worth(better.assign(ours=np.where(bad, rng.random(len(table)), better["ours"])))
    assert found.figures["all"]["gain"] > 0
    assert found.figures["all"]["worst_date"] == str(DATES[2])
    assert found.state == "failed"


def test_where_hardly_anything_came_true_nothing_is_known() -> None:
    table = rows(subjects=60, rate=-8.0)
    assert table["y"].sum() < bounds()["fewest_positives"]
    for found in (worth(table), calibrated(table, "employer")):
        assert found.state == "unknown"
    assert worth(table.iloc[:0]).state == "unknown"


def test_the_truth_is_calibrated_and_what_is_too_sure_or_too_high_is_not() -> None:
    table = rows()
    honest = calibrated(table, "employer")
    assert honest.state == "passed"
    assert honest.figures["skill"]["value"] > 0
    margin = np.log(table["ours"]) - np.log1p(-table["ours"])
    for change, name in ((2 * margin + 4, "slope"), (margin + 1, "observed_expected")):
        found = calibrated(table.assign(ours=1 / (1 + np.exp(-change))), "employer")
        assert found.state == "failed"
        assert name in found.zh


def test_faults_of_new_finds_are_not_made_good_by_those_in_hand() -> None:
    table = rows()
    table = table.assign(in_hand=table.index % 2 == 0)
    margin = np.log(table["ours"]) - np.log1p(-table["ours"])
    moved = margin + np.where(table["in_hand"], -0.8, 0.5)
    apart = table.assign(ours=1 / (1 + np.exp(-moved)))
    found = calibrated(apart, "employer")
    assert 0.8 < found.figures["observed_expected"]["value"] < 1.25
    assert found.state == "failed"
    assert "新发现 observed_expected" in found.zh and "new observed_expected" in found.en


def test_warnings_that_worked_refuse_no_model() -> None:
    """As many averted as verified: by the one count there were twice as many cases as said, by the other as many."""
    table = rows()
    rng = np.random.default_rng(3)
    averted = (table["y"] == 0) & (rng.random(len(table)) < table["ours"])
    worked = table.assign(y_plain=table["y"], y=np.where(averted, 1.0, table["y"]))
    found = calibrated(worked, "employer")
    assert found.state == "passed"
    assert found.figures["observed_expected"]["value"] > 1.25
    assert found.figures["observed_expected_without_averted"]["value"] < 1.25
    assert calibrated(worked.drop(columns="y_plain"), "employer").state == "failed"
    # Twice as many by the one count and half by the other: what was said may well be right.
    half = worked.assign(y_plain=np.where(rng.random(len(table)) < 0.5, table["y"], 0.0))
    assert calibrated(half, "employer").state == "passed"
    # Too few by either count is too few.
    high = 1 / (1 + np.exp(-(np.log(table["ours"]) - np.log1p(-table["ours"]) + 2.5)))
    assert calibrated(half.assign(ours=high), "employer").state == "failed"


def test_what_cannot_be_told_of_probabilities_is_not_passed() -> None:
    table = rows()
    found = calibrated(table.assign(ours=table["y"].mean()), "employer")
    assert found.state == "unknown"
    assert "slope" in found.en


def test_a_few_cases_more_than_said_are_chance() -> None:
    table = rows(subjects=150)
    margin = np.log(table["ours"]) - np.log1p(-table["ours"])
    found = calibrated(table.assign(ours=1 / (1 + np.exp(-(margin - 0.6)))), "project")
    assert found.figures["observed_expected"]["value"] > 1.25
    assert found.figures["observed_expected"]["low"] < 1.25
    assert found.state == "passed"


def promise(precision: float, threshold: float, kept: bool = True) -> dict[str, Any]:
    each = [
        {"grade": 4, "precision": 0.9, "threshold": 0.99, "kept": False},
        {"grade": 3, "precision": precision, "threshold": threshold, "kept": kept},
    ]
    return {"each": each}


def test_a_promise_that_did_not_hold_is_told_and_one_that_was_never_made_is_not() -> None:
    table = rows()
    inside = table.loc[(table["ours"] >= left(0.2)) & (table["ours"] < 0.99), "y"]
    assert promises(table, promise(inside.mean() - 0.02, 0.2)).state == "passed"
    broken = promises(table, promise(inside.mean() + 0.2, 0.2))
    assert broken.state == "failed"
    assert broken.figures["3"]["hits"] == inside.sum()
    assert promises(table, promise(inside.mean() + 0.2, 0.2, kept=False)).state == "unknown"
    assert promises(table, None).state == "unknown"


def test_a_promise_is_tested_on_every_row_that_may_carry_the_grade_those_the_band_keeps_included() -> None:
    p = np.repeat([0.46, 0.41], 200)
    table = pd.DataFrame(
        {
            "subject_id": [f"S{i}" for i in range(400)],
            "as_of": DATES[0],
            "in_hand": False,
            "ours": p,
            "y": np.where(np.arange(400) < 90, 1.0, 0.0),
        }
    )
    each = [{"grade": 4, "precision": 0.40, "threshold": 0.444, "kept": True}]
    found = promises(table, {"each": each})
    assert (found.state, found.figures["4"]["rows"], found.figures["4"]["hits"]) == ("failed", 400, 90)


def test_a_promise_of_a_grade_and_worse_ones_is_tested_on_the_rows_of_all_and_named_so() -> None:
    """Red rows come true, yellow ones do not: together one in five, alone nothing."""
    table = pd.DataFrame(
        {
            "subject_id": [f"S{i}" for i in range(1000)],
            "as_of": DATES[0],
            "in_hand": False,
            "ours": np.repeat([0.6, 0.1], 500),
            "y": np.where(np.arange(1000) < 200, 1.0, 0.0),
        }
    )
    red = {"grade": 4, "precision": 0.40, "threshold": 0.5, "kept": False}
    yellow = {"grade": 2, "precision": 0.10, "threshold": 0.08, "kept": True}
    found = promises(table, {"each": [red, yellow | {"together": True}]})
    assert (found.state, found.figures["2"]["rows"], found.figures["2"]["hits"]) == ("passed", 1000, 200)
    assert found.zh.startswith("黄及以上") and "yellow and worse" in found.en
    assert promises(table, {"each": [red, yellow]}).state == "failed"


def test_a_promise_of_which_too_little_was_seen_to_fail_is_not_called_tested() -> None:
    few = rows().head(5).assign(ours=0.5, y=0.0)
    found = promises(few, promise(0.2, 0.4))
    assert (found.state, found.en) == ("unknown", "no promise that could be tested")


def apart_rows(fall: float, seed: int = 3) -> pd.DataFrame:
    """Return dates that share no outcome; on the newest cases come true `fall` times as often as said."""
    table = rows(subjects=8000, seed=seed)
    days = {day: date(2024, 1, 1) + timedelta(days=120 * i) for i, day in enumerate(DATES)}
    table["as_of"] = table["as_of"].map(days)
    newest = (table["as_of"] == days[DATES[-1]]).to_numpy()
    kept = np.random.default_rng(seed).random(len(table)) < fall
    return table.assign(y=table["y"].where(~newest | kept, 0.0))


def test_promises_made_without_a_date_are_held_against_that_date() -> None:
    steady = promises_in_turn(apart_rows(1.0))
    assert steady.state == "passed"
    tested = [one for one in steady.figures.values() if one["rows"]]
    assert len(tested) == 4
    assert all(one["hits"] / one["rows"] >= one["promised"] for one in tested)
    only_one = promises_in_turn(apart_rows(1.0).loc[lambda table: table["as_of"] == date(2024, 1, 1)])
    assert only_one.state == "unknown"


def test_a_promise_that_each_other_date_would_make_and_one_breaks_fails_the_gate() -> None:
    """With an order of dates that no margin for ageing sees coming: all is well until the newest, where nothing is."""
    one_bad = promises_in_turn(apart_rows(0.0))
    assert one_bad.state == "failed"
    assert "blue 0/" in one_bad.en


def test_a_district_that_is_overlooked_fails_unless_the_champion_overlooks_it_too() -> None:
    table = rows()
    there = table["district"] == "500106"
    ours = table.assign(ours=np.where(there, table["ours"] * 1e-3, table["ours"]))
    found = fair(ours, "employer")
    assert found.state == "failed"
    assert "500106 recall" in found.zh
    assert fair(table, "employer").state == "passed"
    assert fair(ours.assign(theirs=ours["ours"]), "employer").state == "passed"
    assert fair(ours.assign(theirs=np.nan), "employer").state == "failed"


def test_small_cells_are_hidden() -> None:
    table = rows()
    found = fair(table, "employer")
    assert set(found.figures["cells"]["district"]) == {"500103", "500106"}
    assert set(found.figures["cells"]["size"]) == {"<10人"}
    assert found.figures["hidden"] == 1
    assert "≥300人" not in str(found.figures)


def test_a_list_of_other_people_shakes() -> None:
    day = rows().loc[lambda t: t["as_of"] == DATES[0]]
    assert calm(day).figures["all"] == {"subjects": 3000, "first": 200, "kept": 1.0}
    rng = np.random.default_rng(0)
    assert calm(day.assign(ours=rng.random(len(day)))).state == "failed"
    assert calm(day.head(100)).figures["all"]["first"] == 10
    assert calm(day.iloc[:0]).state == "unknown"


def test_two_backtests_meet_on_the_dates_that_both_judged_and_on_no_other() -> None:
    table = rows(subjects=50).drop(columns="theirs")
    found = paired(table, table.loc[table["as_of"] > DATES[0]])
    assert set(found["as_of"]) == set(DATES[1:])
    assert np.array_equal(found["ours"], found["theirs"])
    # Two days later more is known of what happened since.
    later = table.assign(as_of=[day + timedelta(days=2) for day in table["as_of"]])
    assert not len(paired(table, later))
    assert not len(paired(table, table.iloc[:0]))


def test_fresh_dates_are_mature_and_never_before_a_training() -> None:
    known = date(2026, 7, 1)
    assert fresh_dates(date(2026, 2, 17), known) == []
    found = fresh_dates(date(2025, 1, 1), known)
    assert len(found) == 6
    assert max(found) + timedelta(days=135) == known
    assert min(fresh_dates(date(2026, 1, 1), known)) >= date(2026, 1, 1)


def test_rows_of_one_window_count_once() -> None:
    table = rows(subjects=5)
    assert overlap(table) == 3
    assert overlap(table.loc[table["as_of"] == DATES[0]]) == 1
    assert binomial(0, 0, 0.1) == (0.0, 1.0)
    low, high = binomial(5, 10, 0.1)
    assert low < 0.5 < high
