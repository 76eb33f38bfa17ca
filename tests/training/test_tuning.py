"""Tuning on temporal folds: repeatable, never judged on what taught, kept for the next training and named by it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml

from anxin.domain.errors import AnxinError
from anxin.feeds.asof import View
from anxin.models.probability import SCORE_HORIZON
from anxin.training.ablation import ablation
from anxin.training.exams import Exam, Marks, exams
from anxin.training.material import Material, gather
from anxin.training.settings import STORED, Settings, keep, of_home, stored
from anxin.training.splits import Fold, folds
from anxin.training.tuning import Budget, Tuned, tune

from .conftest import THROUGH


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Short folds, so that a small docket has two: one to tune on, one to check on."""
    return replace(
        stored(),
        rounds={"employer": 100, "project": 100},
        folds=2,
        step_days=30,
        fold_days=60,
        history_days=90,
    )


@pytest.fixture(scope="module")
def material(everything: View, settings: Settings) -> Material:
    return gather(everything, THROUGH, "employer", settings)


@pytest.fixture(scope="module")
def ready(everything: View, material: Material, settings: Settings) -> list[Exam]:
    every = folds(material.dates, THROUGH, 4, settings.fold_days, material.outages)
    return exams(everything, material, every, settings)


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def tuned(everything: View, material: Material, settings: Settings, said: list[str]) -> Tuned:
    return tune(everything, material, settings, Budget(3, None), say=said.append)


def test_a_budget_in_trials_repeats(
    tuned: Tuned, everything: View, material: Material, settings: Settings
) -> None:
    assert tune(everything, material, settings, Budget(3, None)) == tuned
    assert tuned.facts["trials"] == 3


def test_every_trial_is_told(tuned: Tuned, said: list[str]) -> None:
    assert [line.split(":")[0].rsplit(" ", 1)[1] for line in said] == ["1", "2", "3"]


def test_the_settings_in_use_are_tried_and_nothing_worse_wins(tuned: Tuned) -> None:
    mark = tuned.facts["mark"]
    assert mark["best"] >= mark["in_use"]
    if tuned.won:
        checked = tuned.facts["checked"]
        assert checked["best"]["mark"] >= checked["in_use"]["mark"]
        assert checked["fold"] > max(tuned.facts["folds"])


def test_what_did_not_win_leaves_the_settings_in_use(
    everything: View, material: Material, settings: Settings
) -> None:
    alone = tune(everything, material, settings, Budget(1, None))
    assert not alone.won
    assert alone.parameters == settings.lightgbm["employer"]


def test_no_row_an_exam_teaches_is_of_a_date_it_asks_about_or_known_only_later(
    ready: list[Exam], material: Material, settings: Settings
) -> None:
    assert len(ready) >= 2
    for exam in ready:
        asked = set(material.as_of[exam.places].tolist())
        rows = exam.taught(settings)
        taught = set(material.as_of[rows.places].tolist())
        assert asked.isdisjoint(taught)
        assert max(taught) < exam.fold.through <= min(asked)
        for row, horizon in zip(rows.places, rows.x[:, -1], strict=True):
            ends = material.as_of[row].item() + timedelta(days=int(horizon) + 45)
            assert ends <= exam.fold.through


def test_marks_are_of_the_margin_and_a_perfect_one_is_best(ready: list[Exam]) -> None:
    exam = ready[0]
    y = exam.material.labelled.y[SCORE_HORIZON][exam.places]
    best = exam.marks(np.where(y == 1, 5.0, -5.0))
    worst = exam.marks(np.where(y == 1, -5.0, 5.0))
    assert best.average_precision["all"] == 1.0
    assert best.mark is not None
    assert worst.mark is not None
    assert best.mark > 0.9 > 0.1 > worst.mark


def test_new_finds_weigh_twice_as_much_and_a_group_without_cases_is_left_out() -> None:
    marks = Marks({"all": 0.3, "new": 0.0}, {"all": 0.3, "new": 0.0})
    assert marks.mark == pytest.approx(0.1)
    assert Marks({"all": 0.3}, {"all": 0.3}).mark == pytest.approx(0.3)
    assert Marks({}, {}).mark is None


def test_without_a_fold_there_is_nothing_to_tune_on(
    everything: View, material: Material, settings: Settings
) -> None:
    short = replace(material, dates=material.dates[-2:])
    with pytest.raises(AnxinError, match="--trials"):
        tune(everything, short, settings, Budget(1, None))


def test_what_is_kept_is_used_and_named_by_the_next_training(tmp_path: Path, tuned: Tuned) -> None:
    assert of_home(tmp_path) == stored()
    other = {**tuned.parameters, "num_leaves": 9, "learning_rate": 0.0314}
    keep(tmp_path, "employer", other, tuned.facts)
    found = of_home(tmp_path)
    assert found.lightgbm["employer"] == other
    assert found.lightgbm["project"] == stored().lightgbm["project"]
    assert found.name("employer").startswith("tuned-")
    assert found.name("project") == STORED
    assert of_home(tmp_path) == found
    assert set(tuned.searched) < set(tuned.parameters)
    keep(tmp_path, "employer", {"num_leaves": 9, "learning_rate": 0.0314}, tuned.facts)
    # What was not searched follows the release, not what an earlier tuning tried.
    few = {**stored().lightgbm["employer"], "num_leaves": 9, "learning_rate": 0.0314}
    assert of_home(tmp_path).lightgbm["employer"] == few
    keep(tmp_path, "employer", stored().lightgbm["employer"], tuned.facts)
    assert of_home(tmp_path).name("employer") == STORED
    assert yaml.safe_load((tmp_path / "employer.yaml").read_text())["tuned"]["trials"] == 3


@pytest.mark.parametrize("text", ["lightgbm: [", "lightgbm: 3", "tuned: {}", ""])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "project.yaml").write_text(text)
    with pytest.raises(AnxinError, match=r"project\.yaml"):
        of_home(tmp_path)


def test_a_family_that_is_all_there_is_is_worth_something(ready: list[Exam], settings: Settings) -> None:
    found = ablation(ready[:2], settings, 60)
    worth = {one.family: one for one in found if one.group == "all"}
    assert {one.folds for one in found} == {2}
    assert all(one.low <= one.mean <= one.high for one in found)
    # A docket holds nothing but complaints, cases and the registry.
    assert max(worth.values(), key=lambda one: one.mean).family == "complaints"
    assert sum(one.features for one in worth.values()) == len(ready[0].material.names)
    assert not any(math.isnan(one.mean) for one in found)


def test_nothing_to_sit_is_worth_nothing(settings: Settings) -> None:
    assert ablation([], settings, 60) == []


def test_a_fold_that_asks_about_nothing_that_came_true_is_no_exam(
    everything: View, material: Material, settings: Settings
) -> None:
    early = Fold(material.dates[0], (material.dates[1],))
    assert exams(everything, material, [early], settings) == []
