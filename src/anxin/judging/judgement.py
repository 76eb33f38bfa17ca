"""One kind judged whole: rankings of the same rows side by side, by every measure there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from anxin.features.known import Kind
from anxin.judging.calibration import calibration
from anxin.judging.evaluator import GROUPS, Measures, judge, mean_over_dates
from anxin.judging.lead import first_complaints, lead, queue, turnover
from anxin.judging.resampling import CONFIDENCE, SIZES, Drawn, Subjects, drawn, within_each
from anxin.judging.slices import slices
from anxin.judging.states import STATES

CAPACITIES: Mapping[Kind, tuple[int, ...]] = {"employer": (100, 500), "project": (25, 100)}
"""How many subjects of a kind a centre can see to at a time."""


@dataclass(frozen=True)
class Outcomes:
    """What became known by T: verified cases (`subject_id, opened_on`) and complaints (`subject_id, received_on`)."""

    cases: pd.DataFrame
    complaints: pd.DataFrame


def judged(
    rankings: Mapping[str, pd.DataFrame], outcomes: Outcomes, capacities: Sequence[int], early: Sequence[str]
) -> dict[str, Any]:
    """Judge rankings of one kind; `list` is the one that is compared with the others.

    Each ranking: rows as for `judge` with `subject_id`, `y_plain`, `state`, `workers`, `yuan`, the dimensions of
    `universe.DIMENSIONS` and, where it has them, `p90` and `grade`. `early`: the dates whose labels are not mature.
    """
    measures = {name: judge(rows) for name, rows in rankings.items()}
    everyone = pd.concat([rows["subject_id"] for rows in rankings.values()])
    subjects = Subjects(everyone.drop_duplicates())
    draws = {name: drawn(rows, subjects, capacities) for name, rows in rankings.items()}
    ours = draws["list"]
    listed = rankings["list"]
    return {
        "dates": sorted({m.as_of for m in measures["list"]}),
        "dates_judged": {name: len({m.as_of for m in each}) for name, each in measures.items()},
        "means": _means(measures),
        **({"means_mature": _means(measures, early)} if early else {}),
        "means_without_averted": _means({name: judge(_plain(rows)) for name, rows in rankings.items()}),
        "confidence": CONFIDENCE,
        "intervals": {
            name: {
                group: {"average_precision": each[group].interval("average_precision").as_dict()}
                for group in GROUPS
            }
            for name, each in draws.items()
        },
        "gains": {
            name: {group: ours[group].gain(each[group], "average_precision") for group in GROUPS}
            for name, each in draws.items()
            if name != "list"
        },
        "capacity": _at_capacity(rankings, draws, outcomes, capacities),
        "calibration": _calibrations(rankings),
        "states": _states(listed, capacities),
        "slices": _slices(listed, capacities),
        "by_date": {name: [asdict(m) for m in each] for name, each in measures.items()},
    }


def _means(
    measures: Mapping[str, Sequence[Measures]], without: Sequence[str] = ()
) -> dict[str, dict[str, dict[str, float]]]:
    return {
        name: {group: mean_over_dates([m for m in each if m.as_of not in without], group) for group in GROUPS}
        for name, each in measures.items()
    }


def _plain(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows by what was verified alone: a warning that was averted is no hit."""
    return rows.assign(y=rows["y_plain"])


def _in(rows: pd.DataFrame, group: str) -> pd.DataFrame:
    return rows if group == "all" else rows.loc[~rows["in_hand"]]


def _at_capacity(
    rankings: Mapping[str, pd.DataFrame],
    draws: Mapping[str, Mapping[str, Drawn]],
    outcomes: Outcomes,
    capacities: Sequence[int],
) -> dict[str, Any]:
    cases = outcomes.cases.reset_index(drop=True)
    cases = cases.assign(complained_on=first_complaints(cases, outcomes.complaints))
    dates = sorted(set(rankings["list"]["as_of"]))
    turns = {k: queue(outcomes.complaints, dates, k) for k in capacities}
    found: dict[str, Any] = {}
    for name, rows in rankings.items():
        found[name] = {}
        for group in GROUPS:
            part, drawn_of = _in(rows, group), draws[name][group]
            if not len(part):
                continue
            found[name][group] = {
                str(k): {
                    **{
                        figure: drawn_of.interval(f"{figure}_{k}").as_dict()
                        for figure in ("precision", "recall", *SIZES)
                    },
                    "turnover": turnover(part, k),
                    "lead": lead(part, cases, turns[k], k).as_dict(),
                }
                for k in capacities
            }
    return found


def _calibrations(rankings: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    return {
        name: {
            group: calibration(_in(rows, group)).as_dict()
            for group in GROUPS
            if _in(rows, group)["y"].notna().any()
        }
        for name, rows in rankings.items()
        if "p90" in rows
    }


def _states(rows: pd.DataFrame, capacities: Sequence[int]) -> dict[str, Any]:
    """Count the five states over subjects and dates, of a group and of its first k (equals by chance)."""
    found: dict[str, Any] = {}
    for group in GROUPS:
        part = _in(rows, group)
        found[group] = {"everyone": {state: int((part["state"] == state).sum()) for state in STATES}}
        for k in capacities:
            chance = within_each(part, k)
            found[group][f"first_{k}"] = {
                state: round(float(chance[part["state"] == state].sum()), 3) for state in STATES
            }
    return found


def _slices(rows: pd.DataFrame, capacities: Sequence[int]) -> dict[str, Any]:
    k = max(capacities)
    return {
        group: {
            "capacity": k,
            **{
                name: [cell.as_dict() for cell in cells]
                for name, cells in slices(_in(rows, group), k).items()
            },
        }
        for group in GROUPS
        if len(_in(rows, group))
    }
