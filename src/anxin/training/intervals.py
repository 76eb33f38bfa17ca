"""How sure the backtest's figures are: 90 % intervals over subjects, each drawn with all its dates or not at all."""

from __future__ import annotations

import pandas as pd

from anxin.features.known import Kind
from anxin.judging.calibration import calibration
from anxin.judging.evaluator import GROUPS
from anxin.judging.judgement import CAPACITIES
from anxin.judging.resampling import Interval, Subjects, drawn


def intervals(rows: pd.DataFrame, kind: Kind) -> dict[str, dict[str, Interval]]:
    """Return by group the model's out-of-time figures with intervals; one that cannot be had is left out.

    `rows`: `subject_id, as_of, y` (NaN unknown), `p90, in_hand`. Figures: `average_precision`, precision and recall
    within the capacities of the kind; pooled over the dates `log_loss_skill`, `slope`, `observed_expected_<part>`.
    """
    rows = rows.assign(figure=rows["p90"])
    if not rows["y"].notna().any():
        return {}
    ranked = drawn(rows, Subjects(rows["subject_id"]), CAPACITIES[kind])
    names = [
        "average_precision",
        *(f"{name}_{k}" for k in CAPACITIES[kind] for name in ("precision", "recall")),
    ]
    found: dict[str, dict[str, Interval]] = {}
    for group in GROUPS:
        mine = rows if group == "all" else rows.loc[~rows["in_hand"]]
        pooled = calibration(mine, CAPACITIES[kind])
        figures = {
            **{name: ranked[group].interval(name) for name in names},
            "log_loss_skill": pooled.log_loss_skill,
            "slope": pooled.slope,
            **{f"observed_expected_{k}": interval for k, interval in pooled.observed_expected.items()},
        }
        found[group] = {name: one for name, one in figures.items() if one.mean is not None}
    return found
