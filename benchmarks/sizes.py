"""Whether cases turn out as large as was said: coverage of the 80 % intervals, and of `major` what was said and came."""

from __future__ import annotations

import numpy as np
import pandas as pd

from anxin.judging.calibration import calibration
from anxin.judging.resampling import Interval, share

PREDICTED = ("workers_lo", "workers_said", "workers_hi", "yuan_lo", "yuan_said", "yuan_hi", "p_major")
MAJOR = {"workers": 30, "yuan": 1_000_000}


def sizes(rows: pd.DataFrame) -> dict[str, Interval | float]:
    """Judge what was said of cases that came true.

    `rows`: `city, subject_id, as_of, y`, of the first verified case `workers` and `yuan` (NaN: not said), `PREDICTED`.
    Figures: `workers_covered` and `yuan_covered`, shares with intervals over subjects; `workers_skill` and
    `yuan_skill`, how much smaller the mean absolute error in logs is than that of the median of all; `major` the share
    that were, and of `p_major` the log-loss skill, slope and observed/expected.
    """
    true = rows.loc[rows["y"] == 1.0].reset_index(drop=True)
    subject = true["city"].astype(str) + "/" + true["subject_id"]
    found: dict[str, Interval | float] = {}
    for name in ("workers", "yuan"):
        known = (true[name] > 0) & true[f"{name}_said"].notna()
        part, who = true.loc[known], subject.loc[known]
        size, low, high = (part[column].to_numpy(float) for column in (name, f"{name}_lo", f"{name}_hi"))
        inside = ((size >= low) & (size <= high)).astype(float)
        found[f"{name}_cases"] = float(len(part))
        found[f"{name}_covered"] = share(inside, np.ones(len(part)), who)
        logs = np.log(size)
        error = np.abs(logs - np.log(part[f"{name}_said"].to_numpy(float))).mean()
        found[f"{name}_skill"] = float(1 - error / np.abs(logs - np.median(logs)).mean())
        found[f"{name}_width"] = float(np.median(high / np.maximum(low, 1.0)))
    told = true.loc[true["p_major"].notna() & true["workers"].notna() & true["yuan"].notna()]
    came = np.any([told[name] >= least for name, least in MAJOR.items()], axis=0).astype(float)
    judged = told.assign(y=came, p90=told["p_major"], figure=told["p_major"], subject_id=subject)
    found["major"] = float(came.mean())
    pooled = calibration(judged.assign(as_of="every"), ())
    found["major_skill"] = pooled.log_loss_skill
    found["major_slope"] = pooled.slope
    found["major_observed_expected"] = pooled.observed_expected["everyone"]
    return found


_SAID = (
    ("80 % interval of workers holds", "workers_covered"),
    ("80 % interval of yuan holds", "yuan_covered"),
    ("workers: upper end, times the lower (median)", "workers_width"),
    ("yuan: upper end, times the lower (median)", "yuan_width"),
    ("workers: error below that of one median for all", "workers_skill"),
    ("yuan: error below that of one median for all", "yuan_skill"),
    ("major, share", "major"),
    ("major: log-loss skill", "major_skill"),
    ("major: slope", "major_slope"),
    ("major: observed/expected", "major_observed_expected"),
)


def size_lines(found: dict[str, dict[str, Interval | float]]) -> list[str]:
    """Return the table of what `sizes` found per kind."""
    kinds = list(found)
    lines = [
        "## Sizes of cases",
        "",
        "| what | " + " | ".join(kinds) + " |",
        "| --- |" + " --- |" * len(kinds),
    ]
    for title, name in _SAID:
        lines.append(f"| {title} | " + " | ".join(_text(found[kind][name]) for kind in kinds) + " |")
    return [*lines, ""]


def _text(figure: Interval | float) -> str:
    if isinstance(figure, Interval):
        ends = figure.mean, figure.low, figure.high
        if None in ends:
            return "—"
        return "{:.3f} [{:.3f}, {:.3f}]".format(*ends)
    return f"{figure:.3f}"
