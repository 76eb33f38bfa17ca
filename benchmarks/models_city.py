"""One city of `python -m benchmarks models`: trainings, then every ranking of the dates, as processes of their own.

ANXIN_HOME=work python -m benchmarks.models_city train HOME THROUGH
ANXIN_HOME=work python -m benchmarks.models_city rank HOME KIND

Reads the ingested home HOME and its delivery beside it (`HOME/city`), writes nothing there: models, `rows-KIND.parquet`
and `cases-KIND.parquet` go to the folder in `$ANXIN_HOME`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from anxin.features import catalogue
from anxin.features.known import Kind
from anxin.features.snapshots import KINDS, snapshots
from anxin.feeds.asof import View, connect
from anxin.feeds.engine import Engine
from anxin.feeds.lake import Lake
from anxin.judging.any_list import known_on, with_labels
from anxin.judging.baselines import BASELINES
from anxin.judging.labels import labels
from anxin.judging.outages import outages_of
from anxin.models.probability import SCORE_HORIZON
from anxin.models.saved import load
from anxin.models.scoring import Model, matrix, score, sized
from anxin.training.fitting import learnable
from anxin.training.rows import label
from anxin.training.settings import stored
from anxin.training.train import train
from benchmarks.counts import GAP, HORIZON, Counts, taught
from benchmarks.rivals import Lesson, Predict, forest, logistic, plain, told
from benchmarks.sizes import PREDICTED

DAYS = tuple(date(2025 + (2 + i) // 12, (2 + i) % 12 + 1, 1) for i in range(12))
JUDGED_BY = {day: DAYS[0] if day < DAYS[6] else DAYS[6] for day in DAYS}
"""Each date is judged with models trained through the first or the seventh of them."""

LESSON_ROWS = 120_000
"""About as many rows are kept for the rivals that learn from our features, all positives among them."""
TOLD_ROWS = 250_000
"""Of those told the hidden probability: no chance is in the label, so every row teaches."""
_LIKELY = 0.02
_PIECE = 9


def view_of(home: Path, work: Path) -> View:
    """Open a home's lake with 2 GB for the engine, spilling beside what is made."""
    return View(Lake(home / "var" / "lake"), connect(Engine(memory_gib=2.0, spill=work / "spill")))


def train_through(home: Path, work: Path, through: date) -> None:
    """Train both kinds as `anxin train` does, with the stored settings; the model ids go to `THROUGH.json`."""
    ids = {
        kind: train(view_of(home, work), work / "models", through, kind, stored()).model.model_id
        for kind in KINDS
    }
    (work / f"{through}.json").write_text(json.dumps(ids), encoding="utf-8")


def lesson_dates(first: date) -> tuple[date, ...]:
    """Return the dates the rivals learn from, oldest first: thirty days apart, as ours, back from the newest label."""
    newest = DAYS[6] - timedelta(days=HORIZON + GAP)
    return tuple(newest - timedelta(days=30 * i) for i in reversed(range(((newest - first).days) // 30 + 1)))


def lessons(
    view: View, kind: Kind, dates: tuple[date, ...], names: tuple[str, ...]
) -> tuple[dict[date, Lesson], list[int]]:
    """Return what the rivals may learn at each `through` from thinned snapshots, and the columns that say anything."""
    throughs = sorted(set(JUDGED_BY.values()))
    dead = {through: outages_of(view, through, since=dates[0]) for through in throughs}
    rng = np.random.default_rng(1)
    xs: list[npt.NDArray[np.float64]] = []
    ys: dict[date, list[npt.NDArray[np.float64]]] = {through: [] for through in throughs}
    weights, days = [], []
    for start in range(0, len(dates), _PIECE):
        snapshot = snapshots(view, dates[start : start + _PIECE], kind)
        labels = {t: label(view, snapshot, t, kind, dead[t]).y[SCORE_HORIZON] for t in throughs}
        share = min(1.0, LESSON_ROWS / (len(snapshot) / min(_PIECE, len(dates) - start) * len(dates)))
        positive = np.any([y == 1 for y in labels.values()], axis=0)
        kept = np.flatnonzero(positive | (rng.random(len(snapshot)) < share))
        xs.append(matrix(snapshot.take(pa.array(kept)), names))
        days.append(snapshot["as_of"].to_numpy(zero_copy_only=False).astype("datetime64[D]")[kept])
        weights.append(np.where(positive[kept], 1.0, 1.0 / share))
        for through, y in labels.items():
            ys[through].append(y[kept])
        del snapshot
    x, weight, day = np.concatenate(xs), np.concatenate(weights), np.concatenate(days)
    useful = learnable(x, names)
    found = {}
    for through in throughs:
        y = np.concatenate(ys[through])
        known = np.isfinite(y)
        found[through] = Lesson(x[known][:, useful], y[known], weight[known], day[known])
    return found, useful


def told_lessons(
    view: View, kind: Kind, first: date, names: tuple[str, ...], truth: Path
) -> dict[date, Lesson]:
    """Return the hidden probabilities on the firsts of the months before each `through`, thinned where they are small.

    No label has to mature: what is known of the state before `through` is told as it is.
    """
    throughs = sorted(set(JUDGED_BY.values()))
    hidden = _hidden(truth, kind)
    days = sorted(day for day in hidden["as_of"].unique() if first <= day.date() < throughs[-1])
    rng = np.random.default_rng(1)
    xs, ys, weights, of = [], [], [], []
    for start in range(0, len(days), _PIECE):
        some = days[start : start + _PIECE]
        snapshot = snapshots(view, [day.date() for day in some], kind)
        keys = snapshot.select(["subject_id", "as_of"]).to_pandas()
        keys["as_of"] = pd.to_datetime(keys["as_of"])
        p = keys.merge(hidden, on=["subject_id", "as_of"], how="left")["truth"].fillna(0.0).to_numpy()
        likely = p >= _LIKELY
        share = min(1.0, TOLD_ROWS / (len(snapshot) / len(some) * len(days)))
        kept = np.flatnonzero(likely | (rng.random(len(p)) < share))
        xs.append(matrix(snapshot.take(pa.array(kept)), names))
        ys.append(p[kept])
        weights.append(np.where(likely[kept], 1.0, 1.0 / share))
        of.append(keys["as_of"].to_numpy().astype("datetime64[D]")[kept])
        del snapshot
    x, y, weight, day = (np.concatenate(parts) for parts in (xs, ys, weights, of))
    before = {through: day < np.datetime64(through) for through in throughs}
    return {
        through: Lesson(x[there], y[there], weight[there], day[there]) for through, there in before.items()
    }


def ranked(home: Path, work: Path, kind: Kind) -> None:
    """Write every ranking's figure for each subject and date, with labels; and the verified cases of the period."""
    view = view_of(home, work)
    known = known_on(view)
    every = tuple(feature.name for feature in catalogue.learned(kind))
    counts = Counts(home / "city" / "feeds", work / "spill")
    firsts = [at for feed, at in view.first_received().items() if feed not in ("employers", "projects")]
    first = min(at for at in firsts if at is not None).date()
    dates = lesson_dates(first + timedelta(days=stored().history_days))
    taught_by, useful = lessons(view, kind, dates, every)
    learned = {t: {"logistic": logistic(lesson), "forest": forest(lesson)} for t, lesson in taught_by.items()}
    del taught_by
    names = tuple(every[place] for place in useful)
    told_by = told_lessons(view, kind, dates[0], names, home / "city" / "truth.parquet")
    for t, lesson in told_by.items():
        learned[t]["told"] = told(lesson)
    del told_by
    plains = {t: plain(*taught(counts, dates, kind, t)) for t in learned}
    models = {t: load(work / "models", json.loads((work / f"{t}.json").read_text())[kind]) for t in learned}
    snapshot = snapshots(view, DAYS, kind)
    people = snapshot.select(["subject_id", "as_of", "in_hand"]).to_pandas()
    people["place"] = np.arange(len(people))
    people = with_labels(view, people, kind, known).drop(columns=["workers", "yuan"])
    people = people.merge(_first_cases(view, kind, known), on=["subject_id", "as_of"], how="left")
    people = people.set_index("place").sort_index()
    parts = []
    for day in DAYS:
        there = snapshot.filter(pa.compute.equal(snapshot["as_of"], pa.scalar(day, pa.date32())))
        through = JUDGED_BY[day]
        rows = people.loc[people["as_of"] == day].reset_index(drop=True)
        scores = score(models[through], there).set_index("subject_id").loc[rows["subject_id"]]
        own = counts.on(day, kind).reindex(rows["subject_id"])
        sizes = _sizes(models[through], there).loc[rows["subject_id"]]
        parts.append(
            rows.assign(
                grade=scores["grade"].to_numpy(),
                model=scores["p90"].to_numpy(),
                **{name: sizes[name].to_numpy() for name in PREDICTED},
                **_rivals(learned[through], matrix(there, every)[:, useful]),
                plain=plains[through](own.to_numpy(float)),
                rules=BASELINES["red_flags"](there),
                persistence=own[["complaints_365", "cases_365"]].fillna(0.0).sum(axis=1).to_numpy(),
            )
        )
    table = _with_truth(pd.concat(parts, ignore_index=True), home / "city" / "truth.parquet", kind)
    table.to_parquet(work / f"rows-{kind}.parquet")
    until = DAYS[-1] + timedelta(days=HORIZON)
    counts.cases(kind, DAYS[0], until, known).to_parquet(work / f"cases-{kind}.parquet")


def _first_cases(view: View, kind: Kind, known: date) -> pd.DataFrame:
    """Return workers and yuan of the first verified case of each subject and date: what sizes are said of."""
    found = labels(view, DAYS, SCORE_HORIZON, known, kind)
    found = found.loc[found["outcome"] == "positive"].rename(columns={"amount": "yuan"})
    return found.assign(as_of=pd.to_datetime(found["as_of"]).dt.date)[
        ["subject_id", "as_of", "workers", "yuan"]
    ]


def _sizes(model: Model, snapshot: pa.Table) -> pd.DataFrame:
    """Return what is said of sizes, by subject, under the names of `PREDICTED`."""
    said = sized(model, snapshot)
    columns = {
        "workers_lo": said.workers_lo,
        "workers_said": said.workers,
        "workers_hi": said.workers_hi,
        "yuan_lo": said.amount_lo,
        "yuan_said": said.amount,
        "yuan_hi": said.amount_hi,
        "p_major": said.p_major,
    }
    return pd.DataFrame(columns, index=snapshot["subject_id"].to_pylist())


def _with_truth(rows: pd.DataFrame, truth: Path, kind: Kind) -> pd.DataFrame:
    """Add `truth`, the probability given the hidden state; whoever the simulation does not know has none."""
    rows["as_of"] = pd.to_datetime(rows["as_of"])
    found = rows.merge(_hidden(truth, kind), on=["subject_id", "as_of"], how="left")
    return found.assign(truth=found["truth"].fillna(0.0))


def _hidden(truth: Path, kind: Kind) -> pd.DataFrame:
    """Return the probability given the hidden state: `subject_id`, `as_of`, `truth`."""
    said = pd.read_parquet(truth, filters=[("kind", "==", kind)], columns=["subject_id", "as_of", "p90"])
    said["as_of"] = pd.to_datetime(said["as_of"])
    return said.rename(columns={"p90": "truth"})


def _rivals(learned: Mapping[str, Predict], x: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:
    return {name: predict(x) for name, predict in learned.items()}


if __name__ == "__main__":
    asked, home_asked, what = sys.argv[1:4]
    place = Path(os.environ["ANXIN_HOME"])
    if asked == "train":
        train_through(Path(home_asked), place, date.fromisoformat(what))
    else:
        ranked(Path(home_asked), place, what)  # type: ignore[arg-type]
