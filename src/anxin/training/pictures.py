"""Plots MLflow keeps of a training: calibration out of time, gain, and what moves the score of today's subjects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from anxin.training.train import Trained

Floats = npt.NDArray[np.float64]

_SHOWN = 30
_SWARM = 20


def pictures(trained: Trained, folder: Path) -> list[Path]:
    """Draw what a training can show as PNG files under `folder`; a plot nothing is there for is left out."""
    import matplotlib as mpl

    mpl.use("Agg")
    made = []
    if len(trained.backtest.judged):
        made.append(_calibration(trained, folder / "calibration.png"))
    made.append(_gain(trained, folder / "gain.png"))
    if len(trained.sample):
        rows = trained.model.matrix(trained.sample)
        made.append(_bars(trained, trained.contributions, folder / "shap_bar.png"))
        made.append(_swarm(trained, rows, trained.contributions, folder / "shap_beeswarm.png"))
    return made


def influences(trained: Trained) -> pd.DataFrame:
    """Return `feature, gain, contribution`: the mean absolute contribution to the score of the sampled subjects."""
    ordered = trained.model.ordered
    gain = pd.Series(ordered.booster.feature_importance("gain"), ordered.booster.feature_name())
    parts = trained.contributions
    found = pd.DataFrame(
        {"feature": ordered.features, "gain": gain.reindex(ordered.features).to_numpy(float)}
    )
    found["contribution"] = np.abs(parts).mean(axis=0) if len(parts) else 0.0
    return found.sort_values(["contribution", "feature"], ascending=[False, True], ignore_index=True)


def _calibration(trained: Trained, path: Path) -> Path:
    from matplotlib import pyplot as plt

    known = trained.backtest.judged.loc[trained.backtest.judged["y"].notna()]
    figure, axis = plt.subplots(figsize=(5, 5))
    for name, rows in (("all", known), ("new", known.loc[~known["in_hand"]])):
        if not len(rows):
            continue
        bins = pd.qcut(rows["p90"], 20, duplicates="drop")
        cell = rows.groupby(bins, observed=True)
        p, y, n = cell["p90"].mean(), cell["y"].mean(), cell["y"].size()
        error = 1.645 * np.sqrt(np.maximum(y * (1 - y), 1e-9) / n)
        axis.errorbar(p, y, yerr=error, fmt="o-", markersize=3, label=name)
    most = float(known["p90"].max())
    axis.plot([0, most], [0, most], "k:")
    axis.set(
        xlabel="predicted p90, out of time", ylabel="verified within 90 days", title=trained.model.model_id
    )
    axis.legend()
    return _saved(figure, path)


def _gain(trained: Trained, path: Path) -> Path:
    from matplotlib import pyplot as plt

    booster = trained.model.ordered.booster
    gain = pd.Series(booster.feature_importance("gain"), booster.feature_name())
    shown = gain.sort_values().tail(_SHOWN)
    figure, axis = plt.subplots(figsize=(7, 8))
    axis.barh(shown.index, shown.to_numpy())
    axis.set(xlabel="gain", title=trained.model.model_id)
    return _saved(figure, path)


def _bars(trained: Trained, parts: Floats, path: Path) -> Path:
    from matplotlib import pyplot as plt

    mean = pd.Series(np.abs(parts).mean(axis=0), trained.model.ordered.features).sort_values().tail(_SHOWN)
    figure, axis = plt.subplots(figsize=(7, 8))
    axis.barh(mean.index, mean.to_numpy())
    axis.set(xlabel="mean |contribution| to the score (SHAP)", title=trained.model.model_id)
    return _saved(figure, path)


def _swarm(trained: Trained, rows: Floats, parts: Floats, path: Path) -> Path:
    """Draw each subject's contributions of the strongest features, coloured from low (blue) to high (red) values."""
    from matplotlib import pyplot as plt

    strongest = np.argsort(np.abs(parts).mean(axis=0))[-_SWARM:]
    figure, axis = plt.subplots(figsize=(8, 8))
    jitter = np.random.default_rng(0).uniform(-0.35, 0.35, len(rows))
    for height, place in enumerate(strongest):
        values = rows[:, place]
        known = np.isfinite(values)
        axis.scatter(parts[~known, place], height + jitter[~known], s=3, c="lightgrey", linewidths=0)
        rank = pd.Series(values[known]).rank(pct=True).to_numpy(float)
        axis.scatter(
            parts[known, place],
            height + jitter[known],
            s=3,
            c=rank,
            cmap="coolwarm",
            vmin=0,
            vmax=1,
            linewidths=0,
        )
    axis.axvline(0, color="k", linewidth=0.5)
    axis.set_yticks(range(len(strongest)), [trained.model.ordered.features[place] for place in strongest])
    axis.set(xlabel="contribution to the score (SHAP); grey: missing", title=trained.model.model_id)
    return _saved(figure, path)


def _saved(figure: Any, path: Path) -> Path:
    from matplotlib import pyplot as plt

    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)
    return path
