"""`anxin train`: snapshots, folds, one model per kind, saved with all it was made from."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from anxin.features.catalogue import catalogue
from anxin.features.known import Kind
from anxin.feeds.asof import View
from anxin.judging import folds as fold_rows
from anxin.judging import reference
from anxin.judging.reference import Reference, reference_of
from anxin.models import ability
from anxin.models.probability import HORIZONS, Observed, Ordered, fit_top
from anxin.models.promises import apart, promised, with_rules
from anxin.models.saved import load, save
from anxin.models.scoring import Model, matrix
from anxin.models.severity import SIZES, Severity, fit_severity
from anxin.models.version import code_version
from anxin.training.ability import RANKING, TrainedAbility, train_ability
from anxin.training.backtest import Backtest, backtest, said_now
from anxin.training.fitting import fit, learnable
from anxin.training.grouped import left_out
from anxin.training.levels import calibrated, last_year, spread
from anxin.training.material import Material, gather
from anxin.training.rows import Labelled, Stacked, stack
from anxin.training.settings import Settings
from anxin.training.splits import folds

Progress = Callable[[str, int, int], None]
Say = Callable[[str], None]

_SAMPLE = 1000


@dataclass(frozen=True)
class Trained:
    """A saved model and the backtest behind it."""

    model: Model
    backtest: Backtest
    folder: Path
    sample: pa.Table
    """Rows of the newest training date, evenly drawn: what plots of contributions are made of."""

    @cached_property
    def contributions(self) -> npt.NDArray[np.float64]:
        """What each feature adds to the score of each row of the sample (rows × features)."""
        return self.model.ordered.contributions(self.model.matrix(self.sample))[0]


def train(
    view: View,
    models: Path,
    through: date,
    kind: Kind,
    settings: Settings,
    on_progress: Progress | None = None,
    *,
    material: Material | None = None,
    say: Say | None = None,
) -> Trained:
    """Train one kind with only the rows received before `through`, and save the model under `models`.

    `material` is what `gather` returned for the same view, day and kind, where the caller has it already; `say` is told
    a line per fold. Raises AnxinError where there is too little to learn from.
    """
    found = material or gather(view, through, kind, settings, on_progress)
    dates, dead, snapshot, labelled = found.dates, found.outages, found.snapshot, found.labelled
    names, features = found.names, found.features
    positives = {horizon: int(np.nansum(y)) for horizon, y in labelled.y.items()}
    tested = backtest(
        view,
        snapshot,
        features,
        names,
        labelled,
        folds(dates, through, settings.folds, settings.fold_days, dead),
        dead,
        kind,
        settings,
        on_progress,
        say,
    )
    if on_progress is not None:
        on_progress(f"{kind} model", 1, 2)
    rows = stack(features, labelled, np.ones(len(snapshot), dtype=bool), settings.rows, settings.seed)
    fitted = _fitted(found, rows, tested, settings)
    booster, as_of = fitted.booster, found.as_of
    recent = last_year(booster, [tested.rounds], rows, as_of)
    prior = settings.calibration_prior
    top = fit_top(fitted.others, prior)
    calibration = calibrated(
        spread(tested.passed, tested.place, prior, top),
        recent,
        0,
        tested.passed,
        tested.place,
        settings.fold_days,
        prior,
        top,
    )
    if len(tested.judged):
        tested = replace(tested, judged=tested.judged.assign(p90_now=said_now(tested, settings, top)))
    ordered = Ordered(booster, names, calibration, tested.rounds)
    facts = {
        "base_rate": {str(h): _rate(labelled.y[h]) for h in HORIZONS},
        "positives": {str(h): positives[h] for h in HORIZONS},
        "rows": {str(h): int(np.isfinite(labelled.y[h]).sum()) for h in HORIZONS},
        "dates": [day.isoformat() for day in dates],
        "outages": [[a.isoformat(), b.isoformat()] for a, b in dead],
        "folds": sorted({m.as_of for m in tested.measures.get("model", [])}),
        "fingerprint": found.fingerprint(),
        "code_version": code_version(),
        "settings": settings.name(kind),
    }
    beside = _beside(kind, snapshot, tested, fitted.reference)
    if fitted.money is not None:
        beside[ability.FILE] = fitted.money.ability.to_bytes()
        tested = replace(tested, measures={**tested.measures, RANKING: fitted.money.measures})
    now = _on_the_models_scale(tested.judged)
    promises = with_rules(promised(apart(now)), now, snapshot, kind)
    model_id = save(models, kind, through, ordered, fitted.severity, promises, facts, beside)
    return Trained(load(models, model_id), tested, models / model_id, _sample(snapshot))


@dataclass(frozen=True)
class _Fitted:
    """What is fitted to the rows of all training dates once the number of rounds is known."""

    booster: lgb.Booster
    others: list[Observed]
    """What trees say of subjects that did not teach them."""
    money: TrainedAbility | None
    reference: Reference
    severity: Severity


def _fitted(found: Material, rows: Stacked, tested: Backtest, settings: Settings) -> _Fitted:
    """Fit all that does not wait for each other side by side, the longest first; each fit has one thread."""
    names, parameters = found.names, settings.lightgbm[found.kind]
    subjects = pd.factorize(found.snapshot["subject_id"].to_pandas(), sort=True)[0][rows.places]
    money = None
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        booster = pool.submit(fit, rows, names, parameters, tested.rounds, settings.seed)
        others = [
            pool.submit(part)
            for part in left_out(rows, subjects, names, parameters, tested.rounds, settings.seed)
        ]
        if found.kind == ability.KIND:
            money = pool.submit(
                train_ability,
                rows,
                names,
                found.features,
                found.as_of,
                tested.judged,
                settings.calibration_prior,
                settings.seed,
            )
        reference = pool.submit(_reference, found)
        severity = pool.submit(_severity, found.kind, found.snapshot, found.labelled)
    groups = [group for part in others for group in part.result()]
    return _Fitted(
        booster.result(),
        groups,
        None if money is None else money.result(),
        reference.result(),
        severity.result(),
    )


def _sample(snapshot: pa.Table) -> pa.Table:
    """Return up to a thousand rows of the newest date, copied so that the others need not be kept."""
    newest = pc.max(snapshot["as_of"])
    there = np.flatnonzero(pc.equal(snapshot["as_of"], newest).to_numpy(zero_copy_only=False))
    drawn = there[np.linspace(0, len(there) - 1, min(_SAMPLE, len(there))).astype(int)]
    return snapshot.take(pa.array(drawn))


def _on_the_models_scale(judged: pd.DataFrame) -> pd.DataFrame:
    """Return the judged rows with the p90 the model would give their margins: what thresholds and drift are held to."""
    return judged.assign(p90=judged["p90_now"]) if len(judged) else judged


def _reference(found: Material) -> Reference:
    """Return what drift will be measured against, as far as rows alone tell: of what trees read and sizes are said of."""
    kind, snapshot = found.kind, found.snapshot
    others = set(SIZES[kind]) & set(snapshot.column_names) & set(catalogue()) - set(found.names)
    said = tuple(sorted(name for name in others if learnable(matrix(snapshot, (name,)), (name,))))
    return reference_of(snapshot, kind, found.names + said, np.empty(0), found.between)


def _beside(kind: Kind, snapshot: pa.Table, tested: Backtest, rows: Reference) -> dict[str, bytes]:
    """Return what gates and drift will ask for later: the backtest's rows, and the training rows in bins."""
    p90 = _on_the_models_scale(tested.judged)["p90"].to_numpy(float) if len(tested.judged) else np.empty(0)
    return {
        fold_rows.FILE: fold_rows.to_bytes(tested.judged, snapshot, kind),
        reference.FILE: replace(rows, score=reference.score_bins(p90)).to_bytes(),
    }


def _severity(kind: Kind, snapshot: pa.Table, labelled: Labelled) -> Severity:
    """Fit sizes to every row before a verified case, the cases numbered as they were opened."""
    cases = labelled.cases.sort_values(["opened_on", "subject_id", "place"])
    number = np.asarray(cases.groupby(["opened_on", "subject_id"], sort=False).ngroup(), dtype=np.int64)
    rows = snapshot.select([n for n in SIZES[kind] if n in snapshot.column_names]).take(
        pa.array(cases["place"].to_numpy(int))
    )
    sizes = dict(zip(SIZES[kind], matrix(rows, SIZES[kind]).T, strict=True))
    return fit_severity(sizes, cases["workers"].to_numpy(float), cases["amount"].to_numpy(float), number)


def _rate(y: npt.NDArray[np.float64]) -> float | None:
    known = y[np.isfinite(y)]
    return round(float(known.mean()), 9) if len(known) else None
