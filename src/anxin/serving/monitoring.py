"""`anxin monitor D`: whether what the live models see and say on a day is still what they learned, as plain facts.

A pure function of the lake, the ledger and D: only rows received before D count, only lists published before D, and only
outcomes known by then. Lists made in hindsight never count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from anxin.domain.errors import AnxinError
from anxin.features.catalogue import catalogue
from anxin.features.known import Kind
from anxin.features.snapshots import KINDS, snapshots
from anxin.feeds.asof import View
from anxin.judging import reference
from anxin.judging.alarm import Batch, Watch, apart, watch
from anxin.judging.drift import features_shift, population_shift, score_shift, settings, worst
from anxin.judging.evaluator import GROUPS
from anxin.judging.gate import bounds
from anxin.judging.labels import GAP_DAYS, is_mature
from anxin.judging.matured import by_month, one_a_month, outcomes
from anxin.ledger import shadows
from anxin.ledger.chain import Ledger
from anxin.ledger.published import Published as Record
from anxin.ledger.published import of, recent
from anxin.models.probability import SCORE_HORIZON
from anxin.models.registry import of_day
from anxin.models.saved import document
from anxin.models.scoring import Model
from anxin.serving.home import Home
from anxin.serving.published import Published
from anxin.serving.watermarks import watermarks

Progress = Callable[[str, int, int], None]

_LISTS = 10_000
_COLUMNS = ["kind", "subject_id", "as_of", "p30", "p90", "in_hand"]


def monitor(home: Home, ledger: Ledger, day: date, on_progress: Progress | None = None) -> dict[str, Any]:
    """Return the state of feeds, subjects, scores and outcomes on a day.

    Raises AnxinError where no model is live on the day.
    """
    view = home.view()
    lists, entry = [each for each in recent(ledger, _LISTS) if each.day < day], of(ledger, day)
    kinds: dict[str, Any] = {}
    for step, kind in enumerate(KINDS):
        model = of_day(ledger, home.models, kind, day)
        if model is None:
            continue
        if on_progress is not None:
            on_progress(kind, step, len(KINDS))
        snapshot = _snapshot(home, ledger, view, day, kind, on_progress)
        shifts = _shifts(home, model, snapshot, day)
        came_true = _outcomes(home, view, model, kind, lists, day)
        watched = (*came_true["alarm"].values(), *came_true["service"]["alarm"].values())
        raised = ["alarm" for one in watched if one["alarmed"] is not None]
        kinds[kind] = {
            "model_id": model.model_id,
            "through": model.through.isoformat(),
            "shadows": [
                shadow.model_id
                for shadow in shadows.on(ledger, kind, day, None if entry is None else entry.at)
            ],
            "subjects": len(snapshot),
            **shifts,
            **came_true,
            "state": worst([shifts["state"], *raised]),
        }
    if not kinds:
        raise AnxinError(
            f"{day} 没有在用的模型，请先运行 anxin train --through {day}",
            f"no model is live on {day}; run anxin train --through {day} first",
        )
    feeds = _feeds(view, day)
    states = [feed["state"] for feed in feeds.values()] + [one["state"] for one in kinds.values()]
    return {
        "day": day.isoformat(),
        "lake_commit": view.lake.commit,
        "state": worst(states),
        "feeds": feeds,
        "kinds": kinds,
    }


def _snapshot(
    home: Home, ledger: Ledger, view: View, day: date, kind: Kind, on_progress: Progress | None
) -> pa.Table:
    """Return the snapshot beside the list of the day, or make it where there is none."""
    entry, name = of(ledger, day), f"snapshot-{kind}.parquet"
    if entry is not None:
        opened = Published.of_entry(home.root, entry)
        if opened.has(name):
            return opened.table(name)
    return snapshots(view, [day], kind, on_progress)


def _shifts(home: Home, model: Model, snapshot: pa.Table, day: date) -> dict[str, Any]:
    content = document(home.models, model.model_id, reference.FILE)
    if content is None:
        return {"reference": None, "features": [], "population": [], "score": None, "state": "watch"}
    was = reference.Reference.from_bytes(content)
    features = features_shift(was, snapshot)
    said = score_shift(was, model.ordered.probabilities(model.matrix(snapshot))[1])
    there = population_shift(was, snapshot, day)
    states = [one.state for one in features] + [one["state"] for one in there]
    return {
        "reference": {"rows": was.rows, "dates": was.dates},
        "features": [
            {
                **shift.as_dict(),
                "zh": catalogue()[shift.name].zh,
                "en": catalogue()[shift.name].en,
                "before": list(was.features[shift.name].shares),
            }
            for shift in features
        ],
        "population": there,
        "score": None
        if said is None or was.score is None
        else {**said.as_dict(), "before": list(was.score.shares), "edges": list(was.score.edges)},
        "state": worst([*states, *([] if said is None else [said.state])]),
    }


def _outcomes(
    home: Home, view: View, model: Model, kind: Kind, lists: Sequence[Record], day: date
) -> dict[str, Any]:
    """Return observed against expected per month, and the watches over months that share no outcome.

    Months are of the service. One watch is of the model's own lists alone: what a model before it said wrong was answered
    by another model. Where models come and go faster than outcomes do, it sees none: so the other is of all lists.
    """
    asked = settings()["alarm"]
    monthly = _matured(home, view, kind, lists, day, SCORE_HORIZON, one_a_month)
    own = [entry for entry in lists if entry.model(kind) == model.model_id]
    soon = _matured(home, view, kind, own, day, asked["horizon"], lambda days: apart(days, asked["horizon"]))
    watches = {group: _watched(soon, group, asked) for group in GROUPS}
    return {
        "calibration": by_month(monthly, bounds()["calibrated"]["first"][kind]),
        "alarm": _told(watches),
        "service": _service(home, view, kind, lists, day, asked),
    }


def _service(
    home: Home, view: View, kind: Kind, lists: Sequence[Record], day: date, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the watch of all lists, whoever made them, and the dates of alarms that were `answered`.

    Answered is an alarm by the first list of a model that was not live yet when it was known: from there it begins anew.
    """
    made = {entry.day: entry.model(kind) for entry in sorted(lists, key=lambda entry: entry.day)}
    since, answered = min(made, default=None), list[str]()
    while True:
        part = [entry for entry in lists if since is not None and entry.day >= since]
        rows = _matured(
            home, view, kind, part, day, asked["horizon"], lambda days: apart(days, asked["horizon"])
        )
        watches = {group: _watched(rows, group, asked) for group in GROUPS}
        raised = min((one.alarmed for one in watches.values() if one.alarmed is not None), default=None)
        then = None if raised is None else _answer(made, raised + timedelta(asked["horizon"] + GAP_DAYS))
        if raised is None or then is None:
            return {
                "since": None if since is None else since.isoformat(),
                "answered": answered,
                "alarm": _told(watches),
            }
        answered.append(raised.isoformat())
        since = then


def _answer(made: Mapping[date, str | None], known: date) -> date | None:
    """Return the day of the first list by another model than the last one up to a day, None where there is none."""
    last = [model for when, model in made.items() if when <= known and model is not None][-1:]
    return next((when for when, model in made.items() if when > known and model not in (None, *last)), None)


def _told(watches: Mapping[str, Watch]) -> dict[str, Any]:
    return {
        group: {
            "wealth": round(found.wealth, 4),
            "threshold": round(found.threshold, 4),
            "alarmed": None if found.alarmed is None else found.alarmed.isoformat(),
            "steps": [
                {
                    "as_of": step.as_of.isoformat(),
                    "observed": step.observed,
                    "averted": step.averted,
                    "expected": round(step.expected, 3),
                    "wealth": round(step.wealth, 4),
                }
                for step in found.steps
            ],
        }
        for group, found in watches.items()
    }


def _matured(
    home: Home,
    view: View,
    kind: Kind,
    lists: Sequence[Record],
    day: date,
    horizon: int,
    choose: Callable[[Sequence[date]], list[date]],
) -> pd.DataFrame:
    """Return everyone scored on chosen lists whose outcomes over a horizon are known, with them."""
    entries = {entry.day: entry for entry in lists if is_mature(entry.day, horizon, day)}
    parts = []
    for when in choose(sorted(entries)):
        scores = Published.of_entry(home.root, entries[when]).table("scores.parquet", _COLUMNS).to_pandas()
        parts.append(scores.loc[scores["kind"] == kind])
    if not parts:
        return pd.DataFrame({name: [] for name in (*_COLUMNS, "y", "y_plain", "state")})
    return outcomes(view, pd.concat(parts, ignore_index=True), kind, horizon, day)


def _watched(rows: pd.DataFrame, group: str, asked: Mapping[str, Any]) -> Watch:
    """Return the watch of one group; the chance of a false alarm is shared among kinds and groups."""
    part = rows if group == "all" else rows.loc[~rows["in_hand"].astype(bool)]
    batches = [
        Batch(
            listed["as_of"].iloc[0],
            listed["p30"].to_numpy(float),
            np.asarray(listed["state"] == "verified", dtype=np.float64),
            int((listed["state"] == "averted").sum()),
        )
        for _, listed in part.groupby("as_of", sort=True)
    ]
    alpha = asked["alpha"] / (len(KINDS) * len(GROUPS))
    return watch(batches, alpha, (asked["band"][0], asked["band"][1]), asked["odds"])


def _feeds(view: View, day: date) -> dict[str, Any]:
    """Return each feed's watermark with its state: `alarm` where it is silent for longer than it ever was lately."""
    found = {}
    for name, mark in watermarks(view, day).items():
        missing = not mark["rows"]
        silent = not missing and mark["silent_days"] > mark["expected_days"]
        found[name] = {**mark, "state": "watch" if missing else "alarm" if silent else "steady"}
    return found


def metrics(found: Mapping[str, Any]) -> str:
    """Return the facts as Prometheus text, for a textfile collector."""
    lines: list[str] = []

    def gauge(name: str, about: str, rows: Sequence[tuple[Mapping[str, Any], float | None]]) -> None:
        lines.append(f"# HELP anxin_{name} {about}")
        lines.append(f"# TYPE anxin_{name} gauge")
        for labels, value in rows:
            if value is not None:
                said = ",".join(f'{key}="{one}"' for key, one in labels.items())
                lines.append(f"anxin_{name}{{{said}}} {float(value):g}")

    kinds, feeds = found["kinds"], found["feeds"]
    shifts = [(kind, shift) for kind, one in kinds.items() for shift in one["features"]]
    gauge(
        "feature_psi",
        "Shift of a feature against its training",
        [({"kind": kind, "feature": shift["name"]}, shift["psi"]) for kind, shift in shifts],
    )
    gauge(
        "feature_missing",
        "Share of subjects without a value",
        [({"kind": kind, "feature": shift["name"]}, shift["missing_now"]) for kind, shift in shifts],
    )
    gauge(
        "feed_silent_days",
        "Days since a feed was last received",
        [({"feed": name}, feed["silent_days"]) for name, feed in feeds.items()],
    )
    gauge(
        "observed_expected",
        "Verified cases and averted warnings against what the list of a month said, 90 days",
        [
            (
                {"kind": kind, "group": row["group"], "first": row["first"] or "all", "list": row["as_of"]},
                row["ratio"],
            )
            for kind, one in kinds.items()
            for row in one["calibration"]
        ],
    )
    gauge(
        "alarm_share",
        "Wealth of the sequential alarm as a share of what raises it",
        [
            ({"kind": kind, "group": group}, watched["wealth"] / watched["threshold"])
            for kind, one in kinds.items()
            for group, watched in one["alarm"].items()
        ],
    )
    gauge(
        "service_alarm_share",
        "The same of all lists, whichever model made them",
        [
            ({"kind": kind, "group": group}, watched["wealth"] / watched["threshold"])
            for kind, one in kinds.items()
            for group, watched in one["service"]["alarm"].items()
        ],
    )
    grave = {"steady": 0, "watch": 1, "alarm": 2}
    gauge(
        "state",
        "0 steady, 1 watch, 2 alarm",
        [({"kind": k}, grave[one["state"]]) for k, one in kinds.items()],
    )
    return "\n".join(lines) + "\n"
