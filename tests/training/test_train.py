"""Training is a function of the rows received before a day: the same bytes each time, whatever came later."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anxin.domain.errors import AnxinError
from anxin.features.snapshots import snapshots
from anxin.feeds.asof import View
from anxin.models.scoring import score
from anxin.training.settings import Settings
from anxin.training.train import Trained, train

from .conftest import THROUGH


@pytest.fixture(scope="module")
def trained_then(tmp_path_factory: pytest.TempPathFactory, then: View, settings: Settings) -> Trained:
    return train(then, tmp_path_factory.mktemp("models"), THROUGH, "employer", settings)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_another_home_with_other_files_in_another_order_trains_the_same_bytes(
    tmp_path: Path, trained: Trained, shuffled: View, settings: Settings
) -> None:
    again = train(shuffled, tmp_path, THROUGH, "employer", settings)
    assert {"booster.txt", "calibration.json", "manifest.json"} <= set(_bytes(again.folder))
    assert _bytes(again.folder) == _bytes(trained.folder)


def test_rows_received_on_the_day_or_later_change_nothing(trained: Trained, trained_then: Trained) -> None:
    assert trained_then.model.model_id == trained.model.model_id
    assert _bytes(trained_then.folder) == _bytes(trained.folder)
    assert trained_then.backtest.measures == trained.backtest.measures


def test_another_day_is_another_model(
    tmp_path: Path, trained: Trained, everything: View, settings: Settings
) -> None:
    other = train(everything, tmp_path, THROUGH - timedelta(days=45), "employer", settings)
    assert other.model.facts["fingerprint"] != trained.model.facts["fingerprint"]
    assert other.model.model_id != trained.model.model_id


def test_the_model_learned_something_that_was_not_told(trained: Trained) -> None:
    found = [m.auc for m in trained.backtest.measures["model"] if m.group == "all" and m.auc is not None]
    assert np.mean(found) > 0.7
    baseline = trained.backtest.measures["complaints_90d"]
    assert [m.as_of for m in baseline] == [m.as_of for m in trained.backtest.measures["model"]]


def test_every_fold_is_told_with_its_average_precision(trained: Trained, told: list[str]) -> None:
    assert told
    judged = 0
    for line in told:
        found = re.fullmatch(
            r"employer 折 fold: 训练至 through (\S+), 评 judged (\d+) 日 dates  全部 all AP (\S+)  新发现 new AP (\S+)",
            line,
        )
        assert found is not None, line
        assert date.fromisoformat(found[1]) < THROUGH
        assert 0 < float(found[3]) <= 1
        judged += int(found[2])
    assert judged == len(trained.model.facts["folds"])


def test_every_judged_date_lies_after_what_its_fold_knew(trained: Trained) -> None:
    judged = {date.fromisoformat(day) for day in trained.model.facts["folds"]}
    assert judged
    assert max(judged) + timedelta(days=135) <= THROUGH


def test_what_a_model_says_is_about_as_much_as_came_true(trained: Trained, everything: View) -> None:
    day = date.fromisoformat(max(trained.model.facts["folds"]))
    scores = score(trained.model, snapshots(everything, [day], "employer"))
    rate = trained.model.facts["base_rate"]["90"]
    assert rate / 3 < scores["p90"].mean() < rate * 3


@pytest.mark.parametrize(
    ("through", "kind"),
    [
        (THROUGH, "project"),  # no projects at all
        (date(2023, 8, 1), "employer"),  # a month of history
        (date(2023, 6, 1), "employer"),  # before anything was received
    ],
)
def test_too_little_to_learn_from_is_told(
    tmp_path: Path, everything: View, settings: Settings, through: date, kind: str
) -> None:
    with pytest.raises(AnxinError, match=str(through)):
        train(everything, tmp_path, through, kind, settings)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_cases_that_come_only_later_are_told_like_cases_that_never_came(
    tmp_path: Path,
    view_of: Callable[..., View],
    rows: dict[str, list[dict[str, Any]]],
    settings: Settings,
) -> None:
    late = [row for row in rows["cases"] if row["received_at"].date() >= THROUGH]
    assert late
    for cases in (late, []):
        view = view_of({"complaints": rows["complaints"], "employers": rows["employers"], "cases": cases})
        with pytest.raises(AnxinError, match="cases"):
            train(view, tmp_path, THROUGH, "employer", settings)
