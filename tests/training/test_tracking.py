"""What MLflow keeps of a training: figures with intervals, plots, the filled card, what tuning and ablation found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from anxin.judging.evaluator import judge, mean_over_dates
from anxin.training.ablation import Worth
from anxin.training.card import card
from anxin.training.intervals import intervals
from anxin.training.pictures import influences
from anxin.training.settings import Settings
from anxin.training.tracking import log_training, mlflow_at
from anxin.training.train import Trained
from anxin.training.tuning import Tuned

TUNED = Tuned(
    {"num_leaves": 9},
    True,
    {"trials": 7, "pruned": 2, "folds": ["2024-01-01"], "mark": {"in_use": 0.1, "best": 0.1234}},
)
WORTH = (Worth("energy", "all", 12, 3, 0.0123, -0.001, 0.03),)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, trained: Trained, settings: Settings) -> Any:
    """A logged training as MLflow gives it back: the run, and its artifacts in a folder."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("MLFLOW_TRACKING_URI", raising=False)
        log_training(home / "mlruns", trained, settings, TUNED, WORTH)
        with mlflow_at(home / "mlruns") as mlflow:
            (found,) = mlflow.search_runs(output_format="list")
            folder = Path(
                mlflow.artifacts.download_artifacts(run_id=found.info.run_id, dst_path=str(home / "got"))
            )
    return found, folder


def test_figures_have_intervals(run: Any) -> None:
    metrics = run[0].data.metrics
    for group in ("all", "new"):
        low, mean, high = (
            metrics[f"{end}.model.{group}.average_precision"] for end in ("low", "mean", "high")
        )
        assert low < mean < high
    assert metrics["mean.model.all.log_loss_skill"] > 0
    assert metrics["ablation.energy.all.mean"] == 0.0123
    for baseline in ("red_flags", "complaints_90d"):
        low, mean, high = (metrics[f"gain.{baseline}.all.{end}"] for end in ("low", "mean", "high"))
        assert low < mean < high
        means = [metrics[f"mean.{name}.all.average_precision"] for name in ("model", baseline)]
        assert mean == pytest.approx(means[0] - means[1])


def test_plots_card_and_what_was_found_are_there(run: Any, trained: Trained) -> None:
    found, folder = run
    for name in ("calibration", "gain", "shap_bar", "shap_beeswarm"):
        assert (folder / "plots" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    text = (folder / "model_card.md").read_text(encoding="utf-8")
    for said in (
        trained.model.model_id,
        trained.model.facts["fingerprint"],
        "0.1234",
        "+0.0123",
        "局限",
        "线索",
    ):
        assert said in text
    assert json.loads((folder / "tuning.json").read_text())["trials"] == 7
    assert (folder / "model_files" / "manifest.json").read_bytes() == (
        trained.folder / "manifest.json"
    ).read_bytes()
    assert found.data.tags["data_fingerprint"] == trained.model.facts["fingerprint"]
    assert found.data.params["settings"] == "stored"


def test_the_card_leaves_out_what_was_not_done(trained: Trained, settings: Settings) -> None:
    text = card(trained, settings, {}, None, ())
    assert "调参" not in text
    assert "各族" not in text
    # Tables are not torn apart by the template: each has its head, and rows of as many cells.
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 4
    for table in tables:
        assert set(table[1]) == set("| -")
        assert len({row.count("|") for row in table}) == 1, table


def test_influences_are_the_mean_absolute_contributions(trained: Trained) -> None:
    found = influences(trained)
    parts, _ = trained.model.ordered.contributions(trained.model.matrix(trained.sample))
    expected = dict(zip(trained.model.ordered.features, np.abs(parts).mean(axis=0), strict=True))
    assert dict(zip(found["feature"], found["contribution"], strict=True)) == pytest.approx(expected)
    assert found["contribution"].is_monotonic_decreasing


def test_intervals_hold_the_figure_and_narrow_with_more_subjects() -> None:
    rng = np.random.default_rng(0)

    def rows(subjects: int) -> pd.DataFrame:
        p = rng.beta(0.5, 5.0, subjects)
        days = pd.DataFrame(
            {
                "subject_id": [f"S{i}" for i in range(subjects)],
                "p90": p,
                "in_hand": rng.random(subjects) < 0.3,
                "y": (rng.random(subjects) < p).astype(float),
            }
        )
        # The same subjects and outcomes on three dates: no more than one date is known.
        return pd.concat([days.assign(as_of=day) for day in ("a", "b", "c")], ignore_index=True)

    widths = []
    for each in (rows(300), rows(4800)):
        found = intervals(each, "employer")
        means = mean_over_dates(judge(each.assign(figure=each["p90"])), "new")
        assert found["new"]["average_precision"].mean == pytest.approx(means["average_precision"])
        for name in ("average_precision", "precision_100", "log_loss_skill", "slope"):
            one = found["all"][name]
            assert one.low is not None
            assert one.mean is not None
            assert one.high is not None
            assert one.low < one.mean < one.high
        precision = found["all"]["average_precision"]
        widths.append((precision.high or 0.0) - (precision.low or 0.0))
    assert widths[0] > 2 * widths[1]


def test_without_a_judged_row_there_are_no_intervals() -> None:
    rows = pd.DataFrame(
        {"subject_id": ["A"], "as_of": ["a"], "y": [np.nan], "p90": [0.1], "in_hand": [False]}
    )
    assert intervals(rows, "employer") == {}
